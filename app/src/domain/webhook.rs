//! Where other programs are told of what happens: <https://www.standardwebhooks.com>.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DeliveryId, NoticeKind, Timestamp, WebhookId};

/// The most webhooks that there may be: each has deliveries of its own under way.
pub const WEBHOOKS_MAX: usize = 20;

/// The longest address.
pub const URL_MAX: usize = 2_000;

/// How long the secret before still signs beside the new one.
pub const SECRETS_OVERLAP: Duration = Duration::from_hours(24);

/// The type of the event that somebody sends to try it out.
pub const TEST_EVENT: &str = "notifications.test";

/// How long after the try before each try comes, as Standard Webhooks recommends.
const SCHEDULE: [Duration; 10] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// When to try again after `tries` failed ones; none once it is given up. `asked` is what the receiver wants to be waited
/// for, and `dice` spreads what failed at one moment.
pub fn next_try(tries: u32, asked: Option<Duration>, dice: u32) -> Option<Duration> {
    let wait = *usize::try_from(tries).ok().and_then(|tries| SCHEDULE.get(tries))?;
    // Up to a fifth more.
    let spread = wait.mul_f64(0.2 * f64::from(dice) / f64::from(u32::MAX));
    Some((wait + spread).max(asked.unwrap_or_default()).min(Duration::from_hours(29)))
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried when it is due.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// Its stable name in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed].into_iter().find(|state| state.key() == key)
    }
}

/// Whether a webhook is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Yes.
    Active,
    /// Somebody paused it. What happens meanwhile is not sent to it.
    Paused,
    /// Its receiver said that it is gone (410).
    Gone,
}

/// A webhook as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    /// Which one.
    pub id: WebhookId,
    /// Where it is.
    pub url: String,
    /// What it is told.
    pub kinds: Vec<NoticeKind>,
    /// Whether it is used.
    pub state: WebhookState,
    /// Until when the secret before signs too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<Timestamp>,
    /// What its latest delivery came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<DeliveryRow>,
}

/// A delivery as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Which one: the `webhook-id` that the receiver saw.
    pub id: DeliveryId,
    /// The type of the event.
    pub event: String,
    /// When it happened.
    pub made_at: Timestamp,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the answer took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u32>,
    /// Why the last try failed, in plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_over_days_and_end() {
        let mut total = Duration::ZERO;
        for tries in 1..10 {
            let soonest = next_try(tries, None, 0).expect("it goes on");
            let latest = next_try(tries, None, u32::MAX).expect("it goes on");
            assert!(soonest <= latest && latest <= soonest.mul_f64(1.2), "{tries}: {soonest:?} to {latest:?}");
            total += soonest;
        }
        assert!(total > Duration::from_hours(72) && total < Duration::from_hours(96), "{total:?}");
        assert_eq!(next_try(10, None, 0), None);
        assert_eq!(next_try(u32::MAX, None, 0), None);
    }

    #[test]
    fn a_receiver_is_waited_for_but_not_for_ever() {
        assert_eq!(next_try(1, Some(Duration::from_mins(7)), 0), Some(Duration::from_mins(7)));
        assert_eq!(next_try(2, Some(Duration::from_secs(1)), 0), Some(Duration::from_mins(5)));
        assert_eq!(next_try(1, Some(Duration::from_hours(900)), 0), Some(Duration::from_hours(29)));
    }

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for state in [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Failed] {
            assert_eq!(DeliveryState::from_key(state.key()), Some(state));
        }
    }
}
