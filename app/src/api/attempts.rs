//! Tries at connecting a company. They begin with a navigation to `/connect/start`, not here.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{domain::CompanyId, error::AppError};

/// Ends the company's open attempts.
#[server(prefix = "/api", endpoint = "attempts/cancel", protocol = Shared<Json>)]
pub async fn cancel_attempts(company: CompanyId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Attempts>()?.cancel(company).await
}
