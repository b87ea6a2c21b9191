//! What every response has, and what the web app's files are answered with.

use app::domain::Role;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{
    harness::{App, Engine, Setup, Tenant},
    on_both_databases,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_the_shell_of_its_program_and_runs_the_scripts_that_stand_in_it() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for (path, program) in [
        ("/", "companies"),
        ("/settings/integrations/microsoft-365/companies", "companies"),
        ("/companies/01890000-0000-7000-8000-000000000000", "data"),
        ("/login", "pages"),
    ] {
        let shell = || app.http.get(format!("{}{path}", app.url));
        let response = shell().send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let hash = STANDARD.encode(Sha256::digest(format!("{program}()")));
        assert!(policy.contains(&format!("script-src 'self' 'sha256-{hash}' 'wasm-unsafe-eval'")), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(response.headers()["cross-origin-opener-policy"], "same-origin-allow-popups");

        let tag = response.headers()["etag"].clone();
        assert_eq!(response.text().await.unwrap(), format!("<script>{program}()</script>"));
        let again = shell().header("if-none-match", &tag).send().await.unwrap();
        assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_a_page_is_told_so_by_its_whole_shell() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let viewer = app.client_of("vic@msp.test", Role::Viewer).await;
    let team = format!("{}/settings/team", app.url);
    let tag = app.http.get(&team).send().await.unwrap().headers()["etag"].clone();
    let refused = viewer.get(&team).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.text().await.unwrap(), "<script>pages()</script>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_for_ever_and_a_missing_one_is_not_the_shell() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for program in ["companies", "data", "pages"] {
        let file = app.http.get(format!("{}/{program}-1a2b.js", app.url)).send().await.unwrap();
        assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        assert_eq!(file.headers()["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(file.text().await.unwrap(), format!("console.log('{program}')"));
    }
    for path in
        ["/app-3c4d.js", "/companies/companies-1a2b.js", "/../tenantry.db", "/%2e%2e/tenantry.db", "/pages_bg.wasm"]
    {
        let missing = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(missing.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_and_another_name_get_nothing() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let cancel = || app.http.post(format!("{}/api/attempts/cancel", app.url)).json(&serde_json::json!({}));
    for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.test")] {
        assert_eq!(cancel().header(header, value).send().await.unwrap().status(), 403, "{header}");
    }
    let rebound = app.http.get(format!("{}/api/companies/list", app.url)).header("host", "evil.test");
    assert_eq!(rebound.send().await.unwrap().status(), 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_lives_and_that_it_is_ready() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.http.get(format!("{}{path}", app.url)).send().await.unwrap().status(), 200);
    }
}

/// The value of a metric with these labels.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("{name} is in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

async fn disconnect(app: &App, tenant: &Tenant) {
    let body =
        serde_json::json!({ "company": app.company(&tenant.name).await, "name": tenant.name, "keep_data": false });
    app.post("connections/disconnect", body).await.error_for_status().unwrap();
}

on_both_databases! {
    async fn what_happens_is_counted_for_who_is_near(engine) {
        let app = Setup::on(engine).start().await;
        let metrics = async || {
            let response = app.http.get(format!("{}/metrics", app.url)).send().await.unwrap().error_for_status().unwrap();
            assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
            response.text().await.unwrap()
        };
        let tenant = app.tenants[0].clone();
        app.connect(&tenant).await;
        app.connected(&tenant.name).await;
        app.idle(app.company(&tenant.name).await).await;
        let text = metrics().await;
        // Other tests of this process are counted too.
        for (name, least) in [
            ("tenantry_attempts_total{outcome=\"connected\"}", 1.0),
            ("tenantry_tokens_total{outcome=\"issued\"}", 1.0),
            ("tenantry_sync_rounds_total{outcome=\"read\"}", 1.0),
            ("tenantry_sync_data_sets_total{data_set=\"users\",outcome=\"read\"}", 1.0),
            ("tenantry_http_requests_total{method=\"GET\",route=\"/api/companies/list\",status=\"200\"}", 1.0),
        ] {
            assert!(value(&text, name) >= least, "{name} in {text}");
        }
        assert!(value(&text, "tenantry_data_oldest_seconds{data_set=\"users\"}") < 60.0, "{text}");
        assert!(text.contains("# TYPE tenantry_http_request_duration_seconds histogram"), "{text}");
        assert!(!text.contains(&app.company(&tenant.name).await.to_string()), "no id is a label");

        // Whatever strangers send, there are few series; and a gauge without anything is at nothing.
        let odd = reqwest::Method::from_bytes(b"BREW").unwrap();
        app.http.request(odd, format!("{}/coffee", app.url)).send().await.unwrap();
        disconnect(&app, &tenant).await;
        let text = metrics().await;
        assert!(!text.contains("BREW") && text.contains("method=\"other\""), "{text}");
        assert!(value(&text, "tenantry_connections{phase=\"active\"}").abs() < f64::EPSILON, "{text}");
        assert!(value(&text, "tenantry_data_oldest_seconds{data_set=\"users\"}").abs() < f64::EPSILON, "{text}");

        let from_afar = app.http.get(format!("{}/metrics", app.url)).header("x-forwarded-for", "203.0.113.7");
        assert_eq!(from_afar.send().await.unwrap().status(), 403);
    }
}
