//! `POST /{tenant}/oauth2/v2.0/token`: codes, refresh tokens and client credentials for tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawForm, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client_auth;
use super::errors::AadError;
use super::issue::{self, Bearer, LIFETIME};
use super::scopes::Scopes;
use super::visit::{Alias, parameter};
use crate::clock;
use crate::keys::KeyError;
use crate::permissions::OIDC;
use crate::random::secret;
use crate::shared::Shared;
use crate::world::{Identity, Refresh, World};

/// Refresh tokens live 90 days from their issue.
const REFRESH_MS: i64 = 90 * 24 * 3_600 * 1000;

/// A token request that passed the first checks.
struct Request<'a> {
    form: &'a str,
    alias_text: &'a str,
    alias: Alias,
    base: &'a str,
    now_ms: i64,
}

/// `POST /{tenant}/oauth2/v2.0/token`
pub async fn token(
    State(shared): State<Arc<Shared>>,
    Path(alias_text): Path<String>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let base = shared.base(&headers);
    let form = String::from_utf8_lossy(&form);
    let mut world = shared.world();
    match answer(&shared, &mut world, &alias_text, &headers, &form, &base) {
        Ok(body) => {
            shared.keep(&world);
            let headers = [(header::CACHE_CONTROL, "no-store, no-cache"), (header::PRAGMA, "no-cache")];
            (headers, Json(body)).into_response()
        }
        Err(error) => error.answer(&base, shared.clock.now_ms()),
    }
}

fn answer(
    shared: &Shared,
    world: &mut World,
    alias_text: &str,
    headers: &HeaderMap,
    form: &str,
    base: &str,
) -> Result<Value, AadError> {
    let now_ms = shared.clock.now_ms();
    let alias = Alias::read(world, alias_text)?;
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        return Err(AadError::because(
            9_002_326,
            format!(
                "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{origin}'."
            ),
        ));
    }
    client_auth::check(world, &shared.options.client_certificates, form, headers, base, alias_text, now_ms)?;
    let request = Request { form, alias_text, alias, base, now_ms };
    match parameter(form, "grant_type").as_deref() {
        Some("authorization_code") => redeem_code(world, &request),
        Some("refresh_token") => refresh(world, &request),
        Some("client_credentials") => client_credentials(world, &request),
        Some(other) => {
            Err(AadError::because(70_003, format!("The app requested an unsupported grant type '{other}'.")))
        }
        None => Err(missing("grant_type")),
    }
}

fn missing(name: &str) -> AadError {
    AadError::because(900_144, format!("The request body must contain the following parameter: '{name}'."))
}

fn internal(error: &KeyError) -> AadError {
    AadError { error: "server_error".into(), ..AadError::because(90_033, error.to_string()) }
}

fn redeem_code(world: &mut World, request: &Request<'_>) -> Result<Value, AadError> {
    let text = parameter(request.form, "code").ok_or_else(|| missing("code"))?;
    let redirect_uri = parameter(request.form, "redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
    let verifier = parameter(request.form, "code_verifier");
    let code = world.codes.get_mut(&text).ok_or_else(|| {
        AadError::because(70_000, "Provided grant is invalid or malformed: the code was not issued here.")
    })?;
    if code.used {
        return Err(AadError::new(54_005));
    }
    if request.now_ms >= code.expires_ms {
        return Err(AadError::new(70_008));
    }
    if !code.alias.eq_ignore_ascii_case(request.alias_text) {
        return Err(AadError::new(700_005));
    }
    if code.redirect_uri != redirect_uri {
        let words =
            "The reply address does not match the reply address provided when requesting the authorization code.";
        return Err(AadError { error: "invalid_grant".into(), ..AadError::because(500_112, words) });
    }
    match (&code.challenge, verifier) {
        (None, None) => {}
        (Some((challenge, hashed)), Some(verifier)) => {
            let answer = if *hashed { URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) } else { verifier };
            if answer != *challenge {
                return Err(AadError::new(501_481));
            }
        }
        (Some(_), None) => {
            return Err(AadError::because(
                50_148,
                "The code_verifier is missing, but a code_challenge was sent in the authorization request.",
            ));
        }
        (None, Some(_)) => {
            return Err(AadError::because(
                50_148,
                "A code_verifier was sent, but no code_challenge in the authorization request.",
            ));
        }
    }
    code.used = true;
    let code = code.clone();
    let scopes = Scopes::read(&code.scopes.join(" "))?;
    person_tokens(world, request, "authorization_code", &code.identity, &scopes, &code.scopes, code.nonce.as_deref())
}

fn refresh(world: &mut World, request: &Request<'_>) -> Result<Value, AadError> {
    let text = parameter(request.form, "refresh_token").ok_or_else(|| missing("refresh_token"))?;
    let known = world.kept.refresh.get(&text).cloned();
    let token = known.ok_or_else(|| AadError {
        suberror: Some("bad_token".into()),
        ..AadError::because(70_000, "Provided grant is invalid or malformed.")
    })?;
    if token.expired || request.now_ms >= token.issued_ms + REFRESH_MS {
        let words = format!(
            "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for 90.00:00:00.",
            clock::iso(token.issued_ms).replace('Z', ".0000000Z")
        );
        return Err(AadError::because(700_082, words));
    }
    if matches!(request.alias, Alias::Tenant(tenant) if tenant != token.identity.tenant) {
        return Err(AadError::because(70_000, "The refresh token was issued for another tenant."));
    }
    let scopes = match parameter(request.form, "scope") {
        // OpenID Connect's scopes stay, whether or not they are repeated.
        Some(scope) => {
            let first = Scopes::read(&token.scopes.join(" "))?;
            let mut scopes = Scopes::read(&scope)?;
            scopes.oidc = first.oidc;
            scopes
        }
        None => Scopes::read(&token.scopes.join(" "))?,
    };
    person_tokens(world, request, "refresh_token", &token.identity, &scopes, &scopes.all(), None)
}

fn person_tokens(
    world: &mut World,
    request: &Request<'_>,
    grant_type: &str,
    identity: &Identity,
    scopes: &Scopes,
    asked: &[String],
    nonce: Option<&str>,
) -> Result<Value, AadError> {
    let client_id = world.app.client_id.clone();
    let unconsented = || {
        AadError::because(
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID '{client_id}'. \
                 Send an interactive authorization request for this user and resource."
            ),
        )
    };
    let granted = world.kept.grants.get(&identity.tenant).ok_or_else(unconsented)?.scopes(identity.oid);
    let graph: Vec<String> = granted.iter().filter(|name| !OIDC.contains(&name.as_str())).cloned().collect();
    if scopes.graph.iter().any(|name| !granted.contains(name)) || (scopes.default && graph.is_empty()) {
        return Err(unconsented());
    }
    let bearer = Bearer::Person { identity, scopes: graph.join(" ") };
    let access = issue::access_token(world, &bearer, request.now_ms).map_err(|error| internal(&error))?;
    let mut body = json!({
        "token_type": "Bearer",
        "scope": scopes.granted(&granted),
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": access,
    });
    if scopes.has("offline_access") {
        let token = secret("sbx-rt-");
        world.ledger.secret(&token);
        let refresh =
            Refresh { identity: identity.clone(), scopes: asked.to_vec(), issued_ms: request.now_ms, expired: false };
        world.kept.refresh.insert(token.clone(), refresh);
        body["refresh_token"] = json!(token);
    }
    if scopes.has("openid") {
        let token =
            issue::id_token(world, identity, nonce, request.base, request.now_ms).map_err(|error| internal(&error))?;
        body["id_token"] = json!(token);
    }
    if parameter(request.form, "client_info").is_some() {
        let info = json!({ "uid": identity.oid, "utid": identity.tenant }).to_string();
        body["client_info"] = json!(URL_SAFE_NO_PAD.encode(info));
    }
    world.ledger.token(identity.tenant.to_string(), grant_type);
    Ok(body)
}

fn client_credentials(world: &mut World, request: &Request<'_>) -> Result<Value, AadError> {
    let Alias::Tenant(tenant) = request.alias else {
        let words = format!(
            "Provided value for the input parameter scope is not valid for '{}': client credentials need a tenant.",
            request.alias_text
        );
        return Err(AadError { error: "invalid_request".into(), ..AadError::because(90_002, words) });
    };
    let scope = parameter(request.form, "scope").ok_or_else(|| missing("scope"))?;
    let scopes = Scopes::read(&scope)?;
    if !scopes.default || !scopes.oidc.is_empty() {
        return Err(AadError::because(
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource \
                 identifier (application ID URI)."
            ),
        ));
    }
    let client_id = world.app.client_id.clone();
    let name = world.tenant(tenant).map(|tenant| tenant.name.clone()).unwrap_or_default();
    let Some(grant) = world.kept.grants.get(&tenant) else {
        return Err(AadError::because(
            700_016,
            format!(
                "Application with identifier '{client_id}' was not found in the directory '{name}'. This can happen if the application has not been installed \
                 by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
        ));
    };
    if let Some(code) = grant.refusal(request.now_ms) {
        return Err(AadError::new(code));
    }
    let bearer = Bearer::App {
        tenant,
        service_principal: grant.service_principal,
        roles: grant.roles(request.now_ms).into_iter().collect(),
    };
    let access = issue::access_token(world, &bearer, request.now_ms).map_err(|error| internal(&error))?;
    world.ledger.token(tenant.to_string(), "client_credentials");
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": access,
    }))
}
