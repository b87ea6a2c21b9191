//! A button that puts a text into the clipboard.

use leptos::{prelude::*, task::spawn_local};

use super::{Icon, Shape};
use crate::ui::browser::clipboard;

/// The button. What it did stands on it, until something else is copied.
#[component]
pub fn CopyButton(
    /// Its words.
    label: &'static str,
    /// Its name for who does not see where it stands.
    #[prop(optional, into)]
    name: Option<String>,
    /// The text.
    text: String,
    /// What came of it, in words.
    on_copied: Callback<String>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let name = name.unwrap_or_else(|| label.to_owned());
    let (what, text) = (name.clone(), StoredValue::new(text));
    let on_click = move |_| {
        let what = what.clone();
        spawn_local(async move {
            let is_copied = clipboard::copy(&text.get_value()).await;
            copied.try_set(is_copied);
            let words = if is_copied { "copied" } else { "the browser did not let it be copied" };
            on_copied.run(format!("{what}: {words}"));
        });
    };
    view! {
        <button type="button" class="button" aria-label=name on:click=on_click>
            {move || copied.get().then(|| view! { <Icon shape=Shape::Check /> })}
            {label}
        </button>
    }
}
