//! The table `account`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub email: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub role: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub password_hash: Option<String>,
    pub microsoft_tenant: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub microsoft_object: Option<String>,
    pub created_at: i64,
    pub last_sign_in_at: Option<i64>,
    pub deactivated_at: Option<i64>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
