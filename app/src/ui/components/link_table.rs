//! The table of the links that still lead somewhere.

use leptos::{ev, prelude::*};

use super::{Icon, RowFocus, Shape, TimeAgo};
use crate::{
    domain::{CompanyId, LinkRow, Timestamp},
    ui::{
        ago::{ahead, count},
        browser::{locale, press},
    },
};

const COLUMNS: [&str; 6] = ["Company", "Made by", "Opened", "Expires", "Note", "Actions"];

/// The table.
#[component]
pub fn LinkTable(
    /// The links, those that expire first first.
    rows: ReadSignal<Vec<LinkRow>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Somebody withdraws a company's link.
    on_withdraw: Callback<CompanyId>,
) -> impl IntoView {
    let focus = RowFocus::follow(move || rows.with(|rows| rows.iter().map(|row| element_id(row.company)).collect()));
    view! {
        <table class="data-table link-table" role="table" aria-label="Live links" on:keydown=|key| press::once(&key)>
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For
                    each=move || rows.get()
                    key=|row| (row.company, row.made_at, row.link.opens)
                    children=move |row| line(row, now, focus, on_withdraw)
                />
            </tbody>
        </table>
    }
}

/// The id of a company's name here.
fn element_id(company: CompanyId) -> String {
    format!("link-{company}")
}

fn line(row: LinkRow, now: ReadSignal<Timestamp>, focus: RowFocus, on_withdraw: Callback<CompanyId>) -> impl IntoView {
    let LinkRow { company, company_name, made_by, made_at, link } = row;
    let id = element_id(company);
    let row_id = id.clone();
    // The next row comes to where this one was.
    let on_click = move |click: ev::MouseEvent| {
        if !press::is_second(&click) {
            on_withdraw.run(company);
        }
    };
    let (expires, note) = (link.expires, link.note);
    let note_label = note.is_some().then_some("Note");
    let opened = if link.opens == 0 { "not yet".into() } else { count(link.opens.into(), "time") };
    view! {
        <tr role="row" on:focusin=move |_| focus.is_in(&row_id)>
            <td role="cell" class="data-main">
                <span class="name" id=id.clone() tabindex="-1">
                    {company_name}
                </span>
            </td>
            <td role="cell" data-label="Made by">
                <span>{made_by} " " <span class="data-quiet"><TimeAgo at=made_at now /></span></span>
            </td>
            <td role="cell" data-label="Opened">
                <span>
                    {opened} " "
                    {link.opened_at.map(|at| view! { <span class="data-quiet"><TimeAgo at now /></span> })}
                </span>
            </td>
            <td role="cell" data-label="Expires">
                <time datetime=locale::machine_time(expires) title=locale::time(expires)>
                    {move || ahead(expires, now.get())}
                </time>
            </td>
            <td role="cell" data-label=note_label>
                {note}
            </td>
            <td role="cell" class="data-actions">
                <button type="button" class="button" aria-describedby=id on:click=on_click>
                    <Icon shape=Shape::Cross />
                    "Withdraw link"
                </button>
            </td>
        </tr>
    }
}
