//! The table `dataset_state`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    #[sea_orm(column_type = "Text")]
    pub data_set: String,
    pub last_success: Option<i64>,
    pub last_try: i64,
    pub source_date: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub problem: Option<String>,
    pub problem_since: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub delta_link: Option<String>,
    pub generation: i64,
    pub retry_at: Option<i64>,
    pub tries: i32,
    pub as_of: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub next_link: Option<String>,
    pub walk_at: Option<i64>,
    pub walk_pages: i32,
    pub walk_mark: Option<i64>,
    pub users_so_far: Option<i32>,
}

/// How it relates to other tables: not at all, as far as queries go.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
