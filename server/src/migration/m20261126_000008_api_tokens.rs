//! Tokens of other programs, and what these were answered.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("api_token")
                    .col(column::uuid("id").primary_key())
                    // Who made it. It acts as they do, and goes with them.
                    .col(column::uuid("account_id"))
                    .col(column::text("name"))
                    // With blanks between them.
                    .col(column::text("scopes"))
                    .col(column::blob("token_hash").unique_key())
                    .col(column::big_integer("made_at"))
                    .col(column::big_integer("expires_at"))
                    .col(column::big_integer_null("last_used_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("api_token_account")
                            .from("api_token", "account_id")
                            .to("account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("api_answer")
                    .col(column::uuid("id").primary_key())
                    .col(column::uuid("token_id"))
                    // Hashes: of the key that the program chose, and of what it asked for.
                    .col(column::blob("key_hash"))
                    .col(column::blob("request_hash"))
                    .col(column::big_integer("begun_at"))
                    // The whole answer, sealed for the row's id. None while it is worked out.
                    .col(column::blob_null("sealed_answer"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("api_answer_token")
                            .from("api_answer", "token_id")
                            .to("api_token", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        for (name, columns, unique) in
            [("api_answer_key", &["token_id", "key_hash"][..], true), ("api_answer_begun_at", &["begun_at"], false)]
        {
            let mut index = Index::create();
            index.name(name).table("api_answer");
            for name in columns {
                index.col(*name);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        let index = Index::create().name("api_token_account_id").table("api_token").col("account_id").to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["api_answer", "api_token"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
