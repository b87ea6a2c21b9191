//! The table `m365_licence`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "m365_licence")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sku_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub part_number: String,
    pub for_users: bool,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub enabled: i32,
    pub warning: i32,
    pub suspended: i32,
    pub locked_out: i32,
    pub consumed: i32,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
