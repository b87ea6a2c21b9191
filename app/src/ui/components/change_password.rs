//! The dialog in which somebody changes their password.

use leptos::prelude::*;

use super::{Dialog, Field, Form};
use crate::ui::{
    entry::{PASSWORD_RULES, password_refusal},
    state::Submission,
};

/// The id of the field of the current password.
pub const CURRENT_PASSWORD: &str = "current-password";

/// The dialog.
#[component]
pub fn ChangePassword(
    /// Whether it is on its way.
    form: Submission,
    /// Somebody typed their current password, and a new one.
    on_submit: Callback<(String, String)>,
    /// The dialog was closed.
    on_close: Callback<()>,
) -> impl IntoView {
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let on_form = Callback::new(move |()| match password_refusal(&new.get_untracked()) {
        Some(refusal) => form.refuse("new-password", refusal),
        None => on_submit.run((current.get_untracked(), new.get_untracked())),
    });
    view! {
        <Dialog title="Change password".to_owned() on_close>
            <Form submit="Change password" form in_dialog=true on_submit=on_form>
                <Field
                    id=CURRENT_PASSWORD
                    label="Current password"
                    kind="password"
                    autocomplete="current-password"
                    value=current
                />
                <Field
                    id="new-password"
                    label="New password"
                    kind="password"
                    autocomplete="new-password"
                    value=new
                    rules=PASSWORD_RULES
                />
            </Form>
        </Dialog>
    }
}
