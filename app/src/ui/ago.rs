//! How long ago something was, as people say it.

use crate::domain::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long before `now` something was. The browser's clock may be behind the server's: what lies ahead is "just now".
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.since(then).as_secs() {
        ..MINUTE => "just now".into(),
        seconds @ MINUTE..HOUR => count(seconds / MINUTE, "minute"),
        seconds @ HOUR..DAY => count(seconds / HOUR, "hour"),
        seconds => count(seconds / DAY, "day"),
    }
}

/// How long after `now` something will be.
pub fn until(then: Timestamp, now: Timestamp) -> String {
    match then.since(now).as_secs() {
        ..MINUTE => "any moment".into(),
        seconds @ MINUTE..HOUR => format!("in {}", number(seconds / MINUTE, "minute")),
        seconds @ HOUR..DAY => format!("in {}", number(seconds / HOUR, "hour")),
        seconds => format!("in {}", number(seconds / DAY, "day")),
    }
}

fn count(count: u64, unit: &str) -> String {
    number(count, unit) + " ago"
}

fn number(number: u64, unit: &str) -> String {
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
    fn what_is_to_come_is_told_likewise() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (seconds, words) in
            [(0, "any moment"), (90, "in 1 minute"), (6 * HOUR - 1, "in 5 hours"), (3 * DAY, "in 3 days")]
        {
            assert_eq!(until(now.plus(Duration::from_secs(seconds)), now), words);
        }
        assert_eq!(until(now.minus(Duration::from_secs(90)), now), "any moment");
    }
}
