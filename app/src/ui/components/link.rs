//! A way to another page.

use leptos::{ev, prelude::*};

use crate::ui::routes::{Address, Page};

/// A link. A plain click changes the page at once; one that wants a new tab or window is the browser's.
#[component]
pub fn Link(
    /// Where it leads.
    to: Page,
    /// How it looks.
    class: &'static str,
    /// Its words.
    children: Children,
) -> impl IntoView {
    let address: Address = expect_context();
    let on_click = move |event: ev::MouseEvent| {
        let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
        if event.button() == 0 && !elsewhere {
            event.prevent_default();
            address.go(to);
        }
    };
    view! {
        <a href=to.path() class=class on:click=on_click>
            {children()}
        </a>
    }
}
