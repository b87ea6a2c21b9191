//! Lists as programs and pages ask for them: the whole list of companies, a page of the programming interface, and how long
//! making a link takes.

use std::{net::SocketAddr, time::Instant};

use anyhow::{Context as _, ensure};
use app::domain::Scope;
use reqwest::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use server::clock::{Clock as _, SystemClock};

use crate::{
    companies,
    database::{Cluster, Empty, Engine},
    limits::{Measured, quantile},
    load::{Get, Load},
    pages::Server,
    programs::Program,
    setting,
};

/// How many pairs are measured.
fn pairs() -> usize {
    setting("BENCH_RUNS", 9).max(7)
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// A database of companies with every field filled, and a server on it that has no tenant to read.
async fn filled(cluster: &Cluster, engine: Engine, companies: usize) -> anyhow::Result<(Empty, Server)> {
    let empty = cluster.empty(engine).await?;
    companies::fill(&empty, engine, companies).await?;
    let server = Server::start(&empty, "http://127.0.0.1:9").await?;
    Ok((empty, server))
}

/// The whole list: for the first time, after something changed, as it was sent before, and to who knows it.
pub async fn whole_list(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let companies = setting("BENCH_COMPANIES", 10_000);
    let (empty, server) = filled(cluster, engine, companies).await?;
    let ask = async |known: Option<&str>| {
        let request = known.into_iter().fold(server.folded(), |request, etag| request.header(IF_NONE_MATCH, etag));
        let begun = Instant::now();
        let answer = request.send().await?.error_for_status()?;
        let (status, etag) = (answer.status().as_u16(), answer.headers().get(ETAG).cloned());
        let bytes = answer.bytes().await?.len();
        let etag = etag.context("it has a name")?.to_str()?.to_owned();
        anyhow::Ok((ms(begun), status, bytes, etag))
    };
    let (first_ms, _, bytes, mut etag) = ask(None).await?;
    let (mut changed, mut kept, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs() {
        // As another server does it.
        let now = SystemClock.now().as_millis();
        let first = "(SELECT id FROM company ORDER BY changed_at, id LIMIT 1)";
        empty
            .run(&format!("UPDATE company SET revision = revision + 1, changed_at = {now} WHERE id = {first}"))
            .await?;
        let (took, status, _, name) = ask(Some(&etag)).await?;
        ensure!(status == 200 && name != etag, "something changed");
        changed.push(took);
        etag = name;
        kept.push(ask(None).await?.0);
        let (took, status, ..) = ask(Some(&etag)).await?;
        ensure!(status == 304, "nothing changed");
        known.push(took);
    }
    #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
    let kilobytes = bytes as f64 / 1_000.0;
    Ok(Measured {
        what: "whole_list",
        engine,
        variant: format!("{companies} companies"),
        numbers: vec![
            ("kilobytes", kilobytes),
            ("first_ms", first_ms),
            ("changed_ms", median(changed)),
            ("kept_ms", median(kept)),
            ("known_ms", median(known)),
        ],
    })
}

/// Answers with nothing, until it is ended: what the least that a server does costs.
pub async fn serve_nothing() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?);
    let nothing = axum::Router::new().route("/", axum::routing::get(async || ""));
    Ok(axum::serve(listener, nothing).await?)
}

/// How many programs ask for the list at once.
#[derive(Clone, Copy)]
pub enum Asking {
    /// As many as it takes for the processors never to wait: only then is a rate what a server can do. One look at the
    /// database does for all who wait for one, and while a few wait together the processors idle, as they do not for a
    /// handler without a database.
    Many,
    /// As on a busy day. All of them wait for one look at the database at a time, and the processors with them: on PostgreSQL a
    /// look takes a tenth of a millisecond, nearly all of it the way there and back.
    Few,
}

impl Asking {
    const fn connections(self) -> usize {
        match self {
            Self::Many => 128,
            Self::Few => 32,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Many => "list_api",
            Self::Few => "list_api_few",
        }
    }
}

/// A page of a hundred companies, against a handler that does nothing, in turn.
pub async fn list_api(cluster: &Cluster, engine: Engine, asking: Asking) -> anyhow::Result<Measured> {
    let connections = asking.connections();
    let companies = setting("BENCH_COMPANIES", 10_000);
    let (_empty, server) = filled(cluster, engine, companies).await?;
    let body = json!({ "name": "Benchmark", "scopes": [Scope::CompaniesRead], "days": 30 });
    let made: Value = server
        .post("api-tokens/create", &body)
        .header(ACCEPT_ENCODING, "identity")
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let token = format!("Bearer {}", made["token"].as_str().context("a token")?);
    let (_program, address) = Program::nothing()?;
    let nothing = Get::new(&format!("http://{address}/"), &[]).await?;
    let url = format!("{}/api/v1/companies?limit=100", server.url);
    let list = Get::new(&url, &[("Authorization", &token)]).await?;
    // As the libraries of most languages ask.
    let gzip = Get::new(&url, &[("Authorization", &token), ("Accept-Encoding", "gzip")]).await?;
    let peer = match std::env::var("PEER_LIST_URL") {
        Ok(url) => Some(Get::new(&url, &[]).await?),
        Err(_) => None,
    };
    let (mut nothings, mut lists, mut gzips) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut gzip_times, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    // Once, so that everybody is awake.
    for asked in [&nothing, &list, &gzip] {
        asked.load(connections).await?;
    }
    for pair in 0..pairs() {
        let (empty, ours, compressed) = if pair % 2 == 0 {
            (nothing.load(connections).await?, list.load(connections).await?, gzip.load(connections).await?)
        } else {
            let (compressed, ours) = (gzip.load(connections).await?, list.load(connections).await?);
            (nothing.load(connections).await?, ours, compressed)
        };
        if let Some(peer) = &peer {
            peers.push(peer.load(connections).await?.rps);
        }
        times.push(ours.rps / empty.rps);
        gzip_times.push(compressed.rps / empty.rps);
        nothings.push(empty);
        lists.push(ours);
        gzips.push(compressed);
    }
    let of = |loads: &[Load], number: fn(&Load) -> f64| median(loads.iter().map(number).collect());
    let mut numbers = vec![
        ("empty_rps", of(&nothings, |load| load.rps)),
        ("rps", of(&lists, |load| load.rps)),
        ("times_empty", median(times)),
        ("gzip_rps", of(&gzips, |load| load.rps)),
        ("gzip_times_empty", median(gzip_times)),
        ("empty_p99_ms", of(&nothings, |load| load.p99_ms)),
        ("p99_ms", of(&lists, |load| load.p99_ms)),
        ("gzip_p99_ms", of(&gzips, |load| load.p99_ms)),
    ];
    if peer.is_some() {
        numbers.push(("peer_rps", median(peers)));
    }
    Ok(Measured { what: asking.what(), engine, variant: format!("100 of {companies}"), numbers })
}

/// A link for each of some companies, as the page makes them.
pub async fn making_links(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let companies = setting("BENCH_COMPANIES", 10_000);
    let (empty, server) = filled(cluster, engine, companies).await?;
    let mut unconnected = Vec::new();
    for _ in 0..210 {
        unconnected.push(empty.company().await?);
    }
    let mut times = Vec::new();
    for company in unconnected {
        let request = server.post("links/create", &json!({ "company": company, "note": null }));
        let begun = Instant::now();
        let link = request.send().await?.error_for_status()?.bytes().await?;
        times.push(ms(begun));
        ensure!(!link.is_empty(), "it is a link");
    }
    // The first ones open connections.
    let times = times.split_off(10);
    Ok(Measured {
        what: "making_links",
        engine,
        variant: format!("{companies} companies"),
        numbers: vec![("p50_ms", median(times.clone())), ("p99_ms", quantile(times, 0.99))],
    })
}
