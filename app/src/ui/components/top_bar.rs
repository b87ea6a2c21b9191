//! The bar at the top of every page.

use leptos::prelude::*;

use super::{AccountMenu, Link, ThemeSwitch};
use crate::{domain::Me, ui::routes::Page};

/// The product's name, where the page is, the theme, and who is signed in.
#[component]
pub fn TopBar(
    /// The names of the pages above this one, and its own. Empty: it has no place among them.
    path: &'static [&'static str],
    /// Who is signed in, once that is known.
    me: ReadSignal<Option<Me>>,
    /// Somebody signs out.
    on_sign_out: Callback<()>,
) -> impl IntoView {
    let last = path.len().saturating_sub(1);
    let step = |(index, name): (usize, &'static &'static str)| {
        view! { <li aria-current=(index == last).then_some("page")>{*name}</li> }
    };
    view! {
        <header class="top-bar">
            <Link to=Page::HOME class="brand">
                <span class="brand-mark" aria-hidden="true"></span>
                "Tenantry"
            </Link>
            {(!path.is_empty())
                .then(|| {
                    view! {
                        <nav class="breadcrumb" aria-label="Breadcrumb">
                            <ol>{path.iter().enumerate().map(step).collect_view()}</ol>
                        </nav>
                    }
                })}
            <ThemeSwitch />
            <AccountMenu me on_sign_out />
        </header>
    }
}
