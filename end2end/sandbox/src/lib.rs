//! A stand-in for Entra ID and Microsoft Graph: many tenants on one port, for the demo, development and tests.
//!
//! [`Sandbox::start`] runs one inside a test; the binary `m365-sandbox` runs one for everybody else.

mod clock;
mod control;
mod cut;
mod entra;
mod faults;
mod grants;
mod graph;
mod keys;
mod ledger;
mod options;
mod permissions;
mod random;
mod shared;
mod tenants;
mod throttle;
mod tls;
mod world;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::task::JoinHandle;

pub use crate::control::check_redirect_uri;
pub use crate::keys::KeyError;
use crate::ledger::Arrival;
pub use crate::options::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_SEED, SandboxOptions, Tls};
use crate::shared::Shared;
pub use crate::tenants::seed::companies_csv;
pub use crate::tenants::{CONSUMER_TENANT, PASSWORD, PERSONAL_EMAIL};
pub use crate::tls::TlsError;
use crate::world::World;

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It hands out tokens to whoever asks, so nobody beyond this machine may.
    #[error("{0} is not a loopback address: the sandbox listens on this machine only")]
    NotLoopback(SocketAddr),
    /// A redirect URI that Microsoft would refuse too.
    #[error("{0}")]
    RedirectUri(String),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate for HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys for tokens.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Starts sandboxes.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts one; it answers when this returns.
    pub async fn start(options: SandboxOptions) -> Result<RunningSandbox, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(options.listen));
        }
        for uri in &options.redirect_uris {
            check_redirect_uri(uri).map_err(StartError::RedirectUri)?;
        }
        let failed = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let tls = tls::prepare(&options.tls).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{addr}");
        let certificate = tls.as_ref().map(|tls| tls.certificate.clone());

        let world = World::new(&options)?;
        let shared = Arc::new(Shared::new(options, base_url, world));
        let handle = Handle::new();
        let config = tls.map(|tls| tls.config);
        let server = serve(listener, config.clone(), routes(shared.clone()), handle.clone())
            .map_err(|source| StartError::Listen { address: addr, source })?;
        Ok(RunningSandbox { addr, shared, config, handle, server, certificate })
    }
}

fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    routes: Router,
    handle: Handle<SocketAddr>,
) -> std::io::Result<JoinHandle<std::io::Result<()>>> {
    let service = routes.into_make_service();
    Ok(match tls {
        Some(config) => tokio::spawn(axum_server::from_tcp_rustls(listener, config)?.handle(handle).serve(service)),
        None => tokio::spawn(axum_server::from_tcp(listener)?.handle(handle).serve(service)),
    })
}

/// A sandbox that answers requests. It ends with [`RunningSandbox::shutdown`], or when it is dropped.
pub struct RunningSandbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    config: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
    certificate: Option<String>,
}

impl RunningSandbox {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The beginning of every login URL; Graph is below `/v1.0`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The certificate that clients have to trust, with HTTPS.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Every code, access, refresh and ID token handed out so far.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.world().ledger.secrets()
    }

    /// Nobody answers at its address any more, as when the network to Microsoft is cut.
    pub async fn go_away(&mut self) {
        self.handle.shutdown();
        drop((&mut self.server).await);
    }

    /// It answers again, and knows what it knew.
    pub fn come_back(&mut self) -> Result<(), StartError> {
        let failed = |source| StartError::Listen { address: self.addr, source };
        let listener = TcpListener::bind(self.addr).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        self.handle = Handle::new();
        let routes = routes(self.shared.clone());
        self.server = serve(listener, self.config.clone(), routes, self.handle.clone()).map_err(failed)?;
        Ok(())
    }

    /// Ends it; requests under way get two seconds.
    pub async fn shutdown(mut self) {
        self.handle.graceful_shutdown(Some(Duration::from_secs(2)));
        if let Ok(Err(error)) = (&mut self.server).await {
            tracing::warn!(%error, "the sandbox ended with an error");
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    let login = entra::routes().layer(from_fn_with_state(shared.clone(), login_faults));
    Router::new()
        .merge(login)
        .merge(graph::routes())
        .merge(control::routes())
        .route("/", axum::routing::get(welcome))
        .with_state(shared)
}

async fn welcome(State(shared): State<Arc<Shared>>) -> Response {
    let text = format!(
        "m365-sandbox: a stand-in for Entra ID and Microsoft Graph, not Microsoft.\n\
         Tenants and how to sign in to them: {}/_sandbox/tenants\n",
        shared.base_url
    );
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response()
}

/// Counts requests below a tenant's path and lets faults answer them.
async fn login_faults(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let path = uri.path().to_string();
    let (tenant, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, ""));
    let (fault, latency) = {
        let mut world = shared.world();
        let id = world.tenant_called(tenant).map(|tenant| tenant.id);
        let name = id.map_or_else(|| tenant.to_string(), |id| id.to_string());
        world.ledger.request(name, format!("/{{tenant}}/{rest}"), Arrival::Alone);
        (world.faults.take_answer(&path, id), world.conditions.latency)
    };
    tokio::time::sleep(latency).await;
    let Some(fault) = fault else { return next.run(request).await };
    tokio::time::sleep(fault.delay()).await;
    let mut response = if fault.proceeds() {
        next.run(request).await
    } else {
        entra::fault_answer(&shared, &fault, &path, uri.query(), &shared.base(&headers))
    };
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    // A status by itself can't come from a page that was shown normally.
    if let Ok(status) = StatusCode::from_u16(fault.status)
        && fault.status >= 200
    {
        *response.status_mut() = status;
    }
    if fault.cut_body { cut::in_the_middle(response) } else { response }
}
