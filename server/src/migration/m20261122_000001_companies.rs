//! Companies.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("company")
                    .col(column::uuid("id").primary_key())
                    .col(column::text("name"))
                    .col(column::text_null("domain"))
                    .col(column::text_null("external_id"))
                    .col(column::text_null("contact"))
                    .col(column::big_integer("created_at"))
                    .col(column::big_integer_null("archived_at"))
                    // Counts the changes of the company's row on the page, and says when the last one was.
                    .col(column::big_integer("revision").default(1))
                    .col(column::big_integer("changed_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("company_external_id").table("company").col("external_id").unique().to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("company_changed_at").table("company").col("changed_at").to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("company").to_owned()).await
    }
}
