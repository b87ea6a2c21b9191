//! The only reader of the clock. Ids are minted here too, because their first part is a time.

use std::time::{SystemTime, UNIX_EPOCH};

use app::domain::{AttemptId, CompanyId, ConnectionId, Timestamp};
use uuid::{NoContext, Uuid};

/// Tells the time. Tests bring their own.
pub trait Clock: Send + Sync {
    /// The time, UTC.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// An id that can be minted.
pub trait Mint: Sized {
    /// A new one (UUID v7), which sorts after those minted before `now`.
    fn mint(now: Timestamp) -> Self;
}

macro_rules! mint {
    ($($id:ty),+) => {
        $(impl Mint for $id {
            fn mint(now: Timestamp) -> Self {
                Self::from_uuid(uuid_v7(now))
            }
        })+
    };
}

mint!(CompanyId, ConnectionId, AttemptId);

fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let nanos = u32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1_000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_of_their_minting() {
        let earlier = CompanyId::mint(Timestamp::from_millis(1_700_000_000_000));
        let later = CompanyId::mint(Timestamp::from_millis(1_700_000_000_001));
        assert!(earlier < later);
        assert_ne!(later, CompanyId::mint(Timestamp::from_millis(1_700_000_000_001)));
    }
}
