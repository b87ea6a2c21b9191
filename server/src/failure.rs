//! Failures of ours: the cause goes to the log, a reference to the person.

use app::error::{AppError, ErrorCode};
use uuid::Uuid;

use crate::store::StoreError;

/// Logs a cause once, and answers what may be said about it.
#[expect(clippy::needless_pass_by_value, reason = "it is used as `map_err(internal)`")]
pub fn internal(error: StoreError) -> AppError {
    let reference = Uuid::new_v4();
    if let Some(trouble) = error.trouble() {
        tracing::error!(%error, %reference, "a request failed because of the database");
        let message = format!("{} Try again then; support finds it as {reference}.", trouble.say());
        return AppError::new(ErrorCode::Unavailable, message);
    }
    tracing::error!(%error, %reference, "a request failed");
    let message = format!("Something went wrong on the server. Try again; support finds it as {reference}.");
    AppError::new(ErrorCode::Internal, message)
}
