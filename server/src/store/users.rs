//! People and guests of a tenant, written page by page. Each page is one transaction: its rows, and where the walk
//! goes on; the last one's with the link to what changes from then on.

use std::{collections::HashMap, fmt::Write as _, sync::LazyLock, time::Duration};

use app::domain::{DataSet, Timestamp};
use sea_orm::{
    ActiveValue::Set, DbBackend, QuerySelect as _, QueryTrait as _, Statement, Value, prelude::*, sea_query::Expr,
};

use super::{
    Store, StoreError, Transaction,
    connections::Connection,
    entity::{connection, dataset_state, m365_user},
    tenant_data::{Success, state_row, succeed, upsert_states},
};
use crate::{
    microsoft::{Link, LinkGuard, tenant_data::UserChange},
    sync::reconcile::{User, Writes, mentioned, reconcile},
};

/// How often the pages that are open hear how far a long walk is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How many rows SQLite is handed in one statement. Many enough that the statement itself costs nothing, and few enough
/// that its text is short.
const SQLITE_ROWS: usize = 64;

/// Which users a walk through pages leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Everybody: whoever does not come is gone.
    Full,
    /// What changed since the last complete round.
    Changes,
}

/// A walk through the pages of users, from the first to the one with the link to what changes from then on.
#[derive(Clone, Debug)]
pub struct Walk {
    round: Round,
    /// The number of the full round that is or was the last. Who is not of it when a full round ends is gone.
    generation: i64,
    begun: Timestamp,
    users_so_far: u32,
    told: Option<Timestamp>,
    /// Notices when pages lead in a circle.
    pub guard: LinkGuard,
}

/// Where the users of a company stand.
#[derive(Debug)]
pub enum Users {
    /// Nothing leads on: everybody has to be read.
    Unknown(Walk),
    /// The last round was complete. The link leads to what changed since.
    Complete(Link, Walk),
    /// A walk was interrupted. The link leads to its next page.
    UnderWay(Link, Walk),
}

impl Users {
    /// By what is stored of them.
    pub(super) fn of(state: Option<dataset_state::Model>, now: Timestamp) -> Self {
        let Some(state) = state else { return Self::Unknown(Walk::through_everybody(1, now)) };
        let walk = Walk {
            round: if state.delta_link.is_some() { Round::Changes } else { Round::Full },
            generation: state.generation,
            begun: now,
            users_so_far: 0,
            told: None,
            guard: LinkGuard::default(),
        };
        match (state.next_link, state.delta_link) {
            (Some(next), _) => {
                let walk = Walk {
                    begun: state.walk_at.map_or(walk.begun, Timestamp::from_millis),
                    users_so_far: super::to_u32(state.users_so_far.unwrap_or(0)),
                    guard: LinkGuard::from_stored(super::to_u32(state.walk_pages), state.walk_mark),
                    ..walk
                };
                Self::UnderWay(Link::from_stored(next), walk)
            }
            (None, Some(changes)) => Self::Complete(Link::from_stored(changes), walk),
            (None, None) => Self::Unknown(Walk::through_everybody(state.generation + 1, now)),
        }
    }
}

impl Walk {
    fn through_everybody(generation: i64, begun: Timestamp) -> Self {
        Self { round: Round::Full, generation, begun, users_so_far: 0, told: None, guard: LinkGuard::default() }
    }
}

impl Store {
    /// A full round in place of this walk. It has a number of its own, which is stored with its first page: what a round
    /// that breaks off has written is told apart from what the next one writes.
    pub fn anew(&self, walk: &Walk) -> Walk {
        Walk::through_everybody(walk.generation + 1, self.clock.now())
    }

    /// Writes a page, and where the walk goes on. None: nowhere, so that it begins anew next time.
    pub async fn put_users(
        &self,
        worker: &Connection,
        walk: &mut Walk,
        page: Vec<UserChange>,
        next: Option<&Link>,
    ) -> Result<(), StoreError> {
        use dataset_state::Column;

        let mut transaction = self.begin_write(worker).await?;
        let seen = write_page(&transaction, worker, walk, page).await?;
        let now = transaction.now;
        let row = dataset_state::ActiveModel {
            last_try: Set(0),
            generation: Set(walk.generation),
            next_link: Set(next.map(|link| link.as_str().to_owned())),
            walk_at: Set(Some(walk.begun.as_millis())),
            walk_pages: Set(super::to_i32(walk.guard.pages())),
            walk_mark: Set(walk.guard.mark()),
            users_so_far: Set((walk.round == Round::Full).then(|| super::to_i32(seen))),
            retry_at: Set(None),
            tries: Set(0),
            ..state_row(worker, DataSet::Users, now)
        };
        let columns = [
            Column::Generation,
            Column::NextLink,
            Column::WalkAt,
            Column::WalkPages,
            Column::WalkMark,
            Column::UsersSoFar,
            Column::RetryAt,
            Column::Tries,
            // A full round ends what the link to changes was good for.
            Column::DeltaLink,
        ];
        let columns = if walk.round == Round::Full { &columns[..] } else { &columns[..columns.len() - 1] };
        upsert_states(&transaction, vec![row], columns).await?;
        let tell = walk.told.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if tell {
            transaction.touch(worker.company).await?;
        }
        transaction.commit().await?;
        walk.users_so_far = seen;
        if tell {
            walk.told = Some(now);
        }
        Ok(())
    }

    /// Writes the last page, and ends the walk: after a full round, whoever did not come is gone.
    pub async fn put_last_users(
        &self,
        worker: &Connection,
        walk: &Walk,
        page: Vec<UserChange>,
        changes: &Link,
    ) -> Result<(), StoreError> {
        use m365_user::{Column, Entity};

        let company_id = worker.company.uuid();
        let mut transaction = self.begin_write(worker).await?;
        write_page(&transaction, worker, walk, page).await?;
        // The first one finds nobody who could be gone.
        if walk.round == Round::Full && walk.generation > 1 {
            Entity::delete_many()
                .filter(Column::CompanyId.eq(company_id))
                .filter(Column::Generation.lt(walk.generation))
                .exec(&transaction.inner)
                .await?;
        }
        let success = Success {
            delta_link: Some(changes),
            generation: walk.generation,
            as_of: Some(walk.begun),
            ..Success::default()
        };
        succeed(&transaction, worker, vec![(DataSet::Users, success)]).await?;
        let users = Entity::find().filter(Column::CompanyId.eq(company_id)).select_only().expr(Expr::cust("count(*)"));
        connection::Entity::update_many()
            .col_expr(connection::Column::Users, Expr::SubQuery(None, Box::new(users.into_query().into())))
            .col_expr(connection::Column::SyncedAt, Expr::val(transaction.now.as_millis()))
            .filter(connection::Column::Id.eq(worker.id.uuid()))
            .exec(&transaction.inner)
            .await?;
        transaction.touch(worker.company).await?;
        transaction.commit().await
    }
}

/// Which rows give way to new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overwrite {
    /// All.
    Any,
    /// Those that an earlier full round has seen last.
    OfEarlierRounds,
}

/// Writes the rows of a page. Answers how many users the round has seen then, if it is a full one.
async fn write_page(
    transaction: &Transaction,
    worker: &Connection,
    walk: &Walk,
    page: Vec<UserChange>,
) -> Result<u32, StoreError> {
    let mut seen = u64::from(walk.users_so_far);
    if walk.round == Round::Full {
        // Hardly ever does a round name somebody twice, or somebody who is gone: nothing is looked up to find that out.
        let removes = page.iter().any(|change| matches!(change, UserChange::Removed { .. }));
        let Writes { put, .. } = reconcile(page.clone(), &HashMap::new());
        let expected = put.len() as u64;
        let written = put_users(transaction, worker, walk.generation, put, Overwrite::OfEarlierRounds).await?;
        seen += written;
        if written == expected && !removes {
            return Ok(u32::try_from(seen).unwrap_or(u32::MAX));
        }
    }
    let known = known(transaction, worker, walk, &mentioned(&page)).await?;
    let Writes { put, gone, new } = reconcile(page, &known);
    if !gone.is_empty() {
        m365_user::Entity::delete_many().filter(among(transaction, worker, &gone)).exec(&transaction.inner).await?;
    }
    put_users(transaction, worker, walk.generation, put, Overwrite::Any).await?;
    let seen = (seen + new as u64).saturating_sub(gone.len() as u64);
    Ok(u32::try_from(seen).unwrap_or(u32::MAX))
}

/// Answers how many rows were written.
async fn put_users(
    transaction: &Transaction,
    worker: &Connection,
    generation: i64,
    users: Vec<User>,
    overwrite: Overwrite,
) -> Result<u64, StoreError> {
    match transaction.inner.get_database_backend() {
        DbBackend::Postgres => put_by_arrays(transaction, worker, generation, users, overwrite).await,
        _ => put_by_rows(transaction, worker, generation, users, overwrite).await,
    }
}

/// Those of the mentioned on whom a page builds. In a full round, what an earlier one said of somebody does not count.
async fn known(
    transaction: &Transaction,
    worker: &Connection,
    walk: &Walk,
    mentioned: &[Uuid],
) -> Result<HashMap<Uuid, User>, StoreError> {
    if mentioned.is_empty() {
        return Ok(HashMap::new());
    }
    let generation = (walk.round == Round::Full).then_some(walk.generation);
    let found = if transaction.inner.get_database_backend() == DbBackend::Postgres {
        // A plan that was made while the table was small, and is kept, would read all of it for every page.
        transaction.inner.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
        let values: [Value; 3] = [
            worker.company.uuid().into(),
            array(mentioned.iter().map(|id| Some(id.to_string()))).into(),
            generation.into(),
        ];
        m365_user::Entity::find()
            .from_raw_sql(Statement::from_sql_and_values(DbBackend::Postgres, KNOWN, values))
            .all(&transaction.inner)
            .await?
    } else {
        let of_round = generation.map(|generation| m365_user::Column::Generation.eq(generation));
        let wanted = among(transaction, worker, mentioned).add_option(of_round);
        m365_user::Entity::find().filter(wanted).all(&transaction.inner).await?
    };
    Ok(found.into_iter().map(|model| (model.id, user(model))).collect())
}

/// PostgreSQL: looks each of them up in the index. Without `OFFSET 0` it may read all rows of the company instead.
const KNOWN: &str = "SELECT known.* FROM unnest($2::text::uuid[]) AS wanted (id) CROSS JOIN LATERAL \
                     (SELECT * FROM m365_user WHERE company_id = $1 AND m365_user.id = wanted.id OFFSET 0) AS known \
                     WHERE $3::bigint IS NULL OR known.generation = $3";

/// The company's users with these ids.
fn among(transaction: &Transaction, worker: &Connection, ids: &[Uuid]) -> sea_orm::Condition {
    use m365_user::Column;

    let among = match transaction.inner.get_database_backend() {
        // One parameter, however many they are.
        DbBackend::Postgres => {
            let ids = array(ids.iter().map(|id| Some(id.to_string())));
            Expr::cust_with_values("\"m365_user\".\"id\" = ANY($1::text::uuid[])", [ids])
        }
        _ => Column::Id.is_in(ids.iter().copied()),
    };
    sea_orm::Condition::all().add(Column::CompanyId.eq(worker.company.uuid())).add(among)
}

fn user(model: m365_user::Model) -> User {
    User {
        id: model.id,
        display_name: model.display_name,
        given_name: model.given_name,
        surname: model.surname,
        user_principal_name: model.user_principal_name,
        mail: model.mail,
        guest: model.guest,
        enabled: model.enabled,
        department: model.department,
        job_title: model.job_title,
        licences: model.licences,
    }
}

/// The columns of a user, in the order in which they are written; the company and the generation stand around them.
const COLUMNS: [(&str, &str); 11] = [
    ("id", "uuid"),
    ("display_name", "text"),
    ("given_name", "text"),
    ("surname", "text"),
    ("user_principal_name", "text"),
    ("mail", "text"),
    ("guest", "boolean"),
    ("enabled", "boolean"),
    ("department", "text"),
    ("job_title", "text"),
    ("licences", "text"),
];

/// What comes before the rows.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    format!("INSERT INTO m365_user (company_id, generation, {}) ", names.join(", "))
});

/// What comes after them.
fn replace(overwrite: Overwrite) -> String {
    let names = COLUMNS[1..].iter().map(|(name, _)| *name).chain(["generation"]);
    let replace: Vec<String> = names.map(|name| format!("{name} = excluded.{name}")).collect();
    let only = match overwrite {
        Overwrite::Any => "",
        Overwrite::OfEarlierRounds => " WHERE m365_user.generation < excluded.generation",
    };
    format!(" ON CONFLICT (company_id, id) DO UPDATE SET {}{only}", replace.join(", "))
}

/// PostgreSQL: one statement with an array for each column.
fn by_arrays(overwrite: Overwrite) -> String {
    let arrays: Vec<String> =
        COLUMNS.iter().enumerate().map(|(place, (_, kind))| format!("${}::text::{kind}[]", place + 3)).collect();
    let (insert, arrays, replace) = (&*INSERT, arrays.join(", "), replace(overwrite));
    format!("{insert}SELECT $1, $2, users.* FROM unnest({arrays}) AS users{replace}")
}

async fn put_by_arrays(
    transaction: &Transaction,
    worker: &Connection,
    generation: i64,
    users: Vec<User>,
    overwrite: Overwrite,
) -> Result<u64, StoreError> {
    if users.is_empty() {
        return Ok(0);
    }
    let flag = |flag: bool| Some(if flag { "t" } else { "f" });
    let text = |of: fn(&User) -> &Option<String>| array(users.iter().map(of).map(Option::as_deref));
    let values: Vec<Value> = vec![
        worker.company.uuid().into(),
        generation.into(),
        array(users.iter().map(|user| Some(user.id.to_string()))).into(),
        text(|user| &user.display_name).into(),
        text(|user| &user.given_name).into(),
        text(|user| &user.surname).into(),
        text(|user| &user.user_principal_name).into(),
        text(|user| &user.mail).into(),
        array(users.iter().map(|user| flag(user.guest))).into(),
        array(users.iter().map(|user| flag(user.enabled))).into(),
        text(|user| &user.department).into(),
        text(|user| &user.job_title).into(),
        array(users.iter().map(|user| Some(&*user.licences))).into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, by_arrays(overwrite), values);
    Ok(transaction.inner.execute_raw(statement).await?.rows_affected())
}

/// An array as PostgreSQL reads it: the driver's own arrays hold no null.
/// <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT>
fn array<T: AsRef<str>>(items: impl Iterator<Item = Option<T>>) -> String {
    let mut text = String::from("{");
    for (place, item) in items.enumerate() {
        if place > 0 {
            text.push(',');
        }
        match item {
            None => text.push_str("NULL"),
            Some(item) => {
                text.push('"');
                for character in item.as_ref().chars() {
                    match character {
                        '"' | '\\' => text.extend(['\\', character]),
                        // PostgreSQL's texts hold no such character.
                        '\0' => {}
                        _ => text.push(character),
                    }
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    text
}

/// SQLite: a statement for many rows, whose text is always the same but for the last.
fn by_rows(rows: usize, overwrite: Overwrite) -> String {
    let mut sql = format!("{}VALUES ", *INSERT);
    for row in 0..rows {
        // The company and the generation are the first two parameters of every row.
        let mut separator = if row == 0 { "(?1, ?2" } else { ", (?1, ?2" };
        for column in 0..COLUMNS.len() {
            // Writing to a text does not fail.
            let _ = write!(sql, "{separator}, ?{}", row * COLUMNS.len() + column + 3);
            separator = "";
        }
        sql.push(')');
    }
    sql + &replace(overwrite)
}

async fn put_by_rows(
    transaction: &Transaction,
    worker: &Connection,
    generation: i64,
    users: Vec<User>,
    overwrite: Overwrite,
) -> Result<u64, StoreError> {
    let usual = by_rows(SQLITE_ROWS, overwrite);
    let mut written = 0;
    let mut users = users.into_iter();
    while users.len() > 0 {
        let rows = users.len().min(SQLITE_ROWS);
        let mut values: Vec<Value> = Vec::with_capacity(2 + rows * COLUMNS.len());
        values.extend([Value::from(worker.company.uuid()), generation.into()]);
        for user in users.by_ref().take(rows) {
            values.extend([
                Value::from(user.id),
                user.display_name.into(),
                user.given_name.into(),
                user.surname.into(),
                user.user_principal_name.into(),
                user.mail.into(),
                user.guest.into(),
                user.enabled.into(),
                user.department.into(),
                user.job_title.into(),
                user.licences.into(),
            ]);
        }
        let sql = if rows == SQLITE_ROWS { usual.clone() } else { by_rows(rows, overwrite) };
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        written += transaction.inner.execute_raw(statement).await?.rows_affected();
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_holds_nulls_quotes_and_nothing_that_ends_it() {
        assert_eq!(array([Some("a"), None, Some("")].into_iter()), r#"{"a",NULL,""}"#);
        assert_eq!(array([Some(r#"O"Brien\},{ NULL"#), Some("a\0b")].into_iter()), r#"{"O\"Brien\\},{ NULL","ab"}"#);
        assert_eq!(array([None::<&str>; 0].into_iter()), "{}");
    }

    #[test]
    fn every_row_of_a_statement_has_its_own_parameters() {
        let sql = by_rows(2, Overwrite::Any);
        assert!(
            sql.contains("(?1, ?2, ?3, ?4") && sql.contains("?13), (?1, ?2, ?14, ") && sql.contains("?24) ON"),
            "{sql}"
        );
    }
}
