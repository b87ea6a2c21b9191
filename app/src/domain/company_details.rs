//! A company by itself: its connection, and how old each of its data sets is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Access, CompanyRow, DataSet, OddityDetails, Problem, TenantId, Timestamp};

/// What the page of a company shows above everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyDetails {
    /// Its row.
    pub row: CompanyRow,
    /// Its connection, if it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionDetails>,
    /// What is left of its last connection, if it is connected no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnection: Option<DisconnectionDetails>,
    /// What is odd about it, the one to look at first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oddities: Vec<OddityDetails>,
}

impl CompanyDetails {
    /// How old each data set is. None: there are none.
    pub fn data_sets(&self) -> &[DataSetStatus] {
        match (&self.connection, &self.disconnection) {
            (Some(connection), _) => &connection.data_sets,
            (None, Some(disconnection)) => &disconnection.data_sets,
            (None, None) => &[],
        }
    }
}

/// What is left of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectionDetails {
    /// What the tenant calls itself.
    pub organisation: String,
    /// When it was ended.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Each data set, if they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sets: Vec<DataSetStatus>,
}

/// A connection, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionDetails {
    /// Which tenant.
    pub tenant: TenantId,
    /// What the tenant calls itself.
    pub organisation: String,
    /// The domain that new accounts get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// How it is read.
    pub access: Access,
    /// Who granted it, as their organisation calls them.
    pub connected_by: String,
    /// When.
    pub connected_at: Timestamp,
    /// When it is read next.
    pub next_sync: Timestamp,
    /// Whether it is being read now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub syncing: bool,
    /// Each data set, in the order in which they are shown.
    pub data_sets: Vec<DataSetStatus>,
}

/// How old a data set is, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSetStatus {
    /// Which.
    pub data_set: DataSet,
    /// When it was last read. None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Microsoft's own date of the data, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Timestamp>,
    /// What is wrong, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<(Problem, Timestamp)>,
    /// How much of it has come, while it is read for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub so_far: Option<u32>,
    /// Whether it should have been read again since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// The least age at which anything is called stale. Who syncs every minute does not want to hear of two.
const STALE_AT_LEAST: Duration = Duration::from_mins(15);

/// Whether data that were read then should have been read again since: two periods have passed without it. A period is
/// missed easily, by a restart or a queue.
pub fn is_stale(as_of: Timestamp, now: Timestamp, every: Duration) -> bool {
    now.since(as_of) > every.saturating_mul(2).max(STALE_AT_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_stale_after_two_periods_but_not_within_minutes() {
        let then = Timestamp::from_millis(1_700_000_000_000);
        let after = |age, every| is_stale(then, then.plus(age), every);
        let every = Duration::from_hours(6);
        assert!(!after(Duration::from_hours(12), every));
        assert!(after(Duration::from_hours(13), every));
        assert!(!after(Duration::from_mins(15), Duration::from_secs(30)));
        assert!(after(Duration::from_mins(16), Duration::from_secs(30)));
        assert!(!is_stale(then.plus(every), then, every), "a clock that is behind makes nothing stale");
    }
}
