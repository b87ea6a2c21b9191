//! The search.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::{Icon, Shape};
use crate::ui::browser::document;

/// A field that tells each input at once. `/` brings the focus here from anywhere on the page, Esc clears it.
#[component]
pub fn SearchBox(
    /// What it searches.
    label: &'static str,
    /// What is typed.
    text: RwSignal<String>,
    /// The arrow down leads to the first result.
    on_down: Callback<()>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let focus = move || {
        if let Some(field) = field.get_untracked() {
            let _ = field.focus();
            field.select();
        }
    };
    let shortcut = window_event_listener(ev::keydown, move |event| {
        let typing = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|target| document::is_typing_in(&target));
        if event.key() == "/" && !typing && !event.ctrl_key() && !event.meta_key() && !event.alt_key() {
            event.prevent_default();
            focus();
        }
    });
    on_cleanup(move || shortcut.remove());
    let clear = move || {
        text.set(String::new());
        focus();
    };
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if !text.with_untracked(String::is_empty) => {
            event.prevent_default();
            clear();
        }
        "ArrowDown" => {
            event.prevent_default();
            on_down.run(());
        }
        _ => {}
    };
    let is_empty = Memo::new(move |_| text.with(String::is_empty));
    view! {
        <div class="search-box">
            <Icon shape=Shape::Search />
            <input
                type="search"
                node_ref=field
                aria-label=label
                aria-keyshortcuts="/"
                placeholder=label
                autocomplete="off"
                spellcheck="false"
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
                on:keydown=on_key
            />
            {move || {
                if is_empty.get() {
                    view! { <kbd aria-hidden="true">"/"</kbd> }.into_any()
                } else {
                    view! {
                        <button type="button" class="search-clear" aria-label="Clear search" on:click=move |_| clear()>
                            <Icon shape=Shape::Cross />
                        </button>
                    }
                    .into_any()
                }
            }}
        </div>
    }
}
