//! What a dialog shows of a link that somebody asked for, to be given to somebody else.

use leptos::{html, prelude::*, task::spawn_local};

use super::{Awaited, CloseButton, Copied};
use crate::{
    domain::Timestamp,
    ui::{
        browser::clipboard,
        state::{Handover, Making},
    },
};

const BUSY: &str = "Making the link…";

/// The link in a field, and whether it is in the clipboard. Before that, that it is on its way.
#[component]
pub fn LinkOffer(
    /// What kind of link it is.
    label: &'static str,
    /// The link.
    handover: Handover,
    /// How long it is good for, in words.
    validity: fn(Option<Timestamp>) -> String,
    /// Somebody tries again to have it made.
    #[prop(optional)]
    on_retry: Option<Callback<()>>,
    /// Somebody wants a text for the client that holds the link.
    #[prop(optional)]
    on_write: Option<Callback<()>>,
    /// What else is said about a link, once it is there.
    #[prop(optional, into)]
    more: Option<ViewFn>,
) -> impl IntoView {
    let making = handover.making();
    view! {
        {move || match making.get() {
            Making::Busy => view! { <Awaited busy=BUSY refused=None on_retry /> }.into_any(),
            Making::Refused(why) => view! { <Awaited busy=BUSY refused=Some(why) on_retry /> }.into_any(),
            Making::Made { url, expires } => {
                let validity = validity(expires);
                view! { <Made label url validity copied=RwSignal::from(handover.copied()) on_write more=more.clone() /> }.into_any()
            }
        }}
    }
}

#[component]
fn Made(
    label: &'static str,
    url: String,
    validity: String,
    copied: RwSignal<Option<bool>>,
    on_write: Option<Callback<()>>,
    more: Option<ViewFn>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let select = move || {
        if let Some(field) = field.get_untracked() {
            // It fails for an element that can't have the focus only.
            let _ = field.focus();
            field.select();
        }
    };
    Effect::new(move |_| {
        if field.get().is_some() {
            select();
        }
    });
    let text = StoredValue::new(url.clone());
    let on_copy = Callback::new(move |()| {
        spawn_local(async move {
            copied.set(Some(clipboard::copy(&text.get_value()).await));
            // The button is gone, and the focus with it. What the browser does not copy, a person can.
            select();
        });
    });
    view! {
        <div class="field">
            <label for="made-link">{label}</label>
            <input
                id="made-link"
                type="text"
                readonly
                node_ref=field
                aria-describedby="made-link-rules"
                value=url
                on:focus:target=move |event| event.target().select()
            />
            <p class="field-rules" id="made-link-rules">
                {validity}
            </p>
        </div>
        {more.as_ref().map(ViewFn::run)}
        <div class="form-buttons">
            <Copied copied on_copy />
            {on_write
                .map(|on_write| {
                    view! {
                        <button type="button" class="button" on:click=move |_| on_write.run(())>
                            "Message for the client"
                        </button>
                    }
                })}
            <CloseButton />
        </div>
    }
}
