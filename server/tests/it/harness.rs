//! A server and a sandbox for one test.

use std::{
    collections::HashMap,
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU16, Ordering},
    },
    time::Duration,
};

use app::{
    api::{companies::CompanyList, links::NewLink},
    domain::{ActivityFilter, ActivityRow, CompanyId, CompanyRow, Email, Role, Scope, Status, Timestamp},
};
use m365_sandbox::{RunningSandbox, Sandbox, SandboxOptions};
use reqwest::header::{COOKIE, HeaderMap};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use server::{
    clock::{Clock, SystemClock},
    config::Config,
    import::read_companies,
    passwords::Passwords,
    sessions::Token,
    startup::Application,
    store::{
        Store,
        accounts::{self, Added, NewAccount},
        activity::Actor,
        company_records::Import,
    },
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{person::Person, postgres};

/// Who is signed in, where a test does not say otherwise.
pub const OWNER: &str = "owner@msp.test";

/// A password that is taken.
pub const PASSWORD: &str = "correct horse battery";

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A story that is told on each database.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every story uses everything")]
            use super::*;

            async fn story($engine: $crate::harness::Engine) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                story($crate::harness::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                story($crate::harness::Engine::Postgres).await;
            }
        }
    )+};
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The machine's clock, moved by what a test says; or one that stands still but for that.
#[derive(Default)]
pub struct ShiftedClock {
    shift: AtomicI64,
    stopped_at: OnceLock<Timestamp>,
}

impl ShiftedClock {
    pub fn advance(&self, duration: Duration) {
        self.shift.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn put_back(&self, duration: Duration) {
        self.shift.fetch_sub(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// From now on time passes by [`ShiftedClock::advance`] only.
    pub fn stop(&self) {
        self.stopped_at.get_or_init(|| SystemClock.now());
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let now = self.stopped_at.get().copied().unwrap_or_else(|| SystemClock.now());
        Timestamp::from_millis(now.as_millis() + self.shift.load(Ordering::SeqCst))
    }
}

/// A tenant of the sandbox.
#[derive(Clone, Debug, Deserialize)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub domain: String,
    pub users: u32,
    pub accounts: Vec<Account>,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    pub email: String,
    pub password: String,
    pub role: String,
}

impl Tenant {
    pub fn admin(&self) -> &Account {
        self.with_role("Global Administrator")
    }

    pub fn ordinary_user(&self) -> &Account {
        self.with_role("User")
    }

    fn with_role(&self, role: &str) -> &Account {
        self.accounts.iter().find(|account| account.role == role).unwrap_or_else(|| panic!("{role} in {self:?}"))
    }
}

/// What a server is started with, beyond the usual.
pub struct Setup {
    pub engine: Engine,
    pub access: &'static str,
    /// Whether there is one.
    pub owner: bool,
    pub settings: Vec<(&'static str, String)>,
    /// Whether requests are limited as they are by default.
    pub limited: bool,
}

impl Setup {
    pub fn on(engine: Engine) -> Self {
        Self { engine, access: "application", owner: true, settings: Vec::new(), limited: false }
    }

    pub fn limited(self) -> Self {
        Self { limited: true, ..self }
    }

    pub fn access(self, access: &'static str) -> Self {
        Self { access, ..self }
    }

    pub fn without_owner(self) -> Self {
        Self { owner: false, ..self }
    }

    pub fn setting(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    pub async fn start(self) -> App {
        App::start(self).await
    }
}

/// A running server, its sandbox, and its companies: one for each of the sandbox's tenants.
pub struct App {
    pub url: String,
    pub clock: Arc<ShiftedClock>,
    pub sandbox: RunningSandbox,
    pub tenants: Vec<Tenant>,
    /// The owner's.
    pub http: reqwest::Client,
    pub session: Token,
    pub environment: Vec<(String, String)>,
    pub data: TempDir,
    server: Option<Server>,
}

/// A server in this process. It ends when this is dropped.
pub struct Server {
    pub url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(config: &Config, clock: Arc<ShiftedClock>) -> Self {
        let application = Application::build(config, clock).await.unwrap();
        let url = config.public_url.join("/").to_string();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            application.run_until(async { drop(stopped.await) }).await.unwrap();
        });
        Self { url, stop, task }
    }
}

impl App {
    pub async fn start(setup: Setup) -> Self {
        server::microsoft::install_crypto();
        let data = tempfile::tempdir().unwrap();
        let port = free_port();
        let url = format!("http://localhost:{port}");
        let options =
            SandboxOptions { redirect_uris: vec![format!("{url}/connect/callback")], ..SandboxOptions::default() };
        let (client_id, client_secret) = (options.client_id.clone(), options.client_secret.clone());
        let sandbox = Sandbox::start(options).await.unwrap();
        let database = match setup.engine {
            Engine::Sqlite => format!("sqlite://{}", data.path().join("tenantry.db").display()),
            Engine::Postgres => postgres::new_database().await,
        };
        let mut environment: Vec<(String, String)> = [
            ("TENANTRY_LISTEN", format!("127.0.0.1:{port}")),
            ("TENANTRY_PUBLIC_URL", url.clone()),
            ("TENANTRY_DATA_DIR", data.path().display().to_string()),
            ("TENANTRY_SITE_DIR", site(&data).display().to_string()),
            ("TENANTRY_DATABASE_URL", database),
            ("TENANTRY_M365_CLIENT_ID", client_id),
            ("TENANTRY_M365_CLIENT_SECRET", client_secret),
            ("TENANTRY_M365_LOGIN_URL", sandbox.base_url().to_owned()),
            ("TENANTRY_M365_GRAPH_URL", sandbox.base_url().to_owned()),
            ("TENANTRY_M365_ACCESS", setup.access.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if !setup.limited {
            // All who test are at one address, and in a hurry. A test of the limits sets its own.
            let unlimited = ["TENANTRY_ADDRESS_REQUESTS", "TENANTRY_ACCOUNT_REQUESTS"];
            environment.extend(unlimited.map(|name| (name.to_owned(), "1000000".to_owned())));
        }
        environment.extend(setup.settings.into_iter().map(|(name, value)| (name.to_owned(), value)));

        let session = Token::random();
        let http = signed_in(&session);
        let tenants: Vec<Tenant> =
            http.get(format!("{}/_sandbox/tenants", sandbox.base_url())).send().await.unwrap().json().await.unwrap();
        let mut app =
            Self { url, clock: Arc::default(), sandbox, tenants, http, session, environment, data, server: None };
        if setup.owner {
            let owner = app.add_account(OWNER, Role::Owner, None).await;
            app.begin_session(&owner, &app.session).await;
        }
        app.import(m365_sandbox::companies_csv().as_str()).await;
        app.serve().await;
        app
    }

    /// A second server on the same database, on another port.
    pub async fn beside(first: &Self, settings: &[(&str, &str)]) -> Server {
        let port = free_port();
        let mut environment = first.environment.clone();
        environment.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        environment.push(("TENANTRY_LISTEN".into(), format!("127.0.0.1:{port}")));
        let config = Config::load(None, environment.into_iter().collect::<HashMap<_, _>>()).unwrap();
        let server = Server::start(&config, first.clock.clone()).await;
        Server { url: format!("http://localhost:{port}"), ..server }
    }

    pub fn config(&self) -> Config {
        Config::load(None, self.environment.iter().cloned()).unwrap()
    }

    pub async fn store(&self) -> Store {
        Store::open(self.config().database_url.expose(), self.clock.clone()).await.unwrap()
    }

    /// Starts the server in this process.
    pub async fn serve(&mut self) {
        self.server = Some(Server::start(&self.config(), self.clock.clone()).await);
    }

    /// Ends the server as an operator would.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            drop(server.stop);
            server.task.await.unwrap();
        }
    }

    /// Makes an account past the pages.
    pub async fn add_account(&self, email: &str, role: Role, password: Option<&str>) -> accounts::Account {
        let password_hash = match password {
            Some(password) => Some(Passwords::default().hash(&SecretString::from(password)).await.unwrap()),
            None => None,
        };
        let email = Email::parse(email).unwrap();
        let name = email.as_str().split('@').next().unwrap().to_owned();
        let store = self.store().await;
        let new = NewAccount { email, name, role, password_hash };
        let Added::Made(account) = store.add_account(new, &Actor::command_line()).await.unwrap() else {
            panic!("the address is taken")
        };
        store.close().await.unwrap();
        account
    }

    pub async fn begin_session(&self, account: &accounts::Account, token: &Token) {
        let store = self.store().await;
        assert!(store.begin_session(account, token.hash(), "By a test").await.unwrap());
        store.close().await.unwrap();
    }

    /// Somebody new with this role, signed in.
    pub async fn client_of(&self, email: &str, role: Role) -> reqwest::Client {
        let account = self.add_account(email, role, None).await;
        let token = Token::random();
        self.begin_session(&account, &token).await;
        signed_in(&token)
    }

    /// What was done, the latest first.
    pub async fn activity(&self, filter: ActivityFilter) -> Vec<ActivityRow> {
        let response = self.post("activity/list", json!({ "filter": filter })).await;
        response.error_for_status().unwrap().json().await.unwrap()
    }

    /// Imports companies while the server runs.
    pub async fn import(&self, csv: &str) {
        let store = self.store().await;
        let rows = read_companies(csv.as_bytes()).unwrap();
        let imported = store.import_companies(&rows, |_| true, &Actor::command_line()).await.unwrap();
        assert!(matches!(imported, Import::Done(_)), "{imported:?}");
        store.close().await.unwrap();
    }

    pub async fn rows(&self) -> Vec<CompanyRow> {
        let response = self.http.get(format!("{}/api/companies/list", self.url)).send().await.unwrap();
        let list: CompanyList = response.error_for_status().unwrap().json().await.unwrap();
        list.rows
    }

    pub async fn row(&self, name: &str) -> CompanyRow {
        self.rows().await.into_iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name} is listed"))
    }

    pub async fn company(&self, name: &str) -> CompanyId {
        self.row(name).await.id
    }

    /// Waits until the row is as wanted.
    pub async fn row_becomes(&self, name: &str, wanted: impl Fn(&CompanyRow) -> bool) -> CompanyRow {
        let wait = async {
            loop {
                let row = self.row(name).await;
                if wanted(&row) {
                    return row;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let Ok(row) = tokio::time::timeout(PATIENCE, wait).await else {
            panic!("it stayed at {:?}", self.row(name).await)
        };
        row
    }

    /// Waits until the company is connected and its first sync done.
    pub async fn connected(&self, name: &str) -> CompanyRow {
        self.row_becomes(name, |row| row.status == Status::Connected && !row.first_sync).await
    }

    /// Nothing is stored of the company but, at most, why the last try failed.
    pub async fn assert_untouched(&self, name: &str) {
        let row = self.row_becomes(name, |row| !matches!(row.status, Status::SigningIn { .. })).await;
        assert_eq!(row.status, Status::NotConnected);
        assert_eq!(row.tenant, None);
    }

    pub async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        self.http.post(url).json(&body).send().await.unwrap().error_for_status().unwrap();
    }

    /// How often the sandbox was asked for paths with this in them.
    pub async fn times_asked(&self, path: &str) -> u64 {
        let url = format!("{}/_sandbox/requests", self.sandbox.base_url());
        let counts: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let requests = counts["requests"].as_array().unwrap().iter();
        requests.filter(|r| r["path"].as_str().unwrap().contains(path)).map(|r| r["count"].as_u64().unwrap()).sum()
    }

    pub async fn fault(&self, fault: Value) {
        self.control("faults", fault).await;
    }

    pub async fn cancel(&self, company: CompanyId) {
        self.post("attempts/cancel", json!({ "company": company })).await.error_for_status().unwrap();
    }

    pub async fn post(&self, function: &str, body: Value) -> reqwest::Response {
        self.http.post(format!("{}/api/{function}", self.url)).json(&body).send().await.unwrap()
    }

    /// Makes a link in the owner's name.
    pub async fn make_link(&self, company: CompanyId) -> NewLink {
        let response = self.post("links/create", json!({ "company": company, "note": null })).await;
        response.error_for_status().unwrap().json().await.unwrap()
    }

    /// Makes a token in the owner's name.
    pub async fn make_token(&self, name: &str, scopes: &[Scope]) -> String {
        make_token(&self.url, &self.http, name, scopes).await
    }

    /// Connects a company as its administrator would.
    pub async fn connect(&self, tenant: &Tenant) {
        let person = Person::new(self);
        let page = person.connect(self.company(&tenant.name).await, tenant.admin()).await;
        assert_eq!(page.heading(), format!("{} is connected", tenant.name));
    }
}

/// Makes a token in the name of who is signed in.
pub async fn make_token(url: &str, client: &reqwest::Client, name: &str, scopes: &[Scope]) -> String {
    let body = json!({ "name": name, "scopes": scopes, "days": 90 });
    let response = client.post(format!("{url}/api/api-tokens/create")).json(&body).send().await.unwrap();
    let made: Value = response.error_for_status().unwrap().json().await.unwrap();
    made["token"].as_str().unwrap().to_owned()
}

/// A client that sends this session's cookie, whatever it is sent.
pub fn signed_in(session: &Token) -> reqwest::Client {
    let cookie = format!("session={}", session.expose()).parse().unwrap();
    let headers = HeaderMap::from_iter([(COOKIE, cookie)]);
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .default_headers(headers)
        .build()
        .unwrap()
}

/// A client without any cookie.
pub fn stranger() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Below those that the system gives to connections: one of theirs could take it before the server does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 20).unwrap() * 1_000;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000);
    ports.take(2_000).find(is_free).expect("a port is free")
}

/// A web app of as many programs as there are, with one file each.
fn site(data: &TempDir) -> PathBuf {
    let site = data.path().join("site");
    for program in ["companies", "data", "records", "links", "pages"] {
        let folder = site.join(program);
        std::fs::create_dir_all(&folder).unwrap();
        let shell = format!("<script>{program}()</script>");
        std::fs::write(folder.join("index.html"), shell).unwrap();
        std::fs::write(folder.join(format!("{program}-1a2b.js")), format!("console.log('{program}')")).unwrap();
    }
    site
}
