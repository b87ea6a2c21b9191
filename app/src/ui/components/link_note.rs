//! The note that somebody gives a link on its way.

use leptos::prelude::*;

use super::{Field, Form};
use crate::ui::state::Submission;

/// The id of the field.
pub const LINK_NOTE: &str = "link-note";

/// The field, and the button that makes the link.
#[component]
pub fn LinkNoteForm(
    /// What is wrong with it.
    form: Submission,
    /// The words of the button.
    submit: &'static str,
    /// Somebody wrote a note, or none.
    on_submit: Callback<String>,
) -> impl IntoView {
    let note = RwSignal::new(String::new());
    view! {
        <Form submit form in_dialog=true on_submit=Callback::new(move |()| on_submit.run(note.get_untracked()))>
            <Field
                id=LINK_NOTE
                label="Note"
                kind="text"
                autocomplete="off"
                value=note
                rules="Such as a ticket's number. Your team sees it, the client does not."
                optional=true
            />
        </Form>
    }
}
