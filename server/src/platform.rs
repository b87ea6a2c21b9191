//! What everybody is told about our own app registration.

use app::domain::{PlatformNotice, Timestamp};

use crate::{
    microsoft::Microsoft,
    store::{Store, StoreError},
};

/// Knows what is wrong with our app registration, and what soon will be.
#[derive(Clone)]
pub struct Platform {
    store: Store,
    microsoft: Option<Microsoft>,
}

impl Platform {
    /// Of the app registration that is configured, if one is.
    pub const fn new(store: Store, microsoft: Option<Microsoft>) -> Self {
        Self { store, microsoft }
    }

    /// What there is to tell, the worst first.
    pub async fn notices(&self, now: Timestamp) -> Result<Vec<PlatformNotice>, StoreError> {
        let Some(microsoft) = &self.microsoft else { return Ok(Vec::new()) };
        let fault = self.store.platform_fault().await?;
        let fault = fault.map(|seen| PlatformNotice::of_fault(seen.fault, seen.since, seen.details));
        let certificate = microsoft.certificate_ends().and_then(|ends| PlatformNotice::of_certificate(ends, now));
        Ok(fault.into_iter().chain(certificate).collect())
    }
}
