//! What other programs send: bodies, and ids in paths. What can't be read is answered as a problem.

use std::{fmt::Display, str::FromStr};

use app::domain::CompanyId;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{
    super::limits::PROGRAM_BODY,
    problem::{Code, Problem},
};

/// The JSON of a body. A field that nobody knows is a mistake of who sent it, and said so.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let text = "Send the body as JSON, with the header Content-Type: application/json.";
            return Err(Problem::new(Code::UnsupportedMediaType, text));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                too_large()
            } else {
                Problem::new(Code::BadRequest, "The body did not arrive whole.")
            }
        })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::new(Code::BadRequest, format!("The body is not the JSON that is described: {error}."))
        })
    }
}

/// A body is larger than any that there is a use for.
pub fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A body has at most {} KiB.", PROGRAM_BODY / 1024))
}

/// Whether a body says that it is JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The company of a path.
pub struct Company(pub CompanyId);

impl<S: Send + Sync> FromRequestParts<S> for Company {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is no id names no company.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Problem::no_company());
        };
        id.parse().map(Self).map_err(|_| Problem::no_company())
    }
}

/// A parameter that is one of a few names, or has a form of its own.
pub fn parsed<T: FromStr>(name: &str, text: Option<&str>, what: impl Display) -> Result<Option<T>, Problem> {
    text.map(str::parse).transpose().map_err(|_| Problem::parameter(name, format!("It is {what}.")))
}

/// A parameter that is one of a few names.
pub fn named<T>(name: &str, text: Option<&str>, known: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    let unknown = || Problem::parameter(name, "It is none of the names that there are.");
    text.map(|text| known(text).ok_or_else(unknown)).transpose()
}

/// A text that is looked for. What no text of ours has, finds nothing, and PostgreSQL does not take it.
pub fn words(text: Option<String>) -> String {
    text.unwrap_or_default().replace(char::is_control, " ")
}
