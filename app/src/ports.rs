//! What the server provides to the server functions.

use async_trait::async_trait;

use crate::{
    api::companies::{CompanyChanges, CompanyList},
    domain::{CompanyId, Timestamp},
    error::AppError,
};

/// The list of companies.
#[async_trait]
pub trait Companies: Send + Sync {
    /// All of them, by name.
    async fn list(&self) -> Result<CompanyList, AppError>;

    /// Those that changed at or after `since`, by the server's clock.
    async fn changes(&self, since: Timestamp) -> Result<CompanyChanges, AppError>;
}

/// Tries at connecting a company.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Ends the company's open attempts. None being open is no failure: the wish is fulfilled.
    async fn cancel(&self, company: CompanyId) -> Result<(), AppError>;
}

/// Connections to tenants.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Makes the company's sync due now.
    async fn sync_now(&self, company: CompanyId) -> Result<(), AppError>;
}
