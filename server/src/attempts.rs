//! Ending attempts by the wish of a person.

use app::{
    domain::CompanyId,
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;

use crate::{failure::internal, store::Store};

/// Ends attempts.
pub struct Attempts {
    store: Store,
}

impl Attempts {
    /// Of this store.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl ports::Attempts for Attempts {
    async fn cancel(&self, company: CompanyId) -> Result<(), AppError> {
        if self.store.company(company).await.map_err(internal)?.is_none() {
            return Err(AppError::new(ErrorCode::NotFound, "There is no such company. Reload the page."));
        }
        self.store.cancel_attempts(company).await.map_err(internal)
    }
}
