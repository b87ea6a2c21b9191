//! Connections, attempts, and the state of each data set.

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
                    .table("connection")
                    .col(column::uuid("id").primary_key())
                    // One connection for a company, and one company for a tenant.
                    .col(column::uuid("company_id").unique_key())
                    .col(column::uuid("tenant_id").unique_key())
                    .col(column::text("tenant_name"))
                    .col(column::text_null("default_domain"))
                    .col(column::text("access"))
                    .col(column::blob_null("sealed_refresh_token"))
                    .col(column::text("phase"))
                    .col(column::text_null("reason"))
                    .col(column::big_integer("phase_since"))
                    .col(column::text("granted"))
                    .col(column::text("connected_by"))
                    .col(column::big_integer("connected_at"))
                    // The schedule: when it is read next, who reads it now, how often that failed in a row.
                    .col(column::big_integer("due_at"))
                    .col(column::uuid_null("lease"))
                    .col(column::big_integer_null("lease_until"))
                    .col(column::integer("tries").default(0))
                    .col(column::big_integer_null("last_round_at"))
                    // What the row shows, as of the last round.
                    .col(column::big_integer_null("synced_at"))
                    .col(column::integer_null("users"))
                    .col(column::integer_null("licences_used"))
                    .col(column::integer_null("licences_assignable"))
                    .col(column::double_null("score_current"))
                    .col(column::double_null("score_max"))
                    .foreign_key(&mut of_company("connection"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("connection_due_at").table("connection").col("due_at").to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("attempt")
                    .col(column::uuid("id").primary_key())
                    .col(column::uuid("company_id"))
                    .col(column::blob("browser_hash"))
                    .col(column::blob("state_hash").unique_key())
                    .col(column::blob("sealed_verifier"))
                    .col(column::text("nonce"))
                    .col(column::text("authority"))
                    .col(column::text("access"))
                    .col(column::text("surface"))
                    .col(column::text("state"))
                    .col(column::text_null("ending"))
                    .col(column::big_integer("begun_at"))
                    .col(column::big_integer("deadline_at"))
                    .col(column::big_integer_null("claimed_at"))
                    .col(column::big_integer_null("ended_at"))
                    // Whether the row on the page was told that the deadline passed.
                    .col(column::boolean("lapsed").default(false))
                    .foreign_key(&mut of_company("attempt"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("attempt_company").table("attempt").col("company_id").col("state").to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("attempt_state").table("attempt").col("state").col("deadline_at").to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("dataset_state")
                    .col(column::uuid("company_id"))
                    .col(column::text("data_set"))
                    .col(column::big_integer_null("last_success"))
                    .col(column::big_integer("last_try"))
                    .col(column::big_integer_null("source_date"))
                    .col(column::text_null("problem"))
                    .col(column::big_integer_null("problem_since"))
                    .col(column::text_null("delta_link"))
                    .col(column::big_integer("generation").default(0))
                    .primary_key(Index::create().col("company_id").col("data_set"))
                    .foreign_key(&mut of_company("dataset_state"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["dataset_state", "attempt", "connection"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
