//! What is shown in the place of a list that has nothing to show.

use leptos::prelude::*;

/// A title, and what to do.
#[component]
pub fn Empty(
    /// Why there is nothing.
    title: &'static str,
    /// What to do about it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            {children()}
        </div>
    }
}
