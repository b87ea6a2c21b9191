//! What is known of all tenants: users, licences, domains, Secure Score.

use leptos::prelude::*;

use super::Frame;
use crate::{
    domain::{LicenceRow, ScoreRow, TenantDomainRow, UserRow},
    ui::{
        browser::{clock, document},
        components::{ListTable, SectionNav},
        listing::{Kind, Listing},
        routes::{Page, Topic},
        session::Session,
        state::Voice,
    },
};

/// The page.
#[component]
pub fn Microsoft365(
    /// What it is about.
    topic: Topic,
) -> impl IntoView {
    document::set_title(topic.label());
    let (path, lead): (&'static [&'static str], _) = match topic {
        Topic::Users => (&["Microsoft 365", "Users"], "The people and guests of all connected companies."),
        Topic::Licences => (&["Microsoft 365", "Licences"], "What the connected companies have bought, and use of it."),
        Topic::Domains => (&["Microsoft 365", "Domains"], "The domain names of all connected companies."),
        Topic::SecureScore => {
            (&["Microsoft 365", "Secure Score"], "How well Microsoft finds each company set up, the lowest first.")
        }
    };
    let kind = match topic {
        Topic::Users => Kind::of::<UserRow>(),
        Topic::Licences => Kind::of::<LicenceRow>(),
        Topic::Domains => Kind::of::<TenantDomainRow>(),
        Topic::SecureScore => Kind::of::<ScoreRow>(),
    };
    let session: Session = expect_context();
    let voice: Voice = expect_context();
    let listing = Listing::follow(kind, session, voice, None, Signal::stored(None), clock::minutes());
    view! {
        <Frame path>
            <SectionNav shown=Page::Microsoft365(topic) />
            <div class="page-head">
                <div>
                    <h1>{topic.label()}</h1>
                    <p class="page-lead">{lead}</p>
                </div>
            </div>
            <ListTable listing />
        </Frame>
    }
}
