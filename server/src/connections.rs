//! What a person may do with a connection.

use std::sync::Arc;

use app::{
    domain::CompanyId,
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    failure::internal,
    store::{Store, activity::Actor},
};

/// Changes connections, in somebody's name.
pub struct Connections {
    store: Store,
    /// Wakes the worker.
    work: Arc<Notify>,
    by: Actor,
}

impl Connections {
    /// For who is signed in.
    pub const fn new(store: Store, work: Arc<Notify>, by: Actor) -> Self {
        Self { store, work, by }
    }
}

#[async_trait]
impl ports::Connections for Connections {
    async fn sync_now(&self, company: CompanyId) -> Result<(), AppError> {
        if !self.store.make_due(company, &self.by).await.map_err(internal)? {
            return Err(AppError::new(
                ErrorCode::Conflict,
                "The company is not connected, so there is nothing to sync.",
            ));
        }
        self.work.notify_one();
        Ok(())
    }

    async fn sync_many(&self, mut companies: Vec<CompanyId>) -> Result<u64, AppError> {
        // In one order for everybody: of two who ask at once, none waits for the other for ever.
        companies.sort_unstable();
        companies.dedup();
        let companies = self.store.make_many_due(&companies, &self.by).await.map_err(internal)?;
        self.work.notify_one();
        Ok(companies)
    }

    async fn sync_all(&self) -> Result<u64, AppError> {
        let companies = self.store.make_all_due(&self.by).await.map_err(internal)?;
        self.work.notify_one();
        Ok(companies)
    }
}
