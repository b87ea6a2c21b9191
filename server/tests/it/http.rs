//! What every response has, and what the web app's files are answered with.

use crate::harness::{Engine, Setup};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_the_shell_with_a_nonce_of_its_own() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let mut nonces = Vec::new();
    for (path, program) in [
        ("/", "companies"),
        ("/settings/integrations/microsoft-365/companies", "companies"),
        ("/companies/01890000-0000-7000-8000-000000000000", "data"),
        ("/login", "pages"),
    ] {
        let response = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert_eq!(response.text().await.unwrap(), format!("<script nonce=\"{nonce}\">{program}()</script>"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_for_ever_and_a_missing_one_is_not_the_shell() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for program in ["companies", "data", "pages"] {
        let file = app.http.get(format!("{}/{program}-1a2b.js", app.url)).send().await.unwrap();
        assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
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
