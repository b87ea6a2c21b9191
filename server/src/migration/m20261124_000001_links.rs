//! Links that let somebody else connect a company.

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
                    .table("link")
                    .col(column::uuid("id").primary_key())
                    .col(column::uuid("company_id"))
                    .col(column::blob("token_hash").unique_key())
                    // To show it again to who may send it. None once the link is dead.
                    .col(column::blob_null("sealed_token"))
                    .col(column::uuid("made_by"))
                    .col(column::big_integer("made_at"))
                    .col(column::big_integer("expires_at"))
                    .col(column::text_null("note"))
                    .col(column::integer("opens").default(0))
                    .col(column::big_integer_null("opened_at"))
                    .col(column::text_null("ending"))
                    .col(column::big_integer_null("ended_at"))
                    // The attempt that used it up.
                    .col(column::uuid_null("used_by"))
                    // Whether it is the company's latest.
                    .col(column::boolean("latest"))
                    .foreign_key(&mut of_company("link"))
                    .to_owned(),
            )
            .await?;
        for (name, first, second) in [("link_company", "company_id", "latest"), ("link_latest", "latest", "expires_at")]
        {
            manager.create_index(Index::create().name(name).table("link").col(first).col(second).to_owned()).await?;
        }
        // The link that an attempt began with.
        manager
            .alter_table(Table::alter().table("attempt").add_column(column::uuid_null("link_id")).to_owned())
            .await?;
        // Since when somebody with a dead link asks for a new one.
        let requested = column::big_integer_null("link_requested_at");
        manager.alter_table(Table::alter().table("company").add_column(requested).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("company").drop_column("link_requested_at").to_owned()).await?;
        manager.alter_table(Table::alter().table("attempt").drop_column("link_id").to_owned()).await?;
        manager.drop_table(Table::drop().table("link").to_owned()).await
    }
}
