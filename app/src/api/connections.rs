//! Connections to tenants.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{domain::CompanyId, error::AppError};

/// Makes the sync of every connected company due now. Answers how many there are.
#[server(prefix = "/api", endpoint = "connections/sync-all", protocol = Shared<Json>)]
pub async fn sync_all() -> Result<u64, AppError> {
    super::port::<dyn crate::ports::Connections>()?.sync_all().await
}

/// Makes the company's sync due now.
#[server(prefix = "/api", endpoint = "connections/sync", protocol = Shared<Json>)]
pub async fn sync_now(company: CompanyId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Connections>()?.sync_now(company).await
}
