//! Lists as files.

use app::{
    domain::{licence::LicenceQuery, secure_score::ScoreQuery, tenant_domain::TenantDomainQuery, user::UserQuery},
    error::{AppError, ErrorCode},
};
use axum::{
    body::Body,
    extract::{Query, State},
    http::header,
    response::{IntoResponse as _, Response},
};

use super::{AppState, server_functions::error_response};
use crate::{
    exports::{Export, export},
    failure::internal,
    store::lists::ListError,
};

type Pairs = Query<Vec<(String, String)>>;

/// Users, with the page's search, choices and order as its query.
pub async fn users(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "users", UserQuery::from_url_query(&pairs)).await
}

/// Licences.
pub async fn licences(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "licences", LicenceQuery::from_url_query(&pairs)).await
}

/// Domains.
pub async fn tenant_domains(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "domains", TenantDomainQuery::from_url_query(&pairs)).await
}

/// Secure Scores.
pub async fn scores(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "secure-score", ScoreQuery::from_url_query(&pairs)).await
}

async fn file<List: Export>(State(state): State<AppState>, name: &str, list: Option<List>) -> Response {
    let not_understood = || {
        error_response(&AppError::new(ErrorCode::BadRequest, "The search or the order of the list could not be read."))
    };
    let Some(list) = list else { return not_understood() };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    match export(state.tenant_data.as_ref().clone(), list).await {
        Ok(lines) => (headers, Body::from_stream(lines)).into_response(),
        Err(ListError::Store(error)) => error_response(&internal(error)),
        Err(ListError::Cursor | ListError::Order) => not_understood(),
    }
}
