//! The note that somebody gives a link on its way.

use leptos::{ev, html, prelude::*};

use super::Problem;
use crate::ui::state::Submission;

/// The id of the field.
pub const LINK_NOTE: &str = "link-note";

const RULES: &str = "Such as a ticket’s number. Your team sees it, the client does not.";

/// The field, and the button that makes the link. It is part of a dialog.
#[component]
pub fn LinkNoteForm(
    /// What is wrong with it.
    form: Submission,
    /// Somebody wrote a note, or none.
    on_submit: Callback<String>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            on_submit.run(field.value());
        }
    };
    view! {
        <form class="form" on:submit=on_submit>
            <div class="field">
                <label for=LINK_NOTE>"Note"</label>
                <input
                    id=LINK_NOTE
                    type="text"
                    autocomplete="off"
                    aria-describedby="link-note-rules"
                    node_ref=field
                />
                <p class="field-rules" id="link-note-rules">
                    {RULES}
                </p>
            </div>
            <Problem words=form.error() />
            <div class="form-buttons">
                <button type="submit" class="button button-main">
                    "Generate Link"
                </button>
                <button type="submit" class="button" form="no-link">
                    "Cancel"
                </button>
            </div>
        </form>
        <form method="dialog" id="no-link"></form>
    }
}
