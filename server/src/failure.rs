//! Failures of ours: the cause goes to the log, the name of the request to the person.

use app::error::{AppError, ErrorCode};

use crate::{request_id::RequestId, store::StoreError};

/// Logs a cause once, and answers what may be said about it.
#[expect(clippy::needless_pass_by_value, reason = "it is used as `map_err(internal)`")]
pub fn internal(error: StoreError) -> AppError {
    if let Some(trouble) = error.trouble() {
        tracing::error!(%error, "a request failed because of the database");
        let message = with_reference(&format!("{} Try again then.", trouble.say()));
        return AppError::new(ErrorCode::Unavailable, message);
    }
    tracing::error!(%error, "a request failed");
    AppError::new(ErrorCode::Internal, with_reference("Something went wrong on the server. Try again."))
}

/// A sentence about what nobody expected, with what support finds it by in the log.
pub fn with_reference(text: &str) -> String {
    match RequestId::current() {
        Some(id) => format!("{text} Reference: {id}"),
        None => text.to_owned(),
    }
}
