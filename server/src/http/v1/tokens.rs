//! Who asks: a program with a token. What it may ask for, the one table of the server says.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::domain::{Me, Scope};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use tokio::sync::Semaphore;

use super::{
    super::{
        AppState, Routes,
        caller::{Access, access},
        listen::BoxRequest,
    },
    companies, idempotency,
    kept_pages::Version,
    problem::{Code, PROBLEM_JSON, Problem},
};
use crate::{
    api_tokens::ApiToken,
    fresh::FreshOf,
    rate::{Allowance, Cost, whole_seconds},
    store::{StoreError, activity::Actor, api_tokens, sessions::TokenHash},
};

/// How many tokens are looked up at once that are not known to be good.
const NEWCOMERS: usize = 4;

/// How many tokens are remembered to be good.
const GOOD: usize = 1_000;

/// What says how much a token may still ask. <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/>
const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// A method, and what a token must let do for it.
pub type MethodScope = (&'static str, Scope);

/// A program that asks, for the time of one request.
#[derive(Clone, Debug)]
pub struct Program {
    known: Arc<Known>,
    /// Which state companies were in when the token was looked up, for who asks for the list of them.
    pub companies: Option<Version>,
}

/// What is known of a program.
#[derive(Debug)]
pub struct Known {
    /// Who made its token.
    pub me: Me,
    /// The token.
    pub token: api_tokens::ApiToken,
}

impl Deref for Program {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.known
    }
}

impl Program {
    /// As somebody who does something.
    pub fn actor(&self) -> Actor {
        Actor::token(&self.me, &self.token.name)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Program {
    type Rejection = Problem;

    /// Takes it out of the request: a handler asks for it once.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(no_token)
    }
}

/// Lets a request through, or answers it. Cookies count for nothing here.
pub async fn admit(state: &AppState, mut request: BoxRequest, next: &Routes) -> Response {
    let response = match access(request.uri().path()) {
        Some(Access::Token(methods)) => admit_program(state, methods, request, next).await,
        Some(Access::Public) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            request.headers_mut().remove(header::COOKIE);
            next.run(request).await
        }
        Some(Access::Public) => not_allowed("GET, HEAD").into_response(),
        _ => Problem::new(Code::NotFound, "There is nothing at this path. See /api/v1/docs.").into_response(),
    };
    finished(response)
}

async fn admit_program(state: &AppState, methods: &[MethodScope], request: BoxRequest, next: &Routes) -> Response {
    let wanted = if request.method() == Method::HEAD { "GET" } else { request.method().as_str() };
    let Some((_, scope)) = methods.iter().find(|(method, _)| *method == wanted) else {
        return stranger(state, &request).err().unwrap_or_else(|| not_allowed(&allowed(methods))).into_response();
    };
    if !accepts_json(request.headers()) {
        let refusal = || Problem::new(Code::NotAcceptable, "Answers are JSON. Send Accept: application/json.");
        return stranger(state, &request).err().unwrap_or_else(refusal).into_response();
    }
    // A body can't be looked at by several threads, so nothing of a request is held while something is waited for.
    let (sent, address) = (sent(request.headers()), address(&request));
    let lists_companies = wanted == "GET" && request.uri().path() == companies::PATH;
    let program = async { program(state, sent?, address, lists_companies).await };
    let program = match program.await {
        Ok(program) => program,
        Err(problem) => return problem.into_response(),
    };
    let (allowance, admitted) = state.api.tokens.admit(program.token.id);
    let mut response = match (admitted, refusal(&program, *scope)) {
        (Err(wait), _) => wait_for(wait).into_response(),
        (Ok(()), None) => answer(state, program, request, next).await,
        (Ok(()), Some(problem)) => {
            let what = format!("{} {}", request.method(), request.uri().path());
            Box::pin(refused(state, &program, what)).await.err().unwrap_or(problem).into_response()
        }
    };
    tell(response.headers_mut(), allowance);
    response
}

/// Without an address all strangers count as one.
fn address(request: &Request) -> IpAddr {
    request.extensions().get().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Counts, by its address, a request whose token was not looked at.
fn stranger(state: &AppState, request: &Request) -> Result<(), Problem> {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        // It was counted already, as all are.
        return Ok(());
    }
    state.rates.addresses.admit(address(request), 1).map_err(wait_for)
}

async fn answer(state: &AppState, program: Program, mut request: BoxRequest, next: &Routes) -> Response {
    if request.method() == Method::POST {
        request.extensions_mut().insert(program.clone());
        Box::pin(idempotency::answer_once(state, &program, request, next)).await.unwrap_or_else(Problem::into_response)
    } else {
        request.extensions_mut().insert(program);
        next.run(request).await
    }
}

/// The token that was sent, if it has the form of one.
fn sent(headers: &HeaderMap) -> Result<Option<TokenHash>, Problem> {
    let sent = headers.get(header::AUTHORIZATION).ok_or_else(no_token)?;
    let sent = sent.to_str().ok().and_then(|text| text.split_once(' '));
    let token = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    Ok(token.and_then(ApiToken::parse).map(|token| token.hash()))
}

async fn program(
    state: &AppState,
    sent: Option<TokenHash>,
    address: IpAddr,
    lists_companies: bool,
) -> Result<Program, Problem> {
    if let Some(token) = sent
        && let Some(program) = state
            .api
            .lookups
            .get(token, lists_companies, async || Box::pin(look_up(state, token, lists_companies)).await)
            .await?
    {
        return Ok(program);
    }
    // Who guesses is slowed down. A token that there is is never held up by who guesses at the same address.
    state.rates.addresses.admit(address, 1).map_err(wait_for)?;
    state.api.strangers.admit(address, Cost::Miss).map_err(wait_for)?;
    let text = "The token is not good: it was revoked, has expired, or its maker's account was deactivated. \
                An owner makes another under Settings › API.";
    Err(Problem::new(Code::Unauthorized, text).with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
}

/// Whoever comes with this token, if it can still be used.
async fn look_up(state: &AppState, token: TokenHash, lists_companies: bool) -> Result<Option<Program>, StoreError> {
    let store = &state.store;
    let (companies, found) = if lists_companies {
        let ask = async |since| store.use_api_token_and_see_companies(token, since).await;
        let (version, found) = state.api.pages.version_by(store.now(), ask).await?;
        (Some(version), found)
    } else {
        (None, store.use_api_token(token).await?)
    };
    Ok(found.map(|(me, token)| Program { known: Arc::new(Known { me, token }), companies }))
}

/// Looks tokens up: once for all who come with one at the same time.
pub struct Lookups {
    /// Those that are under way, and whether for the list of companies.
    shared: FreshOf<(TokenHash, bool), Option<Program>>,
    /// Tokens that were good when they were looked up last.
    good: Mutex<HashSet<TokenHash>>,
    /// Places for the others: whoever makes tokens up waits for others who do, and holds up nobody else.
    newcomers: Semaphore,
}

impl Default for Lookups {
    fn default() -> Self {
        Self { shared: FreshOf::default(), good: Mutex::default(), newcomers: Semaphore::new(NEWCOMERS) }
    }
}

impl Lookups {
    async fn get(
        &self,
        token: TokenHash,
        lists_companies: bool,
        look_up: impl AsyncFnOnce() -> Result<Option<Program>, StoreError>,
    ) -> Result<Option<Program>, StoreError> {
        let look_up = async || {
            let is_good = self.good().contains(&token);
            // Nobody closes it.
            let _place = if is_good { None } else { self.newcomers.acquire().await.ok() };
            let found = look_up().await?;
            if found.is_some() != is_good {
                self.note(token, found.is_some());
            }
            Ok(found)
        };
        self.shared.get(&(token, lists_companies), look_up).await
    }

    fn good(&self) -> MutexGuard<'_, HashSet<TokenHash>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, token: TokenHash, is_good: bool) {
        let mut good = self.good();
        if good.len() >= GOOD {
            good.clear();
        }
        if is_good {
            good.insert(token);
        } else {
            good.remove(&token);
        }
    }
}

/// Both must let it be done: the token, and the role of who made it.
fn refusal(program: &Program, scope: Scope) -> Option<Problem> {
    if !program.token.scopes.contains(&scope) {
        let text = format!("The token does not have the scope {}. An owner makes another that has it.", scope.key());
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.key());
        Some(Problem::new(Code::ScopeMissing, text).with(header::WWW_AUTHENTICATE, challenge))
    } else if !program.me.role.may(scope.right()) {
        Some(Problem::new(Code::RoleMissing, "Who made the token may not do this any more. An owner makes another."))
    } else {
        None
    }
}

/// Notes what a program was refused.
async fn refused(state: &AppState, program: &Program, what: String) -> Result<(), Problem> {
    tracing::info!(token = %program.token.id, what, "refused");
    Ok(state.store.refused(&program.actor(), what).await?)
}

fn no_token() -> Problem {
    let text = "Send a token: Authorization: Bearer tny_…. An owner makes one under Settings › API.";
    Problem::new(Code::Unauthorized, text).with(header::WWW_AUTHENTICATE, "Bearer")
}

fn wait_for(wait: Duration) -> Problem {
    let seconds = whole_seconds(wait);
    let text = format!("Too many requests. Go on in {seconds} seconds.");
    Problem::new(Code::TooManyRequests, text).with(header::RETRY_AFTER, seconds)
}

fn not_allowed(allow: &str) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("This path takes {allow}.")).with(header::ALLOW, allow)
}

fn allowed(methods: &[MethodScope]) -> String {
    let names = methods.iter().flat_map(|(method, _)| match *method {
        "GET" => vec!["GET", "HEAD"],
        method => vec![method],
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Says how much the token may still ask.
fn tell(headers: &mut HeaderMap, allowance: Allowance) {
    let whole_in = if allowance.whole_in.is_zero() { 0 } else { whole_seconds(allowance.whole_in) };
    headers.insert(RATELIMIT_LIMIT, allowance.limit.into());
    headers.insert(RATELIMIT_REMAINING, allowance.remaining.into());
    headers.insert(RATELIMIT_RESET, whole_in.into());
}

/// Whether who asks takes JSON, by `Accept`. Who does not say takes anything.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return true;
    }
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let takes = matches!(
            parts.next().unwrap_or_default().to_ascii_lowercase().as_str(),
            "*/*" | "application/*" | "application/json"
        );
        // A quality of zero is a refusal.
        let refuses = parts.any(|part| {
            part.to_ascii_lowercase().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        takes && !refuses
    })
}

/// What stands before the handlers answers in forms of its own: it becomes a problem. Nothing is kept on the way.
fn finished(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let is_problem = parts.headers.get(header::CONTENT_TYPE).is_some_and(|form| form == PROBLEM_JSON);
    if is_problem || !(parts.status.is_client_error() || parts.status.is_server_error()) {
        return Response::from_parts(parts, body);
    }
    let mut problem = Problem::from_status(parts.status).into_response();
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    drop::<Body>(body);
    problem
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn who_takes_no_json_is_told_apart() {
        for (accept, takes) in [
            (&[][..], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["text/html, application/*;q=0.5"], true),
            (&["text/html", "Application/JSON; charset=utf-8"], true),
            (&["text/html"], false),
            (&["application/json;q=0"], false),
            (&["application/xml, text/*"], false),
        ] {
            let headers = accept.iter().map(|line| (header::ACCEPT, line.parse().unwrap())).collect();
            assert_eq!(accepts_json(&headers), takes, "{accept:?}");
        }
    }

    #[tokio::test]
    async fn who_makes_tokens_up_holds_nobody_up_whose_token_is_good() {
        let lookups = Lookups::default();
        lookups.note([0; 32], true);
        let never = async || std::future::pending().await;
        let made_up = (1..20).map(|token| lookups.get([token; 32], false, never));
        let mut made_up = futures::future::join_all(made_up);
        for _ in 0..20 {
            assert!(futures::poll!(&mut made_up).is_pending());
        }
        assert_eq!(lookups.newcomers.available_permits(), 0);
        assert!(lookups.get([0; 32], false, async || Ok(None)).await.is_ok_and(|found| found.is_none()));
        assert!(!lookups.good().contains(&[0; 32]), "it is not any more");
    }

    #[test]
    fn a_path_names_its_methods() {
        let both = [("GET", Scope::CompaniesRead), ("POST", Scope::CompaniesWrite)];
        assert_eq!(allowed(&both), "GET, HEAD, POST");
    }
}
