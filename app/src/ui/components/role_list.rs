//! What each role may do.

use leptos::prelude::*;

use crate::domain::Role;

/// The roles, the least first.
#[component]
pub fn RoleList() -> impl IntoView {
    view! {
        <dl class="role-list">
            {Role::ALL
                .map(|role| {
                    view! {
                        <dt>{role.label()}</dt>
                        <dd>{role.explanation()}</dd>
                    }
                })
                .collect_view()}
        </dl>
    }
}
