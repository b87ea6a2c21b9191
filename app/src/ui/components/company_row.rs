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

/// The same, for links.
pub const LINK_ROLE_NOTE: &str = "link-role-note";

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

    let status = Memo::new(move |_| entry.with(|entry| entry.status(now.get()).into_owned()));
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
                <RowActions entry status now forbidden described_by id on_action />
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
    let note = Memo::new(move |_| entry.with(|entry| Note::of(entry, now.get())));
    move || {
        let id = id.clone();
        note.get().map(|note| match note.explanation {
            explanation if explanation.is_empty() => view! { <span class="note">{note.words}</span> }.into_any(),
            explanation => {
                let explanation = explanation
                    .into_iter()
                    .chain(note.until.map(|until| format!("It can be used until {}.", locale::time(until))))
                    .chain(note.at.map(|at| crate::ui::ago::ago(at, now.get_untracked())))
                    .collect();
                view! {
                    <div class="note-line">
                        <Hint id words=note.words explanation />
                        {note.since.map(|at| view! { <TimeAgo at now /> })}
                    </div>
                }
                .into_any()
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
    now: ReadSignal<Timestamp>,
    forbidden: Forbidden,
    described_by: String,
    id: String,
    on_action: Callback<(CompanyId, Action)>,
) -> impl IntoView {
    let company = entry.with_untracked(|entry| entry.row.id);
    let run = move |action| Callback::new(move |()| on_action.run((company, action)));
    let allows = move |action| Memo::new(move |_| status.with(|status| status.allows(action)));
    let (signs_in, cancels, reconnects) = (allows(Action::SignIn), allows(Action::Cancel), allows(Action::Reconnect));
    let makes_link = Memo::new(move |_| status.with(has_link_button));
    // What fits best of what can be done about lost access, where that is not Reconnect.
    let fits = move |action| {
        Memo::new(move |_| {
            status.with(|status| {
                matches!(status, Status::NeedsReconnect { .. }) && status.actions().first() == Some(&action)
            })
        })
    };
    let (sends_link, checks, never) = (fits(Action::GenerateLink), fits(Action::SyncNow), Memo::new(|_| false));
    let link_label = Memo::new(move |_| entry.with(|entry| entry.generate_link_label(now.get())));
    let cancelling = Memo::new(move |_| entry.with(|entry| entry.wish() == Some(Wish::Cancel)));
    let (connecting, cancel_forbidden) = (forbidden.reason(Action::SignIn), forbidden.reason(Action::Cancel));
    let (link_forbidden, sync_forbidden) = (forbidden.reason(Action::GenerateLink), forbidden.reason(Action::SyncNow));
    let in_menu = Memo::new(move |_| entry.with(|entry| in_menu(entry, now.get())));
    let items = Memo::new(move |_| {
        let of_action =
            |(action, item): (Action, MenuItem)| MenuItem { forbidden: forbidden.reason(action).get(), ..item };
        let open = MenuItem { to: Some(Page::Company(company, Tab::Overview)), ..MenuItem::new("Open", Shape::Open) };
        let disconnect = entry.with(|entry| entry.row.tenant.is_some()).then(|| {
            let refusal = forbidden.by_role()[0].get();
            let to = refusal.is_none().then_some(Page::Disconnect(company));
            MenuItem { to, forbidden: refusal, ..MenuItem::new("Disconnect", Shape::Leave) }
        });
        let managing = forbidden.managing().get();
        let manage =
            |label, shape, page| MenuItem { to: Some(page), forbidden: managing, ..MenuItem::new(label, shape) };
        let edit = manage("Edit", Shape::Note, Page::EditCompany(company));
        let archive = manage("Archive", Shape::Archive, Page::ArchiveCompany(company));
        std::iter::once(open)
            .chain(in_menu.get().into_iter().map(of_action))
            .chain(disconnect)
            .chain([edit, archive])
            .collect::<Vec<_>>()
    });
    let on_choose = Callback::new(move |place: usize| {
        // The first leads to the company's page.
        let chosen = in_menu.with_untracked(|items| items.get(place.checked_sub(1)?).map(|(action, _)| *action));
        if let Some(action) = chosen {
            on_action.run((company, action));
        }
    });
    let about = described_by.clone();
    let with_reason = format!("{described_by} {ROLE_NOTE}");
    let (sign_in_for, cancel_for, reconnect_for) = (with_reason.clone(), with_reason.clone(), with_reason);
    let link_for = format!("{described_by} {LINK_ROLE_NOTE}");
    view! {
        <When flag=signs_in>
            <MicrosoftButton on_click=run(Action::SignIn) forbidden=connecting described_by=sign_in_for.clone() />
        </When>
        <When flag=checks>
            {row_button(run(Action::SyncNow), sync_forbidden, described_by.clone(), checks, "Check again".into_any())}
        </When>
        <When flag=reconnects>
            {
                let words = view! {
                    <MicrosoftMark />
                    "Reconnect"
                };
                row_button(run(Action::Reconnect), connecting, reconnect_for.clone(), never, words.into_any())
            }
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
        <When flag=makes_link>
            {
                let words = move || link_label.get();
                row_button(run(Action::GenerateLink), link_forbidden, link_for.clone(), sends_link, words.into_any())
            }
        </When>
        <Menu
            id=format!("{id}-menu")
            label="More actions"
            shape=Shape::Dots
            items
            described_by=about
            on_choose
        />
    }
}

/// A button. It stands out while it is `main`.
fn row_button(
    run: Callback<()>,
    forbidden: Memo<Option<&'static str>>,
    described_by: String,
    main: Memo<bool>,
    words: AnyView,
) -> AnyView {
    view! {
        <button
            type="button"
            class="button"
            class:button-main=main
            aria-describedby=described_by
            disabled=move || forbidden.get().is_some()
            title=move || forbidden.get()
            on:click=move |_| run.run(())
        >
            {words}
        </button>
    }
    .into_any()
}

/// Whether making a link is among the buttons. Where there is something more urgent, it is in the menu.
const fn has_link_button(status: &Status) -> bool {
    match status {
        Status::NotConnected | Status::LinkSent => true,
        Status::NeedsReconnect { reason, .. } => reason.remedy().renews(),
        _ => false,
    }
}

/// What can be done in the row's menu.
fn in_menu(entry: &Entry, now: Timestamp) -> Vec<(Action, MenuItem)> {
    let link = (Action::GenerateLink, MenuItem::new(entry.generate_link_label(now), Shape::Link));
    [
        (Action::SyncNow, MenuItem::new("Sync now", Shape::Sync)),
        (Action::WriteToClient, MenuItem::new("Message for the client", Shape::Mail)),
        link,
        (Action::GenerateLinkWithNote, MenuItem::new("Link with a note", Shape::Note)),
        (Action::WithdrawLink, MenuItem::new("Withdraw link", Shape::Cross)),
    ]
    .into_iter()
    .filter(|(action, _)| entry.allows(*action, now))
    .filter(|(action, _)| *action != Action::GenerateLink || !has_link_button(&entry.status(now)))
    .collect()
}
