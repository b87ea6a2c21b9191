//! Links for many companies that were made together, and the mails with them.

use sea_orm_migration::{prelude::*, schema as column};

use super::of_company;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [campaigns(), companies(), mails()] {
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
        for table in ["campaign_mail", "campaign_company", "campaign"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

const INDEXES: [(&str, &str, &[&str]); 5] = [
    ("campaign_made_at", "campaign", &["made_at"]),
    ("campaign_company_link", "campaign_company", &["link_id"]),
    ("campaign_mail_campaign", "campaign_mail", &["campaign_id", "company_id"]),
    ("campaign_mail_due_at", "campaign_mail", &["due_at"]),
    // Of a link its client is reminded once.
    ("campaign_mail_reminder_once", "campaign_mail", &["reminds_of"]),
];

fn campaigns() -> TableCreateStatement {
    Table::create()
        .table("campaign")
        .col(column::uuid("id").primary_key())
        .col(column::text("name"))
        .col(column::uuid("made_by"))
        .col(column::big_integer("made_at"))
        // What clients are written, with places for what is different for each.
        .col(column::text("subject"))
        .col(column::text("body"))
        // None: nobody is reminded.
        .col(column::integer_null("remind_days"))
        .to_owned()
}

fn companies() -> TableCreateStatement {
    Table::create()
        .table("campaign_company")
        .col(column::uuid("campaign_id"))
        .col(column::uuid("company_id"))
        // The latest one that was made for it in this campaign.
        .col(column::uuid("link_id"))
        .col(column::big_integer("since"))
        // When somebody said that the link was sent in another way than by our mail.
        .col(column::big_integer_null("by_hand_at"))
        .primary_key(Index::create().col("campaign_id").col("company_id"))
        .foreign_key(&mut of_campaign("campaign_company"))
        .foreign_key(&mut of_company("campaign_company"))
        .to_owned()
}

fn mails() -> TableCreateStatement {
    Table::create()
        .table("campaign_mail")
        .col(column::uuid("id").primary_key())
        .col(column::uuid("campaign_id"))
        .col(column::uuid("company_id"))
        // The link that it brings. Its token is not in here: it is taken from where it is sealed, when the mail is sent.
        .col(column::uuid("link_id"))
        // The same link, if this is a reminder.
        .col(column::uuid_null("reminds_of"))
        .col(column::text("recipient"))
        // The account in whose name it is.
        .col(column::uuid("made_by"))
        .col(column::big_integer("made_at"))
        .col(column::big_integer_null("due_at"))
        .col(column::uuid_null("lease"))
        .col(column::big_integer_null("lease_until"))
        .col(column::integer("tries").default(0))
        .col(column::big_integer_null("sent_at"))
        .col(column::text_null("problem"))
        .foreign_key(&mut of_campaign("campaign_mail"))
        .foreign_key(&mut of_company("campaign_mail"))
        .to_owned()
}

/// A foreign key to the campaign, whose rows go with it.
fn of_campaign(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_campaign"))
        .from(table, "campaign_id")
        .to("campaign", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
