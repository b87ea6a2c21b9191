//! The closed list of failures that a page can show.

use serde::{Deserialize, Serialize};
#[cfg(feature = "api")]
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use thiserror::Error;

/// What kind of failure it is. Its name on the wire is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request can't be read.
    BadRequest,
    /// Nobody is signed in, or the session has ended.
    Unauthorized,
    /// The role may not do this.
    Forbidden,
    /// Too often. The message says when to try again.
    TooManyRequests,
    /// There is no such thing.
    NotFound,
    /// The state of the thing does not allow it.
    Conflict,
    /// A value breaks a rule.
    Invalid,
    /// Something of ours went wrong. The cause is in the log, under the reference in the message.
    Internal,
    /// Try again later: the database or the server is not ready.
    Unavailable,
    /// Only in the browser: the server did not answer.
    Offline,
}

/// A failure as it goes over the wire: a stable code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct AppError {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What happened and what to do, without any secret or internal cause.
    pub message: String,
}

impl AppError {
    /// A failure of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The HTTP status that fits.
    pub const fn status(&self) -> u16 {
        match self.code {
            ErrorCode::BadRequest => 400,
            ErrorCode::Unauthorized => 401,
            ErrorCode::Forbidden => 403,
            ErrorCode::TooManyRequests => 429,
            ErrorCode::NotFound => 404,
            ErrorCode::Conflict => 409,
            ErrorCode::Invalid => 422,
            ErrorCode::Internal => 500,
            ErrorCode::Unavailable | ErrorCode::Offline => 503,
        }
    }
}

#[cfg(feature = "api")]
impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self::new(ErrorCode::Offline, "The server could not be reached. Check your connection and try again.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(ErrorCode::BadRequest, "The request could not be read. Reload the page and try again.")
            }
            _ => Self::new(ErrorCode::Internal, "Something went wrong. Reload the page and try again."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_on_the_wire_is_a_code_and_a_message() -> Result<(), serde_json::Error> {
        let error = AppError::new(ErrorCode::NotFound, "There is no such company.");
        let json = serde_json::to_string(&error)?;
        assert_eq!(json, r#"{"code":"not_found","message":"There is no such company."}"#);
        assert_eq!(error.status(), 404);
        Ok(())
    }
}
