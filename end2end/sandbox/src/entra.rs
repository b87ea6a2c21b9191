//! Entra ID: discovery, admin consent, sign-in and tokens.

mod admin_consent;
mod authorize;
mod client_auth;
mod discovery;
pub mod errors;
pub mod issue;
mod pages;
mod scopes;
mod sign_in;
mod token;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use self::errors::AadError;
use self::pages::{ConsentPage, ConsentScope};
use self::visit::{COOKIE, Flow, Visit, session_id};
use crate::faults::AnswerFault;
use crate::shared::Shared;
use crate::world::{Identity, World};

/// Everything below a tenant's path.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/common/discovery/instance", get(discovery::instance))
        .route("/{tenant}/userrealm/{email}", get(discovery::user_realm))
        .route("/{tenant}/v2.0/adminconsent", get(open_admin_consent))
        .route("/{tenant}/oauth2/v2.0/authorize", get(open_authorize))
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout))
        .route("/{tenant}/login", post(sign_in::login))
        .route("/{tenant}/consent", post(sign_in::consent))
}

/// What a step of a visit leads to.
pub enum Outcome {
    /// The sign-in page.
    SignIn {
        /// Filled in already.
        email: String,
        /// Why it is shown again.
        error: Option<AadError>,
        /// Who may go on without a password.
        tiles: Vec<String>,
    },
    /// The consent page.
    Consent {
        /// Who is asked.
        identity: Identity,
        /// For what.
        wanted: Vec<String>,
        /// On whose behalf.
        scope: ConsentScope,
    },
    /// "Need admin approval".
    NeedAdmin {
        /// Who may not.
        email: String,
    },
    /// Back to the app.
    Redirect(String),
}

/// A visit that can't go on.
pub enum Refused {
    /// Shown here, because it is not known where the app is.
    Page(AadError),
    /// Told to the app.
    Redirect {
        /// The app's address.
        uri: String,
        /// What it is told.
        error: AadError,
    },
}

impl Refused {
    fn redirect(uri: &str, error: AadError) -> Self {
        Self::Redirect { uri: uri.into(), error }
    }

    fn page_only(self) -> Response {
        match self {
            Self::Page(error) | Self::Redirect { error, .. } => pages::dead_end(&error),
        }
    }
}

/// Where the app wants its answer; a page if the app or the address is not registered.
fn redirect_target(world: &World, visit: &Visit) -> Result<String, Refused> {
    let client_id = visit.parameter("client_id").unwrap_or_default();
    if !client_id.eq_ignore_ascii_case(&world.app.client_id) {
        let words = format!("Application with identifier '{client_id}' was not found in the directory.");
        return Err(Refused::Page(AadError::because(700_016, words)));
    }
    let uri = visit.parameter("redirect_uri").unwrap_or_default();
    if !world.app.redirect_uris.contains(&uri) {
        let words = format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. \
             Make sure the redirect URI sent in the request matches one added to your application."
        );
        return Err(Refused::Page(AadError::because(50_011, words)));
    }
    Ok(uri)
}

/// An address with parameters added.
fn with_query(uri: &str, parameters: &[(&str, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{query}")
}

async fn open_admin_consent(
    state: State<Arc<Shared>>,
    alias: Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    open(Flow::Adminconsent, &state, alias.0, query.0, &headers)
}

async fn open_authorize(
    state: State<Arc<Shared>>,
    alias: Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    open(Flow::Authorize, &state, alias.0, query.0, &headers)
}

fn open(flow: Flow, shared: &Shared, alias: String, query: Option<String>, headers: &HeaderMap) -> Response {
    let visit = Visit { flow, alias, query: query.unwrap_or_default() };
    let mut world = shared.world();
    let session = session_id(headers);
    let signed_in = session.as_ref().and_then(|id| world.sessions.get(id)).cloned().unwrap_or_default();
    let outcome = match flow {
        Flow::Authorize => authorize::begin(&mut world, &visit, &signed_in, shared.clock.now_ms()),
        Flow::Adminconsent => admin_consent::begin(&world, &visit, &signed_in),
    };
    show(shared, &world, &visit, outcome, session, &shared.base(headers))
}

/// Turns an outcome into a page or a redirect.
fn show(
    shared: &Shared,
    world: &World,
    visit: &Visit,
    outcome: Result<Outcome, Refused>,
    session: Option<String>,
    base: &str,
) -> Response {
    let mut response = match outcome {
        Ok(Outcome::SignIn { email, error, tiles }) => pages::sign_in(visit, &email, error.as_ref(), &tiles),
        Ok(Outcome::Consent { identity, wanted, scope }) => {
            let organisation = world.tenant(identity.tenant).map_or("", |tenant| tenant.name.as_str());
            let client_id = &world.app.client_id;
            pages::consent(visit, &ConsentPage { email: &identity.email, organisation, client_id, wanted, scope })
        }
        Ok(Outcome::NeedAdmin { email }) => pages::need_admin(visit, &email),
        Ok(Outcome::Redirect(location)) => see_other(&location),
        Err(Refused::Page(error)) => pages::dead_end(&error),
        Err(Refused::Redirect { uri, error }) => see_other(&refusal(visit, &uri, &error, base)),
    };
    if let Some(id) = session.filter(|id| world.sessions.contains_key(id)) {
        let secure = if shared.is_tls() { "; Secure" } else { "" };
        if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}")) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The app's address with an error for it.
fn refusal(visit: &Visit, uri: &str, error: &AadError, base: &str) -> String {
    let mut answer =
        vec![("error", error.error.to_string()), ("error_description", error.line()), ("error_uri", error.uri(base))];
    if visit.flow == Flow::Adminconsent {
        answer.push(("admin_consent", "True".into()));
    }
    if let Some(state) = visit.parameter("state") {
        answer.push(("state", state));
    }
    with_query(uri, &answer)
}

fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return pages::dead_end(&AadError::because(50_011, "The redirect URI can't be written into a header."));
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::FOUND, headers).into_response()
}

async fn logout(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(id) = session_id(&headers) {
        shared.world().sessions.remove(&id);
    }
    pages::page(StatusCode::OK, "Sign out", "<h1>You signed out of your account</h1>")
}

/// A fault's answer on a path of Entra ID.
pub fn fault_answer(shared: &Shared, fault: &AnswerFault, path: &str, query: Option<&str>, base: &str) -> Response {
    let mut error = AadError::new(fault.number().unwrap_or(match fault.status {
        429 | 500.. => 90_033,
        _ => 90_023,
    }));
    if let Some(word) = &fault.error {
        error.error = word.clone().into();
    }
    if let Some(word) = &fault.suberror {
        error.suberror = (!word.is_empty()).then(|| word.clone().into());
    }
    if path.ends_with("/token") || path.ends_with("/keys") || path.ends_with("openid-configuration") {
        if let Ok(status) = StatusCode::from_u16(fault.status)
            && fault.status >= 200
        {
            error.status = status;
        }
        return error.answer(base, shared.clock.now_ms());
    }
    let flow = if path.ends_with("/adminconsent") { Flow::Adminconsent } else { Flow::Authorize };
    let alias = path.trim_start_matches('/').split('/').next().unwrap_or_default().to_string();
    let visit = Visit { flow, alias, query: query.unwrap_or_default().into() };
    let target = redirect_target(&shared.world(), &visit);
    match target {
        // Without a status of its own the error goes back to the app, as a failed sign-in does.
        Ok(uri) if fault.status == 0 => see_other(&refusal(&visit, &uri, &error, base)),
        _ => {
            let mut page = pages::dead_end(&error);
            *page.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::BAD_REQUEST);
            page
        }
    }
}
