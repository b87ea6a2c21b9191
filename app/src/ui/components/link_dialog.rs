//! A link that was just made, to be given to somebody.

use leptos::{html, prelude::*, task::spawn_local};

use super::{Dialog, Icon, Shape};
use crate::ui::browser::{clipboard, dialog};

/// The link in a field, and whether it is in the clipboard.
#[component]
pub fn LinkDialog(
    /// For whom it is.
    title: String,
    /// What kind of link it is.
    label: &'static str,
    /// The link.
    url: String,
    /// How long it is good for.
    #[prop(into)]
    validity: String,
    /// Whether it is in the clipboard. None: that is being tried.
    copied: RwSignal<Option<bool>>,
    /// The dialog was closed.
    on_close: Callback<()>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    let text = StoredValue::new(url.clone());
    let copy = move |_| {
        spawn_local(async move {
            let is_copied = clipboard::copy(&text.get_value()).await;
            copied.set(Some(is_copied));
            // What the browser does not copy, a person can.
            if !is_copied {
                select();
            }
        });
    };
    view! {
        <Dialog title on_close>
            <div class="field">
                <label for="made-link">{label}</label>
                <input id="made-link" type="text" readonly node_ref=field prop:value=url on:focus=move |_| select() />
                <p class="field-rules">{validity}</p>
            </div>
            <div class="form-buttons">
                <div class="copied" aria-live="polite">
                    {move || {
                        copied
                            .get()
                            .map(|copied| {
                                if copied {
                                    view! {
                                        <Icon shape=Shape::Check />
                                        "Copied to clipboard"
                                    }
                                        .into_any()
                                } else {
                                    view! {
                                        <button type="button" class="button button-main" on:click=copy>
                                            "Copy"
                                        </button>
                                    }
                                        .into_any()
                                }
                            })
                    }}
                </div>
                <button type="button" class="button" on:click=move |_| dialog::close()>
                    "Close"
                </button>
            </div>
        </Dialog>
    }
}
