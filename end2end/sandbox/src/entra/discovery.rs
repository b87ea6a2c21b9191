//! Metadata: how clients find the endpoints, the keys, and a tenant's id.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::visit::Alias;
use crate::shared::Shared;
use crate::tenants::CONSUMER_TENANT;

/// The issuer for a path: a template where many tenants are meant, else the tenant's own.
fn issuer(base: &str, alias: Alias) -> String {
    match alias {
        Alias::Organizations | Alias::Common => format!("{base}/{{tenantid}}/v2.0"),
        Alias::Consumers => format!("{base}/{CONSUMER_TENANT}/v2.0"),
        Alias::Tenant(id) => format!("{base}/{id}/v2.0"),
    }
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub async fn configuration(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let base = shared.base(&headers);
    let alias = match Alias::read(&shared.world(), &text) {
        Ok(alias) => alias,
        Err(error) => return error.answer(&base, shared.clock.now_ms()),
    };
    let tenant = match alias {
        Alias::Tenant(id) => id.to_string(),
        _ => text.to_ascii_lowercase(),
    };
    let here = format!("{base}/{tenant}");
    Json(json!({
        "token_endpoint": format!("{here}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{here}/discovery/v2.0/keys"),
        "response_modes_supported": ["query"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(&base, alias),
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{here}/oauth2/v2.0/authorize"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{here}/oauth2/v2.0/logout"),
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid", "wids"
        ],
        "tenant_region_scope": null,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }))
    .into_response()
}

/// `GET /{tenant}/discovery/v2.0/keys`
pub async fn keys(State(shared): State<Arc<Shared>>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    let base = shared.base(&headers);
    let world = shared.world();
    match Alias::read(&world, &text) {
        Ok(alias) => Json(world.keys.jwks(&issuer(&base, alias))).into_response(),
        Err(error) => error.answer(&base, shared.clock.now_ms()),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct InstanceQuery {
    authorization_endpoint: String,
}

/// `GET /common/discovery/instance`: what MSAL asks about a login host that it does not know.
pub async fn instance(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<InstanceQuery>,
    headers: HeaderMap,
) -> Response {
    let base = shared.base(&headers);
    let tenant = url::Url::parse(&query.authorization_endpoint)
        .ok()
        .and_then(|url| Some(url.path_segments()?.next()?.to_string()))
        .unwrap_or_else(|| "common".into());
    let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
    Json(json!({
        "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }))
    .into_response()
}

/// `GET /common/userrealm/{email}`: whether another identity provider signs somebody in.
pub async fn user_realm(State(shared): State<Arc<Shared>>, Path((_, email)): Path<(String, String)>) -> Response {
    let domain = email.rsplit('@').next().unwrap_or_default().to_string();
    let world = shared.world();
    let found = world.tenant_called(&domain).and_then(|tenant| {
        let known = tenant.domains.iter().find(|known| known.name.eq_ignore_ascii_case(&domain))?;
        Some((known.authentication_type(), tenant.name.clone()))
    });
    let (kind, brand) = found.unwrap_or(("Unknown", String::new()));
    Json(json!({
        "ver": "1.0",
        "account_type": kind,
        "domain_name": domain,
        "federation_brand_name": brand,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }))
    .into_response()
}
