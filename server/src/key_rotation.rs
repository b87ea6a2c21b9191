//! Another key: everything is sealed with it while servers run.

use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::{
    store::{
        Store, StoreError,
        sealed::{PLACES, Sealed},
    },
    vault::{KeyFileError, KeyId, OpenError, Vault},
};

/// Why keys could not be rotated. What was sealed anew by then stays so, and everything opens as before: it can be
/// repeated.
#[derive(Debug, Error)]
pub enum RotationError {
    /// The key file can't be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the database's secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many are sealed with the newest key now that were not before.
    pub anew: u64,
    /// How many can't be opened with any key of the file.
    pub lost: u64,
    /// How many of these name a key of the file, and were changed or damaged since they were sealed with it.
    pub damaged: u64,
    /// The key that everything else is sealed with.
    pub sealed_with: KeyId,
    /// Whether servers seal with an older key still, so that these must not be forgotten.
    pub older_in_use: bool,
}

/// Seals everything with the newest key of the file. Whatever moment it is cut off at, each secret is sealed with one of
/// the keys in the file.
pub async fn seal_with_newest(store: &Store, vault: &Vault) -> Result<Rotated, RotationError> {
    let newest = vault.newest();
    let mut rotated = Rotated { sealed_with: newest, ..Rotated::default() };
    let damaged = AtomicU64::new(0);
    for place in PLACES {
        let anew = |sealed: &Sealed| {
            let secret = vault.open(sealed.row, &sealed.value);
            let secret = secret.inspect_err(|error| {
                if matches!(error, OpenError::Tampered) {
                    damaged.fetch_add(1, Ordering::Relaxed);
                }
                tracing::warn!(%error, ?place, row = %sealed.row, "left as it is");
            });
            Some(vault.seal(sealed.row, &secret.ok()?))
        };
        let (anew, lost) = store.seal_anew(place, newest, anew).await?;
        rotated.anew += anew;
        rotated.lost += lost;
    }
    let sealed_by = store.sealing_keys().await?;
    rotated.damaged = damaged.into_inner();
    let of_older: u64 =
        sealed_by.iter().filter(|(key, _)| *key != newest && vault.knows(key)).map(|(_, count)| count).sum();
    rotated.older_in_use = of_older > rotated.damaged;
    Ok(rotated)
}

/// How many of these secrets none of the keys opens.
pub fn secrets_of_unknown_keys(vault: &Vault, sealed_by: &[(Vec<u8>, u64)]) -> u64 {
    sealed_by.iter().filter(|(key, _)| !vault.knows(key)).map(|(_, count)| count).sum()
}
