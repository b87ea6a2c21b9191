//! What somebody sees in the place of a page that is for owners.

use leptos::prelude::*;

use crate::{
    domain::Right,
    ui::{
        components::{Empty, Link, Skeleton},
        may,
        routes::Page,
        session::Session,
    },
};

/// The page for owners, and for everybody else why they do not see it.
#[component]
pub fn OwnersOnly(
    /// Why, in a few words.
    title: &'static str,
    /// The page.
    page: fn() -> AnyView,
) -> impl IntoView {
    let session: Session = expect_context();
    let role = Memo::new(move |_| session.role());
    move || match role.get() {
        None => view! { <Skeleton /> }.into_any(),
        Some(role) if may::refusal(Some(role), Right::ManageAccounts).is_none() => page(),
        Some(_) => view! {
            <Empty title>
                <p>"Ask an owner if you need something changed, or the role Owner."</p>
                <Link to=Page::HOME class="button">
                    "Go to M365 companies"
                </Link>
            </Empty>
        }
        .into_any(),
    }
}
