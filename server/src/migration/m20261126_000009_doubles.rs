//! Companies that share a domain are found, tenants that are renamed are noticed, and what is meant so is remembered.

use sea_orm_migration::{prelude::*, schema as column};

use super::of_company;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(Index::create().name("company_domain").table("company").col("domain").to_owned()).await?;
        // What the tenant called itself when it was connected, or what somebody said is fine since.
        let known_name = column::text_null("known_name");
        manager.alter_table(Table::alter().table("connection").add_column(known_name).to_owned()).await?;
        let known = Query::update().table("connection").value("known_name", Expr::col("tenant_name")).to_owned();
        manager.execute(known).await?;
        manager
            .create_table(
                Table::create()
                    .table("accepted_oddity")
                    .col(column::uuid("company_id"))
                    .col(column::text("kind"))
                    .col(column::text("seen"))
                    .col(column::big_integer("at"))
                    .col(column::text("accepted_by"))
                    .primary_key(Index::create().col("company_id").col("kind"))
                    .foreign_key(&mut of_company("accepted_oddity"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("accepted_oddity").to_owned()).await?;
        manager.alter_table(Table::alter().table("connection").drop_column("known_name").to_owned()).await?;
        manager.drop_index(Index::drop().name("company_domain").table("company").to_owned()).await
    }
}
