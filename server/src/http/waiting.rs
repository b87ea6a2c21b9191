//! How long an answer is waited for, and what is said instead: that it takes too long, or, while the database is away, that.

use std::{pin::pin, time::Duration};

use axum::{
    extract::Request,
    http::{StatusCode, Uri},
    response::Response,
};
use tokio::time::timeout;

use super::{AppState, caller::Kind, limits, links, site, surface, v1};
use crate::{failure::with_reference, store::Trouble};

/// How long an answer is waited for without looking whether the database goes away meanwhile. Most are there by then.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// What is answered without the database.
const WITHOUT_IT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/connect/logo", v1::DOCS_PATH];

/// Answers what needs the database while that is away, what waits for it when it goes, and what takes too long. Whether a change
/// that was under way was stored is not known then, as with every answer that is lost.
pub async fn answer<F>(state: &AppState, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let uri = request.uri().clone();
    let (path, within) = (uri.path(), limits::answer_within(uri.path()));
    let mut answer = pin!(next(request));
    let is_file = site::names_a_file(&uri) && !Kind::of(&uri).is_api();
    if is_file || is_without_it(&uri) {
        return timeout(within, answer).await.unwrap_or_else(|_| too_late(state, path));
    }
    let presence = state.store.presence();
    let response = if presence.is_away() {
        away(state, path)
    } else if let Ok(response) = timeout(LOOK_AFTER, &mut answer).await {
        response
    } else {
        tokio::select! {
            biased;
            () = presence.gone() => away(state, path),
            response = timeout(within, answer) => response.unwrap_or_else(|_| too_late(state, path)),
        }
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        presence.look();
    }
    response
}

fn is_without_it(uri: &Uri) -> bool {
    WITHOUT_IT.contains(&uri.path()) || [v1::DOCUMENT_PATH, v1::DOCS_STYLE_PATH].contains(&uri.path())
}

fn too_late(state: &AppState, path: &str) -> Response {
    tracing::error!("a request was not answered in time");
    let text = with_reference("This takes too long. Try again in a minute.");
    surface::refusal(state, path, StatusCode::SERVICE_UNAVAILABLE, &text)
}

fn away(state: &AppState, path: &str) -> Response {
    let text = if path.starts_with(app::domain::link::PATH) {
        links::NOT_NOW.to_owned()
    } else {
        format!("{} Try again in a minute.", Trouble::Away.say())
    };
    surface::refusal(state, path, StatusCode::SERVICE_UNAVAILABLE, &text)
}
