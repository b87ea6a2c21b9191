//! A Microsoft that believes whatever it is told: who signs in, and at which tenant, stands in the code that the
//! browser brings. The sandbox refuses much of that by itself; here our own rules are all that there is.

use std::sync::{Arc, OnceLock};

use app::domain::connection::CONSENTING_ROLES;
use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use m365_sandbox::DEFAULT_CLIENT_ID;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use server::clock::Clock as _;
use uuid::Uuid;
use x509_parser::public_key::PublicKey;

use crate::harness::ShiftedClock;

const RSA: &str = include_str!("../../fixtures/certificates/rsa.pem");

/// Who signed in, as they are known for the rest of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub tenant: Uuid,
    pub is_admin: bool,
}

/// What a browser brings. Everything about it can be made up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    pub who: SignedIn,
    /// What the ID token says that it was asked for.
    pub nonce: String,
}

impl Code {
    pub fn in_url(&self) -> String {
        written(self)
    }
}

/// The domain that belongs to a tenant.
pub fn domain_of(tenant: Uuid) -> String {
    format!("{}.test", tenant.simple())
}

#[derive(Clone)]
pub struct Microsoft {
    pub url: String,
    /// The server's, which is there only after this.
    pub clock: Arc<OnceLock<Arc<ShiftedClock>>>,
}

impl Microsoft {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let microsoft = Self { url, clock: Arc::default() };
        let routes = Router::new()
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata))
            .route("/organizations/discovery/v2.0/keys", get(keys))
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .route("/v1.0/organization", get(organisation))
            .route("/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole", get(roles))
            .with_state(microsoft.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        microsoft
    }

    fn issuer(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.url)
    }

    fn id_token(&self, code: &Code) -> String {
        static KEY: OnceLock<EncodingKey> = OnceLock::new();
        let key = KEY.get_or_init(|| {
            let (begin, end) = (RSA.find("-----BEGIN PRIVATE").unwrap(), RSA.find("-----BEGIN CERT").unwrap());
            EncodingKey::from_rsa_pem(&RSA.as_bytes()[begin..end]).unwrap()
        });
        let now = self.clock.get().unwrap().now().as_millis() / 1_000;
        let tenant = code.who.tenant;
        let claims = json!({
            "aud": DEFAULT_CLIENT_ID, "iss": self.issuer(&tenant.to_string()), "tid": tenant, "ver": "2.0",
            "iat": now, "nbf": now, "exp": now + 3_600, "nonce": code.nonce,
            "oid": Uuid::nil(), "preferred_username": format!("somebody@{}", domain_of(tenant)),
        });
        let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, key).unwrap()
    }
}

async fn metadata(State(microsoft): State<Microsoft>, Path(tenant): Path<String>) -> (StatusCode, Json<Value>) {
    match tenant.trim_end_matches(".test").parse::<Uuid>() {
        Ok(tenant) => (StatusCode::OK, Json(json!({ "issuer": microsoft.issuer(&tenant.to_string()) }))),
        Err(_) => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_tenant" }))),
    }
}

async fn keys(State(microsoft): State<Microsoft>) -> Json<Value> {
    let der = CertificateDer::from_pem_slice(RSA.as_bytes()).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    let PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else { panic!("not RSA") };
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Json(json!({ "keys": [{
        "kty": "RSA", "use": "sig", "kid": "one", "n": encode(key.modulus), "e": encode(key.exponent),
        "issuer": microsoft.issuer("{tenantid}"),
    }] }))
}

#[derive(Deserialize)]
struct Exchange {
    code: Option<String>,
}

async fn token(State(microsoft): State<Microsoft>, Form(exchange): Form<Exchange>) -> (StatusCode, Json<Value>) {
    let Some(code) = exchange.code.as_deref().and_then(read::<Code>) else {
        let gone = "AADSTS700016: the application was not found in the directory.";
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "unauthorized_client", "error_description": gone })));
    };
    let answer = json!({
        "token_type": "Bearer", "expires_in": 3_600, "scope": "User.Read", "access_token": written(&code.who),
        "id_token": microsoft.id_token(&code), "refresh_token": format!("refresh-{}", Uuid::new_v4()),
    });
    (StatusCode::OK, Json(answer))
}

/// Whose token it is. Graph knows no other.
fn bearer(headers: &HeaderMap) -> SignedIn {
    let value = headers[AUTHORIZATION].to_str().unwrap();
    read(value.strip_prefix("Bearer ").unwrap()).unwrap()
}

async fn organisation(headers: HeaderMap) -> Json<Value> {
    let tenant = bearer(&headers).tenant;
    let domains = json!([{ "name": domain_of(tenant), "isDefault": true, "isInitial": true }]);
    Json(json!({ "value": [{ "id": tenant, "displayName": name_of(tenant), "verifiedDomains": domains }] }))
}

async fn roles(headers: HeaderMap) -> Json<Value> {
    let mine = bearer(&headers).is_admin.then(|| json!({ "roleTemplateId": CONSENTING_ROLES[0] }));
    Json(json!({ "value": mine.as_slice() }))
}

/// What a tenant calls itself.
pub fn name_of(tenant: Uuid) -> String {
    format!("Organisation {}", tenant.simple())
}

fn written(what: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(what).unwrap())
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
