//! The router from top to bottom.

use std::{ops::Deref, sync::Arc};

use app::domain::AccountId;
use axum::{
    Router,
    response::Response,
    routing::{MethodRouter, any, get, post},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use url::Url;

use crate::{
    companies::Companies,
    config::{MspConfig, Network},
    connect::Connect,
    disconnections::Looks,
    links::LinkMaker,
    live_rows::LiveRows,
    notifications::Telling,
    places::Places,
    rate::Rate,
    sessions::SignIn,
    staff::Staff,
    store::Store,
    tenant_data::TenantData,
};

mod activity;
mod address;
pub mod caller;
mod companies;
mod compression;
mod connect;
mod events;
mod exports;
mod health;
mod import;
mod limits;
mod links;
mod listen;
mod page;
mod robots;
mod security;
mod server_functions;
mod site;
mod staff;
mod surface;
mod timer;
pub mod v1;
mod waiting;
mod watch;

pub use limits::Rates;
pub use listen::serve;
use listen::{Answer, BoxRequest};
pub use site::{Site, SiteError};
use timer::ConnectionTimer;

/// The largest body of most requests, in bytes: the ids of ten thousand companies fit. `limits.rs` names the others.
const BODY_LIMIT: usize = 512 * 1024;

/// What the handlers work with: one for all, for each request takes it several times.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What there is in it.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The flow with Microsoft.
    pub connect: Connect,
    /// Rows as they change.
    pub live_rows: LiveRows,
    /// The list of companies.
    pub companies: Arc<Companies>,
    /// What was read from tenants.
    pub tenant_data: Arc<TenantData>,
    /// Looks whether the access to tenants is gone.
    pub looks: Looks,
    /// Wakes the worker.
    pub work: Arc<Notify>,
    /// Signing in.
    pub sign_in: Arc<SignIn>,
    /// Signing in with Microsoft, where it is set up.
    pub staff: Option<Staff>,
    /// Making links.
    pub links: Arc<LinkMaker>,
    /// Telling people.
    pub telling: Arc<Telling>,
    /// What the programming interface needs besides.
    pub api: Arc<v1::Api>,
    /// How much each address and each account may ask.
    pub rates: Arc<Rates>,
    /// How much an address may ask of the links' pages.
    pub link_rate: Arc<Rate>,
    /// Who runs this.
    pub msp: Arc<MspConfig>,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Arc<[Network]>,
    /// Event streams, of which each account has a few.
    pub streams: Arc<Places<AccountId>>,
    /// The web app.
    pub site: Arc<Site>,
    /// What people type to get here.
    pub public_url: Url,
    /// Ends what would never end by itself.
    pub stop: CancellationToken,
}

/// What pages and files of the web app are called where routes are named.
const PAGES: &str = "pages and files";

/// Below which path the server functions are.
const FUNCTIONS: &str = "/api/{*function}";

/// What is answered and done with.
fn answered_routes() -> [(&'static str, MethodRouter<AppState>); 22] {
    [
        ("/connect/start", get(connect::start)),
        ("/connect/staff", get(staff::begin)),
        ("/connect/callback", get(connect::callback)),
        ("/connect/page.css", get(page::stylesheet)),
        ("/connect/page.js", get(page::script)),
        ("/connect/logo", get(page::logo)),
        ("/c/{token}", links::page()),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/metrics", get(health::metrics)),
        ("/api/companies/folded", get(companies::folded)),
        ("/api/activity.csv", get(activity::csv)),
        ("/api/users.csv", get(exports::users)),
        ("/api/licences.csv", get(exports::licences)),
        ("/api/domains.csv", get(exports::tenant_domains)),
        ("/api/secure-score.csv", get(exports::scores)),
        ("/api/companies.csv", exports::companies(exports::Format::Csv)),
        ("/api/companies.xlsx", exports::companies(exports::Format::Xlsx)),
        ("/api/companies/import/preview", import::takes_file(post(import::preview))),
        ("/api/companies/import/confirm", import::takes_file(post(import::confirm))),
        ("/api/companies/import/template.csv", get(import::template)),
        (FUNCTIONS, any(server_functions::handle)),
    ]
}

/// What goes on until somebody ends it.
fn endless_routes() -> [(&'static str, MethodRouter<AppState>); 1] {
    [("/api/events", get(events::stream))]
}

/// The path of every route and of every server function, pages and files of the web app apart.
pub fn paths() -> Vec<String> {
    let routes = answered_routes().map(|(path, _)| path).into_iter().filter(|path| *path != FUNCTIONS);
    let functions = server_fn::axum::server_fn_paths().map(|(path, _)| path);
    let ours = routes.chain(endless_routes().map(|(path, _)| path)).chain(functions);
    ours.map(str::to_owned).chain(v1::paths()).collect()
}

/// The handlers, of every route. Nobody gets at them but through [`Answers`].
#[derive(Clone)]
pub struct Routes(Router);

impl Routes {
    fn new(state: AppState) -> Self {
        let add = |router: Router<AppState>, (path, handler)| router.route(path, handler);
        let answered = answered_routes().into_iter().fold(v1::routes(), add).fallback(get(site::serve));
        Self(endless_routes().into_iter().fold(answered, add).with_state(state))
    }

    /// What a handler answers.
    async fn run(&self, request: BoxRequest) -> Response {
        self.0.clone().call(*request).await.unwrap_or_else(|never| match never {})
    }
}

/// Answers every request. What each passes on the way to its handler is around the routes, and is no layer of axum's: for each
/// request axum clones all that is in a layer, which takes longer than most of what it does.
#[derive(Clone)]
pub struct Answers {
    state: AppState,
    routes: Routes,
}

impl Answers {
    /// With these.
    pub fn new(state: AppState) -> Self {
        Self { routes: Routes::new(state.clone()), state }
    }
}

impl Answer for Answers {
    /// The innermost first.
    async fn answer(&self, request: BoxRequest, timer: &ConnectionTimer) -> Response {
        let Self { state, routes } = self;
        let uri = request.uri().clone();
        let admit = |request| caller::admit(state, request, routes);
        let compress = |request| compression::compress(request, admit);
        let answer = |request| waiting::answer(state, &uri, timer, request, compress);
        let guard = |request| security::guard(state, request, answer);
        let bound = |request| limits::bound(state, &uri, request, guard);
        let headers = |request| security::headers(state, request, bound);
        watch::watch(state, request, headers).await
    }
}
