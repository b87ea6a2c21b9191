//! How much of Microsoft's measure of a tenant is asked for.

use std::time::Duration;

use app::domain::Timestamp;

/// As many days as Microsoft keeps.
const ALL: u16 = 90;

const DAY: Duration = Duration::from_hours(24);

/// How many days to ask for, where those up to `latest` are stored. Microsoft corrects the last ones at times, and a
/// day has hundreds of measures: all of them every time would be most of what is read of a small tenant.
pub(super) fn days(latest: Option<Timestamp>, now: Timestamp) -> u16 {
    let Some(latest) = latest else { return ALL };
    let passed = now.since(latest).as_secs() / DAY.as_secs();
    u16::try_from(passed.saturating_add(2)).map_or(ALL, |days| days.min(ALL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_days_are_asked_for_at_first_and_those_that_are_new_afterwards() {
        let latest = Timestamp::from_millis(1_700_000_000_000);
        for (passed, expected) in [(0, 2), (1, 3), (40, 42), (88, 90), (500, 90), (1_000_000, 90)] {
            assert_eq!(days(Some(latest), latest.plus(DAY * passed)), expected, "{passed}");
        }
        assert_eq!(days(None, latest), 90);
        assert_eq!(days(Some(latest), latest.minus(DAY)), 2);
    }
}
