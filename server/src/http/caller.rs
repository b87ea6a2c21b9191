//! Who may ask for what: one table, and one place that enforces it, in front of everything.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use app::{
    domain::{Right, Scope},
    error::{AppError, ErrorCode},
};
use axum::{
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use futures::future::BoxFuture;
use url::form_urlencoded;

use super::{
    AppState, FUNCTIONS, PAGES, Routes,
    connect::went_wrong_at,
    limits,
    listen::BoxRequest,
    page::{Page, Place},
    paths,
    server_functions::error_response,
    site, surface,
    v1::{self, MethodScope},
};
use crate::{
    failure::internal,
    sessions::{Caller, CookieChange, Token, me},
    store::StoreError,
};

/// Who may ask for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever's role has this right.
    Needs(Right),
    /// A program whose token has the scope of the method, and whose maker's role allows that. No session does.
    Token(&'static [MethodScope]),
}

/// What everybody may ask for. A path that is not here is refused, whoever asks.
///
/// `{name}` stands for one segment, `{*name}` for any number. The first row that fits counts.
pub const ACCESS: &[(&str, Access)] = &[
    // The flow with Microsoft. What comes back from there is known by its `state` and the browser's cookie.
    ("/connect/start", Access::Needs(Right::Connect)),
    ("/connect/staff", Access::Public),
    ("/connect/callback", Access::Public),
    ("/connect/page.css", Access::Public),
    ("/connect/page.js", Access::Public),
    ("/connect/logo", Access::Public),
    // Whoever has a link: its token is all that it takes.
    ("/c/{token}", Access::Public),
    ("/healthz", Access::Public),
    ("/readyz", Access::Public),
    // Answered to who is near.
    ("/metrics", Access::Public),
    // Server functions, and what else is below `/api`.
    ("/api/sessions/options", Access::Public),
    ("/api/sessions/sign-in", Access::Public),
    ("/api/sessions/invitation", Access::Public),
    ("/api/sessions/accept-invitation", Access::Public),
    ("/api/sessions/sign-out", Access::SignedIn),
    ("/api/sessions/me", Access::SignedIn),
    ("/api/sessions/change-password", Access::SignedIn),
    ("/api/companies/list", Access::Needs(Right::See)),
    ("/api/companies/folded", Access::Needs(Right::See)),
    ("/api/companies/first", Access::Needs(Right::See)),
    ("/api/companies/changes", Access::Needs(Right::See)),
    ("/api/companies/of-tenant", Access::Needs(Right::See)),
    ("/api/companies/show", Access::Needs(Right::See)),
    ("/api/companies/card", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/add", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/edit", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/archive", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/restore", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/accept-oddity", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/archived", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/delete", Access::Needs(Right::DeleteCompanies)),
    ("/api/companies/selected/tags", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/selected/retag", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/selected/farewell", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/selected/archive", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/import/preview", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/import/confirm", Access::Needs(Right::ManageCompanies)),
    ("/api/companies/import/template.csv", Access::Needs(Right::ManageCompanies)),
    ("/api/companies.csv", Access::Needs(Right::See)),
    ("/api/companies.xlsx", Access::Needs(Right::See)),
    ("/api/users/list", Access::Needs(Right::See)),
    ("/api/users.csv", Access::Needs(Right::See)),
    ("/api/licences/list", Access::Needs(Right::See)),
    ("/api/licences.csv", Access::Needs(Right::See)),
    ("/api/domains/list", Access::Needs(Right::See)),
    ("/api/domains.csv", Access::Needs(Right::See)),
    ("/api/secure-score/list", Access::Needs(Right::See)),
    ("/api/secure-score/show", Access::Needs(Right::See)),
    ("/api/secure-score.csv", Access::Needs(Right::See)),
    ("/api/events", Access::Needs(Right::See)),
    ("/api/connections/sync", Access::Needs(Right::SyncNow)),
    ("/api/connections/sync-many", Access::Needs(Right::SyncNow)),
    ("/api/connections/sync-all", Access::Needs(Right::SyncNow)),
    ("/api/connections/disconnect", Access::Needs(Right::Connect)),
    ("/api/connections/disconnection", Access::Needs(Right::Connect)),
    ("/api/connections/check-gone", Access::Needs(Right::Connect)),
    ("/api/attempts/cancel", Access::Needs(Right::Connect)),
    ("/api/links/create", Access::Needs(Right::SendLinks)),
    ("/api/links/withdraw", Access::Needs(Right::SendLinks)),
    ("/api/links/list", Access::Needs(Right::SendLinks)),
    ("/api/links/message", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/recipients", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/make", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/list", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/show", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/preview", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/send", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/mark-sent", Access::Needs(Right::SendLinks)),
    ("/api/campaigns/renew", Access::Needs(Right::SendLinks)),
    // Of one company. All of it is the owners': the port looks at the filter.
    ("/api/activity/list", Access::Needs(Right::See)),
    ("/api/activity.csv", Access::Needs(Right::ManageAccounts)),
    ("/api/accounts/list", Access::Needs(Right::ManageAccounts)),
    ("/api/accounts/invite", Access::Needs(Right::ManageAccounts)),
    ("/api/accounts/change-role", Access::Needs(Right::ManageAccounts)),
    ("/api/accounts/set-active", Access::Needs(Right::ManageAccounts)),
    // Who is told what happens. What a webhook answered is in its log.
    ("/api/notifications/show", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/create", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/change", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/set-active", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/delete", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/replace-secret", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/test", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/deliveries", Access::Needs(Right::ManageAccounts)),
    ("/api/webhooks/retry", Access::Needs(Right::ManageAccounts)),
    ("/api/mail/save", Access::Needs(Right::ManageAccounts)),
    ("/api/mail/test", Access::Needs(Right::ManageAccounts)),
    ("/api/api-tokens/list", Access::Needs(Right::ManageAccounts)),
    ("/api/api-tokens/create", Access::Needs(Right::ManageAccounts)),
    ("/api/api-tokens/revoke", Access::Needs(Right::ManageAccounts)),
    // Other programs.
    ("/api/v1/openapi.json", Access::Public),
    ("/api/v1/docs", Access::Public),
    ("/api/v1/docs.css", Access::Public),
    ("/api/v1/companies", Access::Token(&[("GET", Scope::CompaniesRead), ("POST", Scope::CompaniesWrite)])),
    ("/api/v1/companies/{company}", Access::Token(&[("GET", Scope::CompaniesRead), ("PATCH", Scope::CompaniesWrite)])),
    ("/api/v1/companies/{company}/archive", Access::Token(&[("POST", Scope::CompaniesWrite)])),
    ("/api/v1/companies/{company}/restore", Access::Token(&[("POST", Scope::CompaniesWrite)])),
    ("/api/v1/companies/{company}/connection", Access::Token(&[("GET", Scope::ConnectionsRead)])),
    ("/api/v1/companies/{company}/connection/sync", Access::Token(&[("POST", Scope::ConnectionsSync)])),
    ("/api/v1/companies/{company}/link", Access::Token(&[("POST", Scope::LinksWrite), ("DELETE", Scope::LinksWrite)])),
    ("/api/v1/companies/{company}/secure-score", Access::Token(&[("GET", Scope::DataRead)])),
    ("/api/v1/connections", Access::Token(&[("GET", Scope::ConnectionsRead)])),
    ("/api/v1/links", Access::Token(&[("GET", Scope::LinksRead)])),
    ("/api/v1/activity", Access::Token(&[("GET", Scope::ActivityRead)])),
    ("/api/v1/users", Access::Token(&[("GET", Scope::DataRead)])),
    ("/api/v1/licences", Access::Token(&[("GET", Scope::DataRead)])),
    ("/api/v1/domains", Access::Token(&[("GET", Scope::DataRead)])),
    ("/api/v1/secure-scores", Access::Token(&[("GET", Scope::DataRead)])),
    // Pages of the web app. They hold no data; the app says what a role may not see.
    ("/login", Access::Public),
    ("/join/{token}", Access::Public),
    ("/settings/team", Access::Needs(Right::ManageAccounts)),
    ("/settings/activity", Access::Needs(Right::ManageAccounts)),
    ("/settings/links/new", Access::Needs(Right::SendLinks)),
    ("/settings/campaigns", Access::Needs(Right::SendLinks)),
    ("/settings/campaigns/{campaign}", Access::Needs(Right::SendLinks)),
    ("/settings/notifications", Access::Needs(Right::ManageAccounts)),
    ("/settings/api", Access::Needs(Right::ManageAccounts)),
    ("/settings/password", Access::SignedIn),
    ("/settings/companies/{*page}", Access::Needs(Right::ManageCompanies)),
    ("/settings/{*page}", Access::Needs(Right::See)),
    ("/companies/{company}/disconnect", Access::Needs(Right::Connect)),
    ("/companies/{company}/message", Access::Needs(Right::SendLinks)),
    ("/companies/{company}/edit", Access::Needs(Right::ManageCompanies)),
    ("/companies/{company}/archive", Access::Needs(Right::ManageCompanies)),
    ("/companies/{*page}", Access::Needs(Right::See)),
    ("/microsoft-365/{*page}", Access::Needs(Right::See)),
];

/// What an open page asks for by itself. It shows that a page is open, not that somebody is there: a session idles all
/// the same.
const ASKED_BY_ITSELF: [&str; 9] = [
    "/api/sessions/me",
    "/api/companies/changes",
    "/api/companies/show",
    "/api/connections/disconnection",
    "/api/webhooks/deliveries",
    "/api/campaigns/list",
    "/api/campaigns/show",
    "/api/links/list",
    "/api/events",
];

/// Who may ask for this path. None: nobody, because it has no row.
pub fn access(path: &str) -> Option<Access> {
    row(path).map(|row| row.access)
}

/// The route that this path leads to, as it is counted: a pattern, of which there are few, and never a path that somebody made
/// up or that has a secret in it.
pub fn route(path: &str) -> &'static str {
    match row(path) {
        Some(row) => row.route,
        None if Kind::of_path(path).is_api() => FUNCTIONS,
        None => PAGES,
    }
}

/// What the table says of a path.
#[derive(Clone, Copy)]
struct Row {
    pattern: &'static str,
    access: Access,
    route: &'static str,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let routes: HashSet<String> = paths().into_iter().collect();
    let route = |pattern| if routes.contains(pattern) { pattern } else { PAGES };
    ACCESS.iter().map(|&(pattern, access)| Row { pattern, access, route: route(pattern) }).collect()
});

/// Rows of paths that stand in the table as they are, which are most: reading the table takes longer than many answers.
static EXACT: LazyLock<HashMap<&str, Row>> = LazyLock::new(|| {
    let exact = ROWS.iter().map(|row| row.pattern).filter(|pattern| !pattern.contains('{'));
    exact.filter_map(|path| Some((path, first_row(path)?))).collect()
});

fn row(path: &str) -> Option<Row> {
    EXACT.get(path).copied().or_else(|| first_row(path))
}

fn first_row(path: &str) -> Option<Row> {
    ROWS.iter().find(|row| fits(row.pattern, path)).copied()
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        if part.starts_with("{*") {
            return segments.next().is_some_and(|segment| !segment.is_empty());
        }
        let Some(segment) = segments.next() else { return false };
        let fits = if part.starts_with('{') { !segment.is_empty() } else { part == segment };
        if !fits {
            return false;
        }
    }
    segments.next().is_none()
}

/// What a path is, for how a refusal looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For programs: JSON.
    Api,
    /// Where a window goes on to Microsoft: a page of the server.
    Navigation,
    /// The web app's shell.
    Page,
}

impl Kind {
    /// What this address is.
    pub fn of(uri: &Uri) -> Self {
        Self::of_path(uri.path())
    }

    fn of_path(path: &str) -> Self {
        match path {
            path if path == "/api" || path.starts_with("/api/") => Self::Api,
            path if path.starts_with("/connect/") => Self::Navigation,
            _ => Self::Page,
        }
    }

    /// Whether it is for programs.
    pub fn is_api(self) -> bool {
        self == Self::Api
    }
}

/// Lets a request through, or answers it. Behind it, a request has its [`Caller`] as an extension, if there is one.
pub fn admit<'a>(state: &'a AppState, request: BoxRequest, next: &'a Routes) -> BoxFuture<'a, Response> {
    // Each by itself, for both are large.
    if v1::is_below(request.uri().path()) {
        Box::pin(v1::admit(state, request, next))
    } else {
        Box::pin(admit_person(state, request, next))
    }
}

async fn admit_person(state: &AppState, mut request: BoxRequest, next: &Routes) -> Response {
    let kind = Kind::of(request.uri());
    let access = match access(request.uri().path()) {
        Some(access) => Some(access),
        // The web app's files hold nothing that is not in its source.
        None if kind == Kind::Page && site::names_a_file(request.uri()) => Some(Access::Public),
        // A page that there is not: the app says so, to who is signed in.
        None if kind == Kind::Page => Some(Access::SignedIn),
        None => None,
    };
    if access == Some(Access::Public) {
        return next.run(request).await;
    }
    let cookies = CookieJar::from_headers(request.headers());
    let caller = match caller(state, &cookies, request.uri().path()).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return sign_in_first(kind, request.uri()),
        Err(error) => return failed(kind, error),
    };
    if let Err(wait) = state.rates.accounts.admit(caller.me.id, limits::cost(request.uri().path())) {
        tracing::info!(account = %caller.me.id, wait_secs = wait.as_secs(), "an account has to wait");
        return surface::wait_for(state, request.uri().path(), wait);
    }
    let refused = match access {
        // Those with a token were let through already.
        None | Some(Access::Token(_)) => {
            return error_response(&AppError::new(ErrorCode::NotFound, "There is no such function."));
        }
        Some(Access::Needs(right)) if !caller.me.role.may(right) => Some(right),
        Some(_) => None,
    };
    if let Some(right) = refused {
        let what = format!("{} {}", request.method(), request.uri().path());
        tracing::info!(account = %caller.me.id, what, "refused");
        if let Err(error) = state.store.refused(&caller.actor(), what).await {
            return failed(kind, error);
        }
        match kind {
            Kind::Api => return error_response(&AppError::new(ErrorCode::Forbidden, right.refusal())),
            Kind::Navigation => return refusal_page(right),
            Kind::Page => {}
        }
    }
    if refused.is_some() {
        // The shell that says so is sent whole: its status is another one than the browser knows it with.
        request.headers_mut().remove(header::IF_NONE_MATCH);
    }
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if refused.is_some() {
        // The shell says why; nothing but its status tells programs.
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

fn failed(kind: Kind, error: StoreError) -> Response {
    match kind {
        Kind::Api => error_response(&internal(error)),
        Kind::Navigation | Kind::Page => went_wrong_at(error, kind == Kind::Navigation),
    }
}

async fn caller(state: &AppState, cookies: &CookieJar, path: &str) -> Result<Option<Caller>, StoreError> {
    let Some(token) = session_token(state, cookies) else { return Ok(None) };
    let session = token.hash();
    let account = if ASKED_BY_ITSELF.contains(&path) {
        state.store.look_at_session(session).await?
    } else {
        state.store.use_session(session).await?
    };
    Ok(account.map(|account| Caller { me: me(account), session }))
}

fn sign_in_first(kind: Kind, uri: &Uri) -> Response {
    if kind == Kind::Api {
        let text = "You are not signed in, or your session has ended. Sign in again.";
        return error_response(&AppError::new(ErrorCode::Unauthorized, text));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location = match app::domain::account::safe_return_path(path) {
        Some("/") | None => "/login".to_owned(),
        Some(path) => format!("/login?next={}", form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>()),
    };
    let mut response = Redirect::to(&location).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

fn refusal_page(right: Right) -> Response {
    Page {
        status: StatusCode::FORBIDDEN,
        good: false,
        heading: "Your role does not allow this".to_owned(),
        text: right.refusal().to_owned(),
        details: None,
        company: None,
        place: Place::Popup,
    }
    .into_response()
}

/// The token of a browser's session, which may have ended.
pub fn session_token(state: &AppState, cookies: &CookieJar) -> Option<Token> {
    cookies.get(cookie_name(state)).and_then(|cookie| Token::parse(cookie.value()))
}

/// `__Host-` binds the cookie to this very host and to https; browsers refuse it on plain http.
fn cookie_name(state: &AppState) -> &'static str {
    if state.public_url.scheme() == "https" { "__Host-session" } else { "session" }
}

/// The session's cookie as it is sent.
pub fn session_cookie(state: &AppState, change: &CookieChange) -> Cookie<'static> {
    let (value, lives) = match change {
        CookieChange::Set(token) => (token.expose().to_owned(), app::domain::account::SESSION_LIVES),
        CookieChange::Remove => (String::new(), std::time::Duration::ZERO),
    };
    Cookie::build((cookie_name(state), value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.public_url.scheme() == "https")
        .max_age(lives.try_into().unwrap_or_default())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_row_and_nothing_else_does() {
        assert_eq!(access("/join/abc"), Some(Access::Public));
        assert_eq!(access("/c/abc"), Some(Access::Public));
        for none in ["/join", "/join/", "/join/a/b", "/api", "/api/", "/api/companies/list/", "/api//companies/list"] {
            assert_eq!(access(none), None, "{none}");
        }
        assert_eq!(access("/settings/team"), Some(Access::Needs(Right::ManageAccounts)));
        assert_eq!(access("/settings/integrations/x"), Some(Access::Needs(Right::See)));
        assert_eq!(access("/nowhere"), None);
    }

    #[test]
    fn what_is_counted_is_a_route_and_never_a_path() {
        for path in paths() {
            assert_eq!(route(&path), path);
        }
        let company = "/api/v1/companies/01890000-0000-7000-8000-000000000000/link";
        for (path, expected) in [
            ("/c/secret", "/c/{token}"),
            (company, "/api/v1/companies/{company}/link"),
            ("/api/nothing", FUNCTIONS),
            ("/api/v1/nothing", FUNCTIONS),
            ("/join/secret", PAGES),
            ("/settings/team", PAGES),
            ("/app-1a2b.js", PAGES),
            ("/", PAGES),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }
}
