//! The table of the tokens of other programs.

use leptos::prelude::*;

use super::{RowFocus, TimeAgo};
use crate::{
    domain::{ApiTokenId, ApiTokenRow, Timestamp},
    ui::{ago::ahead, browser::locale},
};

const COLUMNS: [&str; 5] = ["Token", "Made by", "Last used", "Expires", "Actions"];

/// The table.
#[component]
pub fn TokenTable(
    /// The tokens, the latest first.
    rows: ReadSignal<Vec<ApiTokenRow>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// Somebody wants one ended.
    on_revoke: Callback<ApiTokenRow>,
) -> impl IntoView {
    let focus = RowFocus::follow(move || rows.with(|rows| rows.iter().map(|row| element_id(row.id)).collect()));
    view! {
        <table class="data-table token-table" role="table" aria-label="Tokens">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For
                    each=move || rows.get()
                    key=|row| (row.id, row.last_used)
                    children=move |row| line(row, now, focus, on_revoke)
                />
            </tbody>
        </table>
    }
}

/// The id of a token's name here.
fn element_id(token: ApiTokenId) -> String {
    format!("token-{token}")
}

fn line(
    row: ApiTokenRow,
    now: ReadSignal<Timestamp>,
    focus: RowFocus,
    on_revoke: Callback<ApiTokenRow>,
) -> impl IntoView {
    let id = element_id(row.id);
    let row_id = id.clone();
    let (expires, last_used) = (row.expires, row.last_used);
    let (name, scopes, made_by) = (row.name.clone(), row.scopes.clone(), row.made_by.clone());
    let until = move || {
        let now = now.get();
        if expires > now { ahead(expires, now) } else { "Expired".into() }
    };
    view! {
        <tr role="row" on:focusin=move |_| focus.is_in(&row_id)>
            <td role="cell" class="data-main">
                <span class="name" id=id.clone() tabindex="-1">
                    {name}
                </span>
                <span class="subtitle">{scopes}</span>
            </td>
            <td role="cell" data-label="Made by">
                {made_by}
            </td>
            <td role="cell" data-label="Last used" class="data-quiet">
                {match last_used {
                    Some(at) => view! { <TimeAgo at now /> }.into_any(),
                    None => "never".into_any(),
                }}
            </td>
            <td role="cell" data-label="Expires">
                <time datetime=locale::machine_time(expires) title=locale::time(expires)>
                    {until}
                </time>
            </td>
            <td role="cell" class="data-actions">
                <button type="button" class="button" aria-describedby=id on:click=move |_| on_revoke.run(row.clone())>
                    "Revoke"
                </button>
            </td>
        </tr>
    }
}
