//! Whether the server lives, whether it can work, and what it counts.

use std::{net::IpAddr, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::AppState;
use crate::{metrics, store::Trouble};

/// It lives.
pub async fn alive() -> &'static str {
    "ok"
}

/// How long the database may take to answer who asks whether it does.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// Whether the database answers. (It was migrated before the server began to listen.) A server that can still be read is
/// ready, and says what it can't do.
pub async fn ready(State(state): State<AppState>) -> Result<String, (StatusCode, &'static str)> {
    let store = &state.store;
    let answer = tokio::time::timeout(READY_WITHIN, store.unless_away(store.ping())).await;
    if let Ok(Ok(())) = answer {
        let only = |trouble: Trouble| format!("ready for reading only: {}", trouble.say());
        return Ok(store.presence().trouble().map_or_else(|| "ready".to_owned(), only));
    }
    if let Ok(Err(error)) = &answer {
        tracing::warn!(%error, "not ready");
    }
    Err((StatusCode::SERVICE_UNAVAILABLE, Trouble::Away.say()))
}

/// What was counted, as Prometheus reads it. Only for who is on a private network: how many companies there are is nobody
/// else's business. While the database can't be read, what it knows is left out.
pub async fn metrics(
    State(state): State<AppState>,
    address: Option<Extension<IpAddr>>,
    headers: HeaderMap,
) -> Response {
    let is_near = address.is_some_and(|Extension(address)| is_private(address));
    // Behind a proxy that is not among the trusted ones everybody seems to be near.
    let is_passed_on = ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name))
        && state.trusted_proxies.is_empty();
    if !is_near || is_passed_on {
        let text = "Metrics are for private networks. Behind a proxy, set TENANTRY_TRUSTED_PROXIES.";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let standing = state.store.unless_away(state.store.standing()).await;
    let standing = standing.inspect_err(|error| tracing::warn!(%error, "metrics lack what the database knows")).ok();
    let headers =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, metrics::render(standing.as_ref(), state.links.clock.now())).into_response()
}

/// Whether an address is of this machine or of a private network.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_near_is_told_by_the_address() {
        for (address, near) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("::ffff:192.168.1.1", true),
            ("fd00::1", true),
            ("203.0.113.7", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(address.parse().map(is_private), Ok(near), "{address}");
        }
    }
}
