//! What is read from a tenant: users, licences, domains, Secure Score.

use sea_orm_migration::{prelude::*, schema as column};

use super::of_company;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("m365_user")
                    .col(column::uuid("company_id"))
                    .col(column::uuid("id"))
                    .col(column::text_null("display_name"))
                    .col(column::text_null("given_name"))
                    .col(column::text_null("surname"))
                    .col(column::text_null("user_principal_name"))
                    .col(column::text_null("mail"))
                    .col(column::boolean("guest"))
                    .col(column::boolean("enabled"))
                    .col(column::text_null("department"))
                    .col(column::text_null("job_title"))
                    // SKU ids, separated by blanks.
                    .col(column::text("licences"))
                    // The full round that saw it last. A complete one removes those of earlier rounds.
                    .col(column::big_integer("generation"))
                    .primary_key(Index::create().col("company_id").col("id"))
                    .foreign_key(&mut of_company("m365_user"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("m365_licence")
                    .col(column::uuid("company_id"))
                    .col(column::uuid("sku_id"))
                    .col(column::text("part_number"))
                    .col(column::boolean("for_users"))
                    .col(column::text("state"))
                    .col(column::integer("enabled"))
                    .col(column::integer("warning"))
                    .col(column::integer("suspended"))
                    .col(column::integer("locked_out"))
                    .col(column::integer("consumed"))
                    .primary_key(Index::create().col("company_id").col("sku_id"))
                    .foreign_key(&mut of_company("m365_licence"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("m365_domain")
                    .col(column::uuid("company_id"))
                    .col(column::text("name"))
                    .col(column::boolean("is_default"))
                    .col(column::boolean("is_initial"))
                    .col(column::boolean("is_verified"))
                    .col(column::boolean("federated"))
                    // Separated by blanks.
                    .col(column::text("services"))
                    .primary_key(Index::create().col("company_id").col("name"))
                    .foreign_key(&mut of_company("m365_domain"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("secure_score")
                    .col(column::uuid("company_id"))
                    // Days since 1970-01-01, UTC: one row a day.
                    .col(column::integer("day"))
                    .col(column::big_integer("created_at"))
                    .col(column::double("current"))
                    .col(column::double("max"))
                    // The averages of similar tenants, by what makes them similar.
                    .col(column::json("comparisons"))
                    .primary_key(Index::create().col("company_id").col("day"))
                    .foreign_key(&mut of_company("secure_score"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("secure_score_control")
                    .col(column::uuid("company_id"))
                    .col(column::text("id"))
                    .col(column::text("title"))
                    .col(column::text("category"))
                    .col(column::double_null("score"))
                    .col(column::double("max"))
                    .col(column::text("service"))
                    .col(column::text("user_impact"))
                    .col(column::text("implementation_cost"))
                    .col(column::text("remediation"))
                    .col(column::text_null("action_url"))
                    .col(column::integer("rank"))
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
