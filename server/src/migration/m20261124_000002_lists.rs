//! Lists across companies: what users are searched and sorted by, and the names of products.

use sea_orm_migration::{prelude::*, schema as column, sea_orm::DbBackend};

/// Letters with an accent, in either case, …
pub const ACCENTED: &str = "áàâäãåāăąçćčďđéèêëēėęěğíìîïīįłľñńňóòôöõøōőřśšşșťțţúùûüūůűųýÿźżžÁÀÂÄÃÅĀĂĄÇĆČĎĐÉÈÊËĒĖĘĚĞÍÌÎÏĪĮŁĽÑŃŇÓÒÔÖÕØŌŐŘŚŠŞȘŤȚŢÚÙÛÜŪŮŰŲÝŸŹŻŽıİ";

/// … and the letters that people type in their place.
pub const PLAIN: &str = "aaaaaaaaacccddeeeeeeeegiiiiiillnnnoooooooorsssstttuuuuuuuuyyzzzaaaaaaaaacccddeeeeeeeegiiiiiillnnnoooooooorsssstttuuuuuuuuyyzzzii";

/// What separates the words of a name or an address, each of which PostgreSQL's index holds by itself. SQLite's finds
/// words without being told.
const SEPARATORS: &str = r#"@.,;:_+-/\|()[]{}<>"'`´’#&%!?*=~^$"#;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("m365_product")
                    .col(column::uuid("sku_id").primary_key())
                    .col(column::text("name"))
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        let words = match connection.get_database_backend() {
            DbBackend::Postgres => postgres_words(),
            _ => SQLITE_WORDS.to_owned(),
        };
        connection.execute_unprepared(&words).await?;
        let collation = if connection.get_database_backend() == DbBackend::Postgres { POSTGRES_COLLATION } else { "" };
        connection.execute_unprepared(&INDEXES.replace("{collation}", collation)).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(DROP_INDEXES).await?;
        connection
            .execute_unprepared(match connection.get_database_backend() {
                DbBackend::Postgres => "ALTER TABLE m365_user DROP COLUMN words",
                _ => DROP_SQLITE_WORDS,
            })
            .await?;
        manager.drop_table(Table::drop().table("m365_product").to_owned()).await
    }
}

/// By the bytes, as SQLite does it: languages are compared ten times as slowly.
const POSTGRES_COLLATION: &str = " COLLATE \"C\"";

/// Each order of a list needs its index, with the expressions of the query to the letter. Guests and blocked accounts are
/// few: without indexes of their own, a page of them would have to be looked for among everybody.
const INDEXES: &str = "
    CREATE INDEX m365_user_name ON m365_user
        ((lower(coalesce(display_name, user_principal_name, '')){collation}), company_id, id);
    CREATE INDEX m365_user_company_name ON m365_user
        (company_id, (lower(coalesce(display_name, user_principal_name, '')){collation}), id);
    CREATE INDEX m365_user_guest ON m365_user
        ((lower(coalesce(display_name, user_principal_name, '')){collation}), company_id, id) WHERE guest;
    CREATE INDEX m365_user_blocked ON m365_user
        ((lower(coalesce(display_name, user_principal_name, '')){collation}), company_id, id) WHERE NOT enabled;
    CREATE INDEX company_name ON company ((lower(name){collation}), id);
    CREATE INDEX m365_domain_name ON m365_domain (lower(name), company_id, name)";

const DROP_INDEXES: &str = "
    DROP INDEX m365_domain_name;
    DROP INDEX company_name;
    DROP INDEX m365_user_blocked;
    DROP INDEX m365_user_guest;
    DROP INDEX m365_user_company_name;
    DROP INDEX m365_user_name";

/// A column that the database fills by itself, whoever writes the row. It needs no extension, which not every managed
/// database allows.
fn postgres_words() -> String {
    let from = format!("{ACCENTED}{SEPARATORS}").replace('\'', "''");
    let to = format!("{PLAIN}{}", " ".repeat(SEPARATORS.chars().count()));
    format!(
        "ALTER TABLE m365_user ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (array_to_tsvector(array_remove(
            string_to_array(translate(lower(
                left(coalesce(display_name, ''), 256) || ' ' || left(coalesce(user_principal_name, ''), 256) || ' ' ||
                left(coalesce(mail, ''), 256) || ' ' || left(coalesce(department, ''), 256) || ' ' ||
                left(coalesce(job_title, ''), 256)
            ), '{from}', '{to}'), ' '), ''))) STORED;
        CREATE INDEX m365_user_words ON m365_user USING gin (words)"
    )
}

/// An index of words beside the table, which triggers keep. It refers to rows by a number: without a column for that,
/// VACUUM would number the rows anew.
const SQLITE_WORDS: &str = "
    CREATE TABLE m365_user_numbered (
        number INTEGER PRIMARY KEY,
        company_id uuid_text NOT NULL,
        id uuid_text NOT NULL,
        display_name text NULL,
        given_name text NULL,
        surname text NULL,
        user_principal_name text NULL,
        mail text NULL,
        guest boolean NOT NULL,
        enabled boolean NOT NULL,
        department text NULL,
        job_title text NULL,
        licences text NOT NULL,
        generation integer NOT NULL,
        UNIQUE (company_id, id),
        FOREIGN KEY (company_id) REFERENCES company (id) ON DELETE CASCADE
    );
    INSERT INTO m365_user_numbered (company_id, id, display_name, given_name, surname, user_principal_name, mail, guest,
            enabled, department, job_title, licences, generation)
        SELECT company_id, id, display_name, given_name, surname, user_principal_name, mail, guest, enabled, department,
            job_title, licences, generation FROM m365_user;
    DROP TABLE m365_user;
    ALTER TABLE m365_user_numbered RENAME TO m365_user;
    CREATE VIRTUAL TABLE m365_user_words USING fts5 (
        display_name, user_principal_name, mail, department, job_title,
        content = 'm365_user', content_rowid = 'number',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4', detail = 'none', columnsize = 0
    );
    INSERT INTO m365_user_words (m365_user_words) VALUES ('rebuild');
    CREATE TRIGGER m365_user_words_insert AFTER INSERT ON m365_user BEGIN
        INSERT INTO m365_user_words (rowid, display_name, user_principal_name, mail, department, job_title)
            VALUES (new.number, new.display_name, new.user_principal_name, new.mail, new.department, new.job_title);
    END;
    CREATE TRIGGER m365_user_words_delete AFTER DELETE ON m365_user BEGIN
        INSERT INTO m365_user_words (m365_user_words, rowid, display_name, user_principal_name, mail, department, job_title)
            VALUES ('delete', old.number, old.display_name, old.user_principal_name, old.mail, old.department, old.job_title);
    END;
    CREATE TRIGGER m365_user_words_update AFTER UPDATE ON m365_user
        WHEN old.display_name IS NOT new.display_name OR old.user_principal_name IS NOT new.user_principal_name
            OR old.mail IS NOT new.mail OR old.department IS NOT new.department OR old.job_title IS NOT new.job_title
    BEGIN
        INSERT INTO m365_user_words (m365_user_words, rowid, display_name, user_principal_name, mail, department, job_title)
            VALUES ('delete', old.number, old.display_name, old.user_principal_name, old.mail, old.department, old.job_title);
        INSERT INTO m365_user_words (rowid, display_name, user_principal_name, mail, department, job_title)
            VALUES (new.number, new.display_name, new.user_principal_name, new.mail, new.department, new.job_title);
    END";

/// The number stays: it does no harm.
const DROP_SQLITE_WORDS: &str = "
    DROP TRIGGER m365_user_words_update;
    DROP TRIGGER m365_user_words_delete;
    DROP TRIGGER m365_user_words_insert;
    DROP TABLE m365_user_words";
