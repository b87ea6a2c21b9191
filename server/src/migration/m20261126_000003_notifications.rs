//! What people are told: notices, webhooks and mail.

use sea_orm_migration::{prelude::*, schema as column};

use super::of_company;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [notices(), webhooks(), deliveries(), mail_settings(), mail_lines(), mails()] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in INDEXES {
            let mut index = Index::create().name(name).table(table).to_owned();
            for &column in columns {
                index.col(column);
            }
            if name.ends_with("_once") {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["mail", "mail_line", "mail_settings", "webhook_delivery", "webhook", "notice"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

const INDEXES: [(&str, &str, &[&str]); 7] = [
    // Once for a cause, whoever sees it.
    ("notice_once", "notice", &["subject", "cause", "since"]),
    ("notice_settles_at", "notice", &["settles_at"]),
    // A webhook is told each thing once.
    ("webhook_delivery_once", "webhook_delivery", &["webhook_id", "notice_id", "event"]),
    ("webhook_delivery_due_at", "webhook_delivery", &["due_at"]),
    ("webhook_delivery_made_at", "webhook_delivery", &["webhook_id", "made_at"]),
    ("mail_line_made_at", "mail_line", &["taken", "made_at"]),
    ("mail_due_at", "mail", &["due_at"]),
];

fn notices() -> TableCreateStatement {
    Table::create()
        .table("notice")
        .col(column::uuid("id").primary_key())
        // A company's id, or what else it is about.
        .col(column::text("subject"))
        .col(column::uuid_null("company_id"))
        .col(column::text("kind"))
        .col(column::text("cause"))
        .col(column::big_integer("since"))
        .col(column::big_integer("noted_at"))
        // When its beginning, or its end, has lasted long enough to be told. None: nothing is to be told.
        .col(column::big_integer_null("settles_at"))
        .col(column::big_integer_null("told_at"))
        .col(column::big_integer_null("over_at"))
        .foreign_key(&mut of_company("notice"))
        .to_owned()
}

fn webhooks() -> TableCreateStatement {
    Table::create()
        .table("webhook")
        .col(column::uuid("id").primary_key())
        .col(column::text("url"))
        .col(column::text("kinds"))
        .col(column::boolean("active"))
        // The receiver said so.
        .col(column::boolean("gone"))
        .col(column::blob("sealed_secret"))
        // The one before signs too for a while.
        .col(column::blob_null("sealed_old_secret"))
        .col(column::big_integer_null("old_secret_until"))
        .col(column::big_integer("made_at"))
        .to_owned()
}

fn deliveries() -> TableCreateStatement {
    Table::create()
        .table("webhook_delivery")
        .col(column::uuid("id").primary_key())
        .col(column::uuid("webhook_id"))
        // None: somebody tries the webhook out.
        .col(column::uuid_null("notice_id"))
        .col(column::text("event"))
        .col(column::text("body"))
        .col(column::big_integer("made_at"))
        .col(column::text("state"))
        .col(column::big_integer_null("due_at"))
        .col(column::uuid_null("lease"))
        .col(column::big_integer_null("lease_until"))
        .col(column::integer("tries").default(0))
        .col(column::big_integer_null("tried_at"))
        .col(column::integer_null("status"))
        .col(column::integer_null("took_ms"))
        .col(column::text_null("problem"))
        .foreign_key(
            ForeignKey::create()
                .name("webhook_delivery_webhook")
                .from("webhook_delivery", "webhook_id")
                .to("webhook", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// One row at most.
fn mail_settings() -> TableCreateStatement {
    Table::create()
        .table("mail_settings")
        .col(column::integer("id").primary_key())
        .col(column::text("recipients"))
        .col(column::text("kinds"))
        // The minute of the day, UTC. None: soon after something happened.
        .col(column::integer_null("daily_minute"))
        .to_owned()
}

/// What the next mail tells.
fn mail_lines() -> TableCreateStatement {
    Table::create()
        .table("mail_line")
        .col(column::uuid("notice_id"))
        .col(column::text("kind"))
        .col(column::big_integer("made_at"))
        .col(column::boolean("taken").default(false))
        .primary_key(Index::create().col("notice_id").col("kind"))
        .foreign_key(
            ForeignKey::create()
                .name("mail_line_notice")
                .from("mail_line", "notice_id")
                .to("notice", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn mails() -> TableCreateStatement {
    Table::create()
        .table("mail")
        .col(column::uuid("id").primary_key())
        .col(column::text("recipient"))
        .col(column::text("subject"))
        .col(column::text("plain"))
        .col(column::text("html"))
        .col(column::big_integer("made_at"))
        .col(column::big_integer_null("due_at"))
        .col(column::uuid_null("lease"))
        .col(column::big_integer_null("lease_until"))
        .col(column::integer("tries").default(0))
        .col(column::big_integer_null("tried_at"))
        .col(column::text_null("problem"))
        .to_owned()
}
