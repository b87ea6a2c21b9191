//! What is shown in the place of a list that could not be read.

use leptos::prelude::*;

use super::Empty;
use crate::error::AppError;

/// What happened, and another try.
#[component]
pub fn LoadFailed(
    /// What could not be read.
    title: &'static str,
    /// Why.
    error: AppError,
    /// Somebody tries again.
    on_retry: Callback<()>,
) -> impl IntoView {
    view! {
        <Empty title>
            <p>{error.message}</p>
            <button type="button" class="button" on:click=move |_| on_retry.run(())>
                "Retry"
            </button>
        </Empty>
    }
}
