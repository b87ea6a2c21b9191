//! A way to another page.

use leptos::{ev, prelude::*};

use crate::ui::routes::{Address, Page};

/// What a click on a way to a page does: one that wants a new tab or window, or a page of another program, is the browser's.
pub fn follow(address: Address, to: Page) -> impl Fn(ev::MouseEvent) {
    move |event| {
        let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
        if event.button() == 0 && !elsewhere && address.leads_to(to) {
            event.prevent_default();
            address.go(to);
        }
    }
}

/// A link. A plain click changes the page at once, if this program shows that page too.
#[component]
pub fn Link(
    /// Where it leads.
    to: Page,
    /// How it looks.
    class: &'static str,
    /// Its words.
    children: Children,
) -> impl IntoView {
    let on_click = follow(expect_context(), to);
    view! {
        <a href=to.path() class=class on:click=on_click>
            {children()}
        </a>
    }
}
