//! Connections that are held for what is asked all the time. One that is given back to the pool is tested each time, which takes
//! longer than such a question.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sea_orm::{
    DatabaseConnection, DbBackend, QueryResult, Statement,
    sea_query::Values,
    sqlx::{
        AssertSqlSafe, Connection as _, Error, Executor as _,
        postgres::{PgConnection, PgPool},
        query_with,
        sqlite::{SqliteConnection, SqlitePool},
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{sync::Semaphore, time::timeout};

use super::presence::ANSWERS_WITHIN;

/// How many questions are asked at once.
const CONNECTIONS: usize = 2;

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Connections, as long as they answer.
pub struct Held {
    pool: Pool,
    places: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Held {
    /// Some of this pool, when they are needed.
    pub fn of(reader: &DatabaseConnection) -> Self {
        let pool = match reader.get_database_backend() {
            DbBackend::Postgres => Pool::Postgres(reader.get_postgres_connection_pool().clone()),
            _ => Pool::Sqlite(reader.get_sqlite_connection_pool().clone()),
        };
        Self { pool, places: Semaphore::new(CONNECTIONS), idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Connection, Error> {
        match &self.pool {
            Pool::Sqlite(pool) => Ok(Connection::Sqlite(pool.acquire().await?.detach())),
            Pool::Postgres(pool) => {
                let mut connection = pool.acquire().await?.detach();
                // What is asked all the time need not be planned each time.
                let set = connection.execute("SET plan_cache_mode = force_generic_plan");
                timeout(ANSWERS_WITHIN, set).await.map_err(|_| Error::PoolTimedOut)??;
                Ok(Connection::Postgres(connection))
            }
        }
    }

    /// Closes those that nobody uses.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            let closed = match connection {
                Connection::Sqlite(connection) => connection.close().await,
                Connection::Postgres(connection) => connection.close().await,
            };
            // One that is broken is closed already.
            drop(closed);
        }
    }

    /// Asks for rows.
    pub async fn query_all(&self, statement: &Statement) -> Result<Vec<QueryResult>, Error> {
        let _place = self.places.acquire().await.map_err(|_| Error::PoolClosed)?;
        // What is cut off takes its connection with it.
        let kept = self.idle().pop();
        let asked = match kept {
            Some(connection) => Some(ask(connection, statement).await),
            None => None,
        };
        let (rows, connection) = match asked {
            Some(Err(error)) if !is_ended(&error) => return Err(error),
            Some(Ok(answered)) => answered,
            // The database was restarted meanwhile, perhaps. A question can be asked again.
            Some(Err(_)) | None => ask(self.connect().await?, statement).await?,
        };
        self.idle().push(connection);
        Ok(rows)
    }
}

/// Whether it says nothing but that the connection was ended.
fn is_ended(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => true,
        Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

async fn ask(connection: Connection, statement: &Statement) -> Result<(Vec<QueryResult>, Connection), Error> {
    let values = SqlxValues(statement.values.clone().unwrap_or_else(|| Values(Vec::new())));
    // It is one of ours, and what others wrote is among its values.
    let sql = AssertSqlSafe(statement.sql.as_str());
    match connection {
        Connection::Sqlite(mut connection) => {
            let rows = query_with(sql, values).fetch_all(&mut connection).await?;
            Ok((rows.into_iter().map(QueryResult::from).collect(), Connection::Sqlite(connection)))
        }
        Connection::Postgres(mut connection) => {
            let rows = query_with(sql, values).fetch_all(&mut connection);
            let rows = timeout(ANSWERS_WITHIN, rows).await.map_err(|_| Error::PoolTimedOut)??;
            Ok((rows.into_iter().map(QueryResult::from).collect(), Connection::Postgres(connection)))
        }
    }
}
