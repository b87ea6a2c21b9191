//! A part of a page that is not always there.

use leptos::prelude::*;

/// The part, while `flag` is set. Unlike `Show` it is compiled once, whatever is in it.
#[component]
pub fn When(
    /// Whether it is there.
    flag: Memo<bool>,
    /// The part.
    children: ChildrenFn,
) -> impl IntoView {
    move || flag.get().then(|| children())
}
