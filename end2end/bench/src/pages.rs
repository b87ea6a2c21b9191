//! The pages: how long lists take while tenants are read, and while there are a million users.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use app::domain::{Email, Role};
use reqwest::header::{ACCEPT_ENCODING, COOKIE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use server::{
    clock::SystemClock,
    sessions::Token,
    store::{
        Store,
        accounts::{Added, NewAccount},
        activity::Actor,
    },
};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{
    LATENCY, PATIENCE,
    database::{Cluster, Empty, Engine},
    limits::{Measured, quantile},
    many_users,
    microsoft::Microsoft,
    programs::Program,
    setting, sync,
};

/// How often a page is asked for, one list after the other.
const ASK_EVERY: Duration = Duration::from_millis(40);

/// How often everything is read.
const SYNCS: u32 = 3;

/// How long nothing is read before that.
const IDLE: Duration = Duration::from_secs(20);

/// A server, and somebody who is signed in.
pub struct Server {
    program: Program,
    /// Where it is.
    pub url: String,
    /// The session of who is signed in.
    pub token: Token,
    log: PathBuf,
    http: reqwest::Client,
}

impl Server {
    /// One that serves no web app.
    pub async fn start(empty: &Empty, host: &str) -> anyhow::Result<Self> {
        let site = empty.folder.path().join("site");
        for program in ["companies", "data", "records", "links", "pages"] {
            std::fs::create_dir_all(site.join(program))?;
            std::fs::write(site.join(program).join("index.html"), "")?;
        }
        Self::with_site(empty, host, &site).await
    }

    /// One that serves the web app in this folder.
    pub async fn with_site(empty: &Empty, host: &str, site: impl AsRef<Path>) -> anyhow::Result<Self> {
        let token = Token::random();
        begin_session(empty, &token).await?;
        let cookie = HeaderValue::try_from(format!("session={}", token.expose()))?;
        // As a browser asks, so that answers are compressed as for a browser.
        let headers = HeaderMap::from_iter([(COOKIE, cookie), (ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"))]);
        let http = reqwest::Client::builder().no_proxy().default_headers(headers).build()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = empty.folder.path().join("log");
        let program = Program::server(empty, host, site.as_ref(), port, &log)?;
        let server = Self { program, url: format!("http://localhost:{port}"), token, log, http };
        let ready = async {
            while server.http.get(format!("{}/readyz", server.url)).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.context("it does not start")?;
        Ok(server)
    }

    /// Follows the rows as they change, as an open page does, until this is dropped.
    fn watch(&self) -> AbortOnDropHandle<()> {
        let events = self.http.get(format!("{}/api/events", self.url));
        AbortOnDropHandle::new(tokio::spawn(async move {
            if let Ok(mut events) = events.send().await {
                while let Ok(Some(_)) = events.chunk().await {}
            }
        }))
    }

    /// Its process.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Asks for the whole list, as a page does.
    pub fn folded(&self) -> reqwest::RequestBuilder {
        self.http.get(format!("{}/api/companies/folded", self.url))
    }

    fn users(&self, query: &Value) -> reqwest::RequestBuilder {
        self.post("users/list", &json!({ "query": query }))
    }

    /// A page of users as it is, not compressed.
    async fn page(&self, query: &Value) -> anyhow::Result<(f64, Value)> {
        let begun = Instant::now();
        let answer = self.users(query).header(ACCEPT_ENCODING, "identity").send().await?.error_for_status()?;
        let page = answer.bytes().await?;
        Ok((begun.elapsed().as_secs_f64() * 1_000.0, serde_json::from_slice(&page)?))
    }

    /// Calls a server function.
    pub fn post(&self, function: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/api/{function}", self.url)).json(body)
    }

    /// How many lines of the log speak of an error, or of a database that is locked.
    fn complaints(&self) -> anyhow::Result<usize> {
        let log = std::fs::read_to_string(&self.log)?;
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("ERROR") || line.contains("locked")).collect();
        for line in lines.iter().take(5) {
            println!("{line}");
        }
        Ok(lines.len())
    }
}

async fn begin_session(empty: &Empty, token: &Token) -> anyhow::Result<()> {
    let store = Store::open(&empty.url, std::sync::Arc::new(SystemClock)).await?;
    let email = Email::parse("owner@msp.test")?;
    let new = NewAccount { email, name: "Owner".to_owned(), role: Role::Owner, password_hash: None };
    let Added::Made(account) = store.add_account(new, &Actor::command_line()).await? else { bail!("it is empty") };
    store.begin_session(&account, token.hash(), "By the benchmark").await?;
    Ok(store.close().await?)
}

/// How long an answer took, from the moment at which it was due.
async fn timed(due: Instant, request: reqwest::RequestBuilder) -> Option<f64> {
    let answer = request.send().await.ok().filter(|answer| answer.status().is_success())?;
    answer.bytes().await.ok()?;
    Some(due.elapsed().as_secs_f64() * 1_000.0)
}

/// What was asked for, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Companies,
    Users,
    Write,
}

/// Answers to what was asked for all the while.
#[derive(Default)]
struct Answers {
    times: Vec<(Asked, f64)>,
    failed: usize,
}

impl Answers {
    fn add(&mut self, more: Self) {
        self.times.extend(more.times);
        self.failed += more.failed;
    }

    fn quantile(&self, asked: Asked, share: f64) -> f64 {
        quantile(self.times.iter().filter(|(what, _)| *what == asked).map(|(_, time)| *time).collect(), share)
    }
}

/// Asks for both lists in turn, and writes something now and then, until `enough`. What is due is asked for whether or not
/// the answer before it has come.
async fn ask(
    server: &Server,
    company: Uuid,
    enough: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Answers> {
    let mut answers = Answers::default();
    let mut asking = JoinSet::new();
    let mut tick = tokio::time::interval(ASK_EVERY);
    let mut ticks = 0_usize;
    let mut enough = std::pin::pin!(enough);
    loop {
        tokio::select! {
            outcome = &mut enough => {
                outcome?;
                break;
            }
            due = tick.tick() => {
                let (asked, request) = match ticks % 50 {
                    49 => (Asked::Write, server.post("links/create", &json!({ "company": company, "note": null }))),
                    place if place % 2 == 0 => (Asked::Companies, server.folded()),
                    _ => (Asked::Users, server.users(&json!({}))),
                };
                ticks += 1;
                asking.spawn(async move { (asked, timed(due.into_std(), request).await) });
            }
        }
    }
    while let Some(answer) = asking.join_next().await {
        match answer? {
            (asked, Some(time)) => answers.times.push((asked, time)),
            (_, None) => answers.failed += 1,
        }
    }
    Ok(answers)
}

/// How long lists take while everything is read, compared with how long they take when nothing is.
pub async fn under_sync(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let (tenants, users) = (setting("BENCH_TENANTS", 1_000), setting("BENCH_USERS", 50_000));
    let microsoft = Microsoft::start()?;
    let empty = cluster.empty(engine).await?;
    empty.connect(microsoft.tenant(users).await?).await?;
    for _ in 0..tenants {
        empty.connect(microsoft.small_tenant().await?).await?;
    }
    let unconnected = empty.company().await?;
    let server = Server::start(&empty, microsoft.url()).await?;
    // Once, so that the lists are as long before as while everything is read.
    sync::wait_for(&empty, tenants + 1).await?;
    empty.wait_for_none("SELECT count(*) FROM connection WHERE lease IS NOT NULL").await?;
    // PostgreSQL does it by itself within a minute.
    empty.run("ANALYZE").await?;
    microsoft.latency(LATENCY).await?;

    let _watching = server.watch();
    let (mut idle, mut busy, mut secs) = (Answers::default(), Answers::default(), 0.0);
    // In turn, so that what else the machine does falls on both.
    for _ in 0..SYNCS {
        let awhile = async {
            tokio::time::sleep(IDLE).await;
            Ok(())
        };
        idle.add(ask(&server, unconnected, awhile).await?);
        // Everybody is read again, and written.
        empty.run("UPDATE dataset_state SET delta_link = NULL, next_link = NULL WHERE data_set = 'users'").await?;
        let begun = Instant::now();
        let since = server::clock::Clock::now(&SystemClock).as_millis();
        server.post("connections/sync-all", &json!({})).send().await?.error_for_status()?;
        let left = format!("SELECT count(*) FROM connection WHERE last_round_at < {since} OR lease IS NOT NULL");
        busy.add(ask(&server, unconnected, empty.wait_for_none(&left)).await?);
        secs += begun.elapsed().as_secs_f64();
    }

    let p99 = |answers: &Answers, asked| answers.quantile(asked, 0.99);
    let times = |asked| p99(&busy, asked) / p99(&idle, asked);
    #[expect(clippy::cast_precision_loss, reason = "they are small numbers")]
    let (failed, complaints) = ((idle.failed + busy.failed) as f64, server.complaints()? as f64);
    Ok(Measured {
        what: "api_under_sync",
        engine,
        variant: format!("{tenants} and {users}"),
        numbers: vec![
            ("sync_secs", secs / f64::from(SYNCS)),
            ("companies_p50_idle_ms", idle.quantile(Asked::Companies, 0.5)),
            ("companies_p50_ms", busy.quantile(Asked::Companies, 0.5)),
            ("companies_p99_idle_ms", p99(&idle, Asked::Companies)),
            ("companies_p99_ms", p99(&busy, Asked::Companies)),
            ("companies_p99_times_idle", times(Asked::Companies)),
            ("users_p50_idle_ms", idle.quantile(Asked::Users, 0.5)),
            ("users_p50_ms", busy.quantile(Asked::Users, 0.5)),
            ("users_p99_idle_ms", p99(&idle, Asked::Users)),
            ("users_p99_ms", p99(&busy, Asked::Users)),
            ("users_p99_times_idle", times(Asked::Users)),
            ("write_p50_idle_ms", idle.quantile(Asked::Write, 0.5)),
            ("write_p50_ms", busy.quantile(Asked::Write, 0.5)),
            ("write_max_ms", busy.quantile(Asked::Write, 1.0)),
            ("failed", failed),
            ("complaints_in_log", complaints),
        ],
    })
}

/// What people type, from what many have to what nobody has.
const SEARCHES: [&str; 39] = [
    "",
    "an",
    "ann",
    "anna",
    "anna m",
    "anna müller",
    "muller",
    "smith",
    "zoe",
    "zhang zoe",
    "company5000",
    "company50",
    "smith company77",
    "anna.abel1",
    "sales",
    "finance ben",
    "kim.king123456@company1235.test",
    "@company777.test",
    "company9999.test",
    "nobody",
    "xaver xu",
    "jürgen",
    "hr legal",
    "qu",
    "quinn quentin legal",
    "vance w",
    "specialist ida",
    "taylor",
    "tay",
    "hugo hu",
    "user",
    "nora nash",
    "nora n",
    "paula",
    "owens o",
    "grace",
    "legal evans",
    "king",
    "kin",
];

/// How long a search takes among very many users, by a browser's request.
pub async fn search(cluster: &Cluster, engine: Engine) -> anyhow::Result<Measured> {
    let companies = setting("BENCH_COMPANIES", 10_000);
    let empty = cluster.empty(engine).await?;
    many_users::fill(&empty.db, companies, 100).await?;
    let server = Server::start(&empty, "http://127.0.0.1:9").await?;
    let one = Uuid::from_u128(companies as u128 / 2);
    let mut asked: Vec<(f64, String)> = Vec::new();
    for search in SEARCHES {
        for company in [None, Some(one)] {
            let query = json!({ "search": search, "company": company });
            let (took, page) = server.page(&query).await?;
            asked.push((took, format!("{search:?}, of one: {}", company.is_some())));
            if page["next"].is_null() {
                continue;
            }
            let query = json!({ "search": search, "company": company, "after": page["next"] });
            asked.push((server.page(&query).await?.0, format!("{search:?}, the second page")));
        }
    }
    asked.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (took, what) in asked.iter().take(3) {
        println!("{took:>8.1} ms {what}");
    }
    let times: Vec<f64> = asked.into_iter().map(|(took, _)| took).collect();
    Ok(Measured {
        what: "search",
        engine,
        variant: format!("{} users", companies * 100),
        numbers: vec![
            ("p50_ms", quantile(times.clone(), 0.5)),
            ("p95_ms", quantile(times.clone(), 0.95)),
            ("max_ms", quantile(times, 1.0)),
        ],
    })
}
