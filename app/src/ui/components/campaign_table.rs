//! The table of a campaign's companies.

use leptos::prelude::*;

use super::{Icon, Menu, MenuItem, Shape, TimeAgo};
use crate::{
    domain::{CampaignAction, CampaignRow, CampaignState, CompanyId, Timestamp},
    ui::{
        ago::ahead,
        browser::{document, locale},
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
    let focused = StoredValue::new(None);
    view! {
        <table class="data-table campaign-table" role="table" aria-label="Companies">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For
                    each=move || rows.get()
                    key=|row| row.with_untracked(|row| row.company)
                    children=move |row| line(RwSignal::from(row), with_mail, now, focused, on_action)
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

/// What can be done with a company: what sends takes a mail server and an address.
fn actions(row: &CampaignRow, with_mail: bool) -> Vec<CampaignAction> {
    let can = |action: &&CampaignAction| !action.sends() || (with_mail && row.to.is_some());
    row.state.actions().iter().filter(can).copied().collect()
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
    focused: StoredValue<Option<CompanyId>>,
    on_action: Callback<(CampaignRow, CampaignAction)>,
) -> AnyView {
    let company = row.with_untracked(|row| row.company);
    let id = format!("campaign-{company}");
    let (name_id, state_id) = (format!("{id}-name"), format!("{id}-state"));
    let (labelled_by, described_by) = (format!("{name_id} {state_id}"), name_id.clone());
    let state = Memo::new(move |_| row.with(|row| row.state));
    let offered = Memo::new(move |_| row.with(|row| actions(row, with_mail.get())));
    // The same button stays, whatever it does: who pressed it keeps the focus.
    let has_main = Memo::new(move |_| offered.with(|offered| !offered.is_empty()));
    let items = Memo::new(move |_| {
        let others = offered.with(|offered| offered.iter().skip(1).copied().collect::<Vec<_>>());
        let mut items: Vec<_> = others.into_iter().map(|action| MenuItem::new(action.label(), shape(action))).collect();
        if row.with(|row| row.expires.is_some()) {
            let to = Some(Page::ClientMessage(company));
            items.push(MenuItem { to, ..MenuItem::new("Message for the client", Shape::Note) });
        }
        items
    });
    let run = move |place: usize| {
        if let Some(action) = offered.with_untracked(|offered| offered.get(place).copied()) {
            on_action.run((row.get_untracked(), action));
        }
    };
    let on_choose = Callback::new(move |place: usize| run(place + 1));
    let row_id = id.clone();
    Effect::new(move |before: Option<()>| {
        let is_left = !has_main.get() && before.is_some() && focused.get_value() == Some(company);
        if is_left {
            let row_id = row_id.clone();
            // What had the focus is gone.
            request_animation_frame(move || {
                if document::has_no_focus() {
                    document::focus_in_place(&row_id);
                }
            });
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
            on:focusin=move |_| focused.set_value(Some(company))
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
                                    on:click=move |_| run(0)
                                >
                                    {move || offered.with(|offered| offered.first().map(|action| action.label()))}
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
