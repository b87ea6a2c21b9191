//! The table `campaign_mail`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign_mail")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub campaign_id: Uuid,
    pub company_id: Uuid,
    pub link_id: Uuid,
    /// The link, if this is a reminder of it.
    pub reminds_of: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub recipient: String,
    /// The account in whose name it is.
    pub made_by: Uuid,
    pub made_at: i64,
    pub due_at: Option<i64>,
    pub lease: Option<Uuid>,
    pub lease_until: Option<i64>,
    pub tries: i32,
    pub sent_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub problem: Option<String>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
