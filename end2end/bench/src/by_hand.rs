//! The same rows through SQL written by hand: what there is to compare with.

use anyhow::Context as _;
use sea_orm::sqlx::{self, Connection as _, postgres::PgPool, sqlite::SqlitePool};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Empty, Engine};

/// As many as Graph puts on a page; each page is one transaction.
const PAGE: usize = 999;

/// As many rows as one statement of SQLite's takes without being slowed down by its length.
const ROWS: usize = 64;

/// Somebody, as they are stored.
pub struct Person {
    id: Uuid,
    texts: [Option<String>; 7],
    guest: bool,
    enabled: bool,
    licences: String,
}

impl Person {
    /// As Graph tells of them.
    pub fn read(person: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| person[name].as_str().map(str::to_owned);
        let licences = person["assignedLicenses"].as_array().into_iter().flatten();
        let licences: Vec<&str> = licences.filter_map(|licence| licence["skuId"].as_str()).collect();
        Ok(Self {
            id: person["id"].as_str().context("an id")?.parse()?,
            texts: ["displayName", "givenName", "surname", "userPrincipalName", "mail", "department", "jobTitle"]
                .map(text),
            guest: person["userType"] == "Guest",
            enabled: person["accountEnabled"] == true,
            licences: licences.join(" "),
        })
    }
}

const COLUMNS: &str = "company_id, generation, id, display_name, given_name, surname, user_principal_name, mail, \
                       department, job_title, guest, enabled, licences";

/// Writes all of them.
pub async fn write(engine: Engine, empty: &Empty, company: Uuid, people: &[Person]) -> anyhow::Result<()> {
    match engine {
        Engine::Sqlite => sqlite(empty.db.get_sqlite_connection_pool(), company, people).await,
        Engine::Postgres => postgres(empty.db.get_postgres_connection_pool(), company, people).await,
    }
}

async fn sqlite(pool: &SqlitePool, company: Uuid, people: &[Person]) -> anyhow::Result<()> {
    let sql = |rows: usize| {
        let row = format!("({})", vec!["?"; 13].join(", "));
        format!("INSERT INTO m365_user ({COLUMNS}) VALUES {}", vec![row; rows].join(", "))
    };
    let usual = sql(ROWS);
    let mut connection = pool.acquire().await?;
    // As ours: the log of what was written need not be on the disk after each page.
    sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut *connection).await?;
    for page in people.chunks(PAGE) {
        let mut transaction = connection.begin().await?;
        for rows in page.chunks(ROWS) {
            let sql = if rows.len() == ROWS { usual.clone() } else { sql(rows.len()) };
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for person in rows {
                query = query.bind(company).bind(1_i64).bind(person.id);
                for text in &person.texts {
                    query = query.bind(text.as_deref());
                }
                query = query.bind(person.guest).bind(person.enabled).bind(&*person.licences);
            }
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn postgres(pool: &PgPool, company: Uuid, people: &[Person]) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO m365_user (company_id, generation, id, display_name, given_name, surname, \
                       user_principal_name, mail, department, job_title, guest, enabled, licences) \
                       SELECT $1, 1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], \
                       $7::text[], $8::text[], $9::text[], $10::bool[], $11::bool[], $12::text[])";
    for page in people.chunks(PAGE) {
        let mut transaction = pool.begin().await?;
        let mut query = sqlx::query(SQL).bind(company).bind(page.iter().map(|person| person.id).collect::<Vec<_>>());
        for column in 0..7 {
            query = query.bind(page.iter().map(|person| person.texts[column].as_deref()).collect::<Vec<_>>());
        }
        query
            .bind(page.iter().map(|person| person.guest).collect::<Vec<_>>())
            .bind(page.iter().map(|person| person.enabled).collect::<Vec<_>>())
            .bind(page.iter().map(|person| &*person.licences).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}
