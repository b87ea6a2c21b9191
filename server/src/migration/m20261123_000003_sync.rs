//! Rounds that go on where they were broken off.

use sea_orm_migration::{prelude::*, schema as column};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for (table, column) in columns() {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        // When the round began that is still to be completed.
        ("connection", column::big_integer_null("round_at")),
        // Whether somebody asked for the next round.
        ("connection", column::boolean("asked_for").default(false).take()),
        // What failed in a way that passes: when it is asked for again, and how often it failed in a row.
        ("dataset_state", column::big_integer_null("retry_at")),
        ("dataset_state", column::integer("tries").default(0).take()),
        // As of when the data are, which is not when they were complete.
        ("dataset_state", column::big_integer("as_of").default(0).take()),
        // The walk through pages that is under way: where it goes on, when it began, how many pages it followed, what
        // tells a circle, and how many users it has seen so far.
        ("dataset_state", column::text_null("next_link")),
        ("dataset_state", column::big_integer_null("walk_at")),
        ("dataset_state", column::integer("walk_pages").default(0).take()),
        ("dataset_state", column::big_integer_null("walk_mark")),
        ("dataset_state", column::integer_null("users_so_far")),
    ]
}
