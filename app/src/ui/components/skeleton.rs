//! The place of a list that is on its way. `index.html` holds the same for the time before the program runs.

use leptos::prelude::*;

/// Grey rows of the height of real ones.
#[component]
pub fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            {(0..12).map(|_| view! { <div class="skeleton-row"></div> }).collect_view()}
        </div>
    }
}
