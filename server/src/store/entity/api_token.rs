//! The table `api_token`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who made it.
    pub account_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// With blanks between them.
    #[sea_orm(column_type = "Text")]
    pub scopes: String,
    pub token_hash: Vec<u8>,
    pub made_at: i64,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
}

/// How it relates to other tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "super::account::Entity", from = "Column::AccountId", to = "super::account::Column::Id")]
    Account,
}

impl Related<super::account::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Account.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
