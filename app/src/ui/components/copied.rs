//! Whether something is in the clipboard, and the button that puts it there.

use leptos::prelude::*;

use super::{Icon, Shape};

/// "Copied to clipboard", where that is so; else the button.
#[component]
pub fn Copied(
    /// Whether it is there. None: that is being tried.
    #[prop(into)]
    copied: Signal<Option<bool>>,
    /// Somebody wants it there.
    on_copy: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="copied" aria-live="polite">
            {move || {
                copied
                    .get()
                    .map(|is_copied| {
                        if is_copied {
                            view! {
                                <Icon shape=Shape::Check />
                                "Copied to clipboard"
                            }
                                .into_any()
                        } else {
                            view! {
                                <button type="button" class="button button-main" on:click=move |_| on_copy.run(())>
                                    "Copy"
                                </button>
                            }
                                .into_any()
                        }
                    })
            }}
        </div>
    }
}
