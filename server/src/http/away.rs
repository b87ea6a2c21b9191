//! What is answered while the database is away: at once, and in words.

use axum::{
    extract::Request,
    http::{StatusCode, Uri},
    response::Response,
};

use super::{AppState, caller::Kind, links, site, surface, v1};
use crate::store::Trouble;

/// What is answered without the database.
const WITHOUT_IT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/connect/logo", v1::DOCS_PATH];

/// Answers what needs the database while that is away, and what waits for it when it goes. Whether a change that was under way
/// was stored is not known then, as with every answer that is lost.
pub async fn answer<F>(state: &AppState, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let is_file = site::names_a_file(request.uri()) && !Kind::of(request.uri()).is_api();
    if is_file || is_without_it(request.uri()) {
        return next(request).await;
    }
    let uri = request.uri().clone();
    let presence = state.store.presence();
    let response = tokio::select! {
        biased;
        () = presence.gone() => away(state, uri.path()),
        response = next(request) => response,
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        presence.look();
    }
    response
}

fn is_without_it(uri: &Uri) -> bool {
    WITHOUT_IT.contains(&uri.path()) || [v1::DOCUMENT_PATH, v1::DOCS_STYLE_PATH].contains(&uri.path())
}

fn away(state: &AppState, path: &str) -> Response {
    let text = if path.starts_with(app::domain::link::PATH) {
        links::NOT_NOW.to_owned()
    } else {
        format!("{} Try again in a minute.", Trouble::Away.say())
    };
    surface::refusal(state, path, StatusCode::SERVICE_UNAVAILABLE, &text)
}
