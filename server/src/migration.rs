//! The database's history, one file per change. A file is never edited after a release.

use sea_orm_migration::prelude::*;

mod m20261122_000001_companies;
mod m20261122_000002_connections;
mod m20261122_000003_tenant_data;
mod m20261123_000001_accounts;
mod m20261123_000003_sync;
mod m20261124_000001_links;
mod m20261124_000002_lists;
mod m20261126_000001_platform;
mod m20261126_000002_disconnections;
mod m20261126_000003_notifications;
mod m20261126_000004_words;
mod m20261126_000005_companies;
mod m20261126_000006_grants;
mod m20261126_000007_campaigns;
mod m20261126_000008_api_tokens;
mod m20261126_000009_doubles;

pub use m20261124_000002_lists::{ACCENTED, PLAIN};

/// Brings a database up to date.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_companies::Migration),
            Box::new(m20261122_000002_connections::Migration),
            Box::new(m20261122_000003_tenant_data::Migration),
            Box::new(m20261123_000001_accounts::Migration),
            Box::new(m20261123_000003_sync::Migration),
            Box::new(m20261124_000001_links::Migration),
            Box::new(m20261124_000002_lists::Migration),
            Box::new(m20261126_000001_platform::Migration),
            Box::new(m20261126_000002_disconnections::Migration),
            Box::new(m20261126_000003_notifications::Migration),
            Box::new(m20261126_000004_words::Migration),
            Box::new(m20261126_000005_companies::Migration),
            Box::new(m20261126_000006_grants::Migration),
            Box::new(m20261126_000007_campaigns::Migration),
            Box::new(m20261126_000008_api_tokens::Migration),
            Box::new(m20261126_000009_doubles::Migration),
        ]
    }
}

/// A foreign key to the company, whose rows go with it.
fn of_company(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_company"))
        .from(table, "company_id")
        .to("company", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
