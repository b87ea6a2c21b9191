//! The bar at the top of every page.

use leptos::prelude::*;

use super::ThemeSwitch;

/// The product's name, where the page is, and the theme.
#[component]
pub fn TopBar(
    /// The names of the pages above this one, and its own. Empty: it has no place among them.
    path: &'static [&'static str],
) -> impl IntoView {
    let last = path.len().saturating_sub(1);
    let step = |(index, name): (usize, &'static &'static str)| {
        view! { <li aria-current=(index == last).then_some("page")>{*name}</li> }
    };
    view! {
        <header class="top-bar">
            <span class="brand">
                <span class="brand-mark" aria-hidden="true"></span>
                "Tenantry"
            </span>
            {(!path.is_empty())
                .then(|| {
                    view! {
                        <nav class="breadcrumb" aria-label="Breadcrumb">
                            <ol>{path.iter().enumerate().map(step).collect_view()}</ol>
                        </nav>
                    }
                })}
            <ThemeSwitch />
        </header>
    }
}
