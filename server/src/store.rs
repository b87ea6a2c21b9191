//! The database: SQLite or PostgreSQL, the same migrations and the same queries. Nothing outside writes SQL.

use std::{path::Path, sync::Arc, time::Duration};

use app::domain::{CompanyId, Timestamp};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExprTrait as _, QueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait as _,
    prelude::*,
    sea_query::Expr,
    sqlx::{
        self, Connection as _, Executor as _,
        postgres::PgPoolOptions,
        sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait as _, SchemaManager, seaql_migrations};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::log::LevelFilter;

use self::held::Held;
use crate::{clock::Clock, migration::Migrator};

pub mod accounts;
pub mod activity;
pub mod ahead;
pub mod announcements;
pub mod api_answers;
pub mod api_tokens;
pub mod attempts;
pub mod campaigns;
pub mod companies;
pub mod company_details;
pub mod company_exports;
pub mod company_records;
pub mod connections;
pub mod disconnections;
mod entity;
mod held;
pub mod links;
pub mod lists;
pub mod mail;
pub mod notices;
pub mod oddities;
pub mod platform;
pub mod presence;
pub mod probes;
pub mod products;
pub mod sealed;
pub mod selections;
pub mod sessions;
pub mod standing;
pub mod tenant_data;
pub mod throttle;
pub mod users;
pub mod visible;
pub mod webhooks;

pub use announcements::{Announcement, Announcements};
pub use presence::{Presence, Trouble};

/// How many rows a statement may write at once: SQLite takes 32,766 values.
const ROWS_A_STATEMENT: usize = 1_000;

/// A connection to PostgreSQL that was used so recently is there: asking every time whether it is would be one more way
/// there and back for each transaction.
const CHECK_AFTER_IDLE: Duration = Duration::from_secs(10);

/// Who waits for a connection to PostgreSQL for so long waits for what others do with theirs.
const BUSY_AFTER: Duration = Duration::from_secs(1);

/// So many transactions of workers are open at once, however many tenants are read: people who look at pages, or change
/// something, wait for these and not for all that is being read. SQLite writes one while the next one is on its way; more make
/// PostgreSQL no faster on a few processors, and others wait for longer.
const WORKERS_WRITE_AT_ONCE: usize = 2;

/// How PostgreSQL lets go of what a server that was cut off holds: of its locks soon, and then of its connection.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '15s'; SET tcp_keepalives_idle = 15";

/// Where it is written down which migrations there were.
const MIGRATIONS: &str = "seaql_migrations";

/// The number of the lock under which PostgreSQL is migrated: "tenantry", as bytes.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"tenantry");

/// Why the store could not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database refuses or can't be reached.
    #[error("the database can't be used: {0}")]
    Database(#[from] DbErr),
    /// The database does not answer.
    #[error("the database does not answer")]
    Away,
    /// What is stored can't be understood: another program wrote it, or a newer Tenantry.
    #[error("the database holds something unexpected: {0}")]
    Unexpected(String),
    /// A newer Tenantry has worked with it.
    #[error(
        "the database was brought up to date by a newer Tenantry ({0}), and this one does not know it. Start that version, or \
         restore the backup from before"
    )]
    Newer(String),
    /// Another worker holds the connection now, or it was renewed. Nothing was written.
    #[error("another worker took over")]
    TakenOver,
}

/// The database.
#[derive(Clone)]
pub struct Store {
    reader: DatabaseConnection,
    /// SQLite has one writer: waiting for it here is fair, waiting in SQLite is not.
    writer: DatabaseConnection,
    /// For what is asked all the time.
    held: Arc<Held>,
    workers: Arc<Semaphore>,
    announcements: Announcements,
    presence: Presence,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// Connects, and brings the tables up to date.
    ///
    /// `url` is `sqlite://path` (made if missing) or `postgres://…`.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (reader, writer) = if let Some(path) = url.strip_prefix("sqlite://") {
            let path = path.split('?').next().unwrap_or(path);
            let writer = connect_sqlite(Path::new(path), 1).await?;
            migrate_sqlite(&writer).await?;
            (connect_sqlite(Path::new(path), 8).await?, writer)
        } else {
            let mut options = options_for(url);
            options
                .max_connections(32)
                .acquire_timeout(Duration::from_secs(10))
                .test_before_acquire_if_idle_for(CHECK_AFTER_IDLE)
                .map_sqlx_postgres_pool_opts(careful);
            migrate_postgres(url).await?;
            let pool = Database::connect(options).await?;
            (pool.clone(), pool)
        };
        let workers = Arc::new(Semaphore::new(WORKERS_WRITE_AT_ONCE));
        let (announcements, presence) = (Announcements::default(), Presence::default());
        let held = Arc::new(Held::of(&reader));
        Ok(Self { reader, writer, held, workers, announcements, presence, clock })
    }

    /// Whether the database answers who reads. A long write keeps nobody from that on SQLite; nor are connections to
    /// PostgreSQL that are all busy a trouble: it is looked at all the time over one of its own.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.reader.ping();
        if self.engine() != DbBackend::Postgres {
            return Ok(answer.await?);
        }
        match tokio::time::timeout(BUSY_AFTER, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) if self.presence.is_away() => Err(StoreError::Away),
            Err(_) => Ok(()),
        }
    }

    /// Closes the connections, after what they are doing.
    pub async fn close(self) -> Result<(), StoreError> {
        self.held.close().await;
        self.reader.close_by_ref().await?;
        Ok(self.writer.close_by_ref().await?)
    }

    /// The time, by the clock of this store.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What changes, as it changes.
    pub fn announcements(&self) -> &Announcements {
        &self.announcements
    }

    /// Asks for rows, as is done all the time.
    async fn query_often(&self, statement: Statement) -> Result<Vec<QueryResult>, StoreError> {
        let rows = self.held.query_all(&statement).await;
        Ok(rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))?)
    }

    fn engine(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        // Immediate: a transaction that reads first and then can't write would have to be repeated.
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.engine() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Transaction {
            inner: self.writer.begin_with_options(options).await?,
            touched: Vec::new(),
            untold: Vec::new(),
            touches_platform: false,
            domains: Vec::new(),
            announcements: self.announcements.clone(),
            now: self.clock.now(),
            clock: Arc::clone(&self.clock),
            _turn: None,
        })
    }

    /// A transaction of a worker, which waits for its turn.
    async fn begin_as_worker(&self) -> Result<Transaction, StoreError> {
        // Nobody closes it.
        let turn = self.workers.clone().acquire_owned().await.ok();
        Ok(Transaction { _turn: turn, ..self.begin().await? })
    }
}

/// How old the time of a change may be when it is committed.
const STAMPS_HOLD_FOR: Duration = Duration::from_secs(5);

/// A change can be seen at the latest so long after the time that it bears. Whoever asks what changed looks as far back; what
/// comes twice does no harm.
pub const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// A transaction that knows what it changes of what people see, and says so once it is committed.
struct Transaction {
    inner: DatabaseTransaction,
    touched: Vec<CompanyId>,
    /// What PostgreSQL is still to tell the other processes of.
    untold: Vec<Announcement>,
    /// Whether it changes what is wrong with our app registration.
    touches_platform: bool,
    /// The domains to which companies came, or which they left.
    domains: Vec<String>,
    announcements: Announcements,
    now: Timestamp,
    clock: Arc<dyn Clock>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Transaction {
    /// Marks the company's row on the page as changed, and has PostgreSQL tell the other processes.
    async fn touch(&mut self, company: CompanyId) -> Result<(), StoreError> {
        use entity::company::{Column, Entity};

        let mut changed = Entity::update_many()
            .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
            .col_expr(Column::ChangedAt, Expr::val(self.now.as_millis()))
            .filter(Column::Id.eq(company.uuid()));
        if self.inner.get_database_backend() == DbBackend::Postgres {
            changed.query().returning(announcements::notify());
        }
        changed.exec(&self.inner).await?;
        self.touched.push(company);
        Ok(())
    }

    /// The same, for a row that was just written anew or marked by what wrote it.
    fn touched_already(&mut self, company: CompanyId) {
        self.touched.push(company);
        self.untold.push(Announcement::Company(company));
    }

    /// Marks what is wrong with our app registration as changed.
    fn touch_platform(&mut self) {
        self.touches_platform = true;
        self.untold.push(Announcement::Platform);
    }

    /// Rows bear the time at which the transaction began, and it took long since: whoever asks what changed would not look as
    /// far back.
    async fn stamp_anew(&self) -> Result<(), StoreError> {
        use entity::company::{Column, Entity};

        let now = self.clock.now().as_millis();
        for part in self.touched.chunks(ROWS_A_STATEMENT) {
            Entity::update_many()
                .col_expr(Column::ChangedAt, Expr::val(now))
                .filter(Column::Id.is_in(part.iter().map(|id| id.uuid())))
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        if !self.domains.is_empty() {
            self.touch_sharers().await?;
        }
        if self.clock.now().since(self.now) > STAMPS_HOLD_FOR {
            self.stamp_anew().await?;
        }
        if self.inner.get_database_backend() == DbBackend::Postgres && !self.untold.is_empty() {
            announcements::tell(&self.inner, &self.untold).await?;
        }
        self.inner.commit().await?;
        for company in self.touched {
            self.announcements.publish(Announcement::Company(company));
        }
        if self.touches_platform {
            self.announcements.publish(Announcement::Platform);
        }
        Ok(())
    }
}

/// Connections that are cut are noticed, at both ends.
fn careful(options: PgPoolOptions) -> PgPoolOptions {
    options
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                Ok(())
            })
        })
        // By itself, the pool would wait for one that was cut for as long as the network's patience lasts.
        .after_release(|connection, _| {
            Box::pin(async move {
                let answer = tokio::time::timeout(presence::ANSWERS_WITHIN, connection.ping()).await;
                answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
            })
        })
}

/// One server after the other: several may start at once. The lock goes with the connection that holds it.
async fn migrate_postgres(url: &str) -> Result<(), StoreError> {
    let mut options = options_for(url);
    options.max_connections(1);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
    migrate(&connection).await?;
    Ok(connection.close().await?)
}

/// All of it, or nothing: whoever is ended in the middle of it can start again. (On PostgreSQL each migration is a transaction
/// already.) One process after the other, too.
async fn migrate_sqlite(writer: &DatabaseConnection) -> Result<(), StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = writer.begin_with_options(options).await?;
    migrate(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Brings the tables up to date. What a newer Tenantry made of them, this one does not know.
async fn migrate<Db>(db: &Db) -> Result<(), StoreError>
where
    Db: ConnectionTrait,
    for<'a> &'a Db: IntoSchemaManagerConnection<'a>,
{
    let known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let has_any = SchemaManager::new(db).has_table(MIGRATIONS).await?;
    let applied = if has_any { seaql_migrations::Entity::find().all(db).await? } else { Vec::new() };
    match applied.into_iter().find(|applied| !known.contains(&applied.version)) {
        Some(newer) => Err(StoreError::Newer(newer.version)),
        None => Ok(Migrator::up(db, None).await?),
    }
}

/// Options of every pool. Statements are not logged above `trace`: they hold names of people.
pub fn options_for(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        // What closes connections that are old or idle spins for ever, on a thread that others need, if it counts the idle
        // ones in the moment in which one is given back and taken (sqlx 0.9, `PoolInner::release`).
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging_level(LevelFilter::Trace)
        .sqlx_slow_statements_logging_settings(LevelFilter::Debug, Duration::from_secs(1));
    options
}

async fn connect_sqlite(path: &Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = options_for("sqlite::memory:");
    let path = path.to_owned();
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        // A file does not go away as a server does.
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&path)
                .in_memory(false)
                .shared_cache(false)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
        })
        .map_sqlx_sqlite_pool_opts(out_of_transactions);
    Database::connect(options).await
}

/// Connections that are in a transaction still are closed instead of used again. When a disk is full, SQLite rolls back by
/// itself, sqlx's rollback fails, and sqlx takes what comes next for a part of that transaction: it would never be committed.
fn out_of_transactions(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // A rollback that is under way ends before a ping is answered.
            if connection.is_in_transaction() {
                connection.ping().await?;
            }
            Ok(!connection.is_in_transaction())
        })
    })
}

/// A pattern of LIKE for what contains this text, in lower case.
fn contains(text: &str) -> String {
    let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{text}%")
}

/// A count as the database keeps it.
fn to_i32(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// These, and the last again until they are as many as a power of two. Another number of parameters is another statement,
/// which the database would have to prepare first.
fn padded<T: Clone>(mut values: Vec<T>) -> Vec<T> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// A count that the database kept.
fn to_u32(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_different_numbers_of_parameters_are_asked_with() {
        assert!(padded(Vec::<u8>::new()).is_empty());
        assert_eq!(padded(vec![1]), vec![1]);
        assert_eq!(padded(vec![1, 2, 3]), vec![1, 2, 3, 3]);
        assert_eq!(padded(vec![1, 2, 3, 4]), vec![1, 2, 3, 4]);
        // What SQLite takes in one statement.
        assert!(padded(vec![0; ROWS_A_STATEMENT]).len() < 32_766);
    }
}
