//! A few words that open into an explanation.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::{Icon, Shape};
use crate::ui::browser::popover;

/// The words as a button, and what they mean in a popover.
#[component]
pub fn Hint(
    /// A different one for each hint of a page.
    id: String,
    /// The words.
    words: String,
    /// The explanation, a paragraph each.
    explanation: Vec<String>,
) -> impl IntoView {
    let button = NodeRef::<html::Button>::new();
    let on_toggle = move |event: web_sys::Event| {
        let panel = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
        if let (Some(panel), Some(button)) = (panel, button.get_untracked())
            && popover::is_open(&panel)
        {
            popover::place(&panel, &button);
        }
    };
    let title = words.clone();
    view! {
        <button type="button" class="hint" node_ref=button popovertarget=id.clone()>
            <span class="hint-words">{words}</span>
            <Icon shape=Shape::Question />
        </button>
        <div class="popover hint-panel" popover="auto" id=id on:toggle=on_toggle>
            <strong>{title}</strong>
            {explanation.into_iter().map(|paragraph| view! { <p>{paragraph}</p> }).collect_view()}
        </div>
    }
}
