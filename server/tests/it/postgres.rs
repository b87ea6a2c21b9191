//! A throw-away PostgreSQL cluster for the whole run, with a database for each test.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use sea_orm::{ConnectionTrait as _, Database, Statement};
use server::store::options_for;
use url::Url;
use uuid::Uuid;

/// A cluster. It ends when this is dropped.
pub struct Cluster {
    url: Url,
    /// The cluster ends when the pipe to its standard input closes, and so when this process does.
    _script: Child,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh");

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

impl Cluster {
    pub fn start() -> Self {
        let mut script = Command::new(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/postgres.sh can be run");
        let mut line = String::new();
        let output = script.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where the cluster is");
        let url = line.trim().parse().expect("PostgreSQL started; what it said is above");
        Self { url, _script: script }
    }

    /// A new, empty database.
    pub async fn new_database(&self) -> String {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let admin = Database::connect(options_for(self.url.as_str())).await.expect("the cluster answers");
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
        admin.close().await.expect("the connection closes");
        let mut url = self.url.clone();
        url.set_path(&name);
        url.into()
    }

    /// Where its files are.
    pub async fn data_folder(&self) -> String {
        let admin = Database::connect(options_for(self.url.as_str())).await.expect("the cluster answers");
        let ask = Statement::from_string(admin.get_database_backend(), "SHOW data_directory");
        let row = admin.query_one_raw(ask).await.expect("it answers").expect("it has one");
        admin.close().await.expect("the connection closes");
        row.try_get("", "data_directory").expect("it is a path")
    }
}

/// A new, empty database.
pub async fn new_database() -> String {
    let cluster =
        tokio::task::spawn_blocking(|| CLUSTER.get_or_init(Cluster::start)).await.expect("the cluster starts");
    cluster.new_database().await
}

/// Where PostgreSQL's programs are.
pub fn programs() -> PathBuf {
    let found = Command::new(SCRIPT).arg("--find").output().expect("tests/postgres.sh can be run");
    String::from_utf8(found.stdout).expect("it is a path").trim().into()
}
