//! The table of the companies that are put away.

use leptos::{ev, prelude::*};

use super::{RowFocus, TimeAgo};
use crate::{
    domain::{ArchivedCompany, CompanyId, Timestamp},
    ui::browser::press,
};

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
    let focus = RowFocus::follow(move || rows.with(|rows| rows.iter().map(|row| element_id(row.id)).collect()));
    let line = move |company: ArchivedCompany| {
        let id = element_id(company.id);
        let row_id = id.clone();
        let ArchivedCompany { name, domain, tenant, since, .. } = company.clone();
        let button = |action, words: &'static str| {
            let (id, company) = (id.clone(), company.clone());
            // The next row comes to where this one was.
            let on_click = move |click: ev::MouseEvent| {
                if !press::is_second(&click) {
                    on_action.run((company.clone(), action));
                }
            };
            view! {
                <button type="button" class="button" aria-describedby=id on:click=on_click>
                    {words}
                </button>
            }
        };
        let delete = may_delete.then(|| button(ArchiveAction::Delete, "Delete…"));
        let tenant_label = tenant.is_some().then_some("Connected to");
        view! {
            <tr role="row" on:focusin=move |_| focus.is_in(&row_id)>
                <td role="cell" class="data-main">
                    <span class="name" id=id.clone() tabindex="-1">
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
        <table
            class="data-table"
            role="table"
            aria-label="Archived companies"
            on:keydown=|key| press::once(&key)
        >
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || rows.get() key=|row| (row.id, row.since) children=line />
            </tbody>
        </table>
    }
}

/// The id of a company's name here.
fn element_id(company: CompanyId) -> String {
    format!("archived-{company}")
}
