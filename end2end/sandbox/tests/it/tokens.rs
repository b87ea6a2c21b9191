//! The token endpoint: codes, refresh tokens, client credentials, and what refuses them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use m365_sandbox::{CONSUMER_TENANT, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, SandboxOptions};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use serde_json::{Value, json};

use crate::harness::{DEFAULT_SCOPE, REDIRECT, World, claims, error_code};

const FABRIKAM: &str = "fabrikam-legal.test";

async fn signed_in(world: &World) -> (String, Value) {
    let tenant = world.connect(FABRIKAM).await;
    let code = world.authorize(&tenant, &[]).await.callback()["code"].clone();
    let (status, body) = world.redeem(&tenant, &code).await;
    assert_eq!(status, 200, "{body}");
    (tenant, body)
}

#[tokio::test]
async fn a_code_gives_tokens_once() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let code = world.authorize(&tenant, &[]).await.callback()["code"].clone();
    assert_eq!(error_code(&world.redeem("organizations", &code).await.1), 700_005);
    let wrong = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", "another"),
    ];
    assert_eq!(error_code(&world.token(&tenant, &wrong).await.1), 501_481);

    let (status, body) = world.redeem(&tenant, &code).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3599)));
    assert!(body["scope"].as_str().unwrap().contains("https://graph.microsoft.com/User.Read.All"));
    let id = claims(&body["id_token"]);
    assert_eq!((id["tid"].as_str(), id["nonce"].as_str()), (Some(tenant.as_str()), Some("n-1")));
    assert_eq!(id["iss"], format!("{}/{tenant}/v2.0", world.sandbox.base_url()));
    assert_eq!((&id["aud"], &id["ver"]), (&json!(DEFAULT_CLIENT_ID), &json!("2.0")));
    assert!(id.get("wids").is_none());
    let (status, body) = world.redeem(&tenant, &code).await;
    assert_eq!((status, error_code(&body)), (400, 54_005));
    assert!(body["error_description"].as_str().unwrap().contains("\r\nTrace ID: "));

    let issued = world.sandbox.issued_secrets();
    assert!(issued.contains(&code) && issued.len() == 4);
}

#[tokio::test]
async fn an_id_token_verifies_with_the_published_keys_also_after_rotation() {
    let world = World::start().await;
    let verify = async |token: &Value| -> bool {
        let token = token.as_str().unwrap();
        let url = world.url("/organizations/discovery/v2.0/keys");
        let keys: Value = world.server.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let Some(key) = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid) else { return false };
        assert!(key["issuer"].as_str().unwrap().ends_with("/{tenantid}/v2.0"));
        let key = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[DEFAULT_CLIENT_ID]);
        jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
    };
    let (tenant, body) = signed_in(&world).await;
    assert!(verify(&body["id_token"]).await);
    world.control("rotate-keys", json!({})).await;
    assert!(verify(&body["id_token"]).await);
    let tokens = async |tamper: Option<&str>| {
        if let Some(tamper) = tamper {
            world.control("faults", json!({ "kind": "id_token", "tamper": tamper, "times": 1 })).await;
        }
        let code = world.authorize(&tenant, &[]).await.callback()["code"].clone();
        world.redeem(&tenant, &code).await.1["id_token"].clone()
    };
    assert!(verify(&tokens(None).await).await);
    for tamper in ["signature", "audience", "expiry", "kid"] {
        assert!(!verify(&tokens(Some(tamper)).await).await, "{tamper}");
    }
    assert_ne!(claims(&tokens(Some("nonce")).await)["nonce"], "n-1");
    assert_eq!(claims(&tokens(Some("personal")).await)["tid"], CONSUMER_TENANT.to_string());
    let id = claims(&tokens(Some("issuer")).await);
    assert!(!id["iss"].as_str().unwrap().contains(id["tid"].as_str().unwrap()));
    assert!(verify(&tokens(None).await).await);
}

#[tokio::test]
async fn refresh_tokens_slide_and_end() {
    let world = World::start().await;
    let (tenant, body) = signed_in(&world).await;
    let refresh = async |token: &Value| {
        world.token(&tenant, &[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    };
    let first = body["refresh_token"].clone();
    let (status, second) = refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["refresh_token"], first);
    assert!(second["refresh_token"].as_str().unwrap().starts_with("sbx-rt-"));
    assert_eq!(refresh(&first).await.0, 200, "the old one stays valid");

    world.control("clock", json!({ "advance_ms": 91_i64 * 24 * 3_600_000 })).await;
    let (status, body) = refresh(&first).await;
    assert_eq!((status, error_code(&body)), (400, 700_082));
    assert_eq!((&body["error"], &body["suberror"]), (&json!("invalid_grant"), &json!("bad_token")));

    let (tenant, body) = signed_in(&world).await;
    world.control(&format!("tenants/{tenant}/expire-refresh-tokens"), json!({})).await;
    assert_eq!(error_code(&refresh(&body["refresh_token"]).await.1), 700_082);
    let (_, body) = signed_in(&world).await;
    world.control(&format!("tenants/{tenant}/revoke-consent"), json!({})).await;
    assert_eq!(error_code(&refresh(&body["refresh_token"]).await.1), 65_001);
}

#[tokio::test]
async fn client_credentials_need_the_app_in_the_tenant() {
    let world = World::start().await;
    let fields = [("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)];
    let tenant = world.tenant(FABRIKAM).await;
    let (status, body) = world.token(&tenant, &fields).await;
    assert_eq!((status, error_code(&body)), (400, 700_016));
    assert_eq!(body["error"], "unauthorized_client");
    world.connect(FABRIKAM).await;
    let (status, body) = world.token(&tenant, &fields).await;
    assert_eq!(status, 200);
    assert!(body.get("refresh_token").is_none());
    assert_eq!(claims(&body["access_token"])["roles"].as_array().unwrap().len(), 5);
    let one = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/User.Read.All")];
    assert_eq!(error_code(&world.token(&tenant, &one).await.1), 1_002_012);
    world.control(&format!("tenants/{tenant}/revoke-consent"), json!({})).await;
    assert_eq!(error_code(&world.token(&tenant, &fields).await.1), 700_016);
}

#[tokio::test]
async fn the_apps_credentials_are_checked() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let url = world.url(&format!("/{tenant}/oauth2/v2.0/token"));
    let ask = async |fields: &[(&str, &str)], headers: &[(&str, &str)]| {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)];
        form.extend(fields);
        let mut request = world.server.post(&url).form(&form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, error_code(&response.json().await.unwrap()))
    };
    let id = ("client_id", DEFAULT_CLIENT_ID);
    let secret = ("client_secret", DEFAULT_CLIENT_SECRET);
    assert_eq!(ask(&[id, ("client_secret", "wrong")], &[]).await, (401, 7_000_215));
    assert_eq!(ask(&[id], &[]).await, (401, 7_000_218));
    assert_eq!(ask(&[("client_id", "other"), secret], &[]).await, (400, 700_016));
    let basic = format!("Basic {}", STANDARD.encode(format!("{DEFAULT_CLIENT_ID}:{DEFAULT_CLIENT_SECRET}")));
    assert_eq!(ask(&[], &[("authorization", &basic)]).await, (200, 0));
    assert_eq!(ask(&[id, secret], &[("origin", "http://localhost:8080")]).await, (400, 9_002_326));
    world.control("expire-client-secret", json!({ "expired": true })).await;
    assert_eq!(ask(&[id, secret], &[]).await, (401, 7_000_222));
}

#[tokio::test]
async fn a_signed_assertion_stands_for_the_secret() {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let public = key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let private = EncodingKey::from_rsa_pem(key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let world = World::with(SandboxOptions { client_certificates: vec![public], ..SandboxOptions::default() }).await;
    let tenant = world.connect(FABRIKAM).await;
    let url = world.url(&format!("/{tenant}/oauth2/v2.0/token"));
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let ask = async |algorithm, audience: &str, expiry: Value| {
        let mut header = Header::new(algorithm);
        header.x5t_s256 = Some("thumbprint".into());
        let claims = json!({
            "aud": audience, "iss": DEFAULT_CLIENT_ID, "sub": DEFAULT_CLIENT_ID, "jti": "1", "nbf": now, "exp": expiry
        });
        let assertion = jsonwebtoken::encode(&header, &claims, &private).unwrap();
        let form = [
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("grant_type", "client_credentials"),
            ("scope", DEFAULT_SCOPE),
        ];
        error_code(&world.server.post(&url).form(&form).send().await.unwrap().json().await.unwrap())
    };
    assert_eq!(ask(Algorithm::RS256, &url, json!(now + 300)).await, 0);
    assert_eq!(ask(Algorithm::PS256, &url, json!(format!("{}.25", now + 300).parse::<f64>().unwrap())).await, 0);
    assert_eq!(ask(Algorithm::PS256, "https://elsewhere.test", json!(now + 300)).await, 700_027);
    assert_eq!(ask(Algorithm::PS256, &url, json!(now - 1000)).await, 700_027);
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let code = world.authorize(&tenant, &[]).await.callback()["code"].clone();
    world.control("clock", json!({ "advance_ms": 11 * 60_000 })).await;
    assert_eq!(error_code(&world.redeem(&tenant, &code).await.1), 70_008);
}
