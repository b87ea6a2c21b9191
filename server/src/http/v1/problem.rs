//! What goes wrong, as RFC 9457 wants it: `application/problem+json`.

use app::{
    domain::{CompanyDraft, company_draft::FieldError},
    error::{AppError, ErrorCode},
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::DOCS_PATH;
use crate::{
    failure::internal,
    request_id::RequestId,
    store::{StoreError, lists::ListError},
};

/// What it is called in a response's `Content-Type`.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What kind of problem it is. Its name is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadRequest,
    Unauthorized,
    ScopeMissing,
    RoleMissing,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    Conflict,
    RequestUnderWay,
    RequestInterrupted,
    PreconditionFailed,
    BodyTooLarge,
    UnsupportedMediaType,
    Misdirected,
    Invalid,
    InvalidCursor,
    IdempotencyKeyReused,
    TooManyRequests,
    Internal,
    Unavailable,
}

impl Code {
    /// All of them, by status.
    pub const ALL: [Self; 21] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::ScopeMissing,
        Self::RoleMissing,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::Conflict,
        Self::RequestUnderWay,
        Self::RequestInterrupted,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::Misdirected,
        Self::Invalid,
        Self::InvalidCursor,
        Self::IdempotencyKeyReused,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its stable name.
    pub const fn key(self) -> &'static str {
        self.words().1
    }

    /// Its status.
    pub const fn status(self) -> StatusCode {
        self.words().0
    }

    /// What it is, for people.
    pub const fn title(self) -> &'static str {
        self.words().2
    }

    const fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad_request", "The request can't be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "No token, or one that is not good"),
            Self::ScopeMissing => (StatusCode::FORBIDDEN, "scope_missing", "The token does not let do this"),
            Self::RoleMissing => (StatusCode::FORBIDDEN, "role_missing", "Who made the token may not do this any more"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not with this method; see Allow")
            }
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Answers are JSON"),
            Self::RequestTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request did not arrive whole in time")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The state of the thing does not allow it"),
            Self::RequestUnderWay => {
                (StatusCode::CONFLICT, "request_under_way", "The first request with this key is not answered yet")
            }
            Self::RequestInterrupted => {
                (StatusCode::CONFLICT, "request_interrupted", "The first request with this key was interrupted")
            }
            Self::PreconditionFailed => {
                (StatusCode::PRECONDITION_FAILED, "precondition_failed", "It was changed since it was read")
            }
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Bodies are JSON")
            }
            Self::Misdirected => {
                (StatusCode::MISDIRECTED_REQUEST, "misdirected", "This is not the address of this server")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value breaks a rule"),
            Self::InvalidCursor => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_cursor", "The cursor is none of this list")
            }
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This key was used for another request within a day",
            ),
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests; see Retry-After")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something of ours went wrong"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again later"),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        Self::ALL.into_iter().find(|code| code.status() == status).unwrap_or(match status.as_u16() {
            400..=499 => Self::BadRequest,
            _ => Self::Internal,
        })
    }
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemBody {
    /// Where this kind of problem is described.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// What kind of problem it is, for people.
    title: &'static str,
    /// The response's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong, and what to do.
    detail: String,
    /// The stable name of the kind of problem.
    code: &'static str,
    /// What support finds the request by. The header `X-Request-Id` has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What is wrong with single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

/// What is wrong with a field of the body, or of the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Which one.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Something that went wrong, on its way to who asked.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    /// That of the code, or another one to which it is the nearest.
    status: StatusCode,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, status: code.status(), detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// There is no such company.
    pub fn no_company() -> Self {
        Self::new(Code::NotFound, "There is no company with this id.")
    }

    /// There is none that is in use.
    pub fn no_company_in_use() -> Self {
        Self::new(Code::NotFound, "There is no company with this id, or it is archived.")
    }

    /// A parameter of the query can't be taken.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            errors: vec![FieldProblem { field: name.to_owned(), detail: detail.clone() }],
            ..Self::new(Code::BadRequest, format!("The parameter {name} can't be taken: {detail}"))
        }
    }

    /// Fields of the body break rules.
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        let detail = details.join(" ");
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// With a header besides.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        self.headers.extend(value.try_into().ok().map(|value| (name, value)));
        self
    }

    /// One that was answered in another form, by what stands before us.
    pub fn from_status(status: StatusCode) -> Self {
        Self::of_status(status, format!("{}.", Code::of_status(status).title()))
    }

    /// One of this status, and of the kind that is nearest to it.
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, ..Self::new(Code::of_status(status), detail) }
    }

    fn body(&self) -> Vec<u8> {
        let body = ProblemBody {
            kind: format!("{DOCS_PATH}#{}", self.code.key()),
            title: self.code.title(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.key(),
            request_id: RequestId::current().map(|id| id.to_string()),
            errors: self.errors.clone(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The schema of the body, with its name; and that of what it is made of.
    pub fn schemas() -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)> {
        use utoipa::PartialSchema as _;

        vec![("Problem".to_owned(), ProblemBody::schema()), (FieldProblem::name().into_owned(), FieldProblem::schema())]
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], self.body()).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let code = match error.code {
            ErrorCode::BadRequest => Code::BadRequest,
            ErrorCode::Unauthorized => Code::Unauthorized,
            ErrorCode::Forbidden => Code::RoleMissing,
            ErrorCode::TooManyRequests => Code::TooManyRequests,
            ErrorCode::NotFound => Code::NotFound,
            ErrorCode::Conflict => Code::Conflict,
            ErrorCode::Invalid => Code::Invalid,
            ErrorCode::Internal => Code::Internal,
            ErrorCode::Unavailable | ErrorCode::Offline => Code::Unavailable,
        };
        Self::new(code, error.message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        internal(error).into()
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Store(error) => error.into(),
            ListError::Cursor => Self::cursor(),
            ListError::Order => Self::parameter("sort", "There is no such order across companies, or within one."),
        }
    }
}

impl Problem {
    /// A cursor that none of our answers had, or that of another list.
    pub fn cursor() -> Self {
        let text = "The cursor was not made for this list and these filters. Begin without one.";
        Self {
            errors: vec![FieldProblem { field: "cursor".to_owned(), detail: text.to_owned() }],
            ..Self::new(Code::InvalidCursor, text)
        }
    }
}

/// What is wrong with what somebody wrote down about a company.
pub fn draft(texts: &app::domain::CompanyTexts) -> Result<CompanyDraft, Problem> {
    CompanyDraft::parse(texts).map_err(|errors| {
        let problem =
            |error: &FieldError| FieldProblem { field: error.field.key().to_owned(), detail: error.sentence() };
        Problem::fields(errors.iter().map(problem).collect())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_of_problem_has_a_name_of_its_own() {
        let keys: BTreeSet<&str> = Code::ALL.iter().map(|code| code.key()).collect();
        assert_eq!(keys.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| !code.title().ends_with('.') && code.status().as_u16() >= 400));
    }

    #[test]
    fn a_body_has_the_status_of_its_response() {
        for (status, code) in [(408, "request_timeout"), (421, "misdirected"), (414, "bad_request"), (502, "internal")]
        {
            let problem = Problem::from_status(StatusCode::from_u16(status).unwrap_or_default());
            let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap_or_default();
            assert_eq!((&body["status"], &body["code"]), (&status.into(), &code.into()));
            assert_eq!(problem.into_response().status(), status);
        }
    }

    #[test]
    fn what_went_wrong_is_said_in_one_form() {
        let problem = Problem::parameter("limit", "It is a number from 1 to 200.");
        let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap_or_default();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "/api/v1/docs#bad_request",
                "title": "The request can't be read",
                "status": 400,
                "detail": "The parameter limit can't be taken: It is a number from 1 to 200.",
                "code": "bad_request",
                "errors": [{ "field": "limit", "detail": "It is a number from 1 to 200." }],
            })
        );
    }
}
