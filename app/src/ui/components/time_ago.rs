//! How long ago something was, and exactly when on hover.

use leptos::prelude::*;

use crate::{
    domain::Timestamp,
    ui::{ago::ago, browser::locale},
};

/// "12 minutes ago".
#[component]
pub fn TimeAgo(
    /// When it was.
    at: Timestamp,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    view! {
        <time datetime=locale::machine_time(at) title=locale::time(at)>
            {move || ago(at, now.get())}
        </time>
    }
}
