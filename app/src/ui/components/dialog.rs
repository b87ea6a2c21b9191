//! A dialog over the page.

use leptos::{html, prelude::*};

use crate::ui::browser;

const TITLE: &str = "dialog-title";

/// The dialog: open as long as it is in the document. One at a time.
#[component]
pub fn Dialog(
    /// What it is about.
    #[prop(into)]
    title: Signal<String>,
    /// It was closed: by Esc, or by a button in it.
    on_close: Callback<()>,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            browser::dialog::show(&dialog);
        }
    });
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby=TITLE on:close=move |_| on_close.run(())>
            <h2 id=TITLE>{move || title.get()}</h2>
            {children()}
        </dialog>
    }
}

/// The button that closes the dialog that it is in.
#[component]
pub fn CloseButton() -> impl IntoView {
    view! {
        <button type="button" class="button" on:click=move |_| browser::dialog::close()>
            "Close"
        </button>
    }
}
