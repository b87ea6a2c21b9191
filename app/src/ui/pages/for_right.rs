//! What somebody sees in the place of a page that their role does not include.

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

/// The page for who has the right, and for everybody else why they do not see it.
#[component]
pub fn ForRight(
    /// What it takes.
    right: Right,
    /// Why, in a few words.
    title: &'static str,
    /// The page.
    page: fn() -> AnyView,
) -> impl IntoView {
    let session: Session = expect_context();
    let role = Memo::new(move |_| session.role());
    move || {
        match role.get() {
        None => view! { <Skeleton /> }.into_any(),
        Some(role) if may::refusal(Some(role), right).is_none() => page(),
        Some(_) => view! {
            <Empty title>
                <p>{format!("Ask an owner if you need something changed, or the role {}.", right.least_role().label())}</p>
                <Link to=Page::HOME class="button">
                    "Go to M365 companies"
                </Link>
            </Empty>
        }
        .into_any(),
    }
    }
}
