//! Measures the sync, the lists and the page of companies, prints each number beside its limit, and all of them as JSON in the last line.
//!
//! `BENCH_USERS` (50,000), `BENCH_TENANTS` (1,000), `BENCH_RUNS` (5) and `BENCH_COMPANIES` (10,000, for the search of 100
//! users each) make it smaller; `BENCH_ENGINE` measures one of `sqlite` and `postgresql`. `BENCH_SITE` is the built web app.

mod by_hand;
mod database;
mod limits;
#[path = "../../../server/tests/it/many_users.rs"]
mod many_users;
mod microsoft;
mod page;
mod pages;
mod programs;
mod sync;

use std::{process::ExitCode, time::Duration};

use anyhow::bail;

use crate::database::{Cluster, Engine};

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_mins(10);

/// How far away Microsoft is.
const LATENCY: Duration = Duration::from_millis(200);

/// What can be measured.
const ALL: [&str; 7] = ["full_round", "peak_memory", "fleet", "fairness", "api_under_sync", "search", "page"];

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    server::microsoft::install_crypto();
    let wanted = std::env::args().nth(1);
    if let Some(unknown) = wanted.as_deref().filter(|wanted| !ALL.contains(wanted)) {
        bail!("{unknown} is none of {}", ALL.join(", "));
    }
    let only = std::env::var("BENCH_ENGINE").ok();
    let cluster = Cluster::start()?;
    let (mut results, mut all_hold) = (Vec::new(), true);
    for engine in Engine::ALL {
        if only.as_deref().is_some_and(|only| !engine.name().eq_ignore_ascii_case(only)) {
            continue;
        }
        for what in ALL.into_iter().filter(|what| wanted.as_deref().is_none_or(|wanted| wanted == *what)) {
            let measured = match what {
                "full_round" => vec![sync::full_round(&cluster, engine).await?],
                "peak_memory" => vec![sync::peak_memory(&cluster, engine).await?],
                "fleet" => vec![sync::fleet(&cluster, engine, 16).await?, sync::fleet(&cluster, engine, 64).await?],
                "fairness" => vec![sync::fairness(&cluster, engine).await?],
                "api_under_sync" => vec![pages::under_sync(&cluster, engine).await?],
                "search" => vec![pages::search(&cluster, engine).await?],
                _ => vec![page::page(&cluster, engine).await?],
            };
            for measured in measured {
                all_hold &= measured.print();
                results.push(measured.json());
            }
        }
    }
    println!("{}", serde_json::Value::from(results));
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
