//! One company in the table.

use std::sync::Arc;

use leptos::prelude::*;

use super::{Figure, Hint, Icon, Menu, MenuItem, MicrosoftButton, MicrosoftMark, Shape, StatusBadge, TimeAgo, When};
use crate::{
    domain::{Action, CompanyId, Figures, Status, Timestamp},
    ui::{
        browser::locale,
        may::Forbidden,
        note::Note,
        routes::{Page, Tab},
        state::{Entry, Wish},
    },
};

/// The id of the sentence that says what the role may not do. Without it, it is not in the document.
pub const ROLE_NOTE: &str = "role-note";

/// The id of a company's row in the document.
pub fn element_id(company: CompanyId) -> String {
    format!("company-{company}")
}

/// The row. It stays the same element while its content changes, so that the focus stays where it is.
#[component]
pub fn CompanyRow(
    /// The company.
    entry: Memo<Arc<Entry>>,
    /// Its place in the list.
    index: Memo<usize>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// What can't be done, and why.
    forbidden: Forbidden,
    /// Whether Tab leads to this row.
    is_tab_stop: Memo<bool>,
    /// The state changed, and with it the buttons.
    on_turn: Callback<()>,
    /// Somebody wants something done.
    on_action: Callback<(CompanyId, Action)>,
) -> impl IntoView {
    let company = entry.with_untracked(|entry| entry.row.id);
    let id = element_id(company);
    let (name_id, status_id) = (format!("{id}-name"), format!("{id}-status"));
    let (row_id, note_id, labelled_by) = (id.clone(), format!("{id}-note"), format!("{name_id} {status_id}"));
    let described_by = name_id.clone();

    let status = Memo::new(move |_| entry.with(|entry| entry.status().into_owned()));
    let written = |number: u32| locale::number(number as usize);
    let users = move |figures: Figures| figures.users.map(written);
    let licences = move |figures: Figures| {
        figures.licences.map(|licences| format!("{} of {}", written(licences.used), written(licences.assignable)))
    };
    let score = |figures: Figures| figures.secure_score.map(|percent| format!("{percent}%"));

    Effect::new(move |_| {
        status.track();
        on_turn.run(());
    });

    view! {
        <tr
            class="company-row"
            role="row"
            id=row_id
            data-company=company.to_string()
            aria-labelledby=labelled_by
            aria-rowindex=move || (index.get() + 2).to_string()
            tabindex=move || if is_tab_stop.get() { "0" } else { "-1" }
            style:--index=move || index.get().to_string()
        >
            <td role="cell" class="company-name">
                <a class="name" id=name_id href=Page::Company(company, Tab::Overview).path()>
                    {move || entry.with(|entry| entry.row.name.clone())}
                </a>
                <span class="subtitle">{move || entry.with(|entry| subtitle(entry))}</span>
            </td>
            <td role="cell" class="company-status">
                <StatusBadge status id=status_id />
                <RowNote entry id=note_id now />
            </td>
            <td role="cell" class="company-figure company-users" data-label="Users">
                {move || figure(entry, users)}
            </td>
            <td role="cell" class="company-figure company-licences" data-label="Licences">
                {move || figure(entry, licences)}
            </td>
            <td role="cell" class="company-figure company-score" data-label="Secure Score">
                {move || figure(entry, score)}
            </td>
            <td role="cell" class="company-synced">
                <LastSync entry now />
            </td>
            <td role="cell" class="company-actions">
                <RowActions entry status forbidden described_by id on_action />
            </td>
        </tr>
    }
}

fn figure(entry: Memo<Arc<Entry>>, write: impl Fn(Figures) -> Option<String>) -> impl IntoView {
    let (text, awaited) = entry.with(|entry| (write(entry.row.figures), entry.row.first_sync));
    view! { <Figure text awaited /> }
}

/// The domain, and the tenant's name where it says more than the company's.
fn subtitle(entry: &Entry) -> String {
    let tenant = entry.row.tenant.as_deref().filter(|tenant| *tenant != entry.row.name);
    [entry.row.domain.as_deref(), tenant].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[component]
fn RowNote(entry: Memo<Arc<Entry>>, id: String, now: ReadSignal<Timestamp>) -> impl IntoView {
    let note = Memo::new(move |_| entry.with(|entry| Note::of(entry)));
    move || {
        let id = id.clone();
        note.get().map(|note| match note.explanation {
            explanation if explanation.is_empty() => view! { <span class="note">{note.words}</span> }.into_any(),
            explanation => {
                let explanation = explanation
                    .into_iter()
                    .chain(note.at.map(|at| crate::ui::ago::ago(at, now.get_untracked())))
                    .collect();
                view! { <Hint id words=note.words explanation /> }.into_any()
            }
        })
    }
}

#[component]
fn LastSync(entry: Memo<Arc<Entry>>, now: ReadSignal<Timestamp>) -> impl IntoView {
    move || match entry.with(|entry| (entry.syncing(), entry.row.synced_at)) {
        (true, _) => view! {
            <span class="syncing">
                <Icon shape=Shape::Spinner />
                "Syncing…"
            </span>
        }
        .into_any(),
        (false, Some(at)) => view! { <TimeAgo at now /> }.into_any(),
        (false, None) => view! { <Figure text=None awaited=false /> }.into_any(),
    }
}

#[component]
fn RowActions(
    entry: Memo<Arc<Entry>>,
    status: Memo<Status>,
    forbidden: Forbidden,
    described_by: String,
    id: String,
    on_action: Callback<(CompanyId, Action)>,
) -> impl IntoView {
    let company = entry.with_untracked(|entry| entry.row.id);
    let run = move |action| Callback::new(move |()| on_action.run((company, action)));
    let allows = move |action| Memo::new(move |_| status.with(|status| status.allows(action)));
    let (signs_in, cancels, reconnects, syncs) =
        (allows(Action::SignIn), allows(Action::Cancel), allows(Action::Reconnect), allows(Action::SyncNow));
    let cancelling = Memo::new(move |_| entry.with(|entry| entry.wish() == Some(Wish::Cancel)));
    let (connecting, cancel_forbidden) = (forbidden.reason(Action::SignIn), forbidden.reason(Action::Cancel));
    let in_menu = move || {
        let to = Some(Page::Company(company, Tab::Overview));
        let open = (None, MenuItem { to, ..MenuItem::new("Open", Shape::Open) });
        let sync = syncs.get().then(|| {
            let forbidden = forbidden.reason(Action::SyncNow).get();
            (Some(Action::SyncNow), MenuItem { forbidden, ..MenuItem::new("Sync now", Shape::Sync) })
        });
        std::iter::once(open).chain(sync)
    };
    let items = Memo::new(move |_| in_menu().map(|(_, item)| item).collect::<Vec<_>>());
    let on_choose = Callback::new(move |place| {
        if let Some((Some(action), _)) = in_menu().nth(place) {
            on_action.run((company, action));
        }
    });
    let with_reason = format!("{described_by} {ROLE_NOTE}");
    let (sign_in_for, cancel_for, reconnect_for) = (with_reason.clone(), with_reason.clone(), with_reason);
    view! {
        <When flag=signs_in>
            <MicrosoftButton on_click=run(Action::SignIn) forbidden=connecting described_by=sign_in_for.clone() />
        </When>
        <When flag=reconnects>
            <button
                type="button"
                class="button"
                aria-describedby=reconnect_for.clone()
                disabled=move || connecting.get().is_some()
                title=move || connecting.get()
                on:click=move |_| run(Action::Reconnect).run(())
            >
                <MicrosoftMark />
                "Reconnect"
            </button>
        </When>
        <When flag=cancels>
            <button
                type="button"
                class="button button-quiet"
                aria-describedby=cancel_for.clone()
                disabled=move || cancelling.get() || cancel_forbidden.get().is_some()
                title=move || cancel_forbidden.get()
                on:click=move |_| run(Action::Cancel).run(())
            >
                "Cancel"
            </button>
        </When>
        <Menu
            id=format!("{id}-menu")
            label="More actions"
            shape=Shape::Dots
            items
            described_by
            on_choose
        />
    }
}
