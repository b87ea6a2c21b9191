//! The way between the pages about all companies.

use leptos::prelude::*;

use super::link;
use crate::ui::routes::{Page, Topic};

/// Links to them. The page itself is among them.
#[component]
pub fn SectionNav(
    /// The page that is shown.
    shown: Page,
) -> impl IntoView {
    let all = [(Page::Companies, "Companies")]
        .into_iter()
        .chain(Topic::ALL.map(|topic| (Page::Microsoft365(topic), topic.label())));
    let step = |(page, label): (Page, &'static str)| {
        let on_click = link::follow(expect_context(), page);
        view! {
            <a href=page.path() aria-current=(shown == page).then_some("page") on:click=on_click>
                {label}
            </a>
        }
    };
    view! {
        <nav class="section-nav" aria-label="Microsoft 365">
            {all.map(step).collect_view()}
        </nav>
    }
}
