//! Measures the sync, the lists, the program and the page of companies, prints each number beside its limit, and writes all
//! of them as JSON into the file that `BENCH_RESULTS` names (`bench.json`).
//!
//! `BENCH_USERS` (50,000), `BENCH_TENANTS` (1,000), `BENCH_RUNS` (5; 9 where a ratio of short times is measured) and
//! `BENCH_COMPANIES` (10,000, for the search of 100 users each) make it smaller; `BENCH_ENGINE` measures one of `sqlite` and
//! `postgresql`. `BENCH_SITE` is the built web app. `PEER_LIST_URL` and `PEER_PAGE_URL` name a list and a page of another
//! product, which are measured in the same run.

mod by_hand;
mod companies;
mod database;
mod limits;
mod lists;
mod load;
#[path = "../../../server/tests/it/many_users.rs"]
mod many_users;
mod microsoft;
mod page;
mod pages;
mod programs;
mod running;
mod sync;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};

use crate::{
    database::{Cluster, Engine},
    lists::Asking,
};

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_mins(10);

/// How far away Microsoft is.
const LATENCY: Duration = Duration::from_millis(200);

/// What can be measured.
const ALL: [&str; 14] = [
    "full_round",
    "peak_memory",
    "eight_syncs",
    "idle_memory",
    "fleet",
    "fairness",
    "throttling",
    "api_under_sync",
    "search",
    "whole_list",
    "list_api",
    "making_links",
    "cold_start",
    "page",
];

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    server::microsoft::install_crypto();
    let wanted = std::env::args().nth(1);
    if wanted.as_deref() == Some(programs::NOTHING) {
        lists::serve_nothing().await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = wanted.as_deref().filter(|wanted| !ALL.contains(wanted)) {
        bail!("{unknown} is none of {}", ALL.join(", "));
    }
    let only = std::env::var("BENCH_ENGINE").ok();
    let is_wanted = |engine: &Engine| only.as_deref().is_none_or(|only| engine.name().eq_ignore_ascii_case(only));
    if !Engine::ALL.iter().any(is_wanted) {
        bail!("BENCH_ENGINE is none of {}", Engine::ALL.map(Engine::name).join(", "));
    }
    let cluster = Cluster::start()?;
    let (mut results, mut all_hold) = (Vec::new(), true);
    for engine in Engine::ALL.into_iter().filter(is_wanted) {
        for what in ALL.into_iter().filter(|what| wanted.as_deref().is_none_or(|wanted| wanted == *what)) {
            let measured = match what {
                "full_round" => vec![sync::full_round(&cluster, engine).await?],
                "peak_memory" => vec![sync::peak_memory(&cluster, engine).await?],
                "eight_syncs" => vec![running::eight_syncs(&cluster, engine).await?],
                "idle_memory" => vec![running::idle_memory(&cluster, engine).await?],
                "throttling" => vec![running::throttling(&cluster, engine).await?],
                "cold_start" => vec![running::cold_start(&cluster, engine).await?],
                "whole_list" => vec![lists::whole_list(&cluster, engine).await?],
                "list_api" => vec![
                    lists::list_api(&cluster, engine, Asking::Many).await?,
                    lists::list_api(&cluster, engine, Asking::Few).await?,
                ],
                "making_links" => vec![lists::making_links(&cluster, engine).await?],
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
    let file = std::env::var("BENCH_RESULTS").unwrap_or_else(|_| "bench.json".to_owned());
    std::fs::write(&file, serde_json::to_string_pretty(&results)?)
        .with_context(|| format!("{file} can't be written"))?;
    println!(
        "{} are in {file}",
        if all_hold { "All limits hold. The numbers" } else { "Limits are MISSED. The numbers" }
    );
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
