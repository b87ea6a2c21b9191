//! Two servers behind nginx. At random moments one of them is cut off from the database, killed or stopped, under load.
//! What clients were told is how it is in the end; of an answer that was lost it is one of the two.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::{Display, Write as _},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use app::domain::{ActivityFilter, ActivityKind, CompanyId, Scope};
use futures::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Method, RequestBuilder, StatusCode};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;
use uuid::Uuid;

use crate::{
    directory::scale,
    harness::{App, Engine, PATIENCE, Setup, Tenant, free_port, stranger},
    nginx::Nginx,
    person::{Page, Person},
    restart::{Program, ready},
    wire::{Flow, Wire},
};

/// One of the servers, and its way to the database.
pub struct Replica {
    pub port: u16,
    pub wire: Wire,
    environment: Vec<(String, String)>,
    program: Option<Program>,
}

impl Replica {
    pub async fn of(app: &App) -> Self {
        let mut database: Url = app.config().database_url.expose().parse().unwrap();
        let wire = Wire::to(database.port().unwrap()).await;
        database.set_port(Some(wire.port)).unwrap();
        let port = free_port();
        let mut environment = app.environment.clone();
        environment.push(("TENANTRY_LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        environment.push(("TENANTRY_DATABASE_URL".to_owned(), database.to_string()));
        let mut replica = Self { port, wire, environment, program: None };
        replica.run();
        ready(&replica.url()).await;
        replica
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn is_ready(&self) -> bool {
        let answer = stranger().get(format!("{}/readyz", self.url())).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Starts it, or again if it has ended, as an operating system does.
    pub fn run(&mut self) {
        if !self.program.as_mut().is_some_and(Program::lives) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
            command.envs(self.environment.iter().cloned()).env("TENANTRY_LOG", "off").stdout(Stdio::null());
            self.program = Some(Program::run(command.stderr(Stdio::null())));
        }
    }

    pub fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    pub async fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop().await;
        }
    }
}

/// Does harm to one server after the other, until it is time.
async fn harm(replicas: &mut [Replica], until: Instant, dice: &mut StdRng) -> BTreeMap<&'static str, u32> {
    let mut done = BTreeMap::new();
    // Once for longer than it takes to notice.
    replicas[0].wire.set(Flow::Stalls);
    sleep(Duration::from_secs(11)).await;
    replicas[0].wire.set(Flow::Passes);
    while Instant::now() < until {
        let victim = dice.random_range(0..replicas.len());
        let victim = &mut replicas[victim];
        let a_while = Duration::from_millis(dice.random_range(300..u64::from(scale(5_000, 20_000))));
        let what = match dice.random_range(0..5) {
            0 => {
                victim.wire.set(Flow::Stalls);
                sleep(a_while).await;
                "its network hung"
            }
            1 => {
                victim.wire.set(Flow::Breaks);
                sleep(a_while / 2).await;
                "its network broke"
            }
            2 => {
                victim.kill();
                sleep(a_while / 5).await;
                "it was killed"
            }
            3 => {
                victim.stop().await;
                "it was stopped"
            }
            _ => {
                victim.wire.set(Flow::Stalls);
                sleep(a_while / 2).await;
                victim.kill();
                "it was killed while its network hung"
            }
        };
        victim.wire.set(Flow::Passes);
        *done.entry(what).or_default() += 1;
        // The other one is harmed only when this one is well.
        let well = async {
            while !victim.is_ready().await {
                victim.run();
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, well).await.expect("it is well again");
        sleep(Duration::from_millis(dice.random_range(200..1_500))).await;
    }
    done
}

/// What clients were told.
#[derive(Default)]
struct Told {
    /// That a company is connected to this tenant.
    connected: Mutex<Vec<(CompanyId, String)>>,
    /// Who tried to connect a company: nobody else may be connected to it.
    tried: Mutex<Vec<(CompanyId, String)>>,
    /// Links by which a sign-in succeeded.
    links_used: Mutex<Vec<String>>,
    /// The note that a company was given last, and those that it may have.
    notes: Mutex<BTreeMap<Uuid, BTreeSet<String>>>,
    /// Companies that were added, and those that may have been.
    added: Mutex<BTreeMap<String, bool>>,
    /// How many answers were lost.
    lost: Mutex<BTreeMap<String, u32>>,
}

impl Told {
    fn lost(&self, what: &str, answer: &dyn Display) {
        *self.lost.lock().unwrap().entry(format!("{what}: {answer}")).or_default() += 1;
    }

    /// An answer, unless it was lost.
    async fn hear(&self, what: &str, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        match request.timeout(Duration::from_secs(30)).send().await {
            Ok(answer) if answer.status().is_server_error() => {
                self.lost(what, &answer.status());
                None
            }
            Ok(answer) => {
                let status = answer.status();
                Some((status, answer.json().await.unwrap_or_default()))
            }
            Err(error) => {
                self.lost(what, if error.is_timeout() { &"no answer in time" } else { &"no answer" });
                None
            }
        }
    }

    /// The last page of a sign-in.
    fn judge(&self, page: &Page, company: CompanyId, tenant: &Tenant, link: Option<&str>) {
        if page.status.is_success() && page.html.contains("is connected</h1>") {
            self.connected.lock().unwrap().push((company, tenant.id.clone()));
            self.links_used.lock().unwrap().extend(link.map(str::to_owned));
        } else if page.status.is_server_error() {
            self.lost("callback", &page.status);
        }
    }
}

/// What somebody does between two clicks.
async fn pause(dice: &mut StdRng) {
    let most = u64::from(scale(300, 1_500));
    sleep(Duration::from_millis(dice.random_range(50..most))).await;
}

struct Load {
    app: App,
    told: Told,
    until: Instant,
    token: String,
}

impl Load {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// Connects companies in popups, each until somebody is told that it is connected.
    async fn connects(&self, companies: &[(CompanyId, Tenant)], mut dice: StdRng) {
        for (company, tenant) in companies {
            for _ in 0..5 {
                if !self.goes_on() {
                    return;
                }
                self.told.tried.lock().unwrap().push((*company, tenant.id.clone()));
                let person = Person::new(&self.app);
                let page = person.start(*company).await;
                if page.html.contains("is connected already") {
                    break;
                }
                if page.status.is_server_error() {
                    self.told.lost("start", &page.status);
                }
                if let Some(callback) = person.reaches_code(page, tenant.admin()).await {
                    let page = person.open(&callback).await;
                    self.told.judge(&page, *company, tenant, None);
                    if page.status.is_success() {
                        break;
                    }
                }
                pause(&mut dice).await;
            }
            pause(&mut dice).await;
        }
    }

    /// Makes links, each of which two people of different tenants finish at once.
    async fn links(&self, companies: &[(CompanyId, [Tenant; 2])], mut dice: StdRng) {
        for (company, tenants) in companies {
            let link = loop {
                if !self.goes_on() {
                    return;
                }
                let body = json!({ "company": company, "note": null });
                let request = self.app.http.post(format!("{}/api/links/create", self.app.url)).json(&body);
                match self.told.hear("make a link", request).await {
                    Some((StatusCode::OK, made)) => break made["url"].as_str().unwrap().to_owned(),
                    Some((status, why)) => panic!("a link is made: {status} {why}"),
                    None => pause(&mut dice).await,
                }
            };
            let finish =
                tenants.iter().map(|tenant| self.with_link(&link, *company, tenant, dice.random_range(1..255)));
            join_all(finish).await;
            pause(&mut dice).await;
        }
    }

    async fn with_link(&self, link: &str, company: CompanyId, tenant: &Tenant, place: u8) {
        self.told.tried.lock().unwrap().push((company, tenant.id.clone()));
        for _ in 0..3 {
            let person = Person::stranger_at(&self.app, &format!("198.51.100.{place}"));
            let page = person.open(link).await;
            if page.html.contains("Continue to Microsoft") {
                let page = person.submit(&page, "Continue to Microsoft", &[]).await;
                if let Some(callback) = person.reaches_code(page, tenant.admin()).await {
                    let page = person.open(&callback).await;
                    self.told.judge(&page, company, tenant, Some(link));
                    return;
                }
            } else if !page.status.is_server_error() {
                return;
            }
            self.told.lost("the way to Microsoft", &page.status);
        }
    }

    /// Writes notes to one company, one after the other.
    async fn notes(&self, company: Uuid, mut dice: StdRng) {
        self.told.notes.lock().unwrap().insert(company, BTreeSet::from([String::new()]));
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let note = format!("note {number}");
            self.told.notes.lock().unwrap().entry(company).or_default().insert(note.clone());
            let url = format!("{}/api/v1/companies/{company}", self.app.url);
            let request = self.app.http.request(Method::PATCH, url).bearer_auth(&self.token);
            match self.told.hear("write a note", request.json(&json!({ "note": note }))).await {
                Some((StatusCode::OK, _)) => {
                    self.told.notes.lock().unwrap().insert(company, BTreeSet::from([note]));
                }
                // One before it, whose answer was lost, was written meanwhile.
                Some((StatusCode::CONFLICT, _)) | None => {}
                Some((status, why)) => panic!("a note is written: {status} {why}"),
            }
            pause(&mut dice).await;
        }
    }

    /// Adds companies, each under a key until the answer is heard.
    async fn adds(&self, mut dice: StdRng) {
        for number in 0.. {
            let (name, key) = (format!("Added {number}"), Uuid::new_v4().to_string());
            loop {
                if !self.goes_on() {
                    return;
                }
                self.told.added.lock().unwrap().entry(name.clone()).or_insert(false);
                let body = json!({ "name": name });
                let url = format!("{}/api/v1/companies", self.app.url);
                let request = self.app.http.post(url).bearer_auth(&self.token).header("idempotency-key", &key);
                match self.told.hear("add a company", request.json(&body)).await {
                    Some((StatusCode::CREATED, _)) => {
                        self.told.added.lock().unwrap().insert(name, true);
                        break;
                    }
                    // It was interrupted, or is worked on still.
                    Some((StatusCode::CONFLICT, why)) if why["code"] == "request_interrupted" => break,
                    Some((StatusCode::CONFLICT, _)) | None => {}
                    Some((status, why)) => panic!("a company is added: {status} {why}"),
                }
                pause(&mut dice).await;
            }
            pause(&mut dice).await;
        }
    }

    /// Changes people in tenants, and has them read. Every change is followed by a sync that was acknowledged.
    async fn syncs(&self, tenants: &[(CompanyId, Tenant)], mut dice: StdRng) {
        while self.goes_on() {
            let (company, tenant) = &tenants[dice.random_range(0..tenants.len())];
            self.app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 2, "update": 2 })).await;
            let until = Instant::now() + PATIENCE;
            loop {
                let url = format!("{}/api/connections/sync", self.app.url);
                let request = self.app.http.post(url).json(&json!({ "company": company }));
                if let Some((StatusCode::OK, _)) = self.told.hear("sync", request).await {
                    break;
                }
                assert!(Instant::now() < until, "a sync is taken");
                pause(&mut dice).await;
            }
            pause(&mut dice).await;
        }
    }
}

/// Companies, and tenants of which they can be.
async fn companies(
    app: &App,
    named: &str,
    count: u32,
    tenants_each: u32,
    domains: bool,
) -> Vec<(CompanyId, Vec<Tenant>)> {
    let mut csv = "name,domain,external_id\n".to_owned();
    for number in 0..count {
        let domain = if domains { format!("{named}{number}-0.test") } else { String::new() };
        writeln!(csv, "{named}{number},{domain},{named}{number}").unwrap();
    }
    app.import(&csv).await;
    let ids = ids(app).await;
    let mut all = Vec::new();
    for number in 0..count {
        let mut tenants = Vec::new();
        for place in 0..tenants_each {
            let domain = format!("{named}{number}-{place}.test");
            let body = json!({ "name": domain, "domain": domain, "users": 3 });
            let url = format!("{}/_sandbox/tenants", app.sandbox.base_url());
            let made = app.http.post(url).json(&body).send().await.unwrap().error_for_status().unwrap();
            tenants.push(made.json().await.unwrap());
        }
        all.push((CompanyId::from_uuid(ids[&format!("{named}{number}")]), tenants));
    }
    all
}

async fn rows(app: &App, sql: &str) -> Vec<sea_orm::QueryResult> {
    let db = app.database().await;
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    db.close().await.unwrap();
    rows
}

/// Companies by their external ids, of which each is one company's.
async fn ids(app: &App) -> BTreeMap<String, Uuid> {
    let found = rows(app, "SELECT external_id, id FROM company WHERE external_id IS NOT NULL").await;
    let count = found.len();
    let ids: BTreeMap<String, Uuid> =
        found.iter().map(|row| (row.try_get("", "external_id").unwrap(), row.try_get("", "id").unwrap())).collect();
    assert_eq!(ids.len(), count, "no company is there twice");
    ids
}

/// Waits until nothing is being read, or due.
async fn quiet(app: &App) {
    let wait = async {
        loop {
            let due = "SELECT 1 FROM connection WHERE lease IS NOT NULL OR due_at <= extract(epoch FROM now()) * 1000";
            if rows(app, due).await.is_empty() {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("everything is read");
}

async fn told_is_how_it_is(load: &Load) {
    let Load { app, told, .. } = load;
    // What was heard of nothing would be true whatever happened.
    assert!(!told.connected.lock().unwrap().is_empty(), "somebody connected a company");
    assert!(!told.links_used.lock().unwrap().is_empty(), "a link was used");
    assert!(told.added.lock().unwrap().values().any(|heard| *heard), "a company was added");
    // Before the first one was heard to be written, there may be none.
    assert!(told.notes.lock().unwrap().values().any(|possible| !possible.contains("")), "a note was written");
    let connected: BTreeMap<Uuid, String> = rows(app, "SELECT company_id, tenant_id FROM connection")
        .await
        .iter()
        .map(|row| {
            let tenant: Uuid = row.try_get("", "tenant_id").unwrap();
            (row.try_get("", "company_id").unwrap(), tenant.to_string())
        })
        .collect();
    let tenants: HashSet<_> = connected.values().collect();
    assert_eq!(tenants.len(), connected.len(), "no tenant is tied twice");

    let tried: BTreeSet<(Uuid, String)> =
        told.tried.lock().unwrap().iter().map(|(company, tenant)| (company.uuid(), tenant.clone())).collect();
    let said = told.connected.lock().unwrap().clone();
    for (company, tenant) in &said {
        assert_eq!(connected.get(&company.uuid()), Some(tenant), "{company}: what was told is how it is");
    }
    for (company, _) in &tried {
        if let Some(tenant) = connected.get(company) {
            assert!(tried.contains(&(*company, tenant.clone())), "{company}: nobody tried to connect {tenant}");
        }
    }
    let used = told.links_used.lock().unwrap().clone();
    assert_eq!(used.iter().collect::<HashSet<_>>().len(), used.len(), "no link was used twice");

    // Each connection was made once, whoever was told.
    for kind in [ActivityKind::Connected, ActivityKind::LinkUsed] {
        for (company, _) in &tried {
            let company = CompanyId::from_uuid(*company);
            let filter = ActivityFilter { kind: Some(kind), company: Some(company), ..ActivityFilter::default() };
            let times = app.activity(filter).await.len();
            let most = usize::from(connected.contains_key(&company.uuid()));
            assert!(times <= most && (kind != ActivityKind::Connected || times == most), "{kind:?}: {times} of {most}");
        }
    }

    let names = rows(app, "SELECT name FROM company WHERE name LIKE 'Added %'").await;
    let names: Vec<String> = names.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "none was added twice");
    for (name, heard) in told.added.lock().unwrap().iter() {
        assert!(names.contains(name) || !heard, "{name} was said to be added");
    }
    let notes = rows(app, "SELECT id, note FROM company WHERE note IS NOT NULL").await;
    let notes: BTreeMap<Uuid, String> =
        notes.iter().map(|row| (row.try_get("", "id").unwrap(), row.try_get("", "note").unwrap())).collect();
    for (company, possible) in told.notes.lock().unwrap().iter() {
        let note = notes.get(company).cloned().unwrap_or_default();
        assert!(possible.contains(&note), "{note} is none of {possible:?}");
    }
    println!(
        "{} connections, {} of them told; {} links used; {} companies added; lost answers: {:?}",
        connected.len(),
        said.len(),
        used.len(),
        told.added.lock().unwrap().len(),
        told.lost.lock().unwrap()
    );
}

/// Two servers, nginx, and an application whose address is nginx's.
pub async fn behind_nginx() -> (App, Vec<Replica>, Nginx) {
    let mut app = Setup::on(Engine::Postgres)
        .setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1")
        .setting("TENANTRY_API_REQUESTS", "100000")
        .start()
        .await;
    app.stop().await;
    let replicas = vec![Replica::of(&app).await, Replica::of(&app).await];
    let port = app.url.rsplit(':').next().unwrap().parse().unwrap();
    let nginx = Nginx::start(port, &replicas.iter().map(|replica| replica.port).collect::<Vec<_>>()).await;
    (app, replicas, nginx)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_were_told_is_how_it_is_whatever_happens_to_one_of_two_servers() {
    let seed = std::env::var("SEED").ok().map_or_else(rand::random, |seed| seed.parse().expect("SEED is a number"));
    println!("SEED={seed}");
    let (app, mut replicas, _nginx) = behind_nginx().await;
    let first = app.tenants[..4].to_vec();
    let mut read = Vec::new();
    for tenant in first {
        app.connect(&tenant).await;
        read.push((app.company(&tenant.name).await, tenant));
    }
    let popups = companies(&app, "popup", scale(24, 900), 1, true).await;
    let popups: Vec<_> = popups.into_iter().map(|(company, mut tenants)| (company, tenants.remove(0))).collect();
    let shared = companies(&app, "link", scale(16, 600), 2, false).await;
    let shared: Vec<(CompanyId, [Tenant; 2])> =
        shared.into_iter().map(|(company, tenants)| (company, tenants.try_into().expect("two tenants"))).collect();
    let noted = companies(&app, "noted", 2, 0, false).await;

    let token = app.make_token("Chaos", &Scope::ALL).await;
    let until = Instant::now() + Duration::from_secs(u64::from(scale(20, 600)));
    let load = Load { app, told: Told::default(), until, token };
    let mut dice = StdRng::seed_from_u64(seed);
    let mut next = || StdRng::seed_from_u64(dice.random());
    let mut harming = next();
    let (popups_half, shared_half) = (popups.split_at(popups.len() / 2), shared.split_at(shared.len() / 2));
    let (harm, ..) = tokio::join!(
        harm(&mut replicas, until, &mut harming),
        load.connects(popups_half.0, next()),
        load.connects(popups_half.1, next()),
        load.links(shared_half.0, next()),
        load.links(shared_half.1, next()),
        load.notes(noted[0].0.uuid(), next()),
        load.notes(noted[1].0.uuid(), next()),
        load.adds(next()),
        load.syncs(&read, next()),
    );
    println!("{harm:?}");

    for replica in &mut replicas {
        replica.run();
        ready(&replica.url()).await;
    }
    // As if a minute had passed: what was held by a server that was killed is free.
    load.app
        .execute("UPDATE connection SET lease_until = 0 WHERE company_id <> $1", CompanyId::from_uuid(Uuid::nil()))
        .await;
    quiet(&load.app).await;
    told_is_how_it_is(&load).await;
    for (_, tenant) in &read {
        load.app.assert_in_step(tenant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_after_the_other_is_restarted_and_nobody_notices() {
    let (app, mut replicas, _nginx) = behind_nginx().await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    let company = app.company(&tenant.name).await;
    let done = AtomicBool::new(false);
    let ask = async |number: usize| {
        let mut answers = 0_u32;
        while !done.load(Ordering::SeqCst) {
            let request = match number % 3 {
                0 => app.http.get(format!("{}/api/companies/list", app.url)),
                1 => app.http.post(format!("{}/api/connections/sync", app.url)).json(&json!({ "company": company })),
                _ => {
                    let texts = json!({ "name": format!("Added by {number}: {answers}") });
                    app.http.post(format!("{}/api/companies/add", app.url)).json(&json!({ "texts": texts }))
                }
            };
            let answer = request.send().await.expect("nginx answers");
            let status = answer.status();
            assert_eq!(status, 200, "{number}: {}", answer.text().await.unwrap());
            answers += 1;
        }
        answers
    };
    let restarts = async {
        for _ in 0..2 {
            for replica in &mut replicas {
                replica.stop().await;
                replica.run();
                ready(&replica.url()).await;
                // nginx asks it again.
                let asked = async {
                    let metrics = format!("{}/metrics", replica.url());
                    while !app.http.get(&metrics).send().await.unwrap().text().await.unwrap().contains("companies/list")
                    {
                        sleep(Duration::from_millis(50)).await;
                    }
                };
                tokio::time::timeout(PATIENCE, asked).await.expect("nginx asks a server that is back");
            }
        }
        done.store(true, Ordering::SeqCst);
    };
    let (answers, ()) = tokio::join!(join_all((0..6).map(ask)), restarts);
    println!("{answers:?} answers");
    app.row_becomes(&tenant.name, |row| !row.first_sync).await;
    quiet(&app).await;
    let added: u32 = answers.iter().skip(2).step_by(3).sum();
    let there = app.rows().await.into_iter().filter(|row| row.name.starts_with("Added by")).count();
    assert_eq!(there, added as usize, "each was added once");
}
