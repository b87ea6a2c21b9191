//! What is left of connections that were ended.

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
                    .table("disconnection")
                    // The last one of a company that was not connected again since.
                    .col(column::uuid("company_id").primary_key())
                    .col(column::uuid("tenant_id"))
                    .col(column::text("tenant_name"))
                    .col(column::text("access"))
                    .col(column::big_integer("at"))
                    .col(column::text("ended_by"))
                    .col(column::boolean("data_kept"))
                    // What was seen of the access since, and when it is looked at again.
                    .col(column::big_integer_null("checked_at"))
                    .col(column::text_null("sight"))
                    .col(column::big_integer_null("gone_at"))
                    .col(column::big_integer_null("check_at"))
                    // Until when somebody is looking.
                    .col(column::big_integer_null("busy_until"))
                    // What the row shows of the data that were kept.
                    .col(column::big_integer_null("synced_at"))
                    .col(column::integer_null("users"))
                    .col(column::integer_null("licences_used"))
                    .col(column::integer_null("licences_assignable"))
                    .col(column::double_null("score_current"))
                    .col(column::double_null("score_max"))
                    .foreign_key(&mut of_company("disconnection"))
                    .to_owned(),
            )
            .await?;
        for column in ["tenant_id", "check_at"] {
            let name = format!("disconnection_{column}");
            manager.create_index(Index::create().name(name).table("disconnection").col(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("disconnection").to_owned()).await
    }
}
