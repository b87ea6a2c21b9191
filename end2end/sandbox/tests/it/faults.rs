//! Faults, counts and the way back to the seed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{DEFAULT_SCOPE, World, claims, error_code};

const FABRIKAM: &str = "fabrikam-legal.test";

#[tokio::test]
async fn the_next_matching_requests_fail_as_ordered() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    world
        .control(
            "faults",
            json!({ "match": "/v1.0/users", "tenant": tenant, "status": 503, "code": "Busy", "times": 2 }),
        )
        .await;
    for _ in 0..2 {
        let (status, body) = world.get(&token, "/v1.0/users/delta").await;
        assert_eq!((status, body["error"]["code"].as_str()), (503, Some("Busy")));
    }
    assert_eq!(world.get(&token, "/v1.0/users").await.0, 200);

    world.control("faults", json!({ "match": "/*/oauth2/v2.0/token", "status": 400, "code": 50076 })).await;
    let fields = [("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)];
    let (status, body) = world.token(&tenant, &fields).await;
    assert_eq!((status, error_code(&body)), (400, 50_076));
    assert!(body["claims"].is_string());

    world.control("faults", json!({ "match": "/oauth2/v2.0/token", "delay_ms": 300 })).await;
    let start = Instant::now();
    assert_eq!(world.token(&tenant, &fields).await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));

    world.control("faults", json!({ "match": "/v1.0/users", "cut_body": true })).await;
    let response = world.server.get(world.url("/v1.0/users")).bearer_auth(&token).send().await;
    let read = match response {
        Ok(response) => response.text().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(read.is_err());

    let refused = world
        .server
        .post(world.url("/_sandbox/faults"))
        .json(&json!({ "match": "/", "sttus": 500 }))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn a_consent_can_take_effect_late() {
    let world = World::start().await;
    world.control("faults", json!({ "kind": "consent_delay", "delay_ms": 30_000 })).await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    assert!(claims(&json!(token)).get("roles").is_none());
    assert_eq!(world.get(&token, "/v1.0/users").await.0, 403);
    world.control("clock", json!({ "advance_ms": 31_000 })).await;
    assert_eq!(world.get(&token, "/v1.0/users").await.0, 403, "roles are baked into the token");
    assert_eq!(world.get(&world.app_token(&tenant).await, "/v1.0/users").await.0, 200);

    world.control("faults", json!({ "kind": "consent_delay", "delay_ms": 30_000, "code": 650_051 })).await;
    let other = world.connect("harborline.test").await;
    let (_, body) = world.token(&other, &[("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)]).await;
    assert_eq!(error_code(&body), 650_051);
}

#[tokio::test]
async fn requests_are_counted_without_secrets_and_a_reset_leads_back() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    world.get(&token, "/v1.0/users").await;
    let counts =
        async || world.server.get(world.url("/_sandbox/requests")).send().await.unwrap().json::<Value>().await.unwrap();
    let counted = counts().await;
    assert!(!counted.to_string().contains(&token));
    let requests = counted["requests"].as_array().unwrap();
    assert!(requests.contains(&json!({ "tenant": tenant, "path": "/v1.0/users", "count": 1 })));
    assert_eq!(counted["tokens"], json!([{ "tenant": tenant, "grant_type": "client_credentials", "count": 1 }]));
    let issued: Value = world.server.get(world.url("/_sandbox/issued")).send().await.unwrap().json().await.unwrap();
    assert_eq!(issued["secrets"], json!([token]));

    world.control(&format!("tenants/{tenant}/change-users"), json!({ "delete": 1 })).await;
    world.control("reset", json!({})).await;
    assert_eq!(counts().await["requests"], json!([]));
    let (_, body) = world.token(&tenant, &[("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)]).await;
    assert_eq!(error_code(&body), 700_016);
    let again = world.tenants().await;
    assert_eq!((again[0]["users"].as_u64(), again.len()), (Some(42), 24));
}

#[tokio::test]
async fn consents_outlive_a_restart_where_that_was_asked_for() {
    let folder = std::env::temp_dir().join(format!("m365-sandbox-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let options = m365_sandbox::SandboxOptions { state_file: Some(folder.join("state.json")), ..Default::default() };
    let world = World::with(options.clone()).await;
    let tenant = world.connect(FABRIKAM).await;
    world.sandbox.shutdown().await;
    let world = World::with(options).await;
    let token = world.app_token(&tenant).await;
    assert_eq!(world.get(&token, "/v1.0/users").await.0, 200);
    std::fs::remove_dir_all(&folder).unwrap();
}
