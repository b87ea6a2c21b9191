//! What is around every page that somebody has to be signed in for.

use leptos::prelude::*;

use crate::ui::{
    components::{Announcer, OfflineBar, TopBar},
    routes::CONTENT,
    session::Session,
    state::{Tone, Voice},
};

/// The bars above the page, the page, and what is said about it.
#[component]
pub fn Frame(
    /// The names of the pages above this one, and its own. Empty: it has no place among them.
    path: &'static [&'static str],
    /// The page.
    children: Children,
) -> impl IntoView {
    let voice: Voice = expect_context();
    let session: Session = expect_context();
    let on_sign_out =
        Callback::new(move |()| Session::sign_out(move |error| voice.say(error.message, Tone::Plain, None)));
    view! {
        <OfflineBar reachable=voice.reachable() />
        <TopBar path me=session.me() on_sign_out />
        <main class="page" id=CONTENT tabindex="-1">
            {children()}
        </main>
        <Announcer messages=voice.messages() on_dismiss=Callback::new(move |id| voice.dismiss(id)) />
    }
}
