//! Around everything else: a name for each request, a span, and what is counted.

use std::{net::SocketAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use tracing::{Instrument as _, field::Empty};

use super::{AppState, caller, listen::BoxRequest};
use crate::{metrics, otlp, request_id::RequestId};

/// The header with the name of a request, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names, times and counts what is answered.
///
/// The span has the pattern of the route and never the path: links and invitations are secrets in theirs.
pub async fn watch<F>(state: &AppState, request: BoxRequest, next: impl FnOnce(BoxRequest) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let (id, method, route) = (name(state, &request), method(request.method()), caller::route(request.uri().path()));
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method,
        route,
        status = Empty,
        took_ms = Empty,
        // What collectors call it.
        otel.name = Empty,
        otel.kind = Empty,
        otel.status_code = Empty,
    );
    if otlp::is_on() {
        span.record("otel.name", format!("{method} {route}")).record("otel.kind", "server");
    }
    let since = Instant::now();
    let mut response = id.clone().scope(next(request)).instrument(span.clone()).await;
    let (status, took) = (response.status(), since.elapsed());
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if otlp::is_on() {
        // Into the span for who collects spans. The log would write the whole span anew.
        span.record("status", status.as_u16()).record("took_ms", took_ms);
        if status.is_server_error() {
            span.record("otel.status_code", "error");
        }
    }
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), took_ms, "answered with a failure");
        } else {
            tracing::debug!(status = status.as_u16(), took_ms, "answered");
        }
    });
    metrics::answered(method, route, status.as_u16(), took);
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// What a proxy of ours calls it, or a new name.
fn name(state: &AppState, request: &Request) -> RequestId {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let is_from_proxy = peer.is_some_and(|peer| state.trusted_proxies.iter().any(|network| network.contains(peer)));
    let given = request.headers().get(X_REQUEST_ID).filter(|_| is_from_proxy).and_then(|given| given.to_str().ok());
    given.and_then(RequestId::parse).unwrap_or_else(RequestId::random)
}

/// Anybody can make methods up, and each would be counted by itself.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
