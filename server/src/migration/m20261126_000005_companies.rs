//! More that is written down about companies: the contact's address, a note, tags.

use app::domain::company_draft::{address_of, split_contact};
use sea_orm_migration::{
    prelude::*,
    schema as column,
    sea_orm::{FromQueryResult, Statement},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(FromQueryResult)]
struct Found {
    id: uuid::Uuid,
    contact: String,
    contact_email: Option<String>,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["contact_email", "note", "tags"] {
            let column = column::text_null(name);
            manager.alter_table(Table::alter().table("company").add_column(column).to_owned()).await?;
        }
        // Name and address where both are written down so. In a contact that is written otherwise, the address is found
        // too, and the text stays as it is.
        for found in contacts(manager).await? {
            let plain = found.contact.replace(char::is_control, " ");
            let (name, email) = split_contact(&plain);
            let email = address_of(Some(name), Some(email).filter(|email| !email.is_empty()));
            let name = Some(name.to_owned()).filter(|name| !name.is_empty());
            put(manager, found.id, name, email.map(|email| email.to_string())).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for Found { id, contact, contact_email } in contacts(manager).await? {
            if let Some(email) = contact_email.filter(|email| !contact.contains(email.as_str())) {
                put(manager, id, Some(format!("{contact} <{email}>").trim_start().to_owned()), None).await?;
            }
        }
        for name in ["tags", "note", "contact_email"] {
            manager.alter_table(Table::alter().table("company").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}

async fn contacts(manager: &SchemaManager<'_>) -> Result<Vec<Found>, DbErr> {
    let db = manager.get_connection();
    let sql = "SELECT id, coalesce(contact, '') AS contact, contact_email FROM company \
               WHERE contact IS NOT NULL OR contact_email IS NOT NULL";
    Found::find_by_statement(Statement::from_string(db.get_database_backend(), sql)).all(db).await
}

async fn put(
    manager: &SchemaManager<'_>,
    id: uuid::Uuid,
    contact: Option<String>,
    email: Option<String>,
) -> Result<(), DbErr> {
    let change = Query::update()
        .table("company")
        .value("contact", contact)
        .value("contact_email", email)
        .and_where(Expr::col("id").eq(id))
        .to_owned();
    manager.execute(change).await
}
