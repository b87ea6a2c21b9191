//! Microsoft Graph: what a token may read of its tenant.

mod access;
mod answer;
mod batch;
mod cursor;
mod delta;
mod me;
mod organization;
mod query;
mod security;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, Method};

use self::access::Caller;
use self::answer::{Answer, GraphError};
use self::query::Query;
use crate::faults::AnswerFault;
use crate::shared::Shared;
use crate::tenants::Tenant;
use crate::world::World;

/// Everything below `/v1.0`.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/v1.0/{*path}", any(graph))
}

/// One request to a data set, with its caller.
struct Asked<'a> {
    world: &'a World,
    caller: &'a Caller,
    query: &'a Query,
    prefer: &'a str,
    base: &'a str,
    now_ms: i64,
}

impl Asked<'_> {
    /// The caller's tenant.
    fn tenant(&self) -> Result<&Tenant, GraphError> {
        self.world
            .tenant(self.caller.tenant)
            .ok_or_else(|| GraphError::token("The tenant of the token does not exist."))
    }
}

async fn graph(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let base = shared.base(&headers);
    if path == "$batch" && method == Method::POST {
        let now_ms = shared.clock.now_ms();
        let caller = Caller::read(&shared.world(), &headers, now_ms);
        let outcome = match precede(&shared, caller.as_ref().ok(), "/v1.0/$batch").await {
            Err(answer) => return answer.into_http(),
            Ok(cut) => match caller {
                Ok(_) => batch::batch(&shared, &headers, &body, &base).await.map(|answer| Answer { cut, ..answer }),
                Err(error) => Err(error),
            },
        };
        return outcome.unwrap_or_else(|error| error.answer(now_ms)).into_http();
    }
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    answer_one(&shared, &headers, method.as_str(), &path, query.as_deref().unwrap_or_default(), prefer, &base)
        .await
        .into_http()
}

/// Counts a request and lets a fault answer it; else says whether the answer is to be cut.
async fn precede(shared: &Shared, caller: Option<&Caller>, path: &str) -> Result<bool, Answer> {
    let tenant = caller.map(|caller| caller.tenant);
    let fault = {
        let mut world = shared.world();
        world.ledger.request(tenant.map_or_else(|| "unknown".into(), |id| id.to_string()), path.into());
        world.faults.take_answer(path, tenant)
    };
    let Some(fault) = fault else { return Ok(false) };
    tokio::time::sleep(fault.delay()).await;
    if fault.proceeds() {
        return Ok(fault.cut_body);
    }
    Err(Answer { cut: fault.cut_body, ..fault_error(&fault).answer(shared.clock.now_ms()) })
}

/// The refusal that a fault ordered, in Graph's form.
fn fault_error(fault: &AnswerFault) -> GraphError {
    let status = if fault.status == 0 { 400 } else { fault.status };
    let (code, message) = match status {
        401 => ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
        403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        404 => ("Request_ResourceNotFound", "Resource does not exist."),
        410 => {
            ("syncStateNotFound", "The sync state generation is not found. Please start a new full synchronization.")
        }
        429 => ("TooManyRequests", "Please retry again later."),
        503 => ("ServiceUnavailable", "The service is temporarily unavailable."),
        504 => ("GatewayTimeout", "The request timed out."),
        500.. => ("InternalServerError", "An internal server error occurred."),
        _ => ("BadRequest", "The request was refused."),
    };
    let mut error = GraphError::new(status, fault.word().unwrap_or_else(|| code.into()), message);
    if let Some(seconds) = fault.retry_after {
        error.headers.push(("retry-after", seconds.to_string()));
    }
    error
}

/// Answers one request, alone or inside a batch.
async fn answer_one(
    shared: &Shared,
    headers: &HeaderMap,
    method: &str,
    path: &str,
    query: &str,
    prefer: &str,
    base: &str,
) -> Answer {
    let now_ms = shared.clock.now_ms();
    let caller = Caller::read(&shared.world(), headers, now_ms);
    let cut = match precede(shared, caller.as_ref().ok(), &format!("/v1.0/{path}")).await {
        Ok(cut) => cut,
        Err(answer) => return answer,
    };
    let outcome = caller.and_then(|caller| {
        let world = shared.world();
        let query = Query::read(query);
        let asked = Asked { world: &world, caller: &caller, query: &query, prefer, base, now_ms };
        route(&asked, method, path)
    });
    let answer = outcome.unwrap_or_else(|error| error.answer(now_ms));
    Answer { cut, ..answer }
}

fn route(asked: &Asked<'_>, method: &str, path: &str) -> Result<Answer, GraphError> {
    if !method.eq_ignore_ascii_case("GET") {
        return Err(GraphError::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        ));
    }
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    match segments.as_slice() {
        ["organization"] => organization::organization(asked),
        ["users"] => users::list(asked),
        ["users", "delta" | "delta()" | "microsoft.graph.delta()" | "microsoft.graph.delta"] => delta::delta(asked),
        ["users", name] => users::one(asked, name),
        ["subscribedSkus"] => organization::subscribed_skus(asked),
        ["domains"] => organization::domains(asked),
        ["domains", name] => organization::one_domain(asked, name),
        ["security" | "Security", "secureScores"] => security::secure_scores(asked),
        ["security" | "Security", "secureScoreControlProfiles"] => security::control_profiles(asked),
        ["me"] => me::me(asked),
        ["me", "transitiveMemberOf" | "memberOf"] => me::member_of(asked, false),
        ["me", "transitiveMemberOf" | "memberOf", "microsoft.graph.directoryRole" | "graph.directoryRole"] => {
            me::member_of(asked, true)
        }
        [unknown, ..] => {
            Err(GraphError::new(400, "BadRequest", format!("Resource not found for the segment '{unknown}'.")))
        }
        [] => Err(GraphError::bad_request("The path is empty.")),
    }
}
