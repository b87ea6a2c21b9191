//! Microsoft Graph: what is read of a tenant, page by page.
//!
//! <https://learn.microsoft.com/graph/paging>, <https://learn.microsoft.com/graph/errors>,
//! <https://learn.microsoft.com/graph/throttling>

use std::{fmt, time::Duration};

use app::domain::{Problem, Timestamp};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Url;

use super::{
    Microsoft,
    errors::{id, word},
    hosts::origin,
    http::{Answer, NoAnswer, retry_after, send},
    links::{Link, LinkGuard},
    tenant_data::{DirectoryRole, UserChange},
    wire::{ErrorBody, Page, USER_FIELDS, WireDirectoryRole, WireUser},
};

/// The largest page seen is 90 Secure Scores with a few hundred measures each, a few megabytes.
pub(super) const BODY_LIMIT: usize = 64 << 20;
/// A wish. Microsoft may ignore it.
const PAGE_SIZE: &str = "odata.maxpagesize=999";

/// Microsoft's name for a failed request: the code and the request id, for support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The HTTP status.
    pub status: Option<u16>,
    /// Graph's error code, such as `Authorization_RequestDenied`.
    pub code: Option<String>,
    /// Graph's name for the request.
    pub request_id: Option<String>,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "HTTP {status} {code}")?,
            (Some(status), None) => write!(f, "HTTP {status}")?,
            (None, _) => f.write_str("no answer")?,
        }
        match &self.request_id {
            Some(id) => write!(f, ", request id {id}"),
            None => Ok(()),
        }
    }
}

/// Why Graph gave no data, by what the caller can do about it. Never holds a token, a link or a body.
#[derive(Debug, Error)]
pub enum GraphError {
    /// Try once with a new token; if that is refused too, the grant is gone.
    #[error("Graph does not accept the token ({0})")]
    Unauthorized(Trace),
    /// The grant lacks the permission for this. Other data sets may be fine.
    #[error("the permission is missing ({0})")]
    PermissionMissing(Trace),
    /// The tenant has no licence or no such feature. The connection is fine.
    #[error("not available in this tenant ({0})")]
    NotAvailable(Trace),
    /// The delta link is no longer good: read everything anew.
    #[error("the delta link is no longer good ({0})")]
    Resync(Trace),
    /// Wait, then try again.
    #[error("temporarily out of order ({trace})")]
    Temporary {
        /// How long Graph asks to wait.
        retry_after: Option<Duration>,
        /// Which request.
        trace: Trace,
        /// What happened on the network, where there was no answer.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// An answer that we do not understand.
    #[error("unreadable answer: {what} ({trace})")]
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
        /// Which request.
        trace: Trace,
    },
}

impl GraphError {
    /// What is wrong with the data set. None for what the caller mends itself: [`Self::Unauthorized`] with a new
    /// token, [`Self::Resync`] by reading everything anew.
    pub const fn problem(&self) -> Option<Problem> {
        match self {
            Self::Unauthorized(_) | Self::Resync(_) => None,
            Self::PermissionMissing(_) => Some(Problem::PermissionMissing),
            Self::NotAvailable(_) => Some(Problem::NotAvailable),
            Self::Temporary { .. } => Some(Problem::Temporary),
            Self::Unreadable { .. } => Some(Problem::Unreadable),
        }
    }

    /// How long Graph asks to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Temporary { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same once more, where one refusal holds for several things.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Unauthorized(trace) => Self::Unauthorized(trace.clone()),
            Self::PermissionMissing(trace) => Self::PermissionMissing(trace.clone()),
            Self::NotAvailable(trace) => Self::NotAvailable(trace.clone()),
            Self::Resync(trace) => Self::Resync(trace.clone()),
            Self::Temporary { retry_after, trace, .. } => {
                Self::Temporary { retry_after: *retry_after, trace: trace.clone(), source: None }
            }
            Self::Unreadable { what, trace } => Self::Unreadable { what, trace: trace.clone() },
        }
    }

    /// What it means of an address that Graph itself gave: repeating it is no use. Not all that says so has a code of its own:
    /// a link of more than 30 days is answered with `400 Request_UnsupportedQuery`.
    fn of_stored_link(self) -> Self {
        let refuses = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND].map(|status| Some(status.as_u16()));
        match self {
            Self::Unreadable { trace, .. } | Self::NotAvailable(trace) if refuses.contains(&trace.status) => {
                Self::Resync(trace)
            }
            other => other,
        }
    }

    pub(super) fn unreadable(what: &'static str) -> Self {
        Self::Unreadable { what, trace: Trace::default() }
    }

    pub(super) fn no_answer(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::Network(error) | NoAnswer::Cut(error) => {
                Self::Temporary { retry_after: None, trace: Trace::default(), source: Some(error) }
            }
            NoAnswer::TooLarge => Self::unreadable("too large"),
        }
    }

    pub(super) fn from_answer(answer: &Answer, wait: Option<Duration>) -> Self {
        let ErrorBody { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = error.code.as_deref().map(word);
        let request_id = error.inner_error.and_then(|inner| inner.request_id).as_deref().and_then(id);
        let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).and_then(id);
        let trace = Trace {
            status: Some(answer.status.as_u16()),
            request_id: request_id.or_else(|| header("request-id")),
            code: code.clone(),
        };
        let is =
            |known: &[&str]| code.as_deref().is_some_and(|code| known.iter().any(|k| k.eq_ignore_ascii_case(code)));
        let licence_missing = is(LICENCE_CODES) || error.message.as_deref().is_some_and(speaks_of_a_licence);
        match answer.status {
            status if status.is_server_error() => Self::Temporary { retry_after: wait, trace, source: None },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Self::Temporary { retry_after: wait, trace, source: None }
            }
            StatusCode::GONE => Self::Resync(trace),
            status if status.is_client_error() && is(RESYNC_CODES) => Self::Resync(trace),
            StatusCode::UNAUTHORIZED => Self::Unauthorized(trace),
            StatusCode::FORBIDDEN if is(&["Authorization_RequestDenied"]) => Self::PermissionMissing(trace),
            StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST if licence_missing => Self::NotAvailable(trace),
            // The security API has other codes for a missing permission, such as Forbidden and UnknownError.
            StatusCode::FORBIDDEN => Self::PermissionMissing(trace),
            // A cloud without this part of Graph. None of our addresses names a thing that could be deleted.
            StatusCode::NOT_FOUND => Self::NotAvailable(trace),
            _ => Self::Unreadable { what: "an unexpected status", trace },
        }
    }
}

/// What delta queries answer when their token is no longer good; the case varies.
const RESYNC_CODES: &[&str] = &[
    "syncStateNotFound",
    "syncStateInvalid",
    "resyncRequired",
    "syncResyncRequired",
    // The link to a round's next page was kept for too long.
    "Directory_ExpiredPageToken",
];
/// What is answered where a licence or a feature is missing.
const LICENCE_CODES: &[&str] = &["Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Request_NonPremiumTenant"];

/// There is no code of its own for most missing licences; the text is read for that, and not kept.
fn speaks_of_a_licence(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["license", "licence", "not applicable to target tenant", "not onboarded", "premium tenant"]
        .iter()
        .any(|words| message.contains(words))
}

/// Where to go on reading users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersCursor {
    /// At the beginning: everybody.
    First,
    /// At the next page of a round.
    Page(Link),
    /// With what has changed since a round was complete.
    Changes(Link),
}

/// What comes after a page of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersNext {
    /// Another page.
    Page(Link),
    /// Nothing: the round is complete. The link leads to what changes from now on, and is good for 7 days.
    Done(Link),
}

/// One page of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsersPage {
    /// What is said about whom, in this order. May be empty, and may name somebody twice.
    pub users: Vec<UserChange>,
    /// What comes after it.
    pub next: UsersNext,
}

/// Graph, with a token of one tenant. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Graph {
    microsoft: Microsoft,
    token: SecretString,
}

impl Microsoft {
    /// Graph, with this token.
    pub fn graph(&self, token: SecretString) -> Graph {
        Graph { microsoft: self.clone(), token }
    }

    /// Whether Graph is there: it refuses a request without a token, with status 401.
    pub(crate) async fn graph_answers(&self) -> Result<bool, GraphError> {
        let request = self.shared.http.get(self.hosts().graph_url("organization"));
        let answer = send(request, BODY_LIMIT).await.map_err(GraphError::no_answer)?;
        Ok(answer.status == StatusCode::UNAUTHORIZED)
    }
}

impl Graph {
    /// The directory roles of who signed in. Needs a delegated token with `User.Read`.
    pub async fn directory_roles(&self) -> Result<Vec<DirectoryRole>, GraphError> {
        let url = self
            .url("me/transitiveMemberOf/microsoft.graph.directoryRole", &[("$select", "displayName,roleTemplateId")]);
        let roles: Vec<WireDirectoryRole> = self.all(url, usize::MAX).await?;
        Ok(roles.into_iter().filter_map(WireDirectoryRole::into_role).collect())
    }

    /// One page of users, or of what has changed about them.
    ///
    /// The caller follows [`UsersNext::Page`], with a [`LinkGuard`], and stores what [`UsersNext::Done`] says.
    pub async fn users(&self, cursor: &UsersCursor) -> Result<UsersPage, GraphError> {
        let body = match cursor {
            UsersCursor::First => self.body(self.url("users/delta", &[("$select", USER_FIELDS)])).await?,
            UsersCursor::Page(link) | UsersCursor::Changes(link) => {
                // A link that was stored before the settings named another host: as good as one that has expired.
                let url = self.follow(link).map_err(|_| GraphError::Resync(Trace::default()))?;
                self.body(url).await.map_err(GraphError::of_stored_link)?
            }
        };
        // A thousand users take a while to be read, and whoever looks at a page must not wait for that.
        let read = move || parse::<WireUser>(&body).map(|page| (page.next_link, page.delta_link, changes(page.value)));
        let read = tokio::task::spawn_blocking(read).await;
        let (next_link, delta_link, users) = read.map_err(|_| GraphError::unreadable("nobody could read it"))??;
        let next = match (next_link, delta_link) {
            (Some(link), _) => UsersNext::Page(Link::from_stored(link)),
            (None, Some(link)) => UsersNext::Done(Link::from_stored(link)),
            (None, None) => return Err(GraphError::unreadable("users that neither go on nor end")),
        };
        Ok(UsersPage { users, next })
    }

    /// Whether a link may be followed: it leads to Graph, where the token may go.
    pub fn admit(&self, link: &Link) -> Result<(), GraphError> {
        self.follow(link).map(drop)
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.microsoft.shared.http
    }

    pub(super) fn now(&self) -> Timestamp {
        self.microsoft.shared.clock.now()
    }

    /// `address` is what comes after the version.
    pub(super) fn address(&self, address: &str) -> Url {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut url = self.microsoft.hosts().graph_url(path);
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        url
    }

    pub(super) fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.microsoft.hosts().graph_url(path);
        if !query.is_empty() {
            // Written by hand: `$` and `,` need no escaping, and Microsoft's documentation does not escape them.
            let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            url.set_query(Some(&pairs.join("&")));
        }
        url
    }

    /// The token goes to Graph only: a link that leads elsewhere is not followed.
    fn follow(&self, link: &Link) -> Result<Url, GraphError> {
        let url = Url::parse(link.as_str()).map_err(|_| GraphError::unreadable("a link that is no URL"))?;
        let graph = &self.microsoft.hosts().graph;
        let ours = origin(&url) == origin(graph)
            && url.path().starts_with("/v1.0/")
            && url.username().is_empty()
            && url.password().is_none();
        if ours { Ok(url) } else { Err(GraphError::unreadable("a link that leads away from Graph")) }
    }

    /// Every page of a collection, or as many as it takes for `enough` items.
    pub(super) async fn all<T: DeserializeOwned>(&self, first: Url, enough: usize) -> Result<Vec<T>, GraphError> {
        let page = self.page(first).await?;
        self.all_from(page, enough).await
    }

    /// The items of a page and of those that follow it, or as many as it takes for `enough`.
    pub(super) async fn all_from<T: DeserializeOwned>(
        &self,
        first: Page<T>,
        enough: usize,
    ) -> Result<Vec<T>, GraphError> {
        let mut guard = LinkGuard::default();
        let mut items = first.value;
        let mut next = first.next_link;
        while let Some(link) = next.take().map(Link::from_stored).filter(|_| items.len() < enough) {
            guard.admit(&link)?;
            let page: Page<T> = self.page(self.follow(&link)?).await?;
            items.extend(page.value);
            next = page.next_link;
        }
        items.truncate(enough);
        Ok(items)
    }

    /// What the token is sent as.
    pub(super) fn bearer(&self) -> Result<HeaderValue, GraphError> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token.expose_secret()))
            .map_err(|_| GraphError::Unauthorized(Trace::default()))?;
        bearer.set_sensitive(true);
        Ok(bearer)
    }

    async fn page<T: DeserializeOwned>(&self, url: Url) -> Result<Page<T>, GraphError> {
        parse(&self.body(url).await?)
    }

    async fn body(&self, url: Url) -> Result<Vec<u8>, GraphError> {
        let request = self
            .http()
            .get(url)
            .header(AUTHORIZATION, self.bearer()?)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("Prefer", HeaderValue::from_static(PAGE_SIZE));
        let answer = send(request, BODY_LIMIT).await.map_err(GraphError::no_answer)?;
        if answer.status == StatusCode::OK {
            Ok(answer.body)
        } else {
            Err(GraphError::from_answer(&answer, retry_after(&answer.headers, self.now())))
        }
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, GraphError> {
    serde_json::from_slice(body).map_err(|_| GraphError::unreadable("not what was asked for"))
}

fn changes(users: Vec<WireUser>) -> Vec<UserChange> {
    users.into_iter().map(UserChange::from).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use axum::{
        Json, Router,
        extract::{RawQuery, State},
        http::HeaderMap,
        response::{IntoResponse, Response},
        routing::get,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::microsoft::{
        Wanted,
        tenant_data::{Patch, TenantDomain},
        testing::{client, serve, served},
    };

    const THROTTLED: &str = include_str!("../../tests/fixtures/graph/throttled-429.json");

    fn refused(status: u16, body: &str) -> GraphError {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        GraphError::from_answer(&answer, Some(Duration::from_secs(3)))
    }

    fn body(code: &str, message: &str) -> String {
        json!({"error": {"code": code, "message": message}}).to_string()
    }

    #[test]
    fn refusals_say_what_the_caller_can_do() {
        type Is = fn(&GraphError) -> bool;
        let permission: Is = |e| matches!(e, GraphError::PermissionMissing(_));
        let licence: Is = |e| matches!(e, GraphError::NotAvailable(_));
        let resync: Is = |e| matches!(e, GraphError::Resync(_));
        let temporary: Is = |e| matches!(e, GraphError::Temporary { retry_after: Some(_), .. });
        let unauthorized: Is = |e| matches!(e, GraphError::Unauthorized(_));
        let unreadable: Is = |e| matches!(e, GraphError::Unreadable { .. });
        let table: [(u16, &str, &str, Is); 17] = [
            (401, "InvalidAuthenticationToken", "Lifetime validation failed", unauthorized),
            (403, "Authorization_RequestDenied", "Insufficient privileges", permission),
            (403, "Authorization_RequestDenied", "license", permission),
            (403, "Forbidden", "Missing role permissions", permission),
            (403, "UnknownError", "", permission),
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C", licence),
            (400, "BadRequest", "Tenant does not have a SPO license.", licence),
            (404, "ResourceNotFound", "Resource not found for the segment 'security'.", licence),
            (410, "whatever", "", resync),
            (400, "SyncStateNotFound", "", resync),
            (404, "syncstatenotfound", "", resync),
            (400, "resyncRequired", "", resync),
            (429, "TooManyRequests", "", temporary),
            (503, "serviceNotAvailable", "", temporary),
            (504, "", "", temporary),
            (400, "BadRequest", "Invalid filter", unreadable),
            (302, "", "", unreadable),
        ];
        for (status, code, message, is) in table {
            let error = refused(status, &body(code, message));
            assert!(is(&error), "{status} {code}: {error:?}");
        }
    }

    #[test]
    fn of_a_refusal_only_code_and_request_id_are_kept() {
        let error = refused(429, THROTTLED);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(error.problem(), Some(Problem::Temporary));
        let expected = "temporarily out of order (HTTP 429 TooManyRequests, request id \
                        94fb3b52-452a-4535-a601-69e0a90e3aa2)";
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{:?}", refused(403, &body("a secret", "a secret"))).contains("secret"));
        assert!(matches!(refused(502, "<html>Bad gateway"), GraphError::Temporary { .. }));
    }

    /// Serves a few pages in the manner of Graph; the query says which.
    async fn pages(State(()): State<()>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
        assert_eq!(headers["authorization"], "Bearer the-token");
        assert!(!headers.contains_key("origin"));
        let link = |query: &str| format!("http://{}/v1.0/domains?{query}", headers["host"].to_str().unwrap());
        let page = match query.as_deref() {
            None => json!({"value": [{"id": "a.example"}], "@odata.nextLink": link("$skiptoken=a%2Bb")}),
            // An empty page that goes on.
            Some("$skiptoken=a%2Bb") => json!({"value": [], "@odata.nextLink": link("$skiptoken=c")}),
            Some("$skiptoken=c") => json!({"value": [{"id": "b.example"}]}),
            _ => return StatusCode::IM_A_TEAPOT.into_response(),
        };
        Json(page).into_response()
    }

    async fn domains(graph: &Graph) -> Result<Vec<TenantDomain>, GraphError> {
        let wanted = Wanted { domains: true, ..Wanted::default() };
        graph.tenant_data(wanted).await.domains.unwrap()
    }

    async fn graph(router: Router) -> (Graph, String) {
        let (microsoft, host) = served(router).await;
        (microsoft.graph("the-token".into()), host)
    }

    #[tokio::test]
    async fn links_are_followed_as_they_are_until_there_is_none() {
        let (graph, _) = graph(Router::new().route("/v1.0/domains", get(pages)).with_state(())).await;
        let names: Vec<String> = domains(&graph).await.unwrap().into_iter().map(|domain| domain.name).collect();
        assert_eq!(names, ["a.example", "b.example"]);
    }

    /// A page whose next link is the state.
    async fn leads_to(State(link): State<&'static str>, headers: HeaderMap) -> Json<Value> {
        let link = link.replace("HOST", headers["host"].to_str().unwrap());
        Json(json!({"value": [], "@odata.nextLink": link}))
    }

    #[tokio::test]
    async fn links_that_lead_away_or_in_a_circle_are_not_followed() {
        for link in [
            "http://evil.example/v1.0/domains",
            "http://user@HOST/v1.0/domains?a",
            "http://HOST/beta/domains",
            "http://HOST/v1.0/../domains",
            "http://HOST/v1.0/domains?again",
            "domains",
        ] {
            let (graph, _) = graph(Router::new().route("/v1.0/domains", get(leads_to)).with_state(link)).await;
            let error = domains(&graph).await.unwrap_err();
            assert_eq!(error.problem(), Some(Problem::Unreadable), "{link}: {error:?}");
        }
    }

    async fn users(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
        let query = query.unwrap_or_default();
        let link = |query: &str| format!("http://{}/v1.0/users/delta?{query}", headers["host"].to_str().unwrap());
        let id = "ffff7b1a-13b6-477b-8c0c-380905cd99f7";
        let page = match &*query {
            "$skiptoken=2" => {
                json!({"value": [{"id": id, "@removed": {"reason": "changed"}}], "@odata.deltaLink": link("$deltatoken=3")})
            }
            "$deltatoken=3" => json!({"value": [], "@odata.deltaLink": link("$deltatoken=4")}),
            "$deltatoken=old" => return (StatusCode::GONE, "{}").into_response(),
            "$deltatoken=neither" => json!({"value": []}),
            first => {
                assert_eq!(first, format!("$select={USER_FIELDS}"));
                json!({"value": [{"id": id, "displayName": "Cameron"}], "@odata.nextLink": link("$skiptoken=2")})
            }
        };
        Json(page).into_response()
    }

    #[tokio::test]
    async fn users_go_on_page_by_page_and_end_with_the_link_to_what_changes() {
        let (graph, host) = graph(Router::new().route("/v1.0/users/delta", get(users))).await;
        let first = graph.users(&UsersCursor::First).await.unwrap();
        let UserChange::Upsert(patch) = &first.users[0] else { panic!("not an upsert") };
        assert_eq!(patch.display_name, Patch::Set("Cameron".into()));
        let UsersNext::Page(link) = first.next else { panic!("ends too early") };
        let second = graph.users(&UsersCursor::Page(link)).await.unwrap();
        assert!(matches!(second.users[..], [UserChange::Removed { .. }]));
        let UsersNext::Done(link) = second.next else { panic!("does not end") };
        assert!(link.as_str().ends_with("$deltatoken=3"));
        let none = graph.users(&UsersCursor::Changes(Link::from_stored(link.as_str()))).await.unwrap();
        assert!(none.users.is_empty());

        let changes = |query: &str| UsersCursor::Changes(Link::from_stored(format!("{host}/v1.0/users/delta?{query}")));
        assert!(matches!(graph.users(&changes("$deltatoken=old")).await, Err(GraphError::Resync(_))));
        let neither = graph.users(&changes("$deltatoken=neither")).await;
        assert!(matches!(neither, Err(GraphError::Unreadable { .. })));
        let elsewhere =
            UsersCursor::Changes(Link::from_stored("https://graph.microsoft.com/v1.0/users/delta?$deltatoken=3"));
        assert!(matches!(graph.users(&elsewhere).await, Err(GraphError::Resync(_))));
    }

    #[tokio::test]
    async fn a_body_that_is_not_what_was_asked_for_is_unreadable() {
        for body in ["", "{}", "<html>", r#"{"value": [{"id": 1}]}"#, r#"{"value": ["#] {
            let (graph, _) = graph(Router::new().route("/v1.0/domains", get(move || async move { body }))).await;
            assert_eq!(domains(&graph).await.unwrap_err().problem(), Some(Problem::Unreadable), "{body}");
        }
    }

    #[tokio::test]
    async fn nobody_at_home_is_temporary_and_names_no_address() {
        let host = serve(Router::new()).await;
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let unused = format!("http://{}", closed.local_addr().unwrap());
        drop(closed);
        let secret = || crate::microsoft::Credential::Secret("s".into());
        let error = client(&unused, secret()).graph("t".into()).users(&UsersCursor::First).await.unwrap_err();
        assert_eq!(error.problem(), Some(Problem::Temporary));
        let GraphError::Temporary { source: Some(source), .. } = &error else { panic!("{error:?}") };
        assert!(source.url().is_none());
        assert!(!client(&host, secret()).graph_answers().await.unwrap());
    }
}
