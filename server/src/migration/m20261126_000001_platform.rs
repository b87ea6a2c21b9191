//! What Microsoft does not accept about our own app registration.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("platform_fault")
            // Always 1: there is one app registration.
            .col(column::integer("id").primary_key())
            .col(column::text("kind"))
            // The tenant at which it was seen first. None: at a sign-in.
            .col(column::uuid_null("tenant_id"))
            .col(column::text("details"))
            .col(column::big_integer("since"))
            // Whether it is known to be ours. Before that it is a suspicion.
            .col(column::boolean("known"))
            // When one company may be read to find out whether it is over.
            .col(column::big_integer("next_try_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("platform_fault").to_owned()).await
    }
}
