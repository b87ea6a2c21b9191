//! The table `webhook_delivery`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub notice_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub event: String,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub made_at: i64,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub due_at: Option<i64>,
    pub lease: Option<Uuid>,
    pub lease_until: Option<i64>,
    pub tries: i32,
    pub tried_at: Option<i64>,
    pub status: Option<i32>,
    pub took_ms: Option<i32>,
    #[sea_orm(column_type = "Text", nullable)]
    pub problem: Option<String>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
