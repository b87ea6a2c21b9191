//! What Graph answers: bodies, errors in Graph's form, and how they become HTTP.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::clock;
use crate::cut;
use crate::faults::GARBLED;
use crate::random::random_uuid;

/// An answer to one request, alone or inside a batch.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beyond the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Value,
    /// Whether the connection breaks in the middle of it.
    pub cut: bool,
    /// Whether something that is no JSON is sent in its place.
    pub malformed: bool,
}

impl Answer {
    /// A successful answer.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body, cut: false, malformed: false }
    }

    /// As an HTTP response of its own.
    pub fn into_http(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = if self.malformed { GARBLED.to_owned() } else { self.body.to_string() };
        let content =
            HeaderValue::from_static("application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8");
        let mut response = (status, [(header::CONTENT_TYPE, content)], text).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        if self.cut { cut::in_the_middle(response) } else { response }
    }
}

/// A refusal of Graph's.
#[derive(Debug, Clone)]
pub struct GraphError {
    /// The HTTP status.
    pub status: u16,
    /// What programs branch on.
    pub code: String,
    /// For people.
    pub message: String,
    /// Headers that belong to it.
    pub headers: Vec<(&'static str, String)>,
}

impl GraphError {
    /// A refusal without further headers.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), headers: Vec::new() }
    }

    /// 403: the token lacks the permission.
    pub fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 401: the token can't be used.
    pub fn token(message: impl Into<String>) -> Self {
        let mut error = Self::new(401, "InvalidAuthenticationToken", message);
        let challenge =
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"";
        error.headers.push(("www-authenticate", challenge.into()));
        error
    }

    /// 400: the request makes no sense to Graph.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: &str) -> Self {
        let message = format!(
            "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    /// In Graph's form.
    pub fn answer(self, now_ms: i64) -> Answer {
        let body = json!({
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": clock::iso(now_ms).trim_end_matches('Z'),
                    "request-id": random_uuid(),
                    "client-request-id": random_uuid(),
                },
            },
        });
        Answer { status: self.status, headers: self.headers, body, cut: false, malformed: false }
    }
}
