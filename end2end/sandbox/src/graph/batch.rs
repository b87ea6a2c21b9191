//! `POST /$batch`: up to 20 requests in one, each answered on its own.

use std::collections::HashSet;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, GraphError};
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
    let mut responses = Vec::new();
    for part in &batch.requests {
        let url = part.url.trim_start_matches('/');
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = decoded(path);
        let prefer = part.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        let prefer = prefer.and_then(|(_, value)| value.as_str()).unwrap_or_default();
        let answer = super::answer_one(shared, headers, &part.method, &path, query, prefer, base).await;
        let mut response_headers = json!({ "Content-Type": "application/json" });
        for (name, value) in &answer.headers {
            response_headers[header_case(name)] = json!(value);
        }
        responses.push(json!({
            "id": part.id,
            "status": answer.status,
            "headers": response_headers,
            "body": answer.body,
        }));
    }
    Ok(Answer::ok(json!({ "responses": responses })))
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
