//! Databases that begin empty, companies in them, and a PostgreSQL for as long as the benchmark runs.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};
use server::{
    clock::SystemClock,
    store::{Store, options_for},
};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use crate::PATIENCE;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The cluster that the tests use too. It ends when this process does, because the pipe to its input closes.
pub struct Cluster {
    url: Url,
    _script: Child,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../server/tests/postgres.sh"))
            // What it has by itself is a tenth of what a server has that looks after a million users.
            .args(["-c", "shared_buffers=1GB"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(script.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        Ok(Self {
            url: line.trim().parse().context("PostgreSQL did not start; what it said is above")?,
            _script: script,
        })
    }

    /// A database with our tables in it and nothing else.
    pub async fn empty(&self, engine: Engine) -> anyhow::Result<Empty> {
        let Blank { url, folder } = self.blank(engine).await?;
        Store::open(&url, Arc::new(SystemClock)).await?.close().await?;
        Ok(Empty { db: Database::connect(options_for(&url)).await?, url, folder })
    }

    /// A database without any table.
    pub async fn blank(&self, engine: Engine) -> anyhow::Result<Blank> {
        let folder = tempfile::tempdir()?;
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("bench.db").display()),
            Engine::Postgres => {
                let name = format!("bench_{}", Uuid::new_v4().simple());
                let admin = Database::connect(options_for(self.url.as_str())).await?;
                admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
                admin.close().await?;
                let mut url = self.url.clone();
                url.set_path(&name);
                url.to_string()
            }
        };
        Ok(Blank { url, folder })
    }
}

/// A database that nobody opened yet; with SQLite there is not even a file.
pub struct Blank {
    /// Where it is.
    pub url: String,
    /// A place for other files.
    pub folder: TempDir,
}

/// A database with nothing but what is put into it.
pub struct Empty {
    /// Past the store.
    pub db: DatabaseConnection,
    /// Where it is.
    pub url: String,
    /// A place for other files.
    pub folder: TempDir,
}

impl Empty {
    /// A company that is not connected.
    pub async fn company(&self) -> anyhow::Result<Uuid> {
        let company = Uuid::new_v4();
        let values = [company.into(), company.to_string().into()];
        let sql = "INSERT INTO company (id, name, created_at, revision, changed_at) VALUES ($1, $2, 0, 1, 0)";
        self.db.execute_raw(Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)).await?;
        Ok(company)
    }

    /// A company that is connected to this tenant and has never been read.
    pub async fn connect(&self, tenant: Uuid) -> anyhow::Result<Uuid> {
        let company = self.company().await?;
        let values = [Uuid::new_v4().into(), company.into(), tenant.into()];
        let sql = "INSERT INTO connection (id, company_id, tenant_id, tenant_name, access, phase, phase_since, granted, \
                   connected_by, connected_at, due_at) VALUES ($1, $2, $3, 'Tenant', 'application', 'active', 0, '', 'x', 0, 0)";
        self.db.execute_raw(Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)).await?;
        Ok(company)
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) -> anyhow::Result<()> {
        self.db.execute_unprepared(sql).await?;
        Ok(())
    }

    /// Waits until this counts nothing any more.
    pub async fn wait_for_none(&self, sql: &str) -> anyhow::Result<()> {
        let wait = async {
            while self.count(sql).await? > 0 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, wait).await.context("it takes too long")?
    }

    /// One number.
    pub async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let row = self.db.query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Numbers, one a row.
    pub async fn numbers(&self, sql: &str) -> anyhow::Result<Vec<i64>> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let rows = self.db.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}
