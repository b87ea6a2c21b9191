//! Connections to tenants.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{domain::CompanyId, error::AppError};

/// Of how many companies one call makes the sync due.
pub const MANY: usize = 10_000;

/// Makes the sync of these companies due now, [`MANY`] at most. Those that are not connected are left out. Answers how
/// many are left.
#[server(prefix = "/api", endpoint = "connections/sync-many", protocol = Shared<Json>)]
pub async fn sync_many(companies: Vec<CompanyId>) -> Result<u64, AppError> {
    if companies.len() > MANY {
        let text = format!("At most {MANY} companies are synced at once. Select fewer, or press Sync all.");
        return Err(AppError::new(crate::error::ErrorCode::Invalid, text));
    }
    super::port::<dyn crate::ports::Connections>()?.sync_many(companies).await
}

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
