//! The table `link`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub company_id: Uuid,
    pub token_hash: Vec<u8>,
    pub sealed_token: Option<Vec<u8>>,
    /// The account that made it.
    pub made_by: Uuid,
    pub made_at: i64,
    pub expires_at: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    pub opens: i32,
    pub opened_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub ending: Option<String>,
    pub ended_at: Option<i64>,
    /// The attempt that used it up.
    pub used_by: Option<Uuid>,
    pub latest: bool,
}

/// How it relates to other tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "super::company::Entity", from = "Column::CompanyId", to = "super::company::Column::Id")]
    Company,
    #[sea_orm(belongs_to = "super::account::Entity", from = "Column::MadeBy", to = "super::account::Column::Id")]
    Account,
}

impl Related<super::company::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Company.def()
    }
}

impl Related<super::account::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Account.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
