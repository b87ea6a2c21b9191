//! What is read from a tenant: users, licences, domains, Secure Score.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// A foreign key to the company, whose rows go with it.
fn of_company(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_company"))
        .from(table, "company_id")
        .to("company", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("m365_user")
                    .col(uuid("company_id"))
                    .col(uuid("id"))
                    .col(text_null("display_name"))
                    .col(text_null("given_name"))
                    .col(text_null("surname"))
                    .col(text_null("user_principal_name"))
                    .col(text_null("mail"))
                    .col(boolean("guest"))
                    .col(boolean("enabled"))
                    .col(text_null("department"))
                    .col(text_null("job_title"))
                    // SKU ids, separated by blanks.
                    .col(text("licences"))
                    // The full round that saw it last. A complete one removes those of earlier rounds.
                    .col(big_integer("generation"))
                    .primary_key(Index::create().col("company_id").col("id"))
                    .foreign_key(&mut of_company("m365_user"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("m365_licence")
                    .col(uuid("company_id"))
                    .col(uuid("sku_id"))
                    .col(text("part_number"))
                    .col(boolean("for_users"))
                    .col(text("state"))
                    .col(integer("enabled"))
                    .col(integer("warning"))
                    .col(integer("suspended"))
                    .col(integer("locked_out"))
                    .col(integer("consumed"))
                    .primary_key(Index::create().col("company_id").col("sku_id"))
                    .foreign_key(&mut of_company("m365_licence"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("m365_domain")
                    .col(uuid("company_id"))
                    .col(text("name"))
                    .col(boolean("is_default"))
                    .col(boolean("is_initial"))
                    .col(boolean("is_verified"))
                    .col(boolean("federated"))
                    // Separated by blanks.
                    .col(text("services"))
                    .primary_key(Index::create().col("company_id").col("name"))
                    .foreign_key(&mut of_company("m365_domain"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("secure_score")
                    .col(uuid("company_id"))
                    // Days since 1970-01-01, UTC: one row a day.
                    .col(integer("day"))
                    .col(big_integer("created_at"))
                    .col(double("current"))
                    .col(double("max"))
                    // The averages of similar tenants, by what makes them similar.
                    .col(json("comparisons"))
                    .primary_key(Index::create().col("company_id").col("day"))
                    .foreign_key(&mut of_company("secure_score"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("secure_score_control")
                    .col(uuid("company_id"))
                    .col(text("id"))
                    .col(text("title"))
                    .col(text("category"))
                    .col(double_null("score"))
                    .col(double("max"))
                    .col(text("service"))
                    .col(text("user_impact"))
                    .col(text("implementation_cost"))
                    .col(text("remediation"))
                    .col(text_null("action_url"))
                    .col(integer("rank"))
                    .primary_key(Index::create().col("company_id").col("id"))
                    .foreign_key(&mut of_company("secure_score_control"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["secure_score_control", "secure_score", "m365_domain", "m365_licence", "m365_user"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
