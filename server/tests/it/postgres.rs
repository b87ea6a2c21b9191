//! A throw-away PostgreSQL cluster for the whole run, with a database for each test.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use sea_orm::{ConnectionTrait as _, Database};
use url::Url;
use uuid::Uuid;

struct Cluster {
    url: Url,
    /// The cluster ends when this process does, because the pipe to its standard input closes.
    _script: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

impl Cluster {
    fn start() -> Self {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh"))
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
}

/// A new, empty database.
pub async fn new_database() -> String {
    let cluster =
        tokio::task::spawn_blocking(|| CLUSTER.get_or_init(Cluster::start)).await.expect("the cluster starts");
    let name = format!("test_{}", Uuid::new_v4().simple());
    let admin = Database::connect(cluster.url.as_str()).await.expect("the cluster answers");
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
    admin.close().await.expect("the connection closes");
    let mut url = cluster.url.clone();
    url.set_path(&name);
    url.into()
}
