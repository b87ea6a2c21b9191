//! What a one-time link leads to: somebody makes their account.

use leptos::prelude::*;

use super::Entrance;
use crate::{
    api::{accounts::Invitation, sessions::NewAccount},
    error::{AppError, ErrorCode},
    ui::{
        browser::{document, location},
        components::{Field, Form, LoadFailed},
        entry, routes,
        state::Submission,
    },
};

const PASSWORD: &str = "password";

/// The page.
#[component]
pub fn Join() -> impl IntoView {
    document::set_title("Join");
    let token = StoredValue::new(routes::token(&location::path()).unwrap_or_default().to_owned());
    let invitation = RwSignal::new(None);
    let read = move || entry::read(token.get_value(), invitation);
    read();
    view! {
        <Entrance>
            {move || match invitation.get() {
                None => ().into_any(),
                Some(Ok(invitation)) => view! { <NewAccountForm token=token.get_value() invitation /> }.into_any(),
                Some(Err(error)) if may_pass(&error) => {
                    view! { <LoadFailed title="The link could not be read" error on_retry=Callback::new(move |()| read()) /> }
                        .into_any()
                }
                Some(Err(error)) => view! {
                    <h1>"This link can't be used"</h1>
                    <p>{error.message}</p>
                    <p>
                        "Ask an owner for a new one. If nobody has an account yet, start Tenantry again: it prints a new link."
                    </p>
                    <p>"If you have made your account already, " <a href="/login">"sign in"</a> "."</p>
                }
                .into_any(),
            }}
        </Entrance>
    }
}

/// Whether another try may help.
fn may_pass(error: &AppError) -> bool {
    matches!(error.code, ErrorCode::Offline | ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::TooManyRequests)
}

#[component]
fn NewAccountForm(token: String, invitation: Invitation) -> impl IntoView {
    let Invitation { email: invited, role, msp } = invitation;
    let heading = if invited.is_some() { format!("Join {msp}") } else { "Set up Tenantry".to_owned() };
    let lead = match &invited {
        Some(email) => format!("Make your account for {email}."),
        None => format!("Make the first account of {msp}."),
    };
    let asks_email = invited.is_none();
    let (name, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let email = RwSignal::new(invited.unwrap_or_default());
    let form = Submission::default();
    let token = StoredValue::new(token);
    let on_submit = Callback::new(move |()| {
        let new = NewAccount {
            token: token.get_value(),
            email: email.get_untracked(),
            name: name.get_untracked(),
            password: password.get_untracked(),
        };
        entry::join(form, PASSWORD, new);
    });
    view! {
        <h1>{heading}</h1>
        <p class="page-lead">{lead}</p>
        <p class="entrance-role">
            <strong>{role.label()}</strong>
            {entry::role_words(role)}
        </p>
        <Form submit="Create account" form on_submit>
            <Field id="name" label="Name" kind="text" autocomplete="name" value=name />
            {asks_email
                .then(|| view! { <Field id="email" label="Email" kind="email" autocomplete="username" value=email /> })}
            <Field
                id=PASSWORD
                label="Password"
                kind="password"
                autocomplete="new-password"
                value=password
                rules=entry::PASSWORD_RULES
            />
        </Form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        assert!(may_pass(&AppError::new(ErrorCode::Offline, "")));
        assert!(!may_pass(&AppError::new(ErrorCode::NotFound, "")));
    }
}
