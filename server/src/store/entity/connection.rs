//! The table `connection`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connection")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub company_id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub tenant_name: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub default_domain: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub access: String,
    pub sealed_refresh_token: Option<Vec<u8>>,
    #[sea_orm(column_type = "Text")]
    pub phase: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub phase_since: i64,
    #[sea_orm(column_type = "Text")]
    pub granted: String,
    #[sea_orm(column_type = "Text")]
    pub connected_by: String,
    pub connected_at: i64,
    pub due_at: i64,
    pub lease: Option<Uuid>,
    pub lease_until: Option<i64>,
    pub tries: i32,
    pub last_round_at: Option<i64>,
    pub round_at: Option<i64>,
    pub asked_for: bool,
    pub synced_at: Option<i64>,
    pub users: Option<i32>,
    pub licences_used: Option<i32>,
    pub licences_assignable: Option<i32>,
    pub score_current: Option<f64>,
    pub score_max: Option<f64>,
    /// When everything is read again, where `due_at` is a probe's.
    pub full_due_at: Option<i64>,
    /// The number of the set of permissions that was asked for when it was connected.
    pub permission_set: i32,
    /// What the tenant called itself when it was connected, or what somebody said is fine since.
    #[sea_orm(column_type = "Text", nullable)]
    pub known_name: Option<String>,
}

/// How it relates to other tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "super::company::Entity", from = "Column::CompanyId", to = "super::company::Column::Id")]
    Company,
}

impl Related<super::company::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Company.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
