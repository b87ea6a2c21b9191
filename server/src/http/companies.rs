//! The whole list of companies, as the page reads it.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    AppState,
    server_functions::error_response,
    site::{accepts, names},
};

/// The list, folded; or that it is as whoever asks knows it. Their browser keeps it, asks each time, and does not show it to
/// another session.
pub async fn folded(State(state): State<AppState>, asked: HeaderMap) -> Response {
    let folded = match state.companies.folded().await {
        Ok(folded) => folded,
        Err(error) => return error_response(&error),
    };
    let headers = [
        (header::ETAG, folded.etag.as_str()),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "accept-encoding, cookie"),
    ];
    if names(&asked, &header::IF_NONE_MATCH, &folded.etag) == Some(true) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    if accepts(&asked, "br") {
        let encoding = [(header::CONTENT_ENCODING, "br")];
        return (headers, kind, encoding, Body::from(folded.brotli.clone())).into_response();
    }
    (headers, kind, Body::from(folded.text.clone())).into_response()
}
