//! Grants that are watched, renewed and outgrown.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            // When everything is read again, where due_at is a probe's.
            column::big_integer_null("full_due_at"),
            // The number of the set of permissions that was asked for when it was connected.
            column::integer("permission_set").default(1).take(),
        ] {
            manager.alter_table(Table::alter().table("connection").add_column(column).to_owned()).await?;
        }
        // What a connection goes back to if the grant that renewed it does not work. Gone once that is verified.
        let table = Table::create()
            .table("former_grant")
            .col(column::uuid("connection_id").primary_key())
            .col(column::uuid("attempt_id"))
            .col(column::text("access"))
            .col(column::blob_null("sealed_refresh_token"))
            .col(column::text("phase"))
            .col(column::text_null("reason"))
            .col(column::big_integer("phase_since"))
            .col(column::text("connected_by"))
            .col(column::big_integer("connected_at"))
            .col(column::integer("permission_set"))
            .foreign_key(
                ForeignKey::create()
                    .name("former_grant_connection")
                    .from("former_grant", "connection_id")
                    .to("connection", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("former_grant").to_owned()).await?;
        for column in ["permission_set", "full_due_at"] {
            manager.alter_table(Table::alter().table("connection").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
