//! A text for the client, to be sent in one's own mail program or any other way.

use leptos::{html, prelude::*, task::spawn_local};

use super::{Awaited, Copied, Icon, Shape};
use crate::{
    domain::LinkMessage,
    ui::{
        browser::{clipboard, location},
        client_message::{Drafting, mail_url},
    },
};

const BUSY: &str = "Writing the message…";

/// The text, which can be changed before it goes. Before that, that it is on its way.
#[component]
pub fn ClientMessage(
    /// How far it is.
    drafting: ReadSignal<Drafting>,
    /// Somebody tries again to have it written.
    on_retry: Callback<()>,
) -> impl IntoView {
    move || match drafting.get() {
        Drafting::Busy => view! { <Awaited busy=BUSY refused=None on_retry=Some(on_retry) /> }.into_any(),
        Drafting::Refused(why) => view! { <Awaited busy=BUSY refused=Some(why) on_retry=Some(on_retry) /> }.into_any(),
        Drafting::Written(message) => view! { <Written message /> }.into_any(),
    }
}

#[component]
fn Written(message: LinkMessage) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let body = RwSignal::new(message.body.clone());
    let copied = RwSignal::new(Some(false));
    let focus = move || {
        if let Some(field) = field.get_untracked() {
            // It fails for an element that can't have the focus only.
            let _ = field.focus();
        }
    };
    Effect::new(move |_| {
        if field.get().is_some() {
            focus();
        }
    });
    let on_copy = Callback::new(move |()| {
        spawn_local(async move {
            let is_copied = clipboard::copy(&body.get_untracked()).await;
            copied.set(Some(is_copied));
            focus();
            // What the browser does not copy, a person can.
            if let Some(field) = field.get_untracked().filter(|_| !is_copied) {
                field.select();
            }
        });
    });
    let on_input = move |text| {
        body.set(text);
        // What is in the clipboard is another text now.
        copied.set(Some(false));
    };
    let to = message.to.clone();
    let subject = message.subject.clone();
    view! {
        <dl class="message-head">
            {to.map(|to| view! { <dt>"To"</dt> <dd>{to}</dd> })}
            <dt>"Subject"</dt>
            <dd>{subject}</dd>
        </dl>
        <div class="field">
            <label for="message-body">"Message"</label>
            <textarea
                id="message-body"
                rows="17"
                node_ref=field
                prop:value=message.body.clone()
                on:input:target=move |event| on_input(event.target().value())
            ></textarea>
            <p class="field-rules">"It holds the link: whoever has it can open the link's page."</p>
        </div>
        <div class="form-buttons">
            <Copied copied on_copy />
            <a class="button" href=move || mail_url(&message, &body.get(), location::encode)>
                <Icon shape=Shape::Mail />
                "Open in mail program"
            </a>
        </div>
    }
}
