//! PostgreSQL works the words of users out faster: it replaces a letter in as many steps as there are letters to replace,
//! and hardly any name has an accent.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::{ACCENTED, PLAIN};

/// What separates words.
const SEPARATORS: &str = r#"@.,;:_+-/\|()[]{}<>"'`´’#&%!?*=~^$"#;

/// What is searched in. A mail address is hardly ever another than the one that somebody signs in with.
const TEXT: &str = "lower(left(coalesce(display_name, ''), 256) || ' ' || \
                    left(coalesce(user_principal_name, ''), 256) || ' ' || \
                    CASE WHEN mail = user_principal_name THEN '' ELSE left(coalesce(mail, ''), 256) END || ' ' || \
                    left(coalesce(department, ''), 256) || ' ' || left(coalesce(job_title, ''), 256))";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rare = translate(TEXT, &format!("{ACCENTED}{RARE}"), &format!("{PLAIN}{}", blanks(RARE)));
        let plain = format!("CASE WHEN octet_length({TEXT}) = length({TEXT}) THEN {TEXT} ELSE {rare} END");
        let usual: String = SEPARATORS.chars().filter(char::is_ascii).collect();
        replace_words(manager, &translate(&plain, &usual, &blanks(&usual))).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (from, to) = (format!("{ACCENTED}{SEPARATORS}"), format!("{PLAIN}{}", blanks(SEPARATORS)));
        replace_words(manager, &translate(TEXT, &from, &to)).await
    }
}

/// Separators that are there only where there may be accents too.
const RARE: &str = "´’";

fn blanks(separators: &str) -> String {
    " ".repeat(separators.chars().count())
}

fn translate(text: &str, from: &str, to: &str) -> String {
    format!("translate({text}, '{}', '{to}')", from.replace('\'', "''"))
}

/// The column is worked out anew for everybody.
async fn replace_words(manager: &SchemaManager<'_>, text: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let replace = format!(
        "ALTER TABLE m365_user DROP COLUMN words;
        ALTER TABLE m365_user ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
            (array_to_tsvector(array_remove(string_to_array({text}, ' '), ''))) STORED;
        CREATE INDEX m365_user_words ON m365_user USING gin (words)"
    );
    connection.execute_unprepared(&replace).await?;
    Ok(())
}
