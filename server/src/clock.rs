//! The only reader of the clock. Ids are minted here too, because their first part is a time.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use app::domain::{
    AccountId, ActivityId, ApiTokenId, AttemptId, CampaignId, CompanyId, ConnectionId, DeliveryId, LinkId, MailId,
    NoticeId, Timestamp, WebhookId,
};
use rand::RngCore as _;
use uuid::{Builder, Uuid};

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

mint!(
    CompanyId,
    ConnectionId,
    AttemptId,
    LinkId,
    CampaignId,
    AccountId,
    ActivityId,
    ApiTokenId,
    NoticeId,
    WebhookId,
    DeliveryId,
    MailId
);

/// Counts the ids of this process, so that those of one millisecond sort in the order of their minting too.
static MINTED: AtomicU32 = AtomicU32::new(0);

fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let mut rest = [0; 10];
    rand::rng().fill_bytes(&mut rest);
    // 4 bits beside the version, 8, 6 beside the variant, 8.
    let [high, middle, low, last] = MINTED.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    rest[0] = (high << 2) | (middle >> 6);
    rest[1] = (middle << 2) | (low >> 6);
    rest[2] = low & 0x3f;
    rest[3] = last;
    Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_of_their_minting() {
        let earlier = CompanyId::mint(Timestamp::from_millis(1_700_000_000_000));
        let later = CompanyId::mint(Timestamp::from_millis(1_700_000_000_001));
        assert!(earlier < later);
        assert!(later < CompanyId::mint(Timestamp::from_millis(1_700_000_000_001)));
    }
}
