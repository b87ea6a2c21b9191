//! From which address a request comes.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Network;

/// The address of who asks: the nearest one that is not a proxy of ours. What stands before it in `X-Forwarded-For`
/// can be made up.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut address = peer.to_canonical();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_proxy(address) {
            break;
        }
        let Some(before) = read_hop(hop.trim()) else { break };
        address = before.to_canonical();
    }
    address
}

/// Every address of `X-Forwarded-For`, or that it is none.
pub fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|hop| read_hop(hop.trim()))
}

/// Some proxies write the port too.
fn read_hop(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "::1"].map(|network| network.parse().unwrap()).into();
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["6.6.6.6"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.1.1.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["nonsense, 10.1.1.1"], "10.1.1.1"),
            ("::1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
        ] {
            let headers = forwarded.iter().map(|&line| ("x-forwarded-for".parse().unwrap(), line.parse().unwrap()));
            let address = client_address(peer.parse().unwrap(), &headers.collect(), &proxies);
            assert_eq!(address.to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
