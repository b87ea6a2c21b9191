//! Accounts, their sessions and invitations, what slows sign-ins down, and what was done.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("account")
                    .col(column::uuid("id").primary_key())
                    // In lower case.
                    .col(column::text("email").unique_key())
                    .col(column::text("name"))
                    .col(column::text("role"))
                    .col(column::text_null("password_hash"))
                    // Who it is to Microsoft, once they signed in there: addresses can be given to somebody else.
                    .col(column::uuid_null("microsoft_tenant"))
                    .col(column::text_null("microsoft_object"))
                    .col(column::big_integer("created_at"))
                    .col(column::big_integer_null("last_sign_in_at"))
                    .col(column::big_integer_null("deactivated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("session")
                    .col(column::blob("token_hash").primary_key())
                    .col(column::uuid("account_id"))
                    .col(column::big_integer("created_at"))
                    .col(column::big_integer("last_used_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("session_account")
                            .from("session", "account_id")
                            .to("account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("invitation")
                    .col(column::blob("token_hash").primary_key())
                    .col(column::uuid("account_id"))
                    // None makes the first owner. One invitation for an address; a new one replaces it.
                    .col(column::text_null("email").unique_key())
                    .col(column::text("role"))
                    .col(column::big_integer("created_at"))
                    .col(column::big_integer("expires_at"))
                    .col(column::big_integer_null("used_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("sign_in_throttle")
                    // A hash: what people type as their address is nobody's business.
                    .col(column::blob("key").primary_key())
                    .col(column::integer("failures"))
                    .col(column::big_integer("last_at"))
                    // Whether it stands for an account at an address where its owner has signed in before.
                    .col(column::boolean("known"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("activity")
                    .col(column::uuid("id").primary_key())
                    .col(column::big_integer("at"))
                    .col(column::text("actor"))
                    // No foreign keys: what was done outlives whom and what it was done to.
                    .col(column::uuid_null("account_id"))
                    .col(column::uuid_null("company_id"))
                    .col(column::text("company_name"))
                    .col(column::text("kind"))
                    .col(column::text("text"))
                    .to_owned(),
            )
            .await?;
        for (name, table, columns) in [
            ("session_account_id", "session", ["account_id", "created_at"]),
            ("sign_in_throttle_last_at", "sign_in_throttle", ["known", "last_at"]),
            ("activity_company", "activity", ["company_id", "id"]),
            ("activity_kind", "activity", ["kind", "at"]),
        ] {
            let [first, second] = columns;
            manager.create_index(Index::create().name(name).table(table).col(first).col(second).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("attempt").add_column(column::uuid_null("made_by")).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("attempt").drop_column("made_by").to_owned()).await?;
        for table in ["activity", "sign_in_throttle", "invitation", "session", "account"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
