//! The bar that says that the server does not answer.

use leptos::prelude::*;

use super::{Icon, Shape, When};

/// Shown while the server does not answer. It goes by itself.
#[component]
pub fn OfflineBar(
    /// Whether the server answers.
    reachable: ReadSignal<bool>,
) -> impl IntoView {
    let offline = Memo::new(move |_| !reachable.get());
    view! {
        <When flag=offline>
            <p class="offline-bar" role="alert">
                <Icon shape=Shape::Spinner />
                "Can't reach the server. Trying again…"
            </p>
        </When>
    }
}
