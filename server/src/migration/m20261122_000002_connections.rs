//! Connections, attempts, and the state of each data set.

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
                    .table("connection")
                    .col(uuid("id").primary_key())
                    // One connection for a company, and one company for a tenant.
                    .col(uuid("company_id").unique_key())
                    .col(uuid("tenant_id").unique_key())
                    .col(text("tenant_name"))
                    .col(text_null("default_domain"))
                    .col(text("access"))
                    .col(blob_null("sealed_refresh_token"))
                    .col(text("phase"))
                    .col(text_null("reason"))
                    .col(big_integer("phase_since"))
                    .col(text("granted"))
                    .col(text("connected_by"))
                    .col(big_integer("connected_at"))
                    // The schedule: when it is read next, who reads it now, how often that failed in a row.
                    .col(big_integer("due_at"))
                    .col(uuid_null("lease"))
                    .col(big_integer_null("lease_until"))
                    .col(integer("tries").default(0))
                    .col(big_integer_null("last_round_at"))
                    // What the row shows, as of the last round.
                    .col(big_integer_null("synced_at"))
                    .col(integer_null("users"))
                    .col(integer_null("licences_used"))
                    .col(integer_null("licences_assignable"))
                    .col(double_null("score_current"))
                    .col(double_null("score_max"))
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
                    .col(uuid("id").primary_key())
                    .col(uuid("company_id"))
                    .col(blob("browser_hash"))
                    .col(blob("state_hash").unique_key())
                    .col(blob("sealed_verifier"))
                    .col(text("nonce"))
                    .col(text("authority"))
                    .col(text("access"))
                    .col(text("surface"))
                    .col(text("state"))
                    .col(text_null("ending"))
                    .col(big_integer("begun_at"))
                    .col(big_integer("deadline_at"))
                    .col(big_integer_null("claimed_at"))
                    .col(big_integer_null("ended_at"))
                    // Whether the row on the page was told that the deadline passed.
                    .col(boolean("lapsed").default(false))
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
                    .col(uuid("company_id"))
                    .col(text("data_set"))
                    .col(big_integer_null("last_success"))
                    .col(big_integer("last_try"))
                    .col(big_integer_null("source_date"))
                    .col(text_null("problem"))
                    .col(big_integer_null("problem_since"))
                    .col(text_null("delta_link"))
                    .col(big_integer("generation").default(0))
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
