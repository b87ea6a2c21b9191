//! How a Secure Score went.

use leptos::prelude::*;

use super::score_row::point_words;
use crate::{
    domain::secure_score::ScoreDay,
    ui::{
        browser::locale,
        chart::{HEIGHT, WIDTH, line, range},
    },
};

/// The line, and the numbers behind it as a table.
#[component]
pub fn ScoreChart(
    /// The days, the earliest first.
    days: Vec<ScoreDay>,
) -> impl IntoView {
    let (low, high) = range(&days);
    let path = line(&days);
    let (first, last) = (days.first().copied(), days.last().copied());
    let percent = |day: ScoreDay| day.points.percent().map(|percent| format!("{percent}%")).unwrap_or_default();
    let summary = first.zip(last).map(|(first, last)| {
        let (from, to) = (locale::day(first.measured_at), locale::day(last.measured_at));
        format!("From {} on {from} to {} on {to}", percent(first), percent(last))
    });
    let picture = path.map(|path| {
        let dates = first.zip(last).map(|(first, last)| {
            view! {
                <div class="chart-dates" aria-hidden="true">
                    <span>{locale::day(first.measured_at)}</span>
                    <span>{locale::day(last.measured_at)}</span>
                </div>
            }
        });
        view! {
            <div class="chart">
                <div class="chart-scale" aria-hidden="true">
                    <span>{format!("{high:.0}%")}</span>
                    <span>{format!("{low:.0}%")}</span>
                </div>
                <svg
                    class="chart-line"
                    role="img"
                    aria-label=summary.clone()
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                >
                    <path class="chart-grid" d=format!("M0 0H{WIDTH}M0 {0}H{WIDTH}M0 {HEIGHT}H{WIDTH}", HEIGHT / 2.0) />
                    <path class="chart-area" d=format!("{path}V{HEIGHT}H0Z") />
                    <path class="chart-trend" d=path />
                </svg>
                {dates}
            </div>
        }
    });
    let row = move |day: ScoreDay| {
        view! {
            <tr role="row">
                <td role="cell">{locale::day(day.measured_at)}</td>
                <td role="cell" data-label="Secure Score" class="data-figure">{percent(day)}</td>
                <td role="cell" data-label="Points" class="data-figure">{point_words(day.points)}</td>
            </tr>
        }
    };
    view! {
        {picture}
        <details class="chart-table">
            <summary>"Show as a table"</summary>
            <table class="data-table" role="table" aria-label="Secure Score by day">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Day"</th>
                        <th role="columnheader" scope="col" class="data-figure">"Secure Score"</th>
                        <th role="columnheader" scope="col" class="data-figure">"Points"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{days.into_iter().rev().map(row).collect_view()}</tbody>
            </table>
        </details>
    }
}
