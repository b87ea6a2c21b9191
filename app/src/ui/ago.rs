//! How long ago something was, and how long it is until then, as people say it.

use crate::domain::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long before `now` something was. The browser's clock may be behind the server's: what lies ahead is "just now".
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.since(then).as_secs() {
        ..MINUTE => "just now".into(),
        seconds @ MINUTE..HOUR => count(seconds / MINUTE, "minute") + " ago",
        seconds @ HOUR..DAY => count(seconds / HOUR, "hour") + " ago",
        seconds => count(seconds / DAY, "day") + " ago",
    }
}

/// How long after `now` something will be, to the nearest unit: what was promised for 7 days begins with "in 7 days".
pub fn ahead(then: Timestamp, now: Timestamp) -> String {
    let nearest = |seconds: u64, unit: u64| (seconds + unit / 2) / unit;
    match then.since(now).as_secs() {
        ..MINUTE => "within a minute".into(),
        seconds if seconds < 2 * HOUR => format!("in {}", count(nearest(seconds, MINUTE), "minute")),
        seconds if seconds < 2 * DAY => format!("in {}", count(nearest(seconds, HOUR), "hour")),
        seconds => format!("in {}", count(nearest(seconds, DAY), "day")),
    }
}

/// "1 day", "2 days".
pub fn count(number: u64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_largest_unit_that_fits_is_said() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (12 * MINUTE + 5, "12 minutes ago"),
            (HOUR, "1 hour ago"),
            (DAY - 1, "23 hours ago"),
            (DAY, "1 day ago"),
            (400 * DAY, "400 days ago"),
        ] {
            assert_eq!(ago(now.minus(Duration::from_secs(seconds)), now), words);
        }
        assert_eq!(ago(now.plus(Duration::from_secs(90)), now), "just now");
    }

    #[test]
    fn what_lies_ahead_is_said_to_the_nearest_unit() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (seconds, words) in [
            (0, "within a minute"),
            (MINUTE, "in 1 minute"),
            (90 * MINUTE, "in 90 minutes"),
            (DAY + 29 * MINUTE, "in 24 hours"),
            (5 * DAY + 3 * HOUR, "in 5 days"),
            (7 * DAY - 1, "in 7 days"),
        ] {
            assert_eq!(ahead(now.plus(Duration::from_secs(seconds)), now), words);
        }
        assert_eq!(ahead(now.minus(Duration::from_secs(9)), now), "within a minute");
    }
}
