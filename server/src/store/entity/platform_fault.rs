//! The table `platform_fault`: one row at most.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "platform_fault")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    pub tenant_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub details: String,
    pub since: i64,
    pub known: bool,
    pub next_try_at: i64,
}

/// How it relates to other tables: not at all.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
