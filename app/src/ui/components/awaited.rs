//! What is in a dialog until there is what it is about.

use leptos::prelude::*;

use super::{CloseButton, Icon, Problem, Shape};

/// That it is on its way; or why there is none, and another try.
#[component]
pub fn Awaited(
    /// What is being done.
    busy: &'static str,
    /// Why there is none. None: it is on its way.
    refused: Option<String>,
    /// Somebody tries again.
    #[prop(optional_no_strip)]
    on_retry: Option<Callback<()>>,
) -> impl IntoView {
    let retry = on_retry.filter(|_| refused.is_some()).map(|on_retry| {
        view! {
            <button type="button" class="button button-main" on:click=move |_| on_retry.run(())>
                "Try again"
            </button>
        }
    });
    view! {
        {refused
            .is_none()
            .then(|| {
                view! {
                    <p class="awaited" role="status">
                        <Icon shape=Shape::Spinner />
                        {busy}
                    </p>
                }
            })}
        <Problem words=refused />
        <div class="form-buttons">{retry} <CloseButton /></div>
    }
}
