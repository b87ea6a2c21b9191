//! A form: its fields, what is wrong with it, and the button that sends it.

use leptos::{ev, prelude::*};

use super::{Icon, Shape};
use crate::ui::{browser::dialog, state::Submission};

/// The form. What is wrong is said above the button.
#[component]
pub fn Form(
    /// The words of the button.
    submit: &'static str,
    /// Whether it is on its way.
    form: Submission,
    /// Whether it is in a dialog, which it can close.
    #[prop(optional)]
    in_dialog: bool,
    /// Somebody sends it.
    on_submit: Callback<()>,
    /// The fields.
    children: Children,
) -> impl IntoView {
    let busy = form.busy();
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        on_submit.run(());
    };
    view! {
        <form class="form" on:submit=on_submit>
            {children()}
            <Problem words=form.error() />
            <div class="form-buttons">
                <button
                    type="submit"
                    class="button button-main"
                    aria-disabled=move || busy.get().to_string()
                    aria-busy=move || busy.get().to_string()
                >
                    {move || busy.get().then(|| view! { <Icon shape=Shape::Spinner /> })}
                    {submit}
                </button>
                {in_dialog
                    .then(|| {
                        view! {
                            <button type="button" class="button" on:click=move |_| dialog::close()>
                                "Cancel"
                            </button>
                        }
                    })}
            </div>
        </form>
    }
}

/// What is wrong, read out at once.
#[component]
pub fn Problem(
    /// The words, if something is.
    #[prop(into)]
    words: Signal<Option<String>>,
) -> impl IntoView {
    move || {
        words.get().map(|words| {
            view! {
                <p class="problem" role="alert">
                    <Icon shape=Shape::Warning />
                    <span>{words}</span>
                </p>
            }
        })
    }
}
