//! Sign in: where everybody comes who is not signed in.

use leptos::prelude::*;

use super::Entrance;
use crate::ui::{
    browser::{document, location},
    components::{Field, Form, MicrosoftButton, When},
    entry,
    state::Submission,
};

const HEADING: &str = "sign-in";

const EMAIL: &str = "email";

const PASSWORD: &str = "password";

/// The page.
#[component]
pub fn SignIn() -> impl IntoView {
    document::set_title("Sign in");
    let options = entry::options();
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let form = Submission::default();
    let on_submit =
        Callback::new(move |()| entry::enter(form, PASSWORD, email.get_untracked(), password.get_untracked()));
    let with_microsoft = Callback::new(move |()| {
        location::leave_for(&format!("/connect/staff?next={}", location::encode(&entry::wanted())));
    });
    let offers_microsoft =
        Memo::new(move |_| options.with(|options| options.as_ref().is_some_and(|options| options.microsoft)));
    request_animation_frame(|| {
        document::focus(EMAIL);
    });
    view! {
        <Entrance>
            <h1 id=HEADING>"Sign in to Tenantry"</h1>
            <p class="page-lead">{move || options.with(|options| options.as_ref().map(|options| options.msp.clone()))}</p>
            <Form submit="Sign in" form on_submit>
                <Field id=EMAIL label="Email" kind="email" autocomplete="username" value=email />
                <Field id=PASSWORD label="Password" kind="password" autocomplete="current-password" value=password />
            </Form>
            <When flag=offers_microsoft>
                <p class="entrance-or">"or"</p>
                <MicrosoftButton on_click=with_microsoft forbidden=Memo::new(|_| None) described_by=HEADING.to_owned() />
            </When>
        </Entrance>
    }
}
