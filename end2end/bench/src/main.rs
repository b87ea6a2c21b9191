//! Measures the sync, prints a table, and the same as JSON in the last line.
//!
//! `BENCH_USERS` (50,000), `BENCH_TENANTS` (1,000) and `BENCH_RUNS` (5) make it smaller.

mod by_hand;
mod database;
mod microsoft;

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use server::{
    clock::SystemClock,
    config::{Config, SyncConfig},
    store::Store,
    sync::Worker,
    vault::Vault,
};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    by_hand::Person,
    database::{Cluster, Empty, Engine},
    microsoft::{Microsoft, repeater},
};

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_mins(10);

const LATENCY: Duration = Duration::from_millis(200);

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A worker in this process.
struct Working {
    stop: CancellationToken,
    work: JoinHandle<()>,
    store: Store,
    begun: Instant,
}

impl Working {
    async fn start(empty: &Empty, host: &str, concurrency: usize) -> anyhow::Result<Self> {
        let settings = settings(empty, host);
        let config = Config::load(None, settings)?;
        let clock = Arc::new(SystemClock);
        let client = server::startup::microsoft(&config, clock.clone())?.context("an app registration")?;
        let store = Store::open(&empty.url, clock.clone()).await?;
        let vault = Arc::new(Vault::open_or_create(&config.secret_key_file)?);
        let concurrency = NonZeroUsize::new(concurrency).context("a concurrency")?;
        let sync = SyncConfig { concurrency, ..config.sync };
        let worker = Worker::new(store.clone(), vault, clock, client, &sync, Arc::new(Notify::new()));
        let stop = CancellationToken::new();
        let begun = Instant::now();
        let work = tokio::spawn(worker.run(stop.clone()));
        Ok(Self { stop, work, store, begun })
    }

    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.work.await?;
        Ok(self.store.close().await?)
    }
}

/// What a worker is started with.
fn settings(empty: &Empty, host: &str) -> HashMap<String, String> {
    let options = m365_sandbox::SandboxOptions::default();
    [
        ("TENANTRY_DATA_DIR", empty.folder.path().display().to_string()),
        ("TENANTRY_DATABASE_URL", empty.url.clone()),
        ("TENANTRY_M365_CLIENT_ID", options.client_id),
        ("TENANTRY_M365_CLIENT_SECRET", options.client_secret),
        ("TENANTRY_M365_LOGIN_URL", host.to_owned()),
        ("TENANTRY_M365_GRAPH_URL", host.to_owned()),
        ("TENANTRY_LOG", "warn".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Waits until so many companies were read.
async fn wait_for(empty: &Empty, companies: usize) -> anyhow::Result<()> {
    let wait = async {
        loop {
            let read = empty.count("SELECT count(*) FROM connection WHERE last_round_at IS NOT NULL").await?;
            if usize::try_from(read)? >= companies {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.context("it takes too long")?
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn p95(mut times: Vec<i64>) -> f64 {
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "they are milliseconds")]
    times.get(times.len() * 95 / 100).map_or(f64::NAN, |time| *time as f64)
}

/// A full round of many users, and the same rows by hand, in turn.
async fn full_round(cluster: &Cluster, microsoft: &Microsoft, engine: Engine) -> anyhow::Result<Value> {
    let users = setting("BENCH_USERS", 50_000);
    let tenant = microsoft.tenant(users).await?;
    let host = repeater(microsoft).await?;
    let people = microsoft.people(tenant).await?.iter().map(Person::read).collect::<anyhow::Result<Vec<_>>>()?;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    // The first run fills the repeater, and is not counted.
    for run in 0..=setting("BENCH_RUNS", 5) {
        let empty = cluster.empty(engine).await?;
        empty.connect(tenant).await?;
        let working = Working::start(&empty, &host, 16).await?;
        wait_for(&empty, 1).await?;
        let took = working.begun.elapsed();
        working.end().await?;
        let stored = empty.count("SELECT count(*) FROM m365_user").await?;
        if usize::try_from(stored)? != people.len() {
            bail!("{stored} users are stored, of {}", people.len());
        }

        let empty = cluster.empty(engine).await?;
        let company = empty.connect(tenant).await?;
        let begun = Instant::now();
        by_hand::write(engine, &empty, company, &people).await?;
        let took_by_hand = begun.elapsed();
        if run > 0 {
            ours.push(took.as_secs_f64());
            by_hand.push(took_by_hand.as_secs_f64());
        }
    }
    let (ours, by_hand) = (median(ours), median(by_hand));
    Ok(
        json!({ "engine": engine.name(), "users": users, "sync_secs": ours, "by_hand_secs": by_hand, "times": ours / by_hand }),
    )
}

/// The program by itself.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The most memory that the program ever had while it read a tenant, in megabytes.
async fn peak_memory(cluster: &Cluster, microsoft: &Microsoft, engine: Engine, users: usize) -> anyhow::Result<f64> {
    let tenant = microsoft.tenant(users).await?;
    let empty = cluster.empty(engine).await?;
    empty.connect(tenant).await?;
    let folder = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    let program = Command::new(folder.join("tenantry"))
        .arg("worker")
        .envs(settings(&empty, microsoft.url()))
        .stdout(Stdio::null())
        .spawn()
        .context("`tenantry` is built beside this program")?;
    let program = Program(program);
    wait_for(&empty, 1).await?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.0.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("Linux says how much it was")?;
    let kilobytes: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}

/// Many small tenants, far away; and a large one among them.
async fn fleet(cluster: &Cluster, engine: Engine, concurrency: usize, large: Option<usize>) -> anyhow::Result<Value> {
    let tenants = setting("BENCH_TENANTS", 1_000);
    let microsoft = Microsoft::start().await?;
    let empty = cluster.empty(engine).await?;
    let large = match large {
        Some(users) => Some(empty.connect(microsoft.tenant(users).await?).await?),
        None => None,
    };
    for _ in 0..tenants {
        empty.connect(microsoft.new_tenant(50).await?).await?;
    }
    microsoft.latency(u64::try_from(LATENCY.as_millis())?).await?;
    let before = microsoft.requests().await?;
    let began_at = server::clock::Clock::now(&SystemClock).as_millis();
    let begun = Instant::now();
    let working = Working::start(&empty, microsoft.url(), concurrency).await?;
    wait_for(&empty, tenants + usize::from(large.is_some())).await?;
    let took = begun.elapsed().as_secs_f64();
    working.end().await?;
    let requests = microsoft.requests().await? - before;
    let but = large.unwrap_or_default();
    let sql = match engine {
        Engine::Sqlite => {
            format!("SELECT last_round_at - {began_at} FROM connection WHERE company_id <> x'{}'", but.simple())
        }
        Engine::Postgres => format!("SELECT last_round_at - {began_at} FROM connection WHERE company_id <> '{but}'"),
    };
    #[expect(clippy::cast_precision_loss, reason = "they are small numbers")]
    let (count, slots, asked) = (tenants as f64, concurrency as f64, requests as f64);
    let ideal = |rounds_trips: f64| count * rounds_trips * LATENCY.as_secs_f64() / slots;
    Ok(json!({
        "engine": engine.name(), "tenants": tenants, "concurrency": concurrency, "large": large.is_some(), "secs": took,
        "requests_a_tenant": asked / count,
        // One request after the other; and as it is done, a token and then the rest at once.
        "efficiency": ideal(3.0) / took, "efficiency_of_two_trips": ideal(2.0) / took,
        "small_p95_ms": p95(empty.numbers(&sql).await?),
    }))
}

async fn run() -> anyhow::Result<Value> {
    let wanted = std::env::args().nth(1);
    let is_wanted = |what: &str| wanted.as_deref().is_none_or(|wanted| wanted == what);
    let cluster = Cluster::start()?;
    let mut results = serde_json::Map::new();
    let mut keep = |what: &str, result: Value| {
        println!("{what:<14} {result}");
        if let Some(list) = results.entry(what).or_insert_with(|| json!([])).as_array_mut() {
            list.push(result);
        }
    };
    let users = setting("BENCH_USERS", 50_000);
    for engine in Engine::ALL {
        if is_wanted("full_round") {
            let microsoft = Microsoft::start().await?;
            keep("full_round", full_round(&cluster, &microsoft, engine).await?);
        }
        if is_wanted("peak_memory") {
            let microsoft = Microsoft::start().await?;
            let small = peak_memory(&cluster, &microsoft, engine, users / 10).await?;
            let large = peak_memory(&cluster, &microsoft, engine, users).await?;
            keep(
                "peak_memory",
                json!({ "engine": engine.name(), "users": users, "mb": large, "mb_of_a_tenth": small, "times": large / small }),
            );
        }
        if is_wanted("fleet") {
            for concurrency in [16, 64] {
                keep("fleet", fleet(&cluster, engine, concurrency, None).await?);
            }
        }
        if is_wanted("fairness") {
            let alone = fleet(&cluster, engine, 16, None).await?;
            let beside = fleet(&cluster, engine, 16, Some(users)).await?;
            let p95 = |result: &Value| result["small_p95_ms"].as_f64().unwrap_or(f64::NAN);
            let (alone, beside) = (p95(&alone), p95(&beside));
            keep(
                "fairness",
                json!({ "engine": engine.name(), "small_p95_ms": alone, "beside_a_large_one_ms": beside, "times": beside / alone }),
            );
        }
    }
    Ok(Value::Object(results))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    server::microsoft::install_crypto();
    println!("{}", run().await?);
    Ok(())
}
