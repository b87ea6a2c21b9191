//! When a connection is read next, and what a round of reading means for it.

use std::time::Duration;

use super::{Phase, Problem, ReconnectReason, Timestamp};

/// How long after consent a missing grant is explained by Microsoft's own delay.
/// Seconds as a rule, two minutes at times.
pub const CONSENT_SETTLES_WITHIN: Duration = Duration::from_mins(2);

/// How long after a reconnect a missing grant may still come. After that, the grant from before is in use again.
pub const RENEWAL_SETTLES_WITHIN: Duration = Duration::from_hours(1);

/// How often to look whether a grant that is gone has come back by itself.
const GONE_EVERY: Duration = Duration::from_hours(12);

/// Where a connection stood when a round of it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standpoint {
    /// In which phase.
    pub phase: Phase,
    /// When the connection was made or last renewed.
    pub since: Timestamp,
    /// How many rounds in a row had failed before.
    pub tries: u32,
    /// Whether it was renewed, and there is a grant from before to go back to.
    pub renewal: bool,
}

/// What one round of reading a tenant came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// There was a token, and data sets were read.
    Read {
        /// The problem of each data set that failed, in no order. Empty: everything was read.
        problems: Vec<Problem>,
        /// When something of it is still to be read. None: the round is complete.
        again: Option<Timestamp>,
    },
    /// The grant is not in effect yet, and may still come: nothing was kept.
    NotYet,
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
    /// When it is read again.
    pub due: Timestamp,
    /// How many rounds in a row did not succeed.
    pub tries: u32,
    /// Whether the next round begins anew. Otherwise it goes on with what this one has left.
    pub complete: bool,
}

/// How the rounds of many companies are kept apart.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a company is read.
    pub every: Duration,
    /// The company's own place within that period, from the beginning (0) to its end.
    pub place: u32,
    /// Anything random.
    pub dice: u32,
}

impl Pace {
    /// The next time that lies at the company's place in the period, but not within a quarter of a period: companies
    /// are spread evenly over it, however many of them were connected, or read at someone's wish, at the same time.
    fn next(&self, now: Timestamp) -> Timestamp {
        let every = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let place = i64::try_from((i128::from(every) * i128::from(self.place)) >> 32).unwrap_or(0);
        let earliest = now.as_millis().saturating_add(every / 4);
        let into_period = earliest.saturating_sub(place).rem_euclid(every);
        Timestamp::from_millis(if into_period == 0 { earliest } else { earliest.saturating_add(every - into_period) })
    }

    /// After about so long, so that those who were refused together do not come back together.
    fn about(&self, now: Timestamp, after: Duration) -> Timestamp {
        now.plus(jitter(after, self.dice))
    }
}

/// When to look whether the grant still holds, where everything is read again only later than that. Companies that were
/// looked at together do not come back together.
pub fn probe_before(full: Timestamp, now: Timestamp, every: Duration, pace: &Pace) -> Option<Timestamp> {
    let probe = pace.about(now, every);
    (probe < full).then_some(probe)
}

/// Decides what follows from a round.
pub fn after_round(from: Standpoint, round: &Round, now: Timestamp, pace: &Pace) -> Next {
    let Standpoint { phase, since, tries, renewal } = from;
    let failed = tries.saturating_add(1);
    let age = now.since(since);
    let young = age < CONSENT_SETTLES_WITHIN;
    let again = |phase, due| Next { phase, due, tries: failed, complete: false };
    match round {
        // A person waits for these: no jitter. What is under way goes on first.
        Round::Read { problems, again: under_way } if young && problems.contains(&Problem::PermissionMissing) => {
            let anew = now.plus(verifying_pause(failed));
            match under_way.filter(|due| *due < anew) {
                Some(due) => again(phase, due),
                None => Next { complete: true, ..again(phase, anew) },
            }
        }
        // However late it is now: the next round finds out what is to be read without it.
        Round::NotYet => Next { complete: true, ..again(phase, now.plus(verifying_pause(failed))) },
        Round::NoGrant(_) if young && phase == Phase::Verifying => again(phase, now.plus(verifying_pause(failed))),
        // It gives less than the grant before it: not even the organisation could be read.
        Round::Read { problems, again: under_way }
            if renewal && phase == Phase::Verifying && problems.contains(&Problem::PermissionMissing) =>
        {
            match under_way {
                // Nothing is decided before all of it was tried, of which this is a part.
                Some(due) => Next { complete: true, ..again(phase, *due) },
                None => Next { complete: true, ..again(Phase::NeedsReconnect(ReconnectReason::ConsentRemoved), now) },
            }
        }
        Round::Read { again: Some(due), .. } => Next { phase: Phase::Active, due: *due, tries: 0, complete: false },
        Round::Read { again: None, .. } => Next { phase: Phase::Active, due: pace.next(now), tries: 0, complete: true },
        // It may still come: a company that was just connected is not told to reconnect. It is asked about ever more
        // slowly, each time after as long as it has taken already.
        Round::NoGrant(ReconnectReason::ConsentRemoved | ReconnectReason::AppRemoved)
            if phase == Phase::Verifying && !(renewal && age >= RENEWAL_SETTLES_WITHIN) =>
        {
            let slowly = age.max(Duration::from_mins(5).min(pace.every)).min(GONE_EVERY);
            again(phase, pace.about(now, slowly))
        }
        Round::NoGrant(reason) => {
            let slowly = pace.every.max(GONE_EVERY);
            Next { complete: true, ..again(Phase::NeedsReconnect(*reason), pace.about(now, slowly)) }
        }
        Round::Unavailable { retry_after } => again(phase, after_failure(failed, *retry_after, now, pace)),
        // It stays due: it is held back until we are accepted again, and is read at once then.
        Round::AppRegistration => Next { tries, ..again(phase, now) },
    }
}

/// When to ask again for what failed `failed` times in a row. Microsoft's wish is obeyed to the second; without one,
/// the pauses grow, but not beyond the usual period.
pub fn after_failure(failed: u32, retry_after: Option<Duration>, now: Timestamp, pace: &Pace) -> Timestamp {
    match retry_after {
        Some(wait) => now.plus(wait.max(Duration::from_secs(1))),
        None => pace.about(now, pause(failed).min(pace.every)),
    }
}

/// How far a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As of when it was read, or known to be unreadable. None: never.
    pub as_of: Option<Timestamp>,
    /// It failed in a way that passes, and is not asked for before then.
    pub retry_at: Option<Timestamp>,
    /// Whether reading it has begun, and is to go on.
    pub under_way: bool,
}

impl Standing {
    /// When it is to be asked for in the round that began at `round`. None: not any more.
    pub fn wanted_at(&self, round: Timestamp) -> Option<Timestamp> {
        let done = !self.under_way && self.retry_at.is_none() && self.as_of.is_some_and(|as_of| as_of >= round);
        (!done).then(|| self.retry_at.unwrap_or(round))
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

/// Spreads `after` by up to a tenth either way. `dice` is anything random.
fn jitter(after: Duration, dice: u32) -> Duration {
    let tenth = after / 10;
    after.saturating_sub(tenth) + (tenth * 2).mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SINCE: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const EVERY: Duration = Duration::from_hours(6);
    const PACE: Pace = Pace { every: EVERY, place: 1 << 31, dice: 1 << 31 };

    fn next(phase: Phase, round: &Round, after_secs: u64) -> (Next, Duration) {
        let now = SINCE.plus(Duration::from_secs(after_secs));
        let from = Standpoint { phase, since: SINCE, tries: 0, renewal: false };
        let next = after_round(from, round, now, &PACE);
        (next, next.due.since(now))
    }

    fn read(problems: Vec<Problem>) -> Round {
        Round::Read { problems, again: None }
    }

    #[test]
    fn a_grant_that_is_not_yet_in_effect_is_waited_for() {
        let missing = read(vec![Problem::PermissionMissing; 5]);
        for round in [&missing, &Round::NoGrant(ReconnectReason::ConsentRemoved)] {
            let (next, after) = next(Phase::Verifying, round, 30);
            assert_eq!(next.phase, Phase::Verifying);
            assert!(after <= Duration::from_secs(10));
        }
    }

    #[test]
    fn after_two_minutes_a_missing_permission_limits_and_a_missing_grant_is_asked_about_slowly() {
        let (missing, after) = next(Phase::Verifying, &read(vec![Problem::PermissionMissing]), 120);
        assert_eq!((missing.phase, missing.tries, missing.complete), (Phase::Active, 0, true));
        assert!(after >= EVERY / 4);
        let (none, after) = next(Phase::Verifying, &Round::NoGrant(ReconnectReason::ConsentRemoved), 120);
        assert_eq!(none.phase, Phase::Verifying);
        assert!(after.abs_diff(Duration::from_mins(5)) <= Duration::from_secs(30));
    }

    #[test]
    fn a_renewal_that_gives_less_is_not_taken_while_something_is_still_to_be_read() {
        let (now, due) = (SINCE.plus(Duration::from_mins(3)), SINCE.plus(Duration::from_mins(4)));
        let after = |again| {
            let from = Standpoint { phase: Phase::Verifying, since: SINCE, tries: 1, renewal: true };
            after_round(from, &Round::Read { problems: vec![Problem::PermissionMissing], again }, now, &PACE)
        };
        let waits = after(Some(due));
        assert_eq!((waits.phase, waits.due, waits.complete), (Phase::Verifying, due, true));
        assert_eq!(after(None).phase, Phase::NeedsReconnect(ReconnectReason::ConsentRemoved));
    }

    #[test]
    fn a_round_that_kept_nothing_ends_nothing_however_long_it_took() {
        for seconds in [1, 119, 120, 10_000] {
            let (next, after) = next(Phase::Verifying, &Round::NotYet, seconds);
            assert_eq!((next.phase, next.tries, next.complete), (Phase::Verifying, 1, true));
            assert_eq!(after, verifying_pause(1));
        }
    }

    #[test]
    fn a_grant_that_does_not_come_is_asked_about_twice_a_day_at_last() {
        let none = Round::NoGrant(ReconnectReason::AppRemoved);
        let (mut age, mut asked_in_the_second_day) = (Duration::from_mins(2), 0);
        while age < Duration::from_hours(48) {
            age += next(Phase::Verifying, &none, age.as_secs()).1;
            asked_in_the_second_day += u32::from(age > Duration::from_hours(24) && age <= Duration::from_hours(48));
        }
        assert!(asked_in_the_second_day <= 3, "{asked_in_the_second_day}");
    }

    #[test]
    fn a_renewal_ends_after_an_hour_without_effect_or_at_once_when_it_is_refused_for_good() {
        let after = |reason, age| {
            let from = Standpoint { phase: Phase::Verifying, since: SINCE, tries: 9, renewal: true };
            after_round(from, &Round::NoGrant(reason), SINCE.plus(age), &PACE).phase
        };
        let (late, gone) = (ReconnectReason::ConsentRemoved, ReconnectReason::BlockedByPolicy);
        assert_eq!(after(late, RENEWAL_SETTLES_WITHIN.saturating_sub(Duration::from_secs(1))), Phase::Verifying);
        assert_eq!(after(late, RENEWAL_SETTLES_WITHIN), Phase::NeedsReconnect(late));
        assert_eq!(after(gone, CONSENT_SETTLES_WITHIN), Phase::NeedsReconnect(gone));
        let from = Standpoint { phase: Phase::Verifying, since: SINCE, tries: 9, renewal: true };
        let denied = read(vec![Problem::PermissionMissing; 5]);
        let next = after_round(from, &denied, SINCE.plus(CONSENT_SETTLES_WITHIN), &PACE);
        assert_eq!(next.phase, Phase::NeedsReconnect(late), "a new one that may read nothing");
    }

    #[test]
    fn a_fault_of_ours_is_nobodys_try() {
        let (next, after) = next(Phase::Active, &Round::AppRegistration, 10_000);
        assert_eq!((next.phase, next.tries, after), (Phase::Active, 0, Duration::ZERO));
    }

    #[test]
    fn a_probe_comes_only_where_a_full_round_is_further_away() {
        let day = Duration::from_hours(24);
        assert_eq!(probe_before(SINCE.plus(EVERY), SINCE, day, &PACE), None);
        let probe = probe_before(SINCE.plus(day * 7), SINCE, day, &PACE).unwrap_or(SINCE);
        assert!(probe.since(SINCE).abs_diff(day) <= day / 10);
    }

    #[test]
    fn a_grant_that_was_in_effect_and_is_gone_needs_a_reconnect() {
        let reason = ReconnectReason::AppRemoved;
        assert_eq!(next(Phase::Active, &Round::NoGrant(reason), 1).0.phase, Phase::NeedsReconnect(reason));
    }

    #[test]
    fn what_passes_by_itself_changes_no_state() {
        let reason = ReconnectReason::SignInExpired;
        for phase in [Phase::Verifying, Phase::Active, Phase::NeedsReconnect(reason)] {
            for round in [Round::Unavailable { retry_after: None }, Round::AppRegistration] {
                assert_eq!(next(phase, &round, 10_000).0.phase, phase);
            }
        }
    }

    #[test]
    fn microsofts_wish_to_wait_is_obeyed_to_the_second() {
        let wait = Duration::from_hours(1);
        assert_eq!(next(Phase::Active, &Round::Unavailable { retry_after: Some(wait) }, 1).1, wait);
        let again = SINCE.plus(Duration::from_secs(17));
        let (next, _) = next(Phase::Active, &Round::Read { problems: vec![Problem::Temporary], again: Some(again) }, 1);
        assert_eq!((next.due, next.complete), (again, false));
        assert_eq!(after_failure(9, Some(Duration::ZERO), SINCE, &PACE).since(SINCE), Duration::from_secs(1));
    }

    #[test]
    fn a_data_set_is_asked_for_until_it_was_read_or_refused_for_good_in_this_round() {
        let (before, round) = (SINCE, SINCE.plus(EVERY));
        let fresh = Standing { as_of: Some(round), retry_at: None, under_way: false };
        let later = round.plus(Duration::from_secs(9));
        assert_eq!(fresh.wanted_at(round), None);
        assert_eq!(Standing { as_of: Some(before), ..fresh }.wanted_at(round), Some(round));
        assert_eq!(Standing { as_of: None, ..fresh }.wanted_at(round), Some(round));
        assert_eq!(Standing { under_way: true, ..fresh }.wanted_at(round), Some(round));
        assert_eq!(Standing { retry_at: Some(later), under_way: true, ..fresh }.wanted_at(round), Some(later));
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

        #[test]
        fn a_company_keeps_its_place_in_the_period(secs in 1u64..1_000_000, place: u32, late in 0u64..1_000_000) {
            let pace = Pace { every: Duration::from_secs(secs), place, dice: 0 };
            let now = SINCE.plus(Duration::from_millis(late));
            let first = pace.next(now);
            prop_assert!(first.since(now) >= pace.every / 4);
            prop_assert!(first.since(now) <= pace.every * 5 / 4);
            // A round takes its time, and the next one is due a period after this one was.
            let ended = first.plus(pace.every / 2);
            prop_assert_eq!(pace.next(ended), first.plus(pace.every));
        }

        #[test]
        fn companies_are_spread_over_the_period_even_if_all_are_read_at_once(seed: u32) {
            let step = u32::MAX / 100;
            let place = |number: u32| seed.wrapping_add(number * step);
            let mut due: Vec<u128> = (0..100)
                .map(|number| Pace { every: EVERY, place: place(number), dice: 0 }.next(SINCE).since(SINCE).as_millis())
                .collect();
            due.sort_unstable();
            let widest = due.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            prop_assert!(widest <= EVERY.as_millis() / 100 + 2, "{}", widest);
        }
    }
}
