//! The table of the companies that are put away.

use leptos::prelude::*;

use super::TimeAgo;
use crate::domain::{ArchivedCompany, Timestamp};

const COLUMNS: [&str; 4] = ["Company", "Connected to", "Archived", "Actions"];

/// What somebody wants with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveAction {
    /// Bring it back.
    Restore,
    /// Delete it for good.
    Delete,
}

/// The table.
#[component]
pub fn ArchivedTable(
    /// The companies, by name.
    rows: ReadSignal<Vec<ArchivedCompany>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Whether the role may delete.
    may_delete: bool,
    /// Somebody wants something done.
    on_action: Callback<(ArchivedCompany, ArchiveAction)>,
) -> impl IntoView {
    let line = move |company: ArchivedCompany| {
        let id = format!("archived-{}", company.id);
        let ArchivedCompany { name, domain, tenant, since, .. } = company.clone();
        let button = |action, words: &'static str| {
            let (id, company) = (id.clone(), company.clone());
            view! {
                <button
                    type="button"
                    class="button"
                    aria-describedby=id
                    on:click=move |_| on_action.run((company.clone(), action))
                >
                    {words}
                </button>
            }
        };
        let delete = may_delete.then(|| button(ArchiveAction::Delete, "Delete…"));
        let tenant_label = tenant.is_some().then_some("Connected to");
        view! {
            <tr role="row">
                <td role="cell" class="data-main">
                    <span class="name" id=id.clone()>
                        {name}
                    </span>
                    <span class="subtitle">{domain}</span>
                </td>
                <td role="cell" data-label=tenant_label>
                    {tenant}
                </td>
                <td role="cell" data-label="Archived">
                    <TimeAgo at=since now />
                </td>
                <td role="cell" class="data-actions">
                    {button(ArchiveAction::Restore, "Restore")} {delete}
                </td>
            </tr>
        }
    };
    view! {
        <table class="data-table" role="table" aria-label="Archived companies">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">{move || rows.get().into_iter().map(line).collect_view()}</tbody>
        </table>
    }
}
