//! The table `disconnection`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "disconnection")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub tenant_name: String,
    #[sea_orm(column_type = "Text")]
    pub access: String,
    pub at: i64,
    #[sea_orm(column_type = "Text")]
    pub ended_by: String,
    pub data_kept: bool,
    pub checked_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub sight: Option<String>,
    pub gone_at: Option<i64>,
    pub check_at: Option<i64>,
    pub busy_until: Option<i64>,
    pub synced_at: Option<i64>,
    pub users: Option<i32>,
    pub licences_used: Option<i32>,
    pub licences_assignable: Option<i32>,
    pub score_current: Option<f64>,
    pub score_max: Option<f64>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
