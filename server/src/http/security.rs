//! Headers on every response, and who may ask at all.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use url::Url;

use super::{AppState, listen::BoxRequest, surface::refusal};

/// What a page may load and run. `scripts`: those that stand in it, as sources, each with a blank before it.
pub fn policy(scripts: &str) -> Option<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'self'{scripts} 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// The policy of what loads nothing.
pub const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// A header's name and value.
type Header = (HeaderName, HeaderValue);

/// What every response has, unless it says otherwise itself.
const OF_ALL: [Header; 4] = [
    // What may be kept says so.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// What pages have besides.
const OF_PAGES: [Header; 2] = [
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    ),
    // Pages of Microsoft, which we open, may be cut off from us; whoever opens us is.
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin-allow-popups")),
];

/// Sets the headers that every response has.
pub async fn headers<F>(state: &AppState, request: BoxRequest, next: impl FnOnce(BoxRequest) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let mut response = next(request).await;
    let headers = response.headers_mut();
    // At once: a map that grows is filled anew.
    headers.reserve(10);
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    // What is stricter, or has a reason to be laxer, says so itself. What is no page loads nothing.
    let usual = if is_page { policy("") } else { Some(HeaderValue::from_static(NOTHING)) };
    if let Some(usual) = usual {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(usual);
    }
    for (name, value) in OF_ALL.into_iter().chain(OF_PAGES.into_iter().filter(|_| is_page)) {
        headers.entry(name).or_insert(value);
    }
    if state.public_url.scheme() == "https" {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Refuses requests for another host (a name that was made to lead here), and changes that another site asks for.
pub async fn guard<F>(state: &AppState, request: BoxRequest, next: impl FnOnce(BoxRequest) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !is_our_host(request.headers(), request.uri().host(), &state.public_url) {
        let text = "This is not the address of this server.";
        return refusal(state, request.uri().path(), StatusCode::MISDIRECTED_REQUEST, text);
    }
    let headers = request.headers();
    // Programs bring a token, which no browser adds by itself; cookies count for nothing there.
    let is_program = super::v1::is_below(request.uri().path());
    let from_ours =
        is_program || is_same_origin(headers) || (is_link(request.uri().path()) && is_unnamed_origin(headers));
    if !matches!(*request.method(), Method::GET | Method::HEAD) && !from_ours {
        let text = "This request came from another site.";
        return refusal(state, request.uri().path(), StatusCode::FORBIDDEN, text);
    }
    next(request).await
}

fn is_our_host(headers: &HeaderMap, authority: Option<&str>, public_url: &Url) -> bool {
    // Who names it in the request line too must name the same (RFC 9112, section 3.2.2).
    let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default()).chain(authority);
    let first = hosts.next().unwrap_or_default();
    is_our_name(first, public_url) && hosts.all(|host| is_our_name(host, public_url))
}

fn is_our_name(host: &str, public_url: &Url) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        || public_url.host_str().is_some_and(|ours| ours.eq_ignore_ascii_case(name))
}

/// Whether the page that asks is ours. Programs that are no browsers say nothing about it, and carry no cookies of
/// a victim either. <https://web.dev/articles/fetch-metadata>
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => same_host(origin, text(header::HOST)),
    }
}

/// Whether it is the page of a link, whose secret is in its address: another site can't ask for it without knowing it.
fn is_link(path: &str) -> bool {
    path.starts_with(app::domain::link::PATH)
}

/// Whether the browser does not say whose page asks. A link's page forbids it to (`no-referrer`), and browsers that do
/// not send `Sec-Fetch-Site` yet say "null" then.
fn is_unnamed_origin(headers: &HeaderMap) -> bool {
    !headers.contains_key("sec-fetch-site") && headers.get(header::ORIGIN).is_some_and(|origin| origin == "null")
}

/// Whether a navigation began on a page of ours.
pub fn is_same_origin_navigation(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => text(header::REFERER).is_some_and(|referer| same_host(referer, text(header::HOST))),
    }
}

/// Whether somebody looks at our pages under another name than the public one. Cookies that are set there do not come along
/// when Microsoft leads back to the public one. What a proxy made of `Host` says nothing of that; the page's address does.
pub fn is_under_another_name(headers: &HeaderMap, public_url: &Url) -> bool {
    let page = headers.get(header::REFERER).and_then(|page| page.to_str().ok()).and_then(|page| Url::parse(page).ok());
    page.is_some_and(|page| page.host() != public_url.host())
}

fn same_host(url: &str, host: Option<&str>) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let ours = host.unwrap_or_default();
    let theirs = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{theirs}:{port}") == ours,
        None => theirs == ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_change_asked_for_by_another_site_is_told_apart() {
        for (pairs, same) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], true),
            (&[("origin", "http://evil.test"), ("host", "localhost:8080")], false),
            (&[("origin", "null"), ("host", "localhost:8080")], false),
            (&[("host", "localhost:8080")], true),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), same, "{pairs:?}");
        }
    }

    #[test]
    fn an_origin_that_is_not_named_is_told_apart_from_another_one() {
        assert!(is_unnamed_origin(&headers(&[("origin", "null")])));
        for other in
            [&[("origin", "http://evil.test")][..], &[], &[("origin", "null"), ("sec-fetch-site", "cross-site")]]
        {
            assert!(!is_unnamed_origin(&headers(other)), "{other:?}");
        }
        assert!(is_link("/c/abc") && !is_link("/connect/start"));
    }

    #[test]
    fn a_navigation_must_show_that_it_began_here() {
        assert!(is_same_origin_navigation(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_same_origin_navigation(&headers(&[("sec-fetch-site", "none")])));
        assert!(!is_same_origin_navigation(&headers(&[("host", "localhost:8080")])));
        let referred = headers(&[("referer", "http://localhost:8080/settings"), ("host", "localhost:8080")]);
        assert!(is_same_origin_navigation(&referred));
    }

    #[test]
    fn a_page_under_another_name_is_told_by_its_address() {
        let public_url = Url::parse("http://localhost:8080").expect("a URL");
        let page = |address| is_under_another_name(&headers(&[("referer", address)]), &public_url);
        assert!(page("http://127.0.0.1:8080/settings") && page("http://[::1]:8080/"));
        assert!(!page("http://localhost:8080/settings") && !page("http://LOCALHOST:9000/"));
        assert!(!is_under_another_name(&headers(&[("host", "127.0.0.1:8080")]), &public_url));
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_refused() {
        let public_url = Url::parse("https://tenantry.example").expect("a URL");
        let ours = |host| is_our_host(&headers(&[("host", host)]), None, &public_url);
        assert!(ours("localhost:8080") && ours("127.0.0.1:1") && ours("[::1]:80") && ours("Tenantry.example"));
        assert!(!ours("evil.test:8080") && !ours("") && !ours("localhost.evil.test"));
        let both = |host, authority| is_our_host(&headers(&[("host", host)]), Some(authority), &public_url);
        assert!(both("tenantry.example", "tenantry.example:443") && !both("tenantry.example", "evil.test"));
        assert!(!both("evil.test", "tenantry.example"));
    }
}
