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
                <For each=move || people.get() key=|row| row.id let(first)>
                    {
                        let id = first.id;
                        let row = Signal::derive(move || {
                            people.with(|people| people.iter().find(|row| row.id == id).cloned()).unwrap_or_else(|| first.clone())
                        });
                        view! { <Person row is_me=me == Some(id) now on_action /> }
                    }
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn Person(
    row: Signal<AccountRow>,
    is_me: bool,
    now: ReadSignal<Timestamp>,
    on_action: Callback<(AccountRow, TeamAction)>,
) -> impl IntoView {
    let id = row.with_untracked(|row| format!("person-{}", row.id));
    let label = row.with_untracked(|row| format!("Role of {}", who(row)));
    let run = move |action| on_action.run((row.get_untracked(), action));
    let chosen = Signal::derive(move || row.with(|row| place(row.role)));
    let on_choose = Callback::new(move |place: usize| run(TeamAction::Role(Role::ALL[place])));
    let state = Memo::new(move |_| row.with(|row| row.state));
    let described_by = id.clone();
    let button = move |label: &'static str, action| {
        view! {
            <button type="button" class="button" aria-describedby=described_by.clone() on:click=move |_| run(action)>
                {label}
            </button>
        }
    };
    view! {
        <tr role="row">
            <td role="cell" class="data-main">
                <span class="name" id=id>
                    {move || row.with(|row| who(row).to_owned())}
                    {is_me.then_some(" (you)")}
                </span>
                <span class="subtitle">{move || row.with(|row| row.email.clone())}</span>
            </td>
            <td role="cell">
                <Select label options=Role::ALL.map(Role::label).to_vec() chosen on_choose />
            </td>
            <td role="cell" data-label="State">
                {move || {
                    let (class, shape, words, title) = look(state.get());
                    view! {
                        <span class=class title=title>
                            <Icon shape />
                            {words}
                        </span>
                    }
                }}
            </td>
            <td role="cell" data-label="Last sign-in" class="data-quiet">
                {move || match row.with(|row| row.last_sign_in) {
                    Some(at) => view! { <TimeAgo at now /> }.into_any(),
                    None => "never".into_any(),
                }}
            </td>
            <td role="cell" class="data-actions">
                {move || match state.get() {
                    AccountState::Active => button("Deactivate", TeamAction::Deactivate).into_any(),
                    AccountState::Deactivated => button("Activate", TeamAction::Activate).into_any(),
                    AccountState::Invited { .. } | AccountState::InvitationExpired => {
                        [button("New link", TeamAction::NewLink), button("Deactivate", TeamAction::Deactivate)].into_any()
                    }
                }}
            </td>
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
