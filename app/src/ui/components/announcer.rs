//! What was said lately: on the screen for a while, and read out by screen readers.

use leptos::prelude::*;

use super::{Icon, Shape, When};
use crate::ui::state::{Messages, Tone};

/// The one polite live region of a page.
#[component]
pub fn Announcer(
    /// What was said.
    messages: ReadSignal<Messages>,
    /// Somebody takes a message off the screen.
    on_dismiss: Callback<u32>,
) -> impl IntoView {
    let shown =
        move |id| messages.with(|messages| messages.all().iter().any(|message| message.id == id && message.shown));
    view! {
        <div class="announcer" role="status" aria-atomic="false">
            <For each=move || messages.with(|messages| messages.all().to_vec()) key=|message| message.id let(message)>
                <div class=move || if shown(message.id) { "toast" } else { "visually-hidden" }>
                    {(message.tone == Tone::Good).then(|| view! { <Icon shape=Shape::Check /> })}
                    <span>{message.text}</span>
                    <When flag=Memo::new(move |_| shown(message.id))>
                        <button
                            type="button"
                            class="button button-quiet button-icon"
                            aria-label="Dismiss"
                            on:click=move |_| on_dismiss.run(message.id)
                        >
                            <Icon shape=Shape::Cross />
                        </button>
                    </When>
                </div>
            </For>
        </div>
    }
}
