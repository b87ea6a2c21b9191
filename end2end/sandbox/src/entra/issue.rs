//! The tokens themselves: access tokens for Graph and ID tokens.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::faults::Tamper;
use crate::keys::KeyError;
use crate::random::{mix, random_uuid, secret};
use crate::tenants::CONSUMER_TENANT;
use crate::world::{Identity, World};

/// What access tokens are for.
pub const GRAPH_AUDIENCE: &str = "https://graph.microsoft.com";
/// Seconds; Microsoft answers one less than the hour.
pub const LIFETIME: i64 = 3_599;
/// In every member's `wids`, whatever their role.
const EVERYBODY: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";

/// Whom an access token is for.
pub enum Bearer<'a> {
    /// The app itself.
    App {
        /// Where.
        tenant: Uuid,
        /// Its object there.
        service_principal: Uuid,
        /// Its permissions in force.
        roles: Vec<String>,
    },
    /// The app on somebody's behalf.
    Person {
        /// Who.
        identity: &'a Identity,
        /// The scopes granted, separated by spaces.
        scopes: String,
    },
}

/// An access token for Graph.
pub fn access_token(world: &mut World, bearer: &Bearer<'_>, now_ms: i64) -> Result<String, KeyError> {
    let now = now_ms / 1000;
    let tenant = match bearer {
        Bearer::App { tenant, .. } => *tenant,
        Bearer::Person { identity, .. } => identity.tenant,
    };
    let mut claims = json!({
        "aud": GRAPH_AUDIENCE,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME + 1,
        "app_displayname": "Sandbox app",
        "appid": world.app.client_id,
        "appidacr": "1",
        "idp": format!("https://sts.windows.net/{tenant}/"),
        "tid": tenant,
        "uti": secret(""),
        "ver": "1.0",
    });
    match bearer {
        Bearer::App { service_principal, roles, .. } => {
            claims["idtyp"] = json!("app");
            claims["oid"] = json!(service_principal);
            claims["sub"] = json!(service_principal);
            if !roles.is_empty() {
                claims["roles"] = json!(roles);
            }
        }
        Bearer::Person { identity, scopes } => {
            claims["idtyp"] = json!("user");
            claims["oid"] = json!(identity.oid);
            claims["sub"] = json!(subject(identity, GRAPH_AUDIENCE));
            claims["scp"] = json!(scopes);
            claims["upn"] = json!(identity.email);
            claims["name"] = json!(world.display_name(identity));
        }
    }
    let token = world.keys.sign(&claims, None)?;
    world.ledger.secret(&token);
    Ok(token)
}

/// An ID token for the app, with the defect that a fault ordered.
pub fn id_token(
    world: &mut World,
    identity: &Identity,
    nonce: Option<&str>,
    base: &str,
    now_ms: i64,
) -> Result<String, KeyError> {
    let tamper = world.faults.take_tamper(identity.tenant);
    let now = now_ms / 1000;
    let mut claims = json!({
        "aud": world.app.client_id,
        "iss": format!("{base}/{}/v2.0", identity.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME + 1,
        "name": world.display_name(identity),
        "oid": identity.oid,
        "preferred_username": identity.email,
        "email": identity.email,
        "rh": secret(""),
        "sub": subject(identity, &world.app.client_id),
        "tid": identity.tenant,
        "uti": secret(""),
        "ver": "2.0",
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    if world.home_of(&identity.email).is_some_and(|home| home != identity.tenant) {
        claims["acct"] = json!(1);
    }
    if world.app.wids_claim {
        let role = world.role(identity).directory_role().map(|(_, template)| template);
        let wids: Vec<&str> = role.into_iter().chain([EVERYBODY]).collect();
        claims["wids"] = json!(wids);
    }
    let mut kid = None;
    match tamper {
        Some(Tamper::Audience) => claims["aud"] = json!(random_uuid()),
        Some(Tamper::Issuer) => claims["iss"] = json!(format!("{base}/{}/v2.0", random_uuid())),
        Some(Tamper::Nonce) => claims["nonce"] = json!(random_uuid()),
        Some(Tamper::Expiry) => shift(&mut claims, -2 * (LIFETIME + 1)),
        Some(Tamper::Personal) => {
            claims["tid"] = json!(CONSUMER_TENANT);
            claims["iss"] = json!(format!("{base}/{CONSUMER_TENANT}/v2.0"));
        }
        Some(Tamper::Kid) => kid = Some(random_uuid().to_string()),
        Some(Tamper::Signature) | None => {}
    }
    let mut token = world.keys.sign(&claims, kid)?;
    if tamper == Some(Tamper::Signature) {
        token = broken(&token);
    }
    world.ledger.secret(&token);
    Ok(token)
}

fn shift(claims: &mut Value, seconds: i64) {
    for name in ["iat", "nbf", "exp"] {
        claims[name] = json!(claims[name].as_i64().unwrap_or_default() + seconds);
    }
}

/// The same token with another letter in the middle of its signature.
fn broken(token: &str) -> String {
    let middle = token.len() - 100;
    let letter = if token[middle..].starts_with('A') { "B" } else { "A" };
    format!("{}{letter}{}", &token[..middle], &token[middle + 1..])
}

/// Somebody's id for one app only.
fn subject(identity: &Identity, audience: &str) -> String {
    let mut mixed = identity.oid.as_u64_pair().0;
    for byte in audience.bytes() {
        mixed = mix(mixed ^ u64::from(byte));
    }
    format!("sbx{:016x}{:016x}", mixed, mix(mixed ^ identity.oid.as_u64_pair().1))
}
