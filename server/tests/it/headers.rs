//! Every header on every route, in every kind of answer.

use reqwest::{Client, Method, Response};
use serde_json::json;

use crate::{
    access::everything,
    harness::{App, Engine, Setup, stranger},
};

/// What has to be on an answer, whatever it is.
fn assert_headers(answer: &Response, what: &str, is_https: bool) {
    let headers = answer.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let one = |name: &str| {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name} of {what}: {headers:?}");
        text(name).unwrap()
    };
    let policy = one("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
    // The logo may be an SVG with styles of its own. It is a picture in a sandbox.
    let is_logo = policy.ends_with("; sandbox");
    assert!(is_logo || policy.ends_with("frame-ancestors 'none'"), "{what}: {policy}");
    assert!(!policy.contains("'unsafe-eval'") && (is_logo || !policy.contains("unsafe-inline")), "{what}: {policy}");
    assert_eq!(one("x-content-type-options"), "nosniff", "{what}");
    assert!(["same-origin", "no-referrer"].contains(&one("referrer-policy").as_str()), "{what}");
    assert_eq!(one("cross-origin-resource-policy"), "same-origin", "{what}");
    let id = one("x-request-id");
    assert!(id.len() == 9 && id.as_bytes()[4] == b'-', "{what}: {id}");

    let is_page = text("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if is_page {
        assert_eq!(one("cross-origin-opener-policy"), "same-origin-allow-popups", "{what}");
        assert!(one("permissions-policy").contains("camera=()"), "{what}");
    }
    assert_eq!(text("strict-transport-security").as_deref(), is_https.then_some("max-age=31536000"), "{what}");
    for chatty in ["server", "x-powered-by", "via", "access-control-allow-origin"] {
        assert_eq!(text(chatty), None, "{what}");
    }

    let kept = one("cache-control");
    let path = answer.url().path();
    let is_fine = answer.status() == 200 || answer.status() == 304;
    let may_be_kept = match path {
        "/connect/page.css" | "/connect/page.js" | "/connect/logo" | "/api/v1/docs.css" => {
            kept.starts_with("public, max-age=")
        }
        "/api/v1/openapi.json" | "/api/v1/docs" => kept == "no-cache",
        // The browser asks each time whether it still holds.
        "/api/companies/folded" => kept == "private, no-cache" && one("vary").contains("cookie"),
        _ if path.ends_with("-1a2b.js") => kept == "public, max-age=31536000, immutable",
        // The shell is the same for everybody.
        _ => is_page && !path.starts_with("/c/") && !path.starts_with("/connect/") && kept == "no-cache",
    };
    let is_shell = answer.headers().contains_key("etag") && kept == "no-cache";
    assert!((is_fine && may_be_kept) || is_shell || kept.contains("no-store"), "{what}: {kept}");
    if let Some(cookie) = text("set-cookie") {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{what}: {cookie}");
        assert_eq!(cookie.contains("; Secure"), is_https, "{what}: {cookie}");
    }
}

async fn walk(app: &App, client: &Client, is_https: bool) -> Vec<u16> {
    let mut seen = Vec::new();
    let mut routes = everything();
    routes.extend([(Method::GET, "/companies-1a2b.js".into()), (Method::GET, "/missing.wasm".into())]);
    for (method, path) in routes {
        let url = format!("{}{path}", app.url);
        // As it is meant; with another method; as a head; and from elsewhere.
        let meant = client.request(method.clone(), &url).header("sec-fetch-site", "same-origin");
        let meant = if method == Method::POST || method == Method::PATCH { meant.json(&json!({})) } else { meant };
        let head = client.request(Method::HEAD, &url);
        let other = client.request(Method::PUT, &url);
        let foreign = client.request(Method::POST, &url).header("sec-fetch-site", "cross-site");
        let rebound = client.get(&url).header("host", "evil.test");
        for (kind, request) in
            [("meant", meant), ("head", head), ("other", other), ("foreign", foreign), ("rebound", rebound)]
        {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            assert_headers(&answer, &format!("{kind} {method} {path} ({status})"), is_https);
            seen.push(status);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_who_is_signed_in_has_its_headers() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let seen = walk(&app, &app.http, false).await;
    for status in [200, 400, 401, 403, 404, 405, 421] {
        assert!(seen.contains(&status), "{status} in {seen:?}");
    }
}

/// RFC 9110, section 8.6.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_names_no_length_but_that_of_the_answer() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for path in ["/", "/api/v1/openapi.json", "/api/v1/docs", "/api/companies.csv", "/api/companies/folded", "/healthz"]
    {
        for encoding in ["gzip", "identity"] {
            let ask =
                |method| app.http.request(method, format!("{}{path}", app.url)).header("accept-encoding", encoding);
            let head = ask(Method::HEAD).send().await.unwrap();
            let answer = ask(Method::GET).send().await.unwrap();
            assert_eq!(head.status(), answer.status(), "{path}");
            let length = head.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
            assert_eq!(head.bytes().await.unwrap().len(), 0);
            if let Some(length) = length {
                assert_eq!(length, answer.bytes().await.unwrap().len().to_string(), "{path} {encoding}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_stranger_over_https_has_its_headers() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let beside = App::beside(&app, &[("TENANTRY_PUBLIC_URL", "https://tenantry.example")]).await;
    let mut seen = Vec::new();
    for (method, path) in everything() {
        let request = stranger().request(method.clone(), format!("{}{path}", beside.url));
        let answer = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert_headers(&answer, &format!("{method} {path}"), true);
        seen.push(answer.status().as_u16());
    }
    assert!(seen.contains(&303) && seen.contains(&401) && seen.contains(&200), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_take_more_than_a_request_have_their_headers_too() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let company = app.company(&app.tenants[0].name).await;
    let link = app.make_link(company).await;
    let navigation = |url: String| app.http.get(url).header("sec-fetch-site", "same-origin");
    // A link's page, a redirect to Microsoft with a cookie, its answer that fails, a shell that is known.
    let page = navigation(link.url.clone()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_headers(&page, "a link", false);
    let start = navigation(format!("{}/connect/start?company={company}", app.url)).send().await.unwrap();
    assert_eq!((start.status().as_u16(), start.headers().contains_key("set-cookie")), (302, true));
    assert_headers(&start, "a start", false);
    let back = navigation(format!("{}/connect/callback?error=access_denied&state=x", app.url)).send().await.unwrap();
    assert!(back.status().is_client_error(), "{back:?}");
    assert_headers(&back, "a callback", false);
    let shell = navigation(format!("{}/login", app.url)).send().await.unwrap();
    let known = navigation(format!("{}/login", app.url)).header("if-none-match", &shell.headers()["etag"]);
    let known = known.send().await.unwrap();
    assert_eq!(known.status(), 304);
    assert_headers(&known, "a known shell", false);
    let stream = app.http.get(format!("{}/api/events", app.url)).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_headers(&stream, "the event stream", false);
}
