//! A question before something that should not happen by accident.

use leptos::prelude::*;

use super::Dialog;
use crate::ui::browser::dialog;

/// The question. `on_close` comes after `on_confirm` too.
#[component]
pub fn Confirm(
    /// The question.
    title: String,
    /// What follows from it.
    text: &'static str,
    /// The words of the button that does it.
    action: &'static str,
    /// It shall be done.
    on_confirm: Callback<()>,
    /// It was answered.
    on_close: Callback<()>,
) -> impl IntoView {
    let confirm = move |_| {
        on_confirm.run(());
        dialog::close();
    };
    view! {
        <Dialog title on_close>
            <p>{text}</p>
            <div class="form-buttons">
                <button type="button" class="button button-main" on:click=confirm>
                    {action}
                </button>
                <button type="button" class="button" autofocus on:click=move |_| dialog::close()>
                    "Cancel"
                </button>
            </div>
        </Dialog>
    }
}
