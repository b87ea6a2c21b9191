//! A choice of what is told.

use leptos::prelude::*;

use crate::domain::NoticeKind;

/// A box to tick for each kind.
#[component]
pub fn KindList(
    /// What it is a choice of.
    legend: &'static str,
    /// What is chosen.
    kinds: RwSignal<Vec<NoticeKind>>,
) -> impl IntoView {
    let choice = move |kind: NoticeKind| {
        let set = move |chosen| {
            kinds.update(|kinds| {
                kinds.retain(|other| *other != kind);
                if chosen {
                    kinds.push(kind);
                }
            });
        };
        view! {
            <label>
                <input
                    type="checkbox"
                    prop:checked=move || kinds.with(|kinds| kinds.contains(&kind))
                    on:change:target=move |event| set(event.target().checked())
                />
                {kind.label()}
            </label>
        }
    };
    view! {
        <fieldset class="kind-list">
            <legend>{legend}</legend>
            {NoticeKind::ALL.map(choice).collect_view()}
        </fieldset>
    }
}
