//! The opaque tokens in next links and delta links.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a reader is; clients must not look inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cursor {
    /// Which list it belongs to.
    pub list: List,
    /// Whose.
    pub tenant: Uuid,
    /// Where to go on: the next person's number, or the next change's.
    pub from: usize,
    /// The page size asked for at first.
    pub page: usize,
    /// `$select` of the first request.
    pub select: Option<Vec<String>>,
    /// The version of the directory when the round began.
    pub version: usize,
    /// For rounds that only tell changes: the version that they begin after.
    pub since: Option<usize>,
    /// Which log the versions count in.
    pub epoch: u64,
    /// When it was handed out, in milliseconds.
    pub issued_ms: i64,
}

/// The lists that have pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    /// `/users`
    Users,
    /// `/users/delta`
    Delta,
    /// `/security/secureScores`
    Scores,
}

impl Cursor {
    /// As it stands in a link.
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads one back; none if it was not made here for that list and tenant.
    pub fn read(text: &str, list: List, tenant: Uuid) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&bytes).ok()?;
        (cursor.list == list && cursor.tenant == tenant).then_some(cursor)
    }
}
