//! A line over time, as the outline of an SVG.

use std::fmt::Write as _;

use crate::domain::{Timestamp, secure_score::ScoreDay};

/// The size of the drawing.
pub const WIDTH: f64 = 600.0;
/// The size of the drawing.
pub const HEIGHT: f64 = 160.0;

/// The highest and the lowest share that the drawing shows, in percent: whole tens around the line, with room to see a
/// change of a few points.
pub fn range(days: &[ScoreDay]) -> (f64, f64) {
    let shares = || days.iter().filter_map(|day| share(*day));
    let (low, high) = (shares().fold(f64::INFINITY, f64::min), shares().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return (0.0, 100.0);
    }
    let (low, high) = ((low / 10.0).floor() * 10.0, (high / 10.0).ceil() * 10.0);
    let (low, high) = if high - low < 20.0 { (low - 10.0, high + 10.0) } else { (low, high) };
    (low.max(0.0), high.min(100.0))
}

/// The outline of the line. Nothing for less than two days.
pub fn line(days: &[ScoreDay]) -> Option<String> {
    let (first, last) = (days.first()?.measured_at, days.last()?.measured_at);
    let (low, high) = range(days);
    let mut path = String::new();
    for day in days {
        let Some(share) = share(*day) else { continue };
        let (x, y) = (across(day.measured_at, first, last)?, (high - share) / (high - low) * HEIGHT);
        let command = if path.is_empty() { 'M' } else { 'L' };
        // Writing into a text does not fail.
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    path.contains('L').then_some(path)
}

fn across(at: Timestamp, first: Timestamp, last: Timestamp) -> Option<f64> {
    let whole = last.since(first).as_secs_f64();
    (whole > 0.0).then(|| at.since(first).as_secs_f64() / whole * WIDTH)
}

/// In percent.
fn share(day: ScoreDay) -> Option<f64> {
    let share = day.points.current / day.points.max * 100.0;
    (day.points.max > 0.0 && share.is_finite()).then(|| share.clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::secure_score::Points;

    fn days(scores: &[(f64, f64)]) -> Vec<ScoreDay> {
        let day = |(number, (current, max)): (u32, &(f64, f64))| ScoreDay {
            measured_at: Timestamp::from_millis(1_700_000_000_000).plus(Duration::from_hours(24) * number),
            points: Points { current: *current, max: *max },
        };
        (0..).zip(scores).map(day).collect()
    }

    #[test]
    fn the_line_goes_from_edge_to_edge() {
        let days = days(&[(40.0, 100.0), (50.0, 100.0), (60.0, 100.0)]);
        assert_eq!(range(&days), (40.0, 60.0));
        assert_eq!(line(&days).as_deref(), Some("M0.0 160.0L300.0 80.0L600.0 0.0"));
    }

    #[test]
    fn a_small_change_is_not_drawn_as_a_large_one() {
        assert_eq!(range(&days(&[(41.0, 100.0), (42.0, 100.0)])), (30.0, 60.0));
        assert_eq!(range(&days(&[(1.0, 100.0), (99.5, 100.0)])), (0.0, 100.0));
    }

    #[test]
    fn less_than_two_days_are_no_line() {
        assert_eq!(line(&days(&[])), None);
        assert_eq!(line(&days(&[(1.0, 2.0)])), None);
        assert_eq!(line(&days(&[(1.0, 2.0), (1.0, 0.0)])), None);
    }

    proptest! {
        #[test]
        fn whatever_microsoft_says_is_drawn_within_the_picture(scores in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..20)) {
            if let Some(path) = line(&days(&scores)) {
                for number in path.split(['M', 'L', ' ']).filter(|part| !part.is_empty()) {
                    let number: f64 = number.parse().unwrap_or(-1.0);
                    prop_assert!((0.0..=WIDTH).contains(&number), "{}", path);
                }
            }
        }
    }
}
