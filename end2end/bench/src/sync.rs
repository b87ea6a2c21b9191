//! Reading tenants: how long it takes, and how much memory.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
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
    LATENCY, PATIENCE,
    by_hand::{self, Person},
    database::{Cluster, Empty, Engine},
    limits::{Measured, quantile},
    microsoft::{Microsoft, repeater},
    programs::{Program, settings},
    setting,
};

/// A worker in this process.
struct Working {
    stop: CancellationToken,
    work: JoinHandle<()>,
    store: Store,
    begun: Instant,
}

impl Working {
    async fn start(empty: &Empty, host: &str, concurrency: usize) -> anyhow::Result<Self> {
        let config = Config::load(None, settings(&empty.url, empty.folder.path(), host))?;
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

/// Waits until so many companies were read.
pub async fn wait_for(empty: &Empty, companies: usize) -> anyhow::Result<()> {
    let wait = async {
        loop {
            let read = empty.count("SELECT count(*) FROM connection WHERE last_round_at IS NOT NULL").await?;
            if usize::try_from(read)? >= companies {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.context("it takes too long")?
}

/// A full round of many users, and the same rows by hand, in turn.
pub async fn full_round(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let microsoft = Microsoft::start()?;
    let users = setting("BENCH_USERS", 50_000);
    let tenant = microsoft.tenant(users).await?;
    let host = repeater(&microsoft).await?;
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
    let (ours, by_hand) = (quantile(ours, 0.5), quantile(by_hand, 0.5));
    Ok(Measured {
        what: "full_round",
        engine,
        variant: format!("{users} users"),
        numbers: vec![("sync_secs", ours), ("by_hand_secs", by_hand), ("times_by_hand", ours / by_hand)],
    })
}

/// The most memory that the program needs for many users, and for a tenth of them.
pub async fn peak_memory(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let microsoft = Microsoft::start()?;
    let users = setting("BENCH_USERS", 50_000);
    let mut peaks = Vec::new();
    for users in [users / 10, users] {
        let tenant = microsoft.tenant(users).await?;
        let empty = cluster.empty(engine).await?;
        empty.connect(tenant).await?;
        let program = Program::worker(&empty, microsoft.url())?;
        wait_for(&empty, 1).await?;
        peaks.push(program.peak_memory()?);
    }
    let (tenth, all) = (peaks[0], peaks[1]);
    Ok(Measured {
        what: "peak_memory",
        engine,
        variant: format!("{users} users"),
        numbers: vec![("megabytes", all), ("megabytes_of_a_tenth", tenth), ("times_a_tenth", all / tenth)],
    })
}

/// Many small tenants, far away.
pub async fn fleet(cluster: &Cluster, engine: Engine, concurrency: usize) -> anyhow::Result<Measured> {
    let run = read_fleet(cluster, engine, concurrency, None).await?;
    #[expect(clippy::cast_precision_loss, reason = "they are small numbers")]
    let (tenants, slots) = (run.tenants as f64, concurrency as f64);
    let ideal = |trips: f64| tenants * trips * LATENCY.as_secs_f64() / slots;
    Ok(Measured {
        what: "fleet",
        engine,
        variant: format!("{concurrency} at once"),
        numbers: vec![
            ("secs", run.secs),
            ("requests_a_tenant", run.requests / tenants),
            // One request after the other; and as it is done, a token and then the rest at once.
            ("efficiency", ideal(3.0) / run.secs),
            ("efficiency_of_two_trips", ideal(2.0) / run.secs),
        ],
    })
}

/// How long small tenants take by themselves, and with a large one among them.
pub async fn fairness(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let users = setting("BENCH_USERS", 50_000);
    let alone = read_fleet(cluster, engine, 16, None).await?.small_p95_ms;
    let beside = read_fleet(cluster, engine, 16, Some(users)).await?.small_p95_ms;
    Ok(Measured {
        what: "fairness",
        engine,
        variant: format!("beside {users}"),
        numbers: vec![("small_p95_ms", alone), ("beside_p95_ms", beside), ("times_alone", beside / alone)],
    })
}

struct Run {
    tenants: usize,
    secs: f64,
    requests: f64,
    small_p95_ms: f64,
}

async fn read_fleet(
    cluster: &Cluster,
    engine: Engine,
    concurrency: usize,
    large: Option<usize>,
) -> anyhow::Result<Run> {
    let tenants = setting("BENCH_TENANTS", 1_000);
    let microsoft = Microsoft::start()?;
    let empty = cluster.empty(engine).await?;
    let large = match large {
        Some(users) => Some(empty.connect(microsoft.tenant(users).await?).await?),
        None => None,
    };
    for _ in 0..tenants {
        empty.connect(microsoft.small_tenant().await?).await?;
    }
    microsoft.latency(LATENCY).await?;
    let before = microsoft.requests().await?;
    let began_at = server::clock::Clock::now(&SystemClock).as_millis();
    let begun = Instant::now();
    let working = Working::start(&empty, microsoft.url(), concurrency).await?;
    wait_for(&empty, tenants + usize::from(large.is_some())).await?;
    let secs = begun.elapsed().as_secs_f64();
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
    let as_numbers = |numbers: Vec<i64>| numbers.into_iter().map(|number| number as f64).collect();
    let small_p95_ms = quantile(as_numbers(empty.numbers(&sql).await?), 0.95);
    #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
    Ok(Run { tenants, secs, requests: requests as f64, small_p95_ms })
}
