//! What was done, as a file.

use app::{
    domain::{ActivityFilter, ActivityKind},
    error::{AppError, ErrorCode},
};
use axum::{
    body::Body,
    extract::{Query, State},
    http::header,
    response::{IntoResponse as _, Response},
};

use super::{AppState, server_functions::error_response};
use crate::activity::export;

/// CSV, with the page's filter as its query. A field that is empty filters nothing.
pub async fn csv(State(state): State<AppState>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let Some(filter) = read_filter(&query) else {
        return error_response(&AppError::new(ErrorCode::BadRequest, "The filter could not be read."));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(export(state.store.clone(), filter))).into_response()
}

fn read_filter(query: &[(String, String)]) -> Option<ActivityFilter> {
    let mut filter = ActivityFilter::default();
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "company" => filter.company = Some(value.parse().ok()?),
            "kind" => filter.kind = Some(ActivityKind::from_key(value)?),
            "actor" => filter.actor = Some(value.clone()),
            "before" => filter.before = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(filter)
}
