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
use std::time::Duration;

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
use crate::ledger::Arrival;
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

/// What precedes an answer: whether it is to be spoilt.
#[derive(Default)]
struct Spoilt {
    cut: bool,
    malformed: bool,
    next_link: Option<String>,
}

impl Spoilt {
    fn of(fault: &AnswerFault) -> Self {
        Self { cut: fault.cut_body, malformed: fault.malformed_body, next_link: fault.next_link.clone() }
    }

    fn spoil(self, mut answer: Answer) -> Answer {
        if let Some(link) = self.next_link {
            if let Some(body) = answer.body.as_object_mut() {
                body.remove("@odata.deltaLink");
            }
            answer.body["@odata.nextLink"] = link.into();
        }
        Answer { cut: self.cut, malformed: self.malformed, ..answer }
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
        let outcome = match precede(&shared, caller.as_ref().ok(), "/v1.0/$batch", "", Arrival::Alone).await {
            Err(answer) => return answer.into_http(),
            Ok(spoilt) => match caller {
                Ok(_) => batch::batch(&shared, &headers, &body, &base).await.map(|answer| Answer {
                    cut: answer.cut || spoilt.cut,
                    malformed: spoilt.malformed,
                    ..answer
                }),
                Err(error) => Err(error),
            },
        };
        return outcome.unwrap_or_else(|error| error.answer(now_ms)).into_http();
    }
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = query.as_deref().unwrap_or_default();
    let request = Request { method: method.as_str(), path: &path, query, prefer, arrival: Arrival::Alone };
    answer_one(&shared, &headers, &request, &base).await.into_http()
}

/// Counts a request, and lets a fault or the tenant's budget answer it; else says how the answer is to be spoilt.
async fn precede(
    shared: &Shared,
    caller: Option<&Caller>,
    path: &str,
    query: &str,
    arrival: Arrival,
) -> Result<Spoilt, Answer> {
    let tenant = caller.map(|caller| caller.tenant);
    let now_ms = shared.clock.now_ms();
    let (fault, admitted, latency) = {
        let mut world = shared.world();
        world.ledger.request(tenant.map_or_else(|| "unknown".into(), |id| id.to_string()), path.into(), arrival);
        // The parts of a batch are answered at the same time.
        let latency = if arrival == Arrival::Alone { world.conditions.latency } else { Duration::ZERO };
        let people = tenant.and_then(|id| world.tenant(id)).map_or(0, |tenant| tenant.directory.population());
        let admitted = match tenant {
            // A batch costs what its parts cost.
            Some(tenant) if path != "/v1.0/$batch" => world.throttle.admit(tenant, people, path, query, now_ms),
            _ => Ok(()),
        };
        let fault = world.faults.take_answer(path, tenant);
        if let (Some(tenant), Some(seconds)) = (tenant, fault.as_ref().and_then(|fault| fault.retry_after)) {
            world.throttle.wait(tenant, path, seconds, now_ms);
        }
        (fault, admitted, latency)
    };
    tokio::time::sleep(latency).await;
    if let Err(seconds) = admitted {
        return Err(throttled(seconds).answer(now_ms));
    }
    let Some(fault) = fault else { return Ok(Spoilt::default()) };
    tokio::time::sleep(fault.delay()).await;
    if fault.proceeds() {
        return Ok(Spoilt::of(&fault));
    }
    Err(Spoilt::of(&fault).spoil(fault_error(&fault).answer(shared.clock.now_ms())))
}

fn throttled(seconds: u32) -> GraphError {
    let mut error = GraphError::new(429, "TooManyRequests", "Too many requests");
    error.headers.push(("retry-after", seconds.to_string()));
    error
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

/// A request, alone or inside a batch.
struct Request<'a> {
    method: &'a str,
    /// Below `/v1.0/`.
    path: &'a str,
    query: &'a str,
    prefer: &'a str,
    arrival: Arrival,
}

/// Answers one request.
async fn answer_one(shared: &Shared, headers: &HeaderMap, request: &Request<'_>, base: &str) -> Answer {
    let Request { method, path, query, prefer, arrival } = *request;
    let now_ms = shared.clock.now_ms();
    let caller = Caller::read(&shared.world(), headers, now_ms);
    let spoilt = match precede(shared, caller.as_ref().ok(), &format!("/v1.0/{path}"), query, arrival).await {
        Ok(spoilt) => spoilt,
        Err(answer) => return answer,
    };
    let outcome = caller.and_then(|caller| {
        let world = shared.world();
        let query = Query::read(query);
        let asked = Asked { world: &world, caller: &caller, query: &query, prefer, base, now_ms };
        route(&asked, method, path)
    });
    spoilt.spoil(outcome.unwrap_or_else(|error| error.answer(now_ms)))
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
