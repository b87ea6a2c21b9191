//! What was sent to a webhook, and what came of it.

use leptos::prelude::*;

use super::{DeliveryBadge, TimeAgo};
use crate::{
    domain::{DeliveryId, DeliveryRow, DeliveryState, Timestamp},
    ui::ago::ahead,
};

/// The deliveries, the latest first.
#[component]
pub fn DeliveryList(
    /// Those that are known; none while they are read.
    rows: ReadSignal<Option<Vec<DeliveryRow>>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Whether somebody may try one again.
    active: bool,
    /// Somebody does.
    on_retry: Callback<DeliveryId>,
) -> impl IntoView {
    move || match rows.get() {
        None => view! { <p aria-busy="true">"Reading…"</p> }.into_any(),
        Some(rows) if rows.is_empty() => view! { <p>"Nothing was sent to it yet."</p> }.into_any(),
        Some(rows) => view! {
            <ul class="delivery-list" aria-label="Deliveries">
                {rows.into_iter().map(|row| line(row, now, active, on_retry)).collect_view()}
            </ul>
        }
        .into_any(),
    }
}

fn line(row: DeliveryRow, now: ReadSignal<Timestamp>, active: bool, on_retry: Callback<DeliveryId>) -> impl IntoView {
    let id = row.id;
    let label_id = format!("delivery-{id}");
    let facts: Vec<String> = [
        row.status.map(|status| format!("Answer {status}")),
        row.took_ms.map(|took| format!("{took} ms")),
        (row.tries > 1).then(|| format!("{} tries", row.tries)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let next = (row.state == DeliveryState::Waiting && row.tries > 0).then_some(row.next_at).flatten();
    let again = active && row.tries > 0 && row.state != DeliveryState::Delivered;
    view! {
        <li>
            <div class="delivery-head">
                <strong id=label_id.clone()>{row.event}</strong>
                <DeliveryBadge state=row.state tries=row.tries />
            </div>
            <p class="field-rules">
                <TimeAgo at=row.made_at now />
                {facts.into_iter().map(|fact| [" · ".to_owned(), fact]).collect_view()}
                {next.map(|next| move || format!(" · next try {}", ahead(next, now.get())))}
            </p>
            {row.problem.map(|problem| view! { <p>{problem}</p> })}
            {again
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="button"
                            aria-describedby=label_id
                            on:click=move |_| on_retry.run(id)
                        >
                            "Try again"
                        </button>
                    }
                })}
        </li>
    }
}
