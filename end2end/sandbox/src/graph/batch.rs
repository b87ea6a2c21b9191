//! `POST /$batch`: up to 20 requests in one, each answered on its own.

use std::collections::{HashMap, HashSet};

use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Request;
use super::answer::{Answer, GraphError};
use crate::faults::GARBLED;
use crate::ledger::Arrival;
use crate::shared::Shared;

const MOST: usize = 20;

#[derive(Debug, Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default, rename = "dependsOn")]
    depends_on: Vec<String>,
}

/// Answers every part, with the same token and with faults and permissions of its own.
pub async fn batch(shared: &Shared, headers: &HeaderMap, body: &[u8], base: &str) -> Result<Answer, GraphError> {
    let batch: Batch = serde_json::from_slice(body)
        .map_err(|error| GraphError::new(400, "BadRequest", format!("Invalid batch payload format: {error}.")))?;
    if batch.requests.is_empty() || batch.requests.len() > MOST {
        return Err(GraphError::new(
            400,
            "BadRequest",
            format!("Number of batch request steps must be between 1 and {MOST}."),
        ));
    }
    let ids: HashSet<&str> = batch.requests.iter().map(|part| part.id.as_str()).collect();
    if ids.len() != batch.requests.len() {
        return Err(GraphError::new(400, "BadRequest", "Duplicate request ids in the batch."));
    }
    let mut statuses: HashMap<&str, u16> = HashMap::new();
    let mut cut = false;
    let mut responses = Vec::new();
    for part in &batch.requests {
        // A part waits for those that it depends on, which stand before it; where one failed, it is not asked for.
        if let Some(unknown) = part.depends_on.iter().find(|id| !statuses.contains_key(id.as_str())) {
            let message =
                format!("The dependsOn of request '{}' names '{unknown}', which no request before it has.", part.id);
            return Err(GraphError::new(400, "BadRequest", message));
        }
        if part.depends_on.iter().any(|id| statuses.get(id.as_str()).is_none_or(|status| *status >= 400)) {
            let error = GraphError::new(424, "FailedDependency", "A request that this one depends on has failed.");
            statuses.insert(&part.id, 424);
            responses.push(response(&part.id, error.answer(shared.clock.now_ms())));
            continue;
        }
        let url = part.url.trim_start_matches('/');
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = decoded(path);
        let prefer = part.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        let prefer = prefer.and_then(|(_, value)| value.as_str()).unwrap_or_default();
        let request = Request { method: &part.method, path: &path, query, prefer, arrival: Arrival::InBatch };
        let answer = super::answer_one(shared, headers, &request, base).await;
        statuses.insert(&part.id, answer.status);
        cut |= answer.cut;
        responses.push(response(&part.id, answer));
    }
    // Microsoft promises no order: whoever counts on one shall find out here.
    responses.reverse();
    Ok(Answer { cut, ..Answer::ok(json!({ "responses": responses })) })
}

fn response(id: &str, answer: Answer) -> Value {
    let mut headers = json!({ "Content-Type": "application/json" });
    for (name, value) in &answer.headers {
        headers[header_case(name)] = json!(value);
    }
    // What is no JSON comes as a text.
    let body = if answer.malformed { GARBLED.into() } else { answer.body };
    json!({ "id": id, "status": answer.status, "headers": headers, "body": body })
}

/// `retry-after` as it is written in a batch: `Retry-After`.
fn header_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}

/// A path without its percent signs; a plus stays a plus.
fn decoded(path: &str) -> String {
    let pair = format!("path={}", path.replace('+', "%2B"));
    let first = url::form_urlencoded::parse(pair.as_bytes()).next();
    first.map(|(_, path)| path.into_owned()).unwrap_or_default()
}
