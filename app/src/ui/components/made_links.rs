//! The table of links that were just made, each with a text for the client.

use leptos::prelude::*;

use super::{CopyButton, Icon, Shape};
use crate::{
    api::links::LinkOutcome,
    domain::LinkMessage,
    ui::{browser::location, client_message::mail_url},
};

/// How many are shown. Nobody reads thousands, and a page of thousands is slow.
const SHOWN: usize = 200;

const COLUMNS: [&str; 5] = ["Company", "Contact", "Link", "Message", "Actions"];

/// The table.
#[component]
pub fn MadeLinks(
    /// The links, and where there is none, why.
    lines: ReadSignal<Vec<LinkOutcome>>,
    /// What was copied, in words.
    on_copied: Callback<String>,
) -> impl IntoView {
    let shown = move || lines.with(|lines| lines.iter().take(SHOWN).cloned().collect::<Vec<_>>());
    let more = Memo::new(move |_| lines.with(Vec::len).saturating_sub(SHOWN));
    view! {
        <table class="data-table made-links" role="table" aria-label="Links">
            <thead role="rowgroup">
                <tr role="row">
                    {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {move || shown().into_iter().map(|line| row(line, on_copied)).collect_view()}
            </tbody>
        </table>
        {move || {
            let more = more.get();
            (more > 0)
                .then(|| view! { <p class="page-lead">{format!("and {more} more, which are copied and downloaded too")}</p> })
        }}
    }
}

fn row(line: LinkOutcome, on_copied: Callback<String>) -> AnyView {
    let LinkOutcome { name, refusal, url, to, subject, body, .. } = line;
    if let Some(refusal) = refusal {
        return view! {
            <tr role="row">
                <td role="cell" class="name">{name}</td>
                <td role="cell" colspan="4" class="data-quiet">{refusal}</td>
            </tr>
        }
        .into_any();
    }
    let message = LinkMessage { to: to.clone(), subject, body: String::new() };
    let mail = mail_url(&message, &body, location::encode);
    view! {
        <tr role="row">
            <td role="cell" class="name">{name.clone()}</td>
            <td role="cell" data-label=to.is_some().then_some("Contact")>{to.clone()}</td>
            <td role="cell">
                <code>{url.clone()}</code>
            </td>
            <td role="cell">
                <details>
                    <summary>"Show the message"</summary>
                    <pre tabindex="0">{body.clone()}</pre>
                </details>
            </td>
            <td role="cell" class="data-actions">
                <CopyButton label="Copy link" name=format!("Copy link: {name}") text=url on_copied />
                <CopyButton label="Copy message" name=format!("Copy message: {name}") text=body on_copied />
                <a class="button button-icon" href=mail aria-label=format!("Open in mail program: {name}")>
                    <Icon shape=Shape::Mail />
                </a>
            </td>
        </tr>
    }
    .into_any()
}
