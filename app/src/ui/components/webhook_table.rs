//! The table of webhooks.

use leptos::prelude::*;

use super::{Icon, Menu, MenuItem, Shape, TimeAgo};
use crate::{
    domain::{DeliveryState, NoticeKind, Timestamp, WebhookId, WebhookRow, WebhookState},
    ui::browser::locale,
};

const COLUMNS: [&str; 4] = ["Address", "State", "Last delivery", "Actions"];

/// What somebody wants done with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAction {
    /// Its log.
    Deliveries,
    /// Another address, or other events.
    Edit,
    /// An event that tells nothing.
    Test,
    /// A rest.
    Pause,
    /// An end to that.
    Activate,
    /// A new secret.
    ReplaceSecret,
    /// Its end.
    Delete,
}

impl WebhookAction {
    const fn item(self) -> MenuItem {
        match self {
            Self::Deliveries => MenuItem::new("Deliveries", Shape::Clock),
            Self::Edit => MenuItem::new("Edit", Shape::Note),
            Self::Test => MenuItem::new("Send a test event", Shape::Open),
            Self::Pause => MenuItem::new("Pause", Shape::Half),
            Self::Activate => MenuItem::new("Activate", Shape::Check),
            Self::ReplaceSecret => MenuItem::new("Replace secret", Shape::Key),
            Self::Delete => MenuItem::new("Delete", Shape::Cross),
        }
    }
}

fn actions(state: WebhookState) -> &'static [WebhookAction] {
    use WebhookAction::{Activate, Delete, Edit, Pause, ReplaceSecret, Test};

    match state {
        WebhookState::Active => &[Edit, Test, Pause, ReplaceSecret, Delete],
        WebhookState::Paused | WebhookState::Gone => &[Edit, Activate, ReplaceSecret, Delete],
    }
}

/// The table.
#[component]
pub fn WebhookTable(
    /// The webhooks, in the order in which they were added.
    rows: ReadSignal<Vec<WebhookRow>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Somebody wants something done.
    on_action: Callback<(WebhookRow, WebhookAction)>,
) -> impl IntoView {
    // A line stays the same while what it tells changes, so that the focus stays where it is.
    let which = Memo::new(move |_| rows.with(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>()));
    view! {
        <table class="data-table webhook-table" role="table" aria-label="Webhooks">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {move || {
                    // A memo that is tracked and never read follows nothing.
                    which.with(|_| ());
                    rows.get_untracked().into_iter().map(|row| line(row, rows, now, on_action)).collect_view()
                }}
            </tbody>
        </table>
    }
}

/// The id of a webhook's address here.
fn element_id(webhook: WebhookId) -> String {
    format!("webhook-{webhook}")
}

fn line(
    known: WebhookRow,
    rows: ReadSignal<Vec<WebhookRow>>,
    now: ReadSignal<Timestamp>,
    on_action: Callback<(WebhookRow, WebhookAction)>,
) -> impl IntoView {
    let id = element_id(known.id);
    // The line of one that is gone is about to go too.
    let row =
        Memo::new(move |_| rows.with(|rows| rows.iter().find(|row| row.id == known.id).unwrap_or(&known).clone()));
    let run = move |action| on_action.run((row.get_untracked(), action));
    let items = Memo::new(move |_| row.with(|row| actions(row.state).iter().map(|action| action.item()).collect()));
    let on_choose = Callback::new(move |place: usize| {
        if let Some(action) = actions(row.with_untracked(|row| row.state)).get(place) {
            run(*action);
        }
    });
    view! {
        <tr role="row">
            {move || told(row.get(), now)}
            <td role="cell" class="data-actions">
                <button
                    type="button"
                    class="button"
                    aria-describedby=id.clone()
                    on:click=move |_| run(WebhookAction::Deliveries)
                >
                    "Deliveries"
                </button>
                <Menu
                    id=format!("{id}-menu")
                    label="More actions"
                    shape=Shape::Dots
                    items
                    described_by=id
                    on_choose
                />
            </td>
        </tr>
    }
}

/// What a line tells: its cells but the last.
fn told(row: WebhookRow, now: ReadSignal<Timestamp>) -> AnyView {
    let kinds = row.kinds.iter().map(|kind| kind.key()).collect::<Vec<_>>();
    let kinds = if kinds.len() == NoticeKind::ALL.len() { "everything".into() } else { kinds.join(", ") };
    let (class, shape, words) = look(row.state);
    let latest = row.latest.map(|latest| {
        let at = latest.tried_at.unwrap_or(latest.made_at);
        view! {
            <span class="webhook-latest">
                <DeliveryBadge state=latest.state tries=latest.tries />
                <span class="data-quiet">
                    <TimeAgo at now />
                </span>
            </span>
        }
    });
    let latest = latest.map_or_else(|| "none yet".into_any(), IntoAny::into_any);
    view! {
        <td role="cell" class="data-main">
            <span class="name" id=element_id(row.id)>
                {row.url}
            </span>
            <span class="subtitle">{kinds}</span>
        </td>
        <td role="cell" data-label="State">
            <span class="webhook-latest">
                <span class=class>
                    <Icon shape />
                    {words}
                </span>
                {row
                    .old_secret_until
                    .map(|until| {
                        view! { <span class="data-quiet">"Old secret until " {locale::time(until)}</span> }
                    })}
            </span>
        </td>
        <td role="cell" data-label="Last delivery">
            {latest}
        </td>
    }
    .into_any()
}

const fn look(state: WebhookState) -> (&'static str, Shape, &'static str) {
    match state {
        WebhookState::Active => ("badge badge-good", Shape::Check, "Active"),
        WebhookState::Paused => ("badge", Shape::Half, "Paused"),
        WebhookState::Gone => ("badge badge-bad", Shape::Warning, "Gone (410)"),
    }
}

/// How far a delivery is.
#[component]
pub fn DeliveryBadge(
    /// How far.
    state: DeliveryState,
    /// How often it was tried.
    tries: u32,
) -> impl IntoView {
    let (class, shape, words) = match (state, tries) {
        (DeliveryState::Delivered, _) => ("badge badge-good", Shape::Check, "Delivered"),
        (DeliveryState::Failed, _) => ("badge badge-bad", Shape::Warning, "Failed"),
        (DeliveryState::Waiting, 0) => ("badge badge-busy", Shape::Ring, "On its way"),
        (DeliveryState::Waiting, _) => ("badge badge-warn", Shape::Warning, "To be tried again"),
    };
    view! {
        <span class=class>
            <Icon shape />
            {words}
        </span>
    }
}
