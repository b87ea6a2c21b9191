//! The message for the client: a text with the company's live link, to be sent in any way.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::Right,
    ui::{
        browser::document,
        client_message::{Drafting, write},
        components::{self, Link},
        routes::{Address, Page},
        session::Session,
    },
};

/// The page.
#[component]
pub fn ClientMessage() -> impl IntoView {
    document::set_title("Message for the client");
    view! {
        <Frame path=&["Microsoft 365", "Company", "Message for the client"]>
            <p class="way-back">
                <Link to=Page::HOME class="data-link">
                    "Back to M365 companies"
                </Link>
            </p>
            <div class="page-head">
                <div>
                    <h1>"Message for the client"</h1>
                    <p class="page-lead">"Change it as you like, then copy it or open it in your mail program."</p>
                </div>
            </div>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_senders />
        </Frame>
    }
}

fn for_senders() -> AnyView {
    let address: Address = expect_context();
    let session: Session = expect_context();
    let Some(Page::ClientMessage(company)) = address.page() else { return ().into_any() };
    let drafting = RwSignal::new(Drafting::Busy);
    write(company, session, drafting);
    let on_retry = Callback::new(move |()| write(company, session, drafting));
    view! {
        <div class="client-message">
            <components::ClientMessage drafting=drafting.read_only() on_retry />
        </div>
    }
    .into_any()
}
