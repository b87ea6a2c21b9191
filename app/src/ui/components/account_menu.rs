//! Who is signed in, and what they can do with their account.

use leptos::prelude::*;

use super::{Menu, MenuItem, Shape};
use crate::{
    domain::{Me, Right},
    ui::routes::Page,
};

/// All of them lead to a page but the last one, which ends the session.
fn choices(me: Option<&Me>) -> Vec<MenuItem> {
    let page = |label, shape, page| MenuItem { to: Some(page), ..MenuItem::new(label, shape) };
    let mut choices = Vec::new();
    if me.is_some_and(|me| me.role.may(Right::SendLinks)) {
        choices.push(page("Live links", Shape::Link, Page::Links));
    }
    if me.is_some_and(|me| me.role.may(Right::ManageCompanies)) {
        choices.push(page("Archived companies", Shape::Archive, Page::ArchivedCompanies));
    }
    if me.is_some_and(|me| me.role.may(Right::ManageAccounts)) {
        choices.push(page("Team", Shape::People, Page::Team));
        choices.push(page("Activity", Shape::Clock, Page::Activity));
        choices.push(page("Notifications", Shape::Mail, Page::Notifications));
        choices.push(page("API", Shape::Link, Page::ApiTokens));
    }
    if me.is_some_and(|me| me.has_password) {
        choices.push(page("Change password", Shape::Key, Page::ChangePassword));
    }
    choices.push(MenuItem::new("Sign out", Shape::Leave));
    choices
}

/// The button "Account" and its menu.
#[component]
pub fn AccountMenu(
    /// Who is signed in, once that is known.
    me: ReadSignal<Option<Me>>,
    /// Somebody signs out.
    on_sign_out: Callback<()>,
) -> impl IntoView {
    let items = Memo::new(move |_| me.with(|me| choices(me.as_ref())));
    let on_choose = Callback::new(move |_| on_sign_out.run(()));
    let head = move || {
        me.get().map(|me| {
            view! {
                <div class="menu-head" id="account-head">
                    <strong>{me.name}</strong>
                    <span>{me.email}</span>
                    <span>{me.role.label()}</span>
                </div>
            }
        })
    };
    view! {
        <Menu id="account-menu" label="Account" shape=Shape::Person items described_by="account-head" on_choose>
            {head}
        </Menu>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Role};

    fn labels(role: Role, has_password: bool) -> Vec<&'static str> {
        let id = AccountId::from_uuid(uuid::Uuid::nil());
        let me = Me { id, email: "kim@example.com".into(), name: "Kim".into(), role, has_password };
        choices(Some(&me)).into_iter().map(|item| item.label).collect()
    }

    #[test]
    fn only_owners_are_led_to_the_team() {
        assert_eq!(
            labels(Role::Owner, true),
            [
                "Live links",
                "Archived companies",
                "Team",
                "Activity",
                "Notifications",
                "API",
                "Change password",
                "Sign out"
            ]
        );
        let settings = ["Live links", "Archived companies", "Change password", "Sign out"];
        assert_eq!(labels(Role::Settings, true), settings);
    }

    #[test]
    fn who_has_no_password_is_not_offered_another() {
        assert_eq!(labels(Role::Viewer, false), ["Sign out"]);
    }
}
