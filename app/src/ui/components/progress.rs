//! How many companies are connected.

use leptos::prelude::*;

use crate::{domain::Progress, ui::browser::locale};

/// The bar and the same in words.
#[component]
pub fn ConnectedProgress(
    /// How many. None: not known yet.
    progress: Memo<Option<Progress>>,
) -> impl IntoView {
    let known = move || progress.get().unwrap_or_default();
    let share = move || {
        let Progress { connected, total } = known();
        (connected * 1_000).checked_div(total).unwrap_or_default().to_string()
    };
    let words = move || {
        progress
            .get()
            .map(|known| format!("{} of {} connected", locale::number(known.connected), locale::number(known.total)))
    };
    view! {
        <div class="progress">
            <p class="progress-words">{words}</p>
            <div
                class="progress-bar"
                role="progressbar"
                aria-label="Connected companies"
                aria-valuemin="0"
                aria-valuenow=move || known().connected.to_string()
                aria-valuemax=move || known().total.to_string()
                aria-valuetext=words
            >
                <div class="progress-done" style:--permille=share></div>
            </div>
        </div>
    }
}
