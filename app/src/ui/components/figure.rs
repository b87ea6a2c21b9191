//! One number of a company's row.

use leptos::prelude::*;

/// A figure, "Syncing…" while it is on its way, or a dash.
#[component]
pub fn Figure(
    /// The figure, written out.
    text: Option<String>,
    /// Whether it is on its way.
    awaited: bool,
) -> impl IntoView {
    match (text, awaited) {
        (Some(text), _) => view! { <span class="figure">{text}</span> }.into_any(),
        (None, true) => view! { <span class="figure figure-awaited">"Syncing…"</span> }.into_any(),
        (None, false) => view! {
            <span class="figure figure-none">
                <span aria-hidden="true">"—"</span>
                <span class="visually-hidden">"No data"</span>
            </span>
        }
        .into_any(),
    }
}
