//! The table of a campaign's companies.

use leptos::{ev, prelude::*};

use super::{Icon, Menu, MenuItem, RowFocus, Shape, TimeAgo};
use crate::{
    domain::{CampaignAction, CampaignRow, CampaignState, CompanyId, Timestamp},
    ui::{
        ago::ahead,
        browser::{document, locale, press},
        campaign::Row,
        routes::Page,
    },
};

const COLUMNS: [&str; 5] = ["Company", "Contact", "State", "Link expires", "Actions"];

/// The table.
#[component]
pub fn CampaignTable(
    /// The companies, by name.
    rows: Memo<Vec<Row>>,
    /// Whether there is a mail server.
    with_mail: Memo<bool>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Somebody wants something done.
    on_action: Callback<(CampaignRow, CampaignAction)>,
) -> impl IntoView {
    let company = |row: &Row| row.with_untracked(|row| row.company);
    let focus = RowFocus::follow(move || rows.with(|rows| rows.iter().map(|row| element_id(company(row))).collect()));
    view! {
        <table class="data-table campaign-table" role="table" aria-label="Companies" on:keydown=|key| press::once(&key)>
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For
                    each=move || rows.get()
                    key=company
                    children=move |row| line(RwSignal::from(row), with_mail, now, focus, on_action)
                />
            </tbody>
        </table>
    }
}

const fn look(state: CampaignState) -> (&'static str, Shape) {
    match state {
        CampaignState::NotSent => ("badge", Shape::Ring),
        CampaignState::Sending => ("badge badge-busy", Shape::Spinner),
        CampaignState::Sent => ("badge badge-busy", Shape::Mail),
        CampaignState::Opened => ("badge badge-busy", Shape::Open),
        CampaignState::Connected => ("badge badge-good", Shape::Check),
        CampaignState::Failed | CampaignState::Asked => ("badge badge-bad", Shape::Warning),
        CampaignState::Expired | CampaignState::Disconnected => ("badge badge-warn", Shape::Clock),
        CampaignState::Withdrawn | CampaignState::Replaced | CampaignState::Archived => ("badge", Shape::Cross),
    }
}

const fn shape(action: CampaignAction) -> Shape {
    match action {
        CampaignAction::Send | CampaignAction::SendAgain | CampaignAction::RenewAndSend => Shape::Mail,
        CampaignAction::MarkSent => Shape::Note,
        CampaignAction::Renew => Shape::Link,
        CampaignAction::Withdraw => Shape::Cross,
    }
}

/// The id of a company's row.
fn element_id(company: CompanyId) -> String {
    format!("campaign-{company}")
}

/// What can be done with a company, by the row's own button and by its menu. What sends takes a mail server and an
/// address.
fn actions(row: &CampaignRow, with_mail: bool) -> (Option<CampaignAction>, Vec<CampaignAction>) {
    let can = |action: &CampaignAction| !action.sends() || (with_mail && row.to.is_some());
    let mut actions: Vec<_> = row.state.actions().iter().copied().filter(can).collect();
    let has_main = actions.first().is_some_and(|action| action.may_be_main());
    (has_main.then(|| actions.remove(0)), actions)
}

fn expiry(at: Timestamp, now: ReadSignal<Timestamp>) -> impl IntoView {
    view! {
        <time datetime=locale::machine_time(at) title=locale::time(at)>
            {move || ahead(at, now.get())}
        </time>
    }
}

fn line(
    row: RwSignal<CampaignRow>,
    with_mail: Memo<bool>,
    now: ReadSignal<Timestamp>,
    focus: RowFocus,
    on_action: Callback<(CampaignRow, CampaignAction)>,
) -> AnyView {
    let company = row.with_untracked(|row| row.company);
    let id = element_id(company);
    let (name_id, state_id) = (format!("{id}-name"), format!("{id}-state"));
    let (labelled_by, described_by) = (format!("{name_id} {state_id}"), name_id.clone());
    let state = Memo::new(move |_| row.with(|row| row.state));
    let offered = Memo::new(move |_| row.with(|row| actions(row, with_mail.get())));
    // The same button stays, whatever it does: who pressed it keeps the focus.
    let has_main = Memo::new(move |_| offered.with(|(main, _)| main.is_some()));
    let items = Memo::new(move |_| {
        let item = |action: &CampaignAction| MenuItem::new(action.label(), shape(*action));
        let mut items: Vec<_> = offered.with(|(_, others)| others.iter().map(item).collect());
        if row.with(|row| row.expires.is_some()) {
            let to = Some(Page::ClientMessage(company));
            items.push(MenuItem { to, ..MenuItem::new("Message for the client", Shape::Note) });
        }
        items
    });
    let run = move |action: Option<CampaignAction>| {
        if let Some(action) = action {
            on_action.run((row.get_untracked(), action));
        }
    };
    let on_choose =
        Callback::new(move |place: usize| run(offered.with_untracked(|(_, others)| others.get(place).copied())));
    // What the first half of a double click did may have made another action of it.
    let on_main = move |click: ev::MouseEvent| {
        if !press::is_second(&click) {
            run(offered.with_untracked(|(main, _)| *main));
        }
    };
    let (row_id, focused_id) = (id.clone(), id.clone());
    Effect::new(move |before: Option<()>| {
        if !has_main.get() && before.is_some() && focus.was_in(&row_id) {
            document::regain_focus(row_id.clone());
        }
    });
    let menu_id = format!("{id}-menu");
    let name_of_button = described_by.clone();
    view! {
        <tr
            role="row"
            id=id
            tabindex="-1"
            aria-labelledby=labelled_by
            on:focusin=move |_| focus.is_in(&focused_id)
        >
            <td role="cell" class="data-main">
                <span class="name" id=name_id>{move || row.with(|row| row.name.clone())}</span>
            </td>
            <td role="cell" data-label="Contact">
                <span class="data-quiet">
                    {move || row.with(|row| row.to.clone().unwrap_or_else(|| "no address".into()))}
                </span>
            </td>
            <td role="cell" data-label="State">
                <span>
                    <span class=move || look(state.get()).0>
                        {move || view! { <Icon shape=look(state.get()).1 /> }}
                        <span id=state_id>{move || state.get().label()}</span>
                    </span>
                    " "
                    {move || {
                        let at = row.with(|row| row.at);
                        at.map(|at| view! { <span class="data-quiet"><TimeAgo at now /></span> })
                    }}
                    <span class="subtitle">{move || row.with(|row| row.note.clone())}</span>
                </span>
            </td>
            <td role="cell" data-label="Link expires">
                {move || row.with(|row| row.expires).map(|at| expiry(at, now))}
            </td>
            <td role="cell" class="data-actions">
                {move || {
                    let described_by = name_of_button.clone();
                    has_main
                        .get()
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    class="button"
                                    aria-describedby=described_by
                                    on:click=on_main
                                >
                                    {move || offered.with(|(main, _)| main.map(CampaignAction::label))}
                                </button>
                            }
                        })
                }}
                <Menu id=menu_id label="More actions" shape=Shape::Dots items described_by on_choose />
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_rows_own_button_never_ends_the_link() {
        let company = CompanyId::from_uuid(Uuid::nil());
        for state in CampaignState::ALL {
            for (to, with_mail) in [(None, false), (None, true), (Some("kim@client.test".to_owned()), true)] {
                let row =
                    CampaignRow { company, name: "A".into(), to, state, at: None, expires: None, note: String::new() };
                let (main, others) = actions(&row, with_mail);
                assert_ne!(main, Some(CampaignAction::Withdraw), "{state:?}");
                let all = main.into_iter().chain(others).collect::<Vec<_>>();
                assert_eq!(
                    all.contains(&CampaignAction::Withdraw),
                    state.allows(CampaignAction::Withdraw),
                    "{state:?}"
                );
            }
        }
    }
}
