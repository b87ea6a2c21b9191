//! What is around the pages for people who are not signed in.

use leptos::prelude::*;

use crate::ui::routes::CONTENT;

/// The product's mark, and the page in a narrow column.
#[component]
pub fn Entrance(
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <main class="entrance" id=CONTENT tabindex="-1">
            <span class="brand-mark" aria-hidden="true"></span>
            {children()}
        </main>
    }
}
