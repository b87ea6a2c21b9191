//! Whether the server lives, and whether it can work.

use axum::{extract::State, http::StatusCode};

use super::AppState;

/// It lives.
pub async fn alive() -> &'static str {
    "ok"
}

/// The database answers. (It was migrated before the server began to listen.)
pub async fn ready(State(state): State<AppState>) -> Result<&'static str, (StatusCode, &'static str)> {
    state.store.ping().await.map(|()| "ready").map_err(|error| {
        tracing::warn!(%error, "not ready");
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
    })
}
