//! The page M365 companies in a browser: how soon it shows something, how soon it follows a key, and what it takes.

use std::{future::IntoFuture as _, process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use server::clock::{Clock as _, SystemClock};
use tokio::process::Command;

use crate::{
    database::{Cluster, Empty, Engine},
    limits::Measured,
    many_users,
    pages::Server,
    setting,
};

/// The numbers of the script, in the order in which they are printed.
const NUMBERS: [&str; 19] = [
    "kilobytes",
    "first_rows_few_ms",
    "first_rows_some_ms",
    "first_rows_ms",
    "first_rows_times_few",
    "peer_loads_ms",
    "vanilla_key_p50_ms",
    "search_times_vanilla",
    "key_p50_ms",
    "key_p95_ms",
    "sort_p50_ms",
    "sort_p95_ms",
    "filter_p50_ms",
    "filter_p95_ms",
    "memory_js_mb",
    "memory_elements_mb",
    "memory_wasm_mb",
    "memory_before_mb",
    "memory_mb",
];

/// A page that is a search and a window of 50 rows, and nothing else: what is typed leaves those whose text has it.
const VANILLA: &str = include_str!("../vanilla.html");

async fn vanilla(companies: usize) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://localhost:{}/", listener.local_addr()?.port());
    let page = axum::response::Html(VANILLA.replace("COMPANIES", &companies.to_string()));
    let router = axum::Router::new().route("/", axum::routing::get(async || page));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(url)
}

/// Measures it with 100 companies, with 1,000 and with 10,000.
pub async fn page(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let companies = setting("BENCH_COMPANIES", 10_000);
    let site = std::env::var("BENCH_SITE").context("BENCH_SITE says where the web app is built")?;
    // Nobody asks Microsoft: no connection is due.
    let serve = async |companies| {
        let empty = filled(cluster, engine, companies).await?;
        let server = Server::with_site(&empty, "http://127.0.0.1:9", &site).await?;
        let place = json!({ "url": server.url, "cookie": server.token.expose() });
        anyhow::Ok(((empty, server), place))
    };
    let ((_few, few), (_some, some), (_many, many)) =
        (serve(100).await?, serve(companies / 10).await?, serve(companies).await?);
    let asked = json!({
        "few": few,
        "some": some,
        "many": many,
        "vanilla": vanilla(companies).await?,
        "peer": std::env::var("PEER_PAGE_URL").ok(),
        "runs": setting("BENCH_RUNS", 9).max(7),
    });
    let script = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/page.mjs"))
        .env("PAGE_BENCH", asked.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("Node.js runs")?;
    let output = script.wait_with_output().await?;
    ensure!(output.status.success(), "the browser's script ended with {}; what it said is above", output.status);
    let said: Value = serde_json::from_slice(&output.stdout).context("the script prints JSON")?;
    Ok(Measured {
        what: "page",
        engine,
        variant: format!("{companies} companies"),
        // What could not be measured is no number, and holds no limit.
        numbers: NUMBERS
            .into_iter()
            .filter(|name| !name.starts_with("peer_") || said[name].is_number())
            .map(|name| (name, said[name].as_f64().unwrap_or(f64::NAN)))
            .collect(),
    })
}

/// Companies as they are after some time: each with a domain, a contact and tags, one in three connected and read.
async fn filled(cluster: &Cluster, engine: Engine, companies: usize) -> anyhow::Result<Empty> {
    let empty = cluster.empty(engine).await?;
    many_users::fill(&empty.db, companies, 0).await?;
    empty
        .run(
            "UPDATE company SET domain = replace(lower(name), ' ', '') || '.test', external_id = replace(name, 'Company ', 'x'), \
             contact = 'Kim Abel', contact_email = 'kim@example.test', tags = 'gold, managed'",
        )
        .await?;
    // Nobody is to be read meanwhile. What is due much later would be taken for a mistake of a clock.
    let due = SystemClock.now().plus(Duration::from_hours(3)).as_millis();
    empty
        .run(&format!(
            "INSERT INTO connection (id, company_id, tenant_id, tenant_name, access, phase, phase_since, granted, connected_by, \
             connected_at, due_at, last_round_at, synced_at, users, licences_used, licences_assignable, score_current, score_max) \
             SELECT id, id, id, 'Tenant of ' || name, 'application', 'active', 0, '', 'x', 0, {due}, 1, 1700000000000, \
             250, 14, 25, 56, 100 FROM company WHERE name LIKE '%1' OR name LIKE '%4' OR name LIKE '%7'"
        ))
        .await?;
    Ok(empty)
}
