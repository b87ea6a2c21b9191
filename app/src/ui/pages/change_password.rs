//! Another password for who is signed in.

use leptos::prelude::*;

use super::Frame;
use crate::ui::{
    browser::document,
    components::{Field, Form},
    entry::{PASSWORD_RULES, password_refusal},
    session::Session,
    state::{Submission, Tone, Voice},
};

/// The id of the field of the current password.
const CURRENT: &str = "current-password";

/// The id of the field of the new one.
const NEW: &str = "new-password";

/// The page.
#[component]
pub fn ChangePassword() -> impl IntoView {
    document::set_title("Change password");
    let voice: Voice = expect_context();
    let session: Session = expect_context();
    let form = Submission::default();
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let on_submit = Callback::new(move |()| {
        if let Some(refusal) = password_refusal(&new.get_untracked()) {
            return form.refuse(NEW, refusal);
        }
        let done = move || {
            current.set(String::new());
            new.set(String::new());
            voice.say("Password changed. You are signed out everywhere else.", Tone::Good, None);
        };
        session.change_password(form, CURRENT, current.get_untracked(), new.get_untracked(), done);
    });
    view! {
        <Frame path=&["Settings", "Change password"]>
            <div class="page-head">
                <div>
                    <h1>"Change password"</h1>
                    <p class="page-lead">"It signs you out everywhere else."</p>
                </div>
            </div>
            <div class="narrow-form">
                <Form submit="Change password" form on_submit>
                    <Field
                        id=CURRENT
                        label="Current password"
                        kind="password"
                        autocomplete="current-password"
                        value=current
                    />
                    <Field
                        id=NEW
                        label="New password"
                        kind="password"
                        autocomplete="new-password"
                        value=new
                        rules=PASSWORD_RULES
                    />
                </Form>
            </div>
        </Frame>
    }
}
