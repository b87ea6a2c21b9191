//! The table of what was done.

use leptos::prelude::*;

use super::TimeAgo;
use crate::domain::{ActivityRow, Timestamp};

const COLUMNS: [&str; 5] = ["Time", "Who", "What", "Company", "Details"];

/// The table, the latest first.
#[component]
pub fn ActivityTable(
    /// What was done.
    rows: ReadSignal<Vec<ActivityRow>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    let line = move |row: ActivityRow| {
        view! {
            <tr role="row">
                <td role="cell" class="data-quiet">
                    <TimeAgo at=row.at now />
                </td>
                <td role="cell">{row.actor}</td>
                <td role="cell" class="name">{row.kind.label()}</td>
                <td role="cell">{row.company.map(|(_, name)| name)}</td>
                <td role="cell" class="data-quiet">{row.text}</td>
            </tr>
        }
    };
    view! {
        <table class="data-table activity-table" role="table" aria-label="Activity">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {move || rows.get().into_iter().map(line).collect_view()}
            </tbody>
        </table>
    }
}
