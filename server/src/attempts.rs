//! Ending attempts by the wish of a person.

use app::{
    domain::CompanyId,
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;

use crate::{
    failure::internal,
    store::{Store, activity::Actor},
};

/// Ends attempts, in somebody's name.
pub struct Attempts {
    store: Store,
    by: Actor,
}

impl Attempts {
    /// For who is signed in.
    pub const fn new(store: Store, by: Actor) -> Self {
        Self { store, by }
    }
}

#[async_trait]
impl ports::Attempts for Attempts {
    async fn cancel(&self, company: CompanyId) -> Result<(), AppError> {
        if self.store.company(company).await.map_err(internal)?.is_none() {
            return Err(AppError::new(ErrorCode::NotFound, "There is no such company. Reload the page."));
        }
        self.store.cancel_attempts(company, &self.by).await.map_err(internal)
    }
}
