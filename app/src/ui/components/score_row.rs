//! A company's Secure Score in the list of all.

use leptos::prelude::*;

use super::{Figure, TimeAgo, age::origin_cells};
use crate::{
    domain::{ScoreRow, Timestamp, secure_score::Points},
    ui::routes::{Tab, Topic},
};

/// The line.
pub fn score_row(score: ScoreRow, now: ReadSignal<Timestamp>) -> AnyView {
    let ScoreRow { origin, points, measured_at } = score;
    let percent = points.and_then(Points::percent);
    let bar = percent.map(|percent| {
        view! { <span class="use-bar" aria-hidden="true" style:--percent=percent.to_string()></span> }
    });
    view! {
        <tr role="row">
            {origin_cells(origin, Tab::Topic(Topic::SecureScore), now)}
            <td role="cell" data-label="Secure Score" class="data-figure">
                <Figure text=percent.map(|percent| format!("{percent}%")) awaited=false />
            </td>
            <td role="cell" class="score-bar">{bar}</td>
            <td role="cell" data-label="Points" class="data-figure">{points.map(point_words)}</td>
            <td role="cell" data-label="Measured by Microsoft" class="data-quiet">
                {measured_at.map(|at| view! { <TimeAgo at now /> })}
            </td>
        </tr>
    }
    .into_any()
}

/// "387 of 697".
pub fn point_words(points: Points) -> String {
    format!("{} of {}", one_digit(points.current), one_digit(points.max))
}

/// A number with at most one digit behind the point.
pub fn one_digit(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_without_noise() {
        assert_eq!(point_words(Points { current: 387.0, max: 697.0 }), "387 of 697");
        assert_eq!(one_digit(1.249), "1.2");
    }
}
