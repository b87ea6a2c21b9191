//! The table of the people who work here.

use leptos::prelude::*;

use super::{Icon, Select, Shape, TimeAgo};
use crate::{
    domain::{AccountId, AccountRow, AccountState, Role, Timestamp},
    ui::{browser::locale, team::who},
};

const COLUMNS: [&str; 5] = ["Name", "Role", "State", "Last sign-in", "Actions"];

/// What somebody wants done with a person's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamAction {
    /// Another role.
    Role(Role),
    /// An end to their access.
    Deactivate,
    /// Their access back.
    Activate,
    /// Another one-time link.
    NewLink,
}

/// The table.
#[component]
pub fn TeamTable(
    /// Everybody, by name.
    people: ReadSignal<Vec<AccountRow>>,
    /// Who looks at it.
    me: Option<AccountId>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Somebody wants something done.
    on_action: Callback<(AccountRow, TeamAction)>,
) -> impl IntoView {
    view! {
        <table class="data-table team-table" role="table" aria-label="Team">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {move || people.get().into_iter().map(|row| person(row, me, now, on_action)).collect_view()}
            </tbody>
        </table>
    }
}

fn person(
    row: AccountRow,
    me: Option<AccountId>,
    now: ReadSignal<Timestamp>,
    on_action: Callback<(AccountRow, TeamAction)>,
) -> impl IntoView {
    let id = format!("person-{}", row.id);
    let name = who(&row).to_owned() + if me == Some(row.id) { " (you)" } else { "" };
    let (class, shape, words, title) = look(row.state);
    let actions: &[(&str, TeamAction)] = match row.state {
        AccountState::Active => &[("Deactivate", TeamAction::Deactivate)],
        AccountState::Deactivated => &[("Activate", TeamAction::Activate)],
        AccountState::Invited { .. } | AccountState::InvitationExpired => {
            &[("New link", TeamAction::NewLink), ("Deactivate", TeamAction::Deactivate)]
        }
    };
    let label = format!("Role of {}", who(&row));
    let (email, chosen, last_sign_in) = (row.email.clone(), place(row.role), row.last_sign_in);
    let described_by = id.clone();
    let row = StoredValue::new(row);
    let run = move |action| on_action.run((row.get_value(), action));
    let on_choose = Callback::new(move |place: usize| run(TeamAction::Role(Role::ALL[place])));
    let button = move |(words, action): &(&'static str, TeamAction)| {
        let action = *action;
        view! {
            <button type="button" class="button" aria-describedby=described_by.clone() on:click=move |_| run(action)>
                {*words}
            </button>
        }
    };
    view! {
        <tr role="row">
            <td role="cell" class="data-main">
                <span class="name" id=id>{name}</span>
                <span class="subtitle">{email}</span>
            </td>
            <td role="cell">
                <Select label options=Role::ALL.map(Role::label).to_vec() chosen on_choose />
            </td>
            <td role="cell" data-label="State">
                <span class=class title=title>
                    <Icon shape />
                    {words}
                </span>
            </td>
            <td role="cell" data-label="Last sign-in" class="data-quiet">
                {match last_sign_in {
                    Some(at) => view! { <TimeAgo at now /> }.into_any(),
                    None => "never".into_any(),
                }}
            </td>
            <td role="cell" class="data-actions">{actions.iter().map(button).collect_view()}</td>
        </tr>
    }
}

fn place(role: Role) -> usize {
    Role::ALL.into_iter().position(|other| other == role).unwrap_or_default()
}

fn look(state: AccountState) -> (&'static str, Shape, &'static str, Option<String>) {
    match state {
        AccountState::Active => ("badge badge-good", Shape::Check, "Active", None),
        AccountState::Invited { until } => (
            "badge badge-busy",
            Shape::Ring,
            "Invited",
            Some(format!("Their link is valid until {}", locale::time(until))),
        ),
        AccountState::InvitationExpired => ("badge badge-warn", Shape::Warning, "Invitation expired", None),
        AccountState::Deactivated => ("badge", Shape::Cross, "Deactivated", None),
    }
}
