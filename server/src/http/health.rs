//! Whether the server lives, whether it can work, and what it counts.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Extension,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{AppState, address::hops};
use crate::{config::Network, metrics, store::Trouble};

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
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let is_near = peer.is_some_and(|Extension(ConnectInfo(peer))| is_near(peer.ip(), &headers, &state.trusted_proxies));
    if !is_near {
        let text = "Metrics are for private networks. Behind a proxy, set TENANTRY_TRUSTED_PROXIES.";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let standing = state.store.unless_away(state.store.standing()).await;
    let standing = standing.inspect_err(|error| tracing::warn!(%error, "metrics lack what the database knows")).ok();
    let headers =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, metrics::render(standing.as_ref(), state.links.clock.now())).into_response()
}

/// Whether who asks is on a private network, and so is everybody whom the request came by. Behind a proxy that is not among
/// the trusted ones everybody seems to be near.
fn is_near(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> bool {
    if !["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name)) {
        return is_private(peer);
    }
    let is_from_proxy = proxies.iter().any(|network| network.contains(peer.to_canonical()));
    let mut hops = hops(headers).peekable();
    is_from_proxy && hops.peek().is_some() && hops.all(|hop| hop.is_some_and(is_private))
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
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn nobody_is_near_behind_a_proxy_that_is_not_ours() {
        let proxies: Vec<Network> = "10.0.0.1/32".parse().into_iter().collect();
        for (peer, name, by, near) in [
            ("10.0.0.7", "x-other", "", true),
            ("10.0.0.1", "x-forwarded-for", "192.168.1.1", true),
            ("::ffff:10.0.0.1", "x-forwarded-for", "192.168.1.1, 10.0.0.7", true),
            ("10.0.0.1", "x-forwarded-for", "203.0.113.7", false),
            // One proxy behind the other, of which we know one.
            ("10.0.0.1", "x-forwarded-for", "203.0.113.7, 10.0.0.7", false),
            ("10.0.0.7", "x-forwarded-for", "203.0.113.7", false),
            ("10.0.0.7", "x-forwarded-for", "192.168.1.1", false),
            ("10.0.0.1", "x-forwarded-for", "somebody", false),
            ("10.0.0.1", "forwarded", "for=203.0.113.7", false),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(by))]);
            let seen = peer.parse().map(|peer| is_near(peer, &headers, &proxies));
            assert_eq!(seen, Ok(near), "{peer} {name}: {by}");
        }
    }

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
