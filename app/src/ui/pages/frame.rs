//! What is around every page that somebody has to be signed in for.

use leptos::prelude::*;

use crate::ui::{
    browser::dialog,
    components::{AccountChoice, Announcer, CURRENT_PASSWORD, ChangePassword, OfflineBar, TopBar},
    routes::CONTENT,
    session::Session,
    state::{Submission, Tone, Voice},
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
    let changing = RwSignal::new(None::<Submission>);
    let say = move |words: String| voice.say(words, Tone::Plain, None);
    let on_account = Callback::new(move |choice| match choice {
        AccountChoice::ChangePassword => changing.set(Some(Submission::default())),
        AccountChoice::SignOut => Session::sign_out(move |error| say(error.message)),
    });
    view! {
        <OfflineBar reachable=voice.reachable() />
        <TopBar path me=session.me() on_account />
        <main class="page" id=CONTENT tabindex="-1">
            {children()}
        </main>
        {move || {
            changing
                .get()
                .map(|form| {
                    let on_submit = Callback::new(move |(current, new)| {
                        let done = move || {
                            dialog::close();
                            voice.say("Password changed. You are signed out everywhere else.", Tone::Good, None);
                        };
                        session.change_password(form, CURRENT_PASSWORD, current, new, done);
                    });
                    view! { <ChangePassword form on_submit on_close=Callback::new(move |()| changing.set(None)) /> }
                })
        }}
        <Announcer messages=voice.messages() on_dismiss=Callback::new(move |id| voice.dismiss(id)) />
    }
}
