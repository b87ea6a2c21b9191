//! `/_sandbox/…`: what tests and the demo look at and change. JSON, no authentication, loopback only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::faults::Order;
use crate::keys::KeyError;
use crate::permissions;
use crate::shared::Shared;
use crate::tenants::licences::{self, Subscription};
use crate::tenants::{Blueprint, PASSWORD, PERSONAL_EMAIL, Tenant};
use crate::throttle::Budget;
use crate::world::{Conditions, World};

/// Everything below `/_sandbox`.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sandbox/tenants", get(tenants).post(make_tenant))
        .route("/_sandbox/tenants/{id}/revoke-consent", post(revoke_consent))
        .route("/_sandbox/tenants/{id}/expire-refresh-tokens", post(expire_refresh_tokens))
        .route("/_sandbox/tenants/{id}/rename", post(rename))
        .route("/_sandbox/tenants/{id}/change-users", post(change_users))
        .route("/_sandbox/tenants/{id}/users", get(users))
        .route("/_sandbox/tenants/{id}/consent", post(consent))
        .route("/_sandbox/graph", post(change_graph))
        .route("/_sandbox/app", get(app).post(change_app))
        .route("/_sandbox/faults", post(faults))
        .route("/_sandbox/expire-client-secret", post(expire_client_secret))
        .route("/_sandbox/rotate-keys", post(rotate_keys))
        .route("/_sandbox/clock", get(clock).post(advance_clock))
        .route("/_sandbox/requests", get(requests))
        .route("/_sandbox/issued", get(issued))
        .route("/_sandbox/reset", post(reset))
}

/// Why a control request was refused.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    #[error("there is no tenant {0}")]
    NoTenant(Uuid),
    #[error("{0}")]
    Invalid(String),
    #[error("{0} is taken")]
    Taken(String),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoTenant(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Taken(_) => StatusCode::CONFLICT,
            Self::Key(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

type Answer = Result<Json<Value>, ControlError>;

async fn tenants(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.world();
    Json(world.tenants.iter().map(Tenant::summary).collect())
}

/// `POST /_sandbox/tenants`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    name: String,
    domain: String,
    users: usize,
    #[serde(default)]
    federated: bool,
    #[serde(default)]
    licences: Vec<NewLicence>,
    #[serde(default = "yes")]
    secure_score: bool,
    /// The address of an account elsewhere that becomes a guest administrator here.
    guest_admin: Option<String>,
}

/// A product of a new tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLicence {
    /// Part number or GUID.
    sku: String,
    enabled: usize,
    #[serde(default)]
    consumed: usize,
    #[serde(default)]
    warning: usize,
    #[serde(default)]
    suspended: usize,
}

fn yes() -> bool {
    true
}

async fn make_tenant(State(shared): State<Arc<Shared>>, Json(new): Json<NewTenant>) -> Answer {
    const MOST: usize = 1_000_000;
    let mut world = shared.world();
    let invalid = |text: &str| Err(ControlError::Invalid(text.into()));
    if new.name.trim().is_empty() || !new.domain.contains('.') {
        return invalid("name and domain are needed");
    }
    if new.users > MOST {
        return invalid("users: at most 1,000,000");
    }
    let mut subscriptions = Vec::new();
    for licence in &new.licences {
        let Some(sku) = licences::find(&licence.sku) else {
            return Err(ControlError::Invalid(format!("the sandbox does not sell {}", licence.sku)));
        };
        let mut subscription = Subscription::new(sku, licence.enabled, licence.consumed.min(new.users));
        subscription.warning = licence.warning;
        subscription.suspended = licence.suspended;
        subscriptions.push(subscription);
    }
    let guest = match new.guest_admin {
        Some(email) => match world.home_of(&email) {
            Some(home) => Some((email, home)),
            None => return Err(ControlError::Invalid(format!("nobody has the address {email}"))),
        },
        None => None,
    };
    let tenant = Tenant::new(
        shared.options.seed,
        Blueprint {
            name: new.name,
            domain: new.domain.to_ascii_lowercase(),
            users: new.users,
            federated: new.federated,
            subscriptions,
            secure_score: new.secure_score,
            guest,
        },
    );
    if let Some(domain) = tenant.domains.iter().find(|domain| world.tenant_called(&domain.name).is_some()) {
        return Err(ControlError::Taken(domain.name.clone()));
    }
    let summary = tenant.summary();
    world.add_tenant(tenant);
    Ok(Json(summary))
}

fn known(world: &World, id: Uuid) -> Result<(), ControlError> {
    world.tenant(id).map(|_| ()).ok_or(ControlError::NoTenant(id))
}

async fn revoke_consent(State(shared): State<Arc<Shared>>, Path(id): Path<Uuid>) -> Answer {
    let mut world = shared.world();
    known(&world, id)?;
    let removed = world.kept.grants.remove(&id).is_some();
    shared.keep(&world);
    Ok(Json(json!({ "revoked": removed })))
}

async fn expire_refresh_tokens(State(shared): State<Arc<Shared>>, Path(id): Path<Uuid>) -> Answer {
    let mut world = shared.world();
    known(&world, id)?;
    let mut count = 0;
    for token in world.kept.refresh.values_mut().filter(|token| token.identity.tenant == id) {
        token.expired = true;
        count += 1;
    }
    shared.keep(&world);
    Ok(Json(json!({ "expired": count })))
}

/// `POST /_sandbox/tenants/{id}/rename`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewName {
    name: String,
}

async fn rename(State(shared): State<Arc<Shared>>, Path(id): Path<Uuid>, Json(new): Json<NewName>) -> Answer {
    let mut world = shared.world();
    let tenant = world.tenant_mut(id).ok_or(ControlError::NoTenant(id))?;
    tenant.name = new.name;
    Ok(Json(tenant.summary()))
}

/// `POST /_sandbox/tenants/{id}/change-users`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChanges {
    #[serde(default)]
    add: usize,
    #[serde(default)]
    update: usize,
    #[serde(default)]
    delete: usize,
}

async fn change_users(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<Uuid>,
    Json(changes): Json<UserChanges>,
) -> Answer {
    let mut world = shared.world();
    let tenant = world.tenant_mut(id).ok_or(ControlError::NoTenant(id))?;
    let users = tenant.change_users(changes.add, changes.update, changes.delete);
    Ok(Json(json!({ "users": users })))
}

/// Everybody who is there, with all that Graph knows of them.
async fn users(State(shared): State<Arc<Shared>>, Path(id): Path<Uuid>) -> Answer {
    let world = shared.world();
    let tenant = world.tenant(id).ok_or(ControlError::NoTenant(id))?;
    let present = (0..tenant.directory.end()).filter(|index| tenant.directory.is_present(*index));
    Ok(Json(present.map(|index| tenant.directory.user(index, &tenant.subscriptions)).collect()))
}

/// An administrator consents to all that the app asks for, without the pages.
async fn consent(State(shared): State<Arc<Shared>>, Path(id): Path<Uuid>) -> Answer {
    let mut world = shared.world();
    known(&world, id)?;
    let roles: BTreeSet<String> = world.app.application_permissions.iter().cloned().collect();
    let delay = world.faults.consent_delay(id);
    world.kept.grants.entry(id).or_default().grant_roles(roles, shared.clock.now_ms(), delay.as_ref());
    shared.keep(&world);
    Ok(Json(json!({ "consented": true })))
}

/// `POST /_sandbox/graph`: how Graph answers from now on. What is absent is as usual.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphChanges {
    /// Every answer waits that long.
    #[serde(default)]
    latency_ms: u64,
    /// No page of users is larger.
    page_size: Option<usize>,
    /// Enforces Microsoft's budgets, or others; absent: none.
    budget: Option<Budget>,
}

async fn change_graph(State(shared): State<Arc<Shared>>, Json(changes): Json<GraphChanges>) -> Json<Value> {
    let mut world = shared.world();
    let latency = Duration::from_millis(changes.latency_ms);
    world.conditions = Conditions { latency, page_size: changes.page_size };
    world.throttle.enforce(changes.budget);
    Json(json!({ "changed": true }))
}

fn describe(world: &World) -> Value {
    let app = &world.app;
    json!({
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uris": app.redirect_uris,
        "application_permissions": app.application_permissions,
        "delegated_permissions": app.delegated_permissions,
        "wids_claim": app.wids_claim,
        "secret_expired": app.secret_expired,
        "personal_account": { "email": PERSONAL_EMAIL, "password": PASSWORD },
    })
}

async fn app(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(describe(&shared.world()))
}

/// `POST /_sandbox/app`: what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppChanges {
    redirect_uris: Option<Vec<String>>,
    application_permissions: Option<Vec<String>>,
    delegated_permissions: Option<Vec<String>>,
    wids_claim: Option<bool>,
}

async fn change_app(State(shared): State<Arc<Shared>>, Json(changes): Json<AppChanges>) -> Answer {
    let mut world = shared.world();
    if let Some(uris) = &changes.redirect_uris {
        for uri in uris {
            check_redirect_uri(uri).map_err(ControlError::Invalid)?;
        }
    }
    let named = changes.application_permissions.iter().chain(&changes.delegated_permissions).flatten();
    if let Some(unknown) = named.into_iter().find(|name| permissions::find(name).is_none()) {
        return Err(ControlError::Invalid(format!("the sandbox does not know the permission {unknown}")));
    }
    let app = &mut world.app;
    if let Some(uris) = changes.redirect_uris {
        app.redirect_uris = uris;
    }
    if let Some(permissions) = changes.application_permissions {
        app.application_permissions = permissions;
    }
    if let Some(permissions) = changes.delegated_permissions {
        app.delegated_permissions = permissions;
    }
    if let Some(wids) = changes.wids_claim {
        app.wids_claim = wids;
    }
    Ok(Json(describe(&world)))
}

/// Refuses what Microsoft refuses: plain HTTP is for loopback only, and there is no fragment.
pub fn check_redirect_uri(uri: &str) -> Result<(), String> {
    let parsed = url::Url::parse(uri).map_err(|error| format!("redirect URI {uri}: {error}"))?;
    let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(format!("redirect URI {uri}: https is needed, or http for localhost")),
    }
    if parsed.fragment().is_some() {
        return Err(format!("redirect URI {uri}: a fragment is not allowed"));
    }
    Ok(())
}

async fn faults(State(shared): State<Arc<Shared>>, Json(order): Json<Value>) -> Answer {
    let order = Order::parse(order).map_err(|error| ControlError::Invalid(error.to_string()))?;
    shared.world().faults.add(order);
    Ok(Json(json!({ "ordered": true })))
}

/// `POST /_sandbox/expire-client-secret`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretExpiry {
    expired: bool,
}

async fn expire_client_secret(State(shared): State<Arc<Shared>>, Json(expiry): Json<SecretExpiry>) -> Json<Value> {
    shared.world().app.secret_expired = expiry.expired;
    Json(json!({ "expired": expiry.expired }))
}

async fn rotate_keys(State(shared): State<Arc<Shared>>) -> Answer {
    shared.world().keys.rotate()?;
    Ok(Json(json!({ "rotated": true })))
}

async fn clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "now": crate::clock::iso(shared.clock.now_ms()) }))
}

/// `POST /_sandbox/clock`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

async fn advance_clock(State(shared): State<Arc<Shared>>, Json(advance): Json<Advance>) -> Json<Value> {
    shared.clock.advance(advance.advance_ms);
    Json(json!({ "now": crate::clock::iso(shared.clock.now_ms()) }))
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.world();
    let mut counts = world.ledger.counts();
    counts["throttling"] = world.throttle.counts();
    Json(counts)
}

async fn issued(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "secrets": shared.world().ledger.secrets() }))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Answer {
    let mut world = shared.world();
    world.reset(&shared.options)?;
    shared.clock.reset();
    shared.keep(&world);
    Ok(Json(json!({ "reset": true })))
}
