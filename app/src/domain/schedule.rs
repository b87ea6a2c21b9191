//! When a connection is read next, and what a round of reading means for it.

use std::time::Duration;

use super::{Phase, Problem, ReconnectReason, Timestamp};

/// How long after consent a missing grant is explained by Microsoft's own delay.
/// Seconds as a rule, two minutes at times.
pub const CONSENT_SETTLES_WITHIN: Duration = Duration::from_mins(2);

/// What one round of reading a tenant came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// There was a token; each data set that failed, and how.
    Read {
        /// The problems, in no order. Empty: everything was read.
        problems: Vec<Problem>,
        /// How long Microsoft asks to wait before what failed is asked for again.
        retry_after: Option<Duration>,
    },
    /// There was no token, or none with a grant in it.
    NoGrant(ReconnectReason),
    /// Microsoft asks to wait, or could not be reached.
    Unavailable {
        /// How long Microsoft asks to wait.
        retry_after: Option<Duration>,
    },
    /// Our own app registration is refused. No company's fault.
    AppRegistration,
}

/// What follows from a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Where the connection stands now.
    pub phase: Phase,
    /// When it is read again, before any jitter.
    pub after: Duration,
    /// How many rounds in a row did not succeed.
    pub tries: u32,
}

/// Decides what follows from a round.
///
/// `since` is when the connection was made or last renewed, `tries` how many rounds in a row had failed before,
/// `every` the wish of who runs Tenantry.
pub fn after_round(phase: Phase, since: Timestamp, tries: u32, round: &Round, now: Timestamp, every: Duration) -> Next {
    let failed = tries.saturating_add(1);
    let young = now.since(since) < CONSENT_SETTLES_WITHIN;
    match round {
        Round::Read { problems, .. } if young && problems.contains(&Problem::PermissionMissing) => {
            Next { phase, after: verifying_pause(failed), tries: failed }
        }
        Round::Read { problems, retry_after } if problems.contains(&Problem::Temporary) => Next {
            phase: Phase::Active,
            after: retry_after.unwrap_or_default().max(pause(failed).min(every)),
            tries: failed,
        },
        Round::Read { .. } => Next { phase: Phase::Active, after: every, tries: 0 },
        Round::NoGrant(_) if young && phase == Phase::Verifying => {
            Next { phase, after: verifying_pause(failed), tries: failed }
        }
        // It may still come: a company that was just connected is not told to reconnect, it is asked about slowly.
        Round::NoGrant(ReconnectReason::ConsentRemoved | ReconnectReason::AppRemoved) if phase == Phase::Verifying => {
            Next { phase, after: Duration::from_mins(5).min(every), tries: failed }
        }
        Round::NoGrant(reason) => {
            Next { phase: Phase::NeedsReconnect(*reason), after: every.max(Duration::from_hours(6)), tries: failed }
        }
        Round::Unavailable { retry_after } => {
            Next { phase, after: retry_after.unwrap_or_default().max(pause(failed)), tries: failed }
        }
        Round::AppRegistration => Next { phase, after: pause(failed), tries: failed },
    }
}

/// 1, 2, 4, 8, then 10 seconds: a person is looking at "Verifying…".
fn verifying_pause(failed: u32) -> Duration {
    Duration::from_secs(1 << failed.saturating_sub(1).min(4)).min(Duration::from_secs(10))
}

/// 5 seconds, doubling to 30 minutes.
fn pause(failed: u32) -> Duration {
    Duration::from_secs(5 << failed.saturating_sub(1).min(10)).min(Duration::from_mins(30))
}

/// Spreads `after` by up to a tenth either way, so that companies connected together do not stay together.
/// `dice` is anything random.
pub fn jitter(after: Duration, dice: u32) -> Duration {
    let tenth = after / 10;
    after.saturating_sub(tenth) + (tenth * 2).mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SINCE: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const EVERY: Duration = Duration::from_hours(6);

    fn next(phase: Phase, round: &Round, after_secs: u64) -> Next {
        after_round(phase, SINCE, 0, round, SINCE.plus(Duration::from_secs(after_secs)), EVERY)
    }

    #[test]
    fn a_grant_that_is_not_yet_in_effect_is_waited_for() {
        let missing = Round::Read { problems: vec![Problem::PermissionMissing; 5], retry_after: None };
        for round in [&missing, &Round::NoGrant(ReconnectReason::ConsentRemoved)] {
            let next = next(Phase::Verifying, round, 30);
            assert_eq!(next.phase, Phase::Verifying);
            assert!(next.after <= Duration::from_secs(10));
        }
    }

    #[test]
    fn after_two_minutes_a_missing_permission_limits_and_a_missing_grant_is_asked_about_slowly() {
        let missing = Round::Read { problems: vec![Problem::PermissionMissing], retry_after: None };
        assert_eq!(next(Phase::Verifying, &missing, 120), Next { phase: Phase::Active, after: EVERY, tries: 0 });
        let none = next(Phase::Verifying, &Round::NoGrant(ReconnectReason::ConsentRemoved), 120);
        assert_eq!((none.phase, none.after), (Phase::Verifying, Duration::from_mins(5)));
    }

    #[test]
    fn a_grant_that_was_in_effect_and_is_gone_needs_a_reconnect() {
        let reason = ReconnectReason::AppRemoved;
        assert_eq!(next(Phase::Active, &Round::NoGrant(reason), 1).phase, Phase::NeedsReconnect(reason));
    }

    #[test]
    fn what_passes_by_itself_changes_no_state() {
        let reason = ReconnectReason::SignInExpired;
        for phase in [Phase::Verifying, Phase::Active, Phase::NeedsReconnect(reason)] {
            for round in [Round::Unavailable { retry_after: None }, Round::AppRegistration] {
                assert_eq!(next(phase, &round, 10_000).phase, phase);
            }
        }
    }

    #[test]
    fn microsofts_wish_to_wait_is_obeyed() {
        let round = Round::Unavailable { retry_after: Some(Duration::from_hours(1)) };
        assert_eq!(next(Phase::Active, &round, 1).after, Duration::from_hours(1));
    }

    proptest! {
        #[test]
        fn pauses_grow_and_end(failed in 1u32..1_000) {
            prop_assert!(pause(failed) <= pause(failed + 1));
            prop_assert!(pause(failed) <= Duration::from_mins(30));
            prop_assert!(verifying_pause(failed) <= Duration::from_secs(10));
        }

        #[test]
        fn jitter_stays_within_a_tenth(secs in 1u64..1_000_000, dice: u32) {
            let after = Duration::from_secs(secs);
            let spread = jitter(after, dice);
            prop_assert!(spread >= after * 9 / 10 && spread <= after * 11 / 10 + Duration::from_millis(1));
        }
    }
}
