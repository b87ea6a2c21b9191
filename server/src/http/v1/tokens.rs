//! Who asks: a program with a token. What it may ask for, the one table of the server says.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use app::domain::{Me, Scope};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        AppState, Routes,
        caller::{Access, access},
        listen::BoxRequest,
    },
    companies, idempotency,
    kept_pages::Version,
    lookups::Wanted,
    problem::{Code, PROBLEM_JSON, Problem},
};
use crate::{
    api_tokens::ApiToken,
    rate::{Allowance, Cost, whole_seconds},
    store::{StoreError, activity::Actor, api_tokens, sessions::TokenHash},
};

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
    /// Who comes with this token of theirs.
    pub fn of(me: Me, token: api_tokens::ApiToken, companies: Option<Version>) -> Self {
        Self { known: Arc::new(Known { me, token }), companies }
    }

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
    let program = match sent {
        Ok(sent) => program(state, sent, address, lists_companies).await,
        Err(problem) => Err(problem),
    };
    let program = match program {
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
        && let Some(program) = look_up(state, Wanted { token, lists_companies }).await?
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
async fn look_up(state: &AppState, wanted: Wanted) -> Result<Option<Program>, StoreError> {
    let (store, Wanted { token, lists_companies }) = (&state.store, wanted);
    let look_up = async || {
        let (companies, found) = if lists_companies {
            let ask = async |since| store.use_api_token_and_see_companies(token, since).await;
            let (version, found) = state.api.pages.version_by(store.now(), ask).await?;
            (Some(version), found)
        } else {
            (None, store.use_api_token(token).await?)
        };
        Ok(found.map(|(me, token)| Program::of(me, token, companies)))
    };
    state.api.lookups.get(wanted, || store.now(), async || store.visible().await, look_up).await
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

    #[test]
    fn a_path_names_its_methods() {
        let both = [("GET", Scope::CompaniesRead), ("POST", Scope::CompaniesWrite)];
        assert_eq!(allowed(&both), "GET, HEAD, POST");
    }
}
