//! What is answered while the database is away: at once, and in words.

use app::error::{AppError, ErrorCode};
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};

use super::{
    AppState,
    caller::Kind,
    connect::refusal_page,
    server_functions::error_response,
    site,
    v1::{self, Problem, ProblemCode},
};
use crate::store::Trouble;

/// When to ask again, in seconds.
const ASK_AGAIN_AFTER: u64 = 5;

/// What is answered without the database.
const WITHOUT_IT: [&str; 4] = ["/healthz", "/readyz", "/connect/logo", v1::DOCS_PATH];

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
        () = presence.gone() => away(&uri),
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

fn away(uri: &Uri) -> Response {
    let say = Trouble::Away.say();
    let mut response = if v1::is_below(uri.path()) {
        Problem::new(ProblemCode::Unavailable, say).into_response()
    } else if Kind::of(uri).is_api() {
        error_response(&AppError::new(ErrorCode::Unavailable, format!("{say} Try again then.")))
    } else {
        let popup = Kind::of(uri) == Kind::Navigation;
        let text = format!("{say} Nothing is lost: load this page again in a minute.");
        refusal_page(StatusCode::SERVICE_UNAVAILABLE, "Tenantry can't work at the moment", &text, popup)
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_AFTER));
    response
}
