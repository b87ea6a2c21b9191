//! The router from top to bottom.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{any, get},
};
use tokio_util::sync::CancellationToken;
use tower_http::{compression::CompressionLayer, timeout::TimeoutLayer, trace::TraceLayer};
use url::Url;

use crate::{
    attempts::Attempts, companies::Companies, connect::Connect, connections::Connections, live_rows::LiveRows,
    store::Store,
};

mod connect;
mod events;
mod health;
mod page;
mod security;
mod server_functions;
mod site;

pub use site::Site;

/// How long a request may take, the event stream apart.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// The largest body that a request may have, in bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// What the handlers work with.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// The flow with Microsoft.
    pub connect: Connect,
    /// Rows as they change.
    pub live_rows: LiveRows,
    /// The ports of the server functions.
    pub companies: Arc<Companies>,
    /// As above.
    pub attempts: Arc<Attempts>,
    /// As above.
    pub connections: Arc<Connections>,
    /// The web app.
    pub site: Arc<Site>,
    /// What people type to get here.
    pub public_url: Url,
    /// Ends what would never end by itself.
    pub stop: CancellationToken,
}

/// Every route.
pub fn router(state: AppState) -> Router {
    let answered = Router::new()
        .route("/connect/start", get(connect::start))
        .route("/connect/callback", get(connect::callback))
        .route("/connect/page.css", get(page::stylesheet))
        .route("/connect/page.js", get(page::script))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/api/{*function}", any(server_functions::handle))
        .fallback(get(site::serve))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CompressionLayer::new());
    answered
        .route("/api/events", get(events::stream))
        .layer(middleware::from_fn_with_state(state.clone(), security::guard))
        .layer(middleware::from_fn_with_state(state.clone(), security::headers))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TraceLayer::new_for_http().make_span_with(request_span))
        .with_state(state)
}

/// The path alone: a query may hold a code.
fn request_span(request: &axum::extract::Request) -> tracing::Span {
    tracing::info_span!("request", method = %request.method(), path = %request.uri().path())
}
