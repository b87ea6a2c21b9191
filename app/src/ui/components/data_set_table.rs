//! How old each of a company's data sets is, and what is wrong with it.

use leptos::prelude::*;

use super::{Age, Icon, Shape, TimeAgo};
use crate::{
    domain::{DataSetStatus, Timestamp},
    ui::{
        browser::locale,
        freshness::{Health, Trouble, title},
    },
};

const COLUMNS: [&str; 3] = ["Data", "As of", "State"];

const fn look(health: Health) -> (&'static str, Shape) {
    match health {
        Health::Fresh => ("badge badge-good", Shape::Check),
        Health::Coming => ("badge badge-busy", Shape::Spinner),
        Health::Stale => ("badge badge-warn", Shape::Clock),
        Health::Failed => ("badge badge-bad", Shape::Warning),
    }
}

/// The table.
#[component]
pub fn DataSetTable(
    /// The data sets, in their order.
    statuses: Vec<DataSetStatus>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    let line = move |status: DataSetStatus| {
        let trouble = Trouble::of(&status, now.get());
        let measured = status.measured_at.map(|at| {
            view! { <span class="subtitle">"measured by Microsoft " <TimeAgo at now /></span> }
        });
        view! {
            <tr role="row">
                <td role="cell" class="name">{title(status.data_set)}</td>
                <td role="cell" data-label="As of" class="data-main">
                    <Age as_of=status.as_of stale=false now />
                    {measured}
                </td>
                <td role="cell">
                    <HealthBadge health=Health::of(&status) so_far=status.so_far />
                    {trouble.map(|trouble| view! { <p class="trouble">{trouble.what} " " {trouble.advice}</p> })}
                </td>
            </tr>
        }
    };
    view! {
        <table class="data-table data-set-table" role="table" aria-label="Data">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">{move || statuses.iter().cloned().map(line).collect_view()}</tbody>
        </table>
    }
}

/// How a data set is doing, as a badge.
#[component]
pub fn HealthBadge(
    /// How it is doing.
    health: Health,
    /// How much of it has come, while it is read for the first time.
    so_far: Option<u32>,
) -> impl IntoView {
    let (class, shape) = look(health);
    let words = match (health, so_far) {
        (Health::Coming, Some(so_far)) => format!("{} so far", locale::number(so_far as usize)),
        _ => health.label().to_owned(),
    };
    view! {
        <span class=class>
            <Icon shape />
            {words}
        </span>
    }
}
