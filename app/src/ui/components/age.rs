//! As of when something is, marked where that is too long ago.

use leptos::prelude::*;

use super::{Icon, Shape, TimeAgo};
use crate::{
    domain::{Origin, Timestamp},
    ui::{
        components::Link,
        routes::{Page, Tab},
    },
};

/// "12 minutes ago", with a badge where it is stale.
#[component]
pub fn Age(
    /// When it was read. None: never.
    as_of: Option<Timestamp>,
    /// Whether it should have been read again since.
    stale: bool,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    let when = match as_of {
        Some(at) => view! { <TimeAgo at now /> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <span class="age">
            {when}
            {stale
                .then(|| {
                    view! {
                        <span class="badge badge-warn">
                            <Icon shape=Shape::Clock />
                            "Stale"
                        </span>
                    }
                })}
        </span>
    }
}

/// The cells that tell whose a line is, where a list is of all companies.
pub fn origin_cells(origin: Origin, tab: Tab, now: ReadSignal<Timestamp>) -> AnyView {
    view! {
        <td role="cell" data-label="Company">
            <Link to=Page::Company(origin.company, tab) class="data-link">
                {origin.name}
            </Link>
        </td>
        <td role="cell" data-label="As of" class="data-quiet">
            <Age as_of=origin.as_of stale=origin.stale now />
        </td>
    }
    .into_any()
}
