//! The table `former_grant`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "former_grant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: Uuid,
    /// The attempt that brought the new grant.
    pub attempt_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub access: String,
    /// Sealed for the connection's id.
    pub sealed_refresh_token: Option<Vec<u8>>,
    #[sea_orm(column_type = "Text")]
    pub phase: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub phase_since: i64,
    #[sea_orm(column_type = "Text")]
    pub connected_by: String,
    pub connected_at: i64,
    pub permission_set: i32,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
