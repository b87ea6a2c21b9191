//! The program as it runs: how soon it does, how much memory it takes, and how well it uses what Microsoft allows.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::{
    PATIENCE, companies,
    database::{Cluster, Engine},
    limits::{Measured, quantile},
    microsoft::Microsoft,
    pages::Server,
    programs::{Program, settings},
    setting, sync,
};

/// How long nobody asks for anything before the memory is looked at.
const IDLE: Duration = Duration::from_secs(5);

/// How many large tenants are read at once.
const LARGE: usize = 8;

/// Users on a page, and units in a second, where Microsoft's budget is what takes time.
const PAGE: usize = 25;
const UNITS: u32 = 20;

/// The memory of a server on a database with companies, when nobody asks for anything.
pub async fn idle_memory(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let companies = setting("BENCH_COMPANIES", 10_000);
    let empty = cluster.empty(engine).await?;
    companies::fill(&empty, engine, companies).await?;
    let server = Server::start(&empty, "http://127.0.0.1:9").await?;
    tokio::time::sleep(IDLE).await;
    Ok(Measured {
        what: "idle_memory",
        engine,
        variant: format!("{companies} companies"),
        numbers: vec![("megabytes", server.program().memory()?)],
    })
}

/// The most memory of a server that reads eight large tenants at once.
pub async fn eight_syncs(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let microsoft = Microsoft::start()?;
    let users = setting("BENCH_USERS", 50_000);
    let empty = cluster.empty(engine).await?;
    for _ in 0..LARGE {
        empty.connect(microsoft.tenant(users).await?).await?;
    }
    let server = Server::start(&empty, microsoft.url()).await?;
    let begun = Instant::now();
    sync::wait_for(&empty, LARGE).await?;
    Ok(Measured {
        what: "eight_syncs",
        engine,
        variant: format!("{LARGE} of {users}"),
        numbers: vec![("megabytes", server.program().peak_memory()?), ("secs", begun.elapsed().as_secs_f64())],
    })
}

/// How much of Microsoft's budget is used, where that is what takes time.
pub async fn throttling(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let microsoft = Microsoft::start()?;
    let users = setting("BENCH_USERS", 50_000) / 5;
    let empty = cluster.empty(engine).await?;
    empty.connect(microsoft.tenant(users).await?).await?;
    microsoft.graph(&json!({ "page_size": PAGE, "budget": { "units": UNITS, "window_ms": 1_000 } })).await?;
    let _server = Server::start(&empty, microsoft.url()).await?;
    let begun = Instant::now();
    sync::wait_for(&empty, 1).await?;
    let kept = microsoft.throttling().await?;
    let number = |value: &serde_json::Value| value.as_f64().context("it is counted");
    let used = &kept["until_last_refusal"];
    Ok(Measured {
        what: "throttling",
        engine,
        variant: format!("{UNITS} units a second"),
        numbers: vec![
            ("goodput", number(&used["units"])? / number(&used["of"])?),
            ("asked_too_early", number(&kept["early"])?),
            ("secs", begun.elapsed().as_secs_f64()),
        ],
    })
}

/// How long it takes until a new process says that it is ready: with an empty database, and with one that is there.
pub async fn cold_start(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let start = async |settings: &[(String, String)]| {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}/readyz");
        let begun = Instant::now();
        // Without a folder for the web app: it is in the program.
        let program = Program::serve(settings, port, None)?;
        let ready = async {
            while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.context("it does not start")?;
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        let page = http.get(format!("http://127.0.0.1:{port}/login")).send().await?.status();
        ensure!(page.is_success(), "the web app is not in the program: it answers {page}");
        drop(program);
        anyhow::Ok(took)
    };
    let (mut new, mut existing) = (Vec::new(), Vec::new());
    for _ in 0..setting("BENCH_RUNS", 9).max(7) {
        let blank = cluster.blank(engine).await?;
        let settings = settings(&blank.url, blank.folder.path(), "http://127.0.0.1:9");
        new.push(start(&settings).await?);
        existing.push(start(&settings).await?);
    }
    Ok(Measured {
        what: "cold_start",
        engine,
        variant: "until it is ready".to_owned(),
        numbers: vec![("new_ms", quantile(new, 0.5)), ("existing_ms", quantile(existing, 0.5))],
    })
}
