//! The table `m365_user`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "m365_user")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text", nullable)]
    pub display_name: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub given_name: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub surname: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub user_principal_name: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub mail: Option<String>,
    pub guest: bool,
    pub enabled: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub department: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub job_title: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub licences: String,
    pub generation: i64,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
