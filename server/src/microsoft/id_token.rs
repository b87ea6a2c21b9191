//! Who signed in: the ID token, and every check that makes it a proof.
//!
//! <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>,
//! <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use std::{sync::Arc, time::Duration};

use app::domain::{AttemptFailure, TenantId, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::Mutex;

use super::{
    Microsoft,
    errors::{MicrosoftError, Refusal},
    hosts::Hosts,
    http::{retry_after, send},
    sign_in::no_answer,
    wire::without_nul,
};

/// How far our clock and Microsoft's may differ.
const LEEWAY: Duration = Duration::from_mins(5);
/// Microsoft advises to fetch its keys once a day.
const KEYS_LIVE: Duration = Duration::from_hours(24);
/// An unknown key fetches them earlier, but a flood of forged tokens must not become one of requests.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_mins(1);
const KEYS_LIMIT: usize = 1 << 20;
/// 2048 bits. Anything shorter is not Microsoft's.
const SHORTEST_MODULUS: usize = 256;

/// Who signed in, proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Their tenant. May be [`TenantId::CONSUMERS`]: that rule is not decided here.
    pub tenant: TenantId,
    /// Their id within the tenant (`oid`).
    pub object_id: String,
    /// What they sign in with. For display only: it can change and be reused.
    pub username: String,
    /// Their name, for display only.
    pub name: Option<String>,
    /// Their directory roles (`wids`); `None` is unknown: Microsoft sends them only when the app's manifest asks.
    pub role_template_ids: Option<Vec<String>>,
    /// Whether they are known to be a guest of the tenant. Microsoft says so only when the app's manifest asks.
    pub guest: bool,
}

/// Why an ID token proves nothing.
#[derive(Debug, Error)]
pub enum IdTokenError {
    /// Microsoft's keys could not be fetched.
    #[error("Microsoft's signing keys could not be fetched")]
    Keys(#[source] MicrosoftError),
    /// Not a signed token, or without a claim that it must have.
    #[error("the ID token can't be read")]
    Malformed,
    /// Not signed with RS256.
    #[error("the ID token is not signed as Microsoft signs")]
    Algorithm,
    /// Signed with a key that Microsoft does not publish.
    #[error("the ID token is signed with an unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the ID token's signature is wrong")]
    Signature,
    /// The key may not sign for this tenant.
    #[error("the ID token's key belongs to another issuer")]
    KeyIssuer,
    /// Not issued by the tenant that it names.
    #[error("the ID token's issuer is wrong")]
    Issuer,
    /// For another app.
    #[error("the ID token is for another app")]
    Audience,
    /// Too old.
    #[error("the ID token has expired, or the clock of the server is ahead")]
    Expired,
    /// From the future.
    #[error("the ID token is not valid yet, or the clock of the server is behind")]
    NotYetValid,
    /// Of another sign-in.
    #[error("the ID token belongs to another sign-in")]
    Nonce,
    /// Not a token of the v2.0 endpoint.
    #[error("the ID token has another version than 2.0")]
    Version,
}

impl IdTokenError {
    /// What it means to the person at the popup.
    pub fn as_attempt_failure(&self) -> AttemptFailure {
        match self {
            Self::Keys(error) => error.as_attempt_failure(),
            _ => AttemptFailure::ProofInvalid,
        }
    }
}

impl Microsoft {
    /// Proves who signed in. `nonce` is the attempt's own.
    pub async fn verify_id_token(&self, token: &SecretString, nonce: &str) -> Result<Identity, IdTokenError> {
        let expected =
            Expected { hosts: self.hosts(), client_id: &self.app().client_id, nonce, now: self.shared.clock.now() };
        let keys = self.signing_keys(false).await.map_err(IdTokenError::Keys)?;
        match validate(token, &keys, &expected) {
            // Microsoft changes its keys without notice.
            Err(IdTokenError::UnknownKey) => {
                let keys = self.signing_keys(true).await.map_err(IdTokenError::Keys)?;
                validate(token, &keys, &expected)
            }
            verdict => verdict,
        }
    }

    /// Microsoft's keys. Whoever asks while they are being fetched waits for the same answer.
    async fn signing_keys(&self, newer: bool) -> Result<Arc<[SigningKey]>, MicrosoftError> {
        let mut cached = self.shared.signing_keys.keys.lock().await;
        let now = self.shared.clock.now();
        if let Some(cached) = &*cached {
            let keep_for = if newer { REFRESH_AT_MOST_EVERY } else { KEYS_LIVE };
            if now.since(cached.fetched_at) < keep_for {
                return Ok(cached.keys.clone());
            }
        }
        let keys = self.fetch_signing_keys().await?;
        *cached = Some(CachedKeys { keys: keys.clone(), fetched_at: now });
        Ok(keys)
    }

    /// The keys that Microsoft publishes now, past the cache.
    pub(crate) async fn fetch_signing_keys(&self) -> Result<Arc<[SigningKey]>, MicrosoftError> {
        let request = self.shared.http.get(self.login_url("organizations/discovery/v2.0/keys"));
        let answer = send(request, KEYS_LIMIT).await.map_err(no_answer)?;
        if answer.status != http::StatusCode::OK {
            let wait = retry_after(&answer.headers, self.shared.clock.now());
            return Err(MicrosoftError::Refused(Refusal::from_answer(answer.status, &answer.body, wait)));
        }
        let set: KeySet =
            serde_json::from_slice(&answer.body).map_err(|_| MicrosoftError::Unreadable("not a set of keys"))?;
        let keys: Arc<[SigningKey]> = set.keys.into_iter().filter_map(SigningKey::from_wire).collect();
        if keys.is_empty() { Err(MicrosoftError::Unreadable("no signing keys")) } else { Ok(keys) }
    }
}

/// Microsoft's keys, as they were fetched last.
#[derive(Default)]
pub(super) struct KeyCache {
    keys: Mutex<Option<CachedKeys>>,
}

struct CachedKeys {
    keys: Arc<[SigningKey]>,
    fetched_at: Timestamp,
}

/// One of Microsoft's keys.
#[derive(Clone)]
pub(crate) struct SigningKey {
    kid: String,
    issuer: Option<String>,
    key: DecodingKey,
}

impl SigningKey {
    /// Nothing for a key that signs no ID tokens, such as one of another kind.
    fn from_wire(key: WireKey) -> Option<Self> {
        if key.kty != "RSA" || key.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let modulus = URL_SAFE_NO_PAD.decode(key.n?.trim_end_matches('=')).ok()?;
        let exponent = URL_SAFE_NO_PAD.decode(key.e?.trim_end_matches('=')).ok()?;
        let modulus: Vec<u8> = modulus.into_iter().skip_while(|&byte| byte == 0).collect();
        (modulus.len() >= SHORTEST_MODULUS).then(|| Self {
            kid: key.kid,
            issuer: key.issuer,
            key: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
        })
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<WireKey>,
}

#[derive(Deserialize)]
struct WireKey {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    tid: TenantId,
    exp: i64,
    nbf: i64,
    ver: String,
    oid: String,
    nonce: Option<String>,
    preferred_username: Option<String>,
    name: Option<String>,
    wids: Option<Vec<String>>,
    /// 1 for a guest.
    acct: Option<u8>,
    /// Who vouches for them, if it is not the tenant.
    idp: Option<String>,
}

/// What a token must say to be for us, now.
struct Expected<'a> {
    hosts: &'a Hosts,
    client_id: &'a str,
    nonce: &'a str,
    now: Timestamp,
}

/// Every check, and nothing but: no clock, no network.
fn validate(token: &SecretString, keys: &[SigningKey], expected: &Expected<'_>) -> Result<Identity, IdTokenError> {
    let token = token.expose_secret();
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header: Header = header.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(IdTokenError::Malformed)?;
    // Decided before any key is touched: a public key must never serve as the secret of an HMAC.
    if header.alg != "RS256" {
        return Err(IdTokenError::Algorithm);
    }
    let kid = header.kid.ok_or(IdTokenError::UnknownKey)?;
    let key = keys.iter().find(|key| key.kid == kid).ok_or(IdTokenError::UnknownKey)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &signature_only()).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidSignature => IdTokenError::Signature,
            ErrorKind::InvalidAlgorithm => IdTokenError::Algorithm,
            _ => IdTokenError::Malformed,
        }
    })?;
    check_claims(claims.claims, key, expected)
}

/// jsonwebtoken reads the machine's clock, and does not know Microsoft's templates: the claims are checked by us.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn check_claims(claims: Claims, key: &SigningKey, expected: &Expected<'_>) -> Result<Identity, IdTokenError> {
    let key_issuer = key.issuer.as_deref().unwrap_or_default().replace("{tenantid}", &claims.tid.to_string());
    if key_issuer != claims.iss {
        return Err(IdTokenError::KeyIssuer);
    }
    if claims.iss != expected.hosts.issuer(claims.tid) {
        return Err(IdTokenError::Issuer);
    }
    if claims.aud != expected.client_id {
        return Err(IdTokenError::Audience);
    }
    let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000));
    if expected.now >= at(claims.exp).plus(LEEWAY) {
        return Err(IdTokenError::Expired);
    }
    if expected.now.plus(LEEWAY) < at(claims.nbf) {
        return Err(IdTokenError::NotYetValid);
    }
    let nonce = claims.nonce.unwrap_or_default();
    if expected.nonce.is_empty() || !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(IdTokenError::Nonce);
    }
    if claims.ver != "2.0" {
        return Err(IdTokenError::Version);
    }
    let vouched_for_elsewhere = claims.idp.is_some_and(|idp| !idp.contains(&claims.tid.to_string()));
    Ok(Identity {
        tenant: claims.tid,
        username: without_nul(claims.preferred_username.unwrap_or_else(|| claims.oid.clone())),
        object_id: claims.oid,
        name: claims.name,
        role_template_ids: claims.wids,
        guest: claims.acct == Some(1) || vouched_for_elsewhere,
    })
}

/// A token, claims, or keys: what is taken is what its rules say. See [`crate::fuzz`].
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn look(data: &[u8]) {
    use serde_json::Value;

    const NONCE: &str = "the nonce of the attempt";
    const CLIENT_ID: &str = "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70";
    const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
    const ISSUER: &str = "https://login.microsoftonline.com/84841066-274d-4ec0-a5c1-276be684bdd3/v2.0";
    let now = Timestamp::from_millis(1_795_334_400_000);
    let hosts = Hosts::new(super::Cloud::Global, None, None).unwrap_or_else(|error| panic!("{error}"));
    let expected = Expected { hosts: &hosts, client_id: CLIENT_ID, nonce: NONCE, now };
    let published = include_str!("../../../fuzz/seeds/id_token/keys.json");
    let good = SecretString::from(include_str!("../../../fuzz/seeds/id_token/token").trim());
    let keys_in = |json: &[u8]| -> Vec<SigningKey> {
        let set = serde_json::from_slice::<KeySet>(json).map(|set| set.keys).unwrap_or_default();
        set.into_iter().filter_map(SigningKey::from_wire).collect()
    };
    let keys = keys_in(published.as_bytes());
    assert!(validate(&good, &keys, &expected).is_ok(), "the good token is one");

    if let Ok(text) = str::from_utf8(data)
        && let Ok(identity) = validate(&SecretString::from(text), &keys, &expected)
    {
        assert_eq!(identity.tenant.to_string(), TENANT, "nobody else can sign");
    }
    if let (Ok(claims), Ok(said)) = (serde_json::from_slice::<Claims>(data), serde_json::from_slice::<Value>(data))
        && check_claims(claims, &keys[0], &expected).is_ok()
    {
        let tenant = said["tid"].as_str().and_then(|text| text.parse::<TenantId>().ok());
        assert_eq!((said["aud"].as_str(), said["nonce"].as_str()), (Some(CLIENT_ID), Some(NONCE)));
        assert_eq!(
            said["iss"].as_str().map(str::to_owned),
            tenant.map(|tenant| ISSUER.replace(TENANT, &tenant.to_string()))
        );
        let (now, leeway) = (now.as_millis() / 1_000, 5 * 60);
        assert!(said["exp"].as_i64().is_some_and(|at| now < at.saturating_add(leeway)));
        assert!(said["nbf"].as_i64().is_some_and(|at| at <= now + leeway));
    }
    // Any key that Microsoft may ever publish is looked at, and does not open what another signed.
    for key in keys_in(data).into_iter().take(4) {
        let text = String::from_utf8_lossy(data);
        let is_ours = text.contains("juDafkhGOeC6bLY_") || text.contains("\\u");
        assert!(is_ours || validate(&good, &[key], &expected).is_err());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, Router, extract::State, routing::get};
    use jsonwebtoken::EncodingKey;
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    use serde_json::{Value, json};
    use x509_parser::public_key::PublicKey;

    use super::*;
    use crate::microsoft::{
        Cloud,
        testing::{CLIENT_ID, NOW, OTHER_RSA, RSA, client, serve, served},
    };

    const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
    const NONCE: &str = "the nonce of the attempt";

    /// The public half of a fixture, as Microsoft publishes its keys.
    fn jwk(pem: &str, kid: &str, issuer: &str) -> Value {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        let PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else { panic!("not RSA") };
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "RSA", "use": "sig", "kid": kid, "n": encode(key.modulus), "e": encode(key.exponent), "issuer": issuer})
    }

    fn keys(issuer: &str) -> Vec<SigningKey> {
        vec![SigningKey::from_wire(serde_json::from_value(jwk(RSA, "one", issuer)).unwrap()).unwrap()]
    }

    fn hosts() -> Hosts {
        Hosts::new(Cloud::Global, None, None).unwrap()
    }

    fn claims(login: &str) -> Value {
        let now = NOW.as_millis() / 1_000;
        json!({
            "aud": CLIENT_ID, "iss": format!("{login}/{TENANT}/v2.0"), "tid": TENANT, "ver": "2.0",
            "iat": now, "nbf": now, "exp": now + 3_600, "nonce": NONCE,
            "oid": "605d1257-ffff-40b6-8e6f-528a53f5dc55", "sub": "pairwise",
            "preferred_username": "admin@contoso.com", "name": "Ada Admin",
        })
    }

    fn sign_as(pem: &str, kid: &str, claims: &Value) -> SecretString {
        let begin = pem.find("-----BEGIN PRIVATE KEY-----").unwrap();
        let end = "-----END PRIVATE KEY-----";
        let key = &pem[begin..pem.find(end).unwrap() + end.len()];
        let mut header = jsonwebtoken::Header::new(Algorithm::RS256);
        header.kid = Some(kid.into());
        let key = EncodingKey::from_rsa_pem(key.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap().into()
    }

    const LOGIN: &str = "https://login.microsoftonline.com";

    fn check(token: &SecretString) -> Result<Identity, IdTokenError> {
        check_at(token, NOW, &hosts().issuer_template())
    }

    fn check_at(token: &SecretString, now: Timestamp, key_issuer: &str) -> Result<Identity, IdTokenError> {
        let hosts = hosts();
        let expected = Expected { hosts: &hosts, client_id: CLIENT_ID, nonce: NONCE, now };
        validate(token, &keys(key_issuer), &expected)
    }

    fn with(name: &str, value: Value) -> SecretString {
        let mut claims = claims(LOGIN);
        claims[name] = value;
        sign_as(RSA, "one", &claims)
    }

    #[test]
    fn a_good_token_says_who_signed_in() {
        let identity = check(&with("wids", json!(["62e90394-69f5-4237-9190-012177145e10"]))).unwrap();
        assert_eq!(identity.tenant.to_string(), TENANT);
        assert_eq!(identity.username, "admin@contoso.com");
        assert_eq!(identity.name.as_deref(), Some("Ada Admin"));
        assert_eq!(identity.role_template_ids.unwrap().len(), 1);
        assert_eq!(check(&sign_as(RSA, "one", &claims(LOGIN))).unwrap().role_template_ids, None);
    }

    #[test]
    fn a_guest_is_told_apart_as_far_as_microsoft_says_so() {
        assert!(!check(&sign_as(RSA, "one", &claims(LOGIN))).unwrap().guest);
        for (name, value, guest) in [
            ("acct", json!(1), true),
            ("acct", json!(0), false),
            ("idp", json!("https://sts.windows.net/11111111-2222-3333-4444-555555555555/"), true),
            ("idp", json!(format!("https://sts.windows.net/{TENANT}/")), false),
        ] {
            assert_eq!(check(&with(name, value.clone())).unwrap().guest, guest, "{name} {value}");
        }
    }

    #[test]
    fn a_personal_account_is_proved_like_any_other() {
        let mut claims = claims(LOGIN);
        claims["tid"] = json!(TenantId::CONSUMERS.to_string());
        claims["iss"] = json!(format!("{LOGIN}/{}/v2.0", TenantId::CONSUMERS));
        let token = sign_as(RSA, "one", &claims);
        assert_eq!(check(&token).unwrap().tenant, TenantId::CONSUMERS);
        let concrete = format!("{LOGIN}/{}/v2.0", TenantId::CONSUMERS);
        assert!(check_at(&token, NOW, &concrete).is_ok());
    }

    #[test]
    fn a_wrong_claim_is_refused_for_what_is_wrong() {
        type Is = fn(&IdTokenError) -> bool;
        let now = NOW.as_millis() / 1_000;
        let table: [(&str, Value, Is); 16] = [
            ("aud", json!("another-app"), |e| matches!(e, IdTokenError::Audience)),
            ("aud", json!([CLIENT_ID]), |e| matches!(e, IdTokenError::Malformed)),
            ("iss", json!(format!("{LOGIN}/{}/v2.0", TenantId::CONSUMERS)), |e| matches!(e, IdTokenError::KeyIssuer)),
            ("iss", json!(format!("https://evil.example/{TENANT}/v2.0")), |e| matches!(e, IdTokenError::KeyIssuer)),
            ("tid", json!(TenantId::CONSUMERS.to_string()), |e| matches!(e, IdTokenError::KeyIssuer)),
            ("tid", json!("contoso.com"), |e| matches!(e, IdTokenError::Malformed)),
            ("tid", Value::Null, |e| matches!(e, IdTokenError::Malformed)),
            ("nonce", json!("of another attempt"), |e| matches!(e, IdTokenError::Nonce)),
            ("nonce", json!(""), |e| matches!(e, IdTokenError::Nonce)),
            ("nonce", Value::Null, |e| matches!(e, IdTokenError::Nonce)),
            ("exp", json!(now - 300), |e| matches!(e, IdTokenError::Expired)),
            ("nbf", json!(now + 301), |e| matches!(e, IdTokenError::NotYetValid)),
            ("exp", Value::Null, |e| matches!(e, IdTokenError::Malformed)),
            ("ver", json!("1.0"), |e| matches!(e, IdTokenError::Version)),
            ("ver", Value::Null, |e| matches!(e, IdTokenError::Malformed)),
            ("oid", Value::Null, |e| matches!(e, IdTokenError::Malformed)),
        ];
        for (name, value, is) in table {
            let error = check(&with(name, value.clone())).unwrap_err();
            assert!(is(&error), "{name} = {value}: {error}");
        }
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        let now = NOW.as_millis() / 1_000;
        assert!(check(&with("exp", json!(now - 299))).is_ok());
        assert!(check(&with("nbf", json!(now + 300))).is_ok());
    }

    #[test]
    fn an_issuer_that_fits_its_key_but_not_the_host_is_refused() {
        let token = with("iss", json!(format!("https://evil.example/{TENANT}/v2.0")));
        let error = check_at(&token, NOW, "https://evil.example/{tenantid}/v2.0").unwrap_err();
        assert!(matches!(error, IdTokenError::Issuer), "{error}");
    }

    #[test]
    fn a_key_of_another_tenant_or_of_none_may_not_sign() {
        let token = sign_as(RSA, "one", &claims(LOGIN));
        for issuer in [format!("{LOGIN}/{}/v2.0", TenantId::CONSUMERS), String::new()] {
            assert!(matches!(check_at(&token, NOW, &issuer), Err(IdTokenError::KeyIssuer)), "{issuer}");
        }
    }

    #[test]
    fn a_signature_that_does_not_fit_is_refused() {
        let good = sign_as(RSA, "one", &claims(LOGIN));
        let parts: Vec<&str> = good.expose_secret().split('.').collect();
        let mut forged = claims(LOGIN);
        forged["preferred_username"] = json!("mallory@contoso.com");
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        let tampered = SecretString::from(format!("{}.{forged}.{}", parts[0], parts[2]));
        assert!(matches!(check(&tampered), Err(IdTokenError::Signature)));
        let unsigned = SecretString::from(format!("{}.{}.", parts[0], parts[1]));
        assert!(matches!(check(&unsigned), Err(IdTokenError::Signature)));
        assert!(matches!(check(&sign_as(OTHER_RSA, "one", &claims(LOGIN))), Err(IdTokenError::Signature)));
        assert!(matches!(check(&sign_as(OTHER_RSA, "two", &claims(LOGIN))), Err(IdTokenError::UnknownKey)));
    }

    #[test]
    fn only_rs256_is_taken() {
        let payload = URL_SAFE_NO_PAD.encode(claims(LOGIN).to_string());
        for alg in ["none", "None", "HS256", "RS384", "PS256", "ES256"] {
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": "one", "typ": "JWT"}).to_string());
            let token = SecretString::from(format!("{header}.{payload}."));
            assert!(matches!(check(&token), Err(IdTokenError::Algorithm)), "{alg}");
        }
        // The classic confusion: the public key as the secret of an HMAC.
        let mut header = jsonwebtoken::Header::new(Algorithm::HS256);
        header.kid = Some("one".into());
        let modulus = jwk(RSA, "one", "")["n"].as_str().unwrap().to_owned();
        let key = EncodingKey::from_secret(modulus.as_bytes());
        let token = jsonwebtoken::encode(&header, &claims(LOGIN), &key).unwrap().into();
        assert!(matches!(check(&token), Err(IdTokenError::Algorithm)));
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for text in ["", ".", "..", "a.b.c", "e30.e30.e30"] {
            assert!(matches!(check(&SecretString::from(text)), Err(IdTokenError::Malformed)), "{text}");
        }
    }

    #[test]
    fn keys_that_are_not_for_signatures_are_left_out() {
        let good = jwk(RSA, "one", LOGIN);
        let altered = |name: &str, value: Value| {
            let mut key = good.clone();
            key[name] = value;
            SigningKey::from_wire(serde_json::from_value(key).unwrap())
        };
        assert!(altered("kid", json!("two")).is_some());
        assert!(altered("kty", json!("EC")).is_none());
        assert!(altered("use", json!("enc")).is_none());
        assert!(altered("n", json!("AQAB")).is_none());
        assert!(altered("n", Value::Null).is_none());
    }

    /// Publishes one key, then two, and counts.
    async fn published(State(asked): State<Arc<AtomicUsize>>) -> Json<Value> {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let mut keys = vec![jwk(RSA, "one", "will not fit")];
        if !first {
            keys.push(jwk(OTHER_RSA, "two", "will not fit"));
        }
        Json(json!({"keys": keys}))
    }

    #[tokio::test]
    async fn keys_are_fetched_once_and_again_for_an_unknown_one_at_most_once_a_minute() {
        let asked = Arc::new(AtomicUsize::new(0));
        let router =
            Router::new().route("/organizations/discovery/v2.0/keys", get(published)).with_state(asked.clone());
        let (microsoft, host) = served(router).await;
        let known = sign_as(RSA, "one", &claims(&host));
        let both = tokio::join!(microsoft.verify_id_token(&known, NONCE), microsoft.verify_id_token(&known, NONCE));
        assert!(matches!(both, (Err(IdTokenError::KeyIssuer), Err(IdTokenError::KeyIssuer))));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        // The clock stands still: within the minute an unknown key asks nobody.
        let unknown = sign_as(OTHER_RSA, "two", &claims(&host));
        assert!(matches!(microsoft.verify_id_token(&unknown, NONCE).await, Err(IdTokenError::UnknownKey)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        if let Some(cached) = microsoft.shared.signing_keys.keys.lock().await.as_mut() {
            cached.fetched_at = NOW.minus(REFRESH_AT_MOST_EVERY);
        }
        assert!(matches!(microsoft.verify_id_token(&unknown, NONCE).await, Err(IdTokenError::KeyIssuer)));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn without_keys_nobody_is_blamed() {
        let host = serve(Router::new()).await;
        let microsoft = client(&host, crate::microsoft::Credential::Secret("s".into()));
        let error = microsoft.verify_id_token(&"x".into(), NONCE).await.unwrap_err();
        assert_eq!(error.as_attempt_failure(), AttemptFailure::MicrosoftUnavailable);
    }
}
