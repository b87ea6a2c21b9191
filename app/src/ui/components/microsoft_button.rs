//! Microsoft's own button for signing in, by their branding rules.
//! <https://learn.microsoft.com/entra/identity-platform/howto-add-branding-in-apps>

use leptos::prelude::*;

/// The four squares.
pub(super) const MARK: &str = concat!(
    r##"<svg class="microsoft-mark" viewBox="0 0 21 21" aria-hidden="true"><path fill="#f25022" d="M0 0h10v10H0z"/>"##,
    r##"<path fill="#7fba00" d="M11 0h10v10H11z"/><path fill="#00a4ef" d="M0 11h10v10H0z"/>"##,
    r##"<path fill="#ffb900" d="M11 11h10v10H11z"/></svg>"##,
);

/// What the button says.
pub(super) const WORDS: &str = "Sign in with Microsoft";

/// "Sign in with Microsoft".
#[component]
pub fn MicrosoftButton(
    /// What a click does.
    on_click: Callback<()>,
    /// Why it can't be clicked, if so.
    forbidden: Memo<Option<&'static str>>,
    /// The id of what it signs in to.
    described_by: String,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="microsoft-button"
            aria-describedby=described_by
            disabled=move || forbidden.get().is_some()
            title=move || forbidden.get()
            on:click=move |_| on_click.run(())
            inner_html=[MARK, WORDS].concat()
        ></button>
    }
}
