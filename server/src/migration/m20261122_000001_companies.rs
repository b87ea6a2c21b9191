//! Companies.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("company")
                    .col(uuid("id").primary_key())
                    .col(text("name"))
                    .col(text_null("domain"))
                    .col(text_null("external_id"))
                    .col(text_null("contact"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("archived_at"))
                    // Counts the changes of the company's row on the page, and says when the last one was.
                    .col(big_integer("revision").default(1))
                    .col(big_integer("changed_at"))
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
