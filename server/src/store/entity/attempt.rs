//! The table `attempt`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub company_id: Uuid,
    pub browser_hash: Vec<u8>,
    pub state_hash: Vec<u8>,
    pub sealed_verifier: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub nonce: String,
    #[sea_orm(column_type = "Text")]
    pub authority: String,
    #[sea_orm(column_type = "Text")]
    pub access: String,
    #[sea_orm(column_type = "Text")]
    pub surface: String,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub ending: Option<String>,
    pub begun_at: i64,
    pub deadline_at: i64,
    pub claimed_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub lapsed: bool,
    /// The account that began it.
    pub made_by: Option<Uuid>,
    /// The link that it began with.
    pub link_id: Option<Uuid>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
