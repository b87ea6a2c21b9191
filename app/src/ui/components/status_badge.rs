//! The state of a company as a badge: a shape, a word and a colour.

use leptos::prelude::*;

use super::{Icon, Shape};
use crate::domain::Status;

/// The classes and the picture of a state's badge.
pub(super) const fn look(status: &Status) -> (&'static str, Shape) {
    match status {
        Status::NotConnected => ("badge", Shape::Ring),
        Status::LinkSent => ("badge badge-busy", Shape::Link),
        Status::SigningIn { .. } => ("badge badge-busy", Shape::Spinner),
        Status::Verifying { .. } => ("badge badge-busy", Shape::Shield),
        Status::Connected => ("badge badge-good", Shape::Check),
        Status::Limited { .. } => ("badge badge-warn", Shape::Half),
        Status::NeedsReconnect { .. } => ("badge badge-bad", Shape::Warning),
    }
}

/// The badge.
#[component]
pub fn StatusBadge(
    /// The state.
    status: Memo<Status>,
    /// The id of the word, for the row's name.
    id: String,
) -> impl IntoView {
    view! {
        <span class=move || status.with(look).0>
            {move || view! { <Icon shape=status.with(look).1 /> }}
            <span id=id>{move || status.with(Status::word)}</span>
        </span>
    }
}
