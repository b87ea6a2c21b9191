//! Server functions: their ports, and the status that fits their error.

use std::sync::Arc;

use app::{
    error::AppError,
    ports::{Attempts, Companies, Connections},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use leptos::prelude::provide_context;

use super::AppState;

/// The largest error, in bytes.
const ERROR_LIMIT: usize = 16 * 1024;

/// Calls a server function.
pub async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let provide = move || {
        provide_context::<Arc<dyn Companies>>(state.companies.clone());
        provide_context::<Arc<dyn Attempts>>(state.attempts.clone());
        provide_context::<Arc<dyn Connections>>(state.connections.clone());
    };
    let response = leptos_axum::handle_server_fns_with_context(provide, request).await.into_response();
    let mut response = if response.status().is_success() { response } else { as_app_error(response).await };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// leptos 0.8 answers every error with 500 and, for an unknown function, with a text for programmers.
async fn as_app_error(response: Response) -> Response {
    let status = response.status();
    let body = to_bytes(response.into_body(), ERROR_LIMIT).await.unwrap_or_default();
    let error = serde_json::from_slice::<AppError>(&body).unwrap_or_else(|_| {
        use app::error::ErrorCode::{BadRequest, NotFound};
        let code = if status == StatusCode::NOT_FOUND || body.starts_with(b"Could not find a server function") {
            NotFound
        } else {
            BadRequest
        };
        AppError::new(code, "There is no such function, or it is called in another way.")
    });
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = serde_json::to_vec(&error).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(json)).into_response()
}
