//! Somebody in a list.

use leptos::prelude::*;

use super::{Icon, Shape, age::origin_cells};
use crate::{
    domain::{Timestamp, UserKind, UserRow},
    ui::routes::{Tab, Topic},
};

/// The line. `within`: of a list of one company.
pub fn user_row(user: UserRow, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
    let UserRow { origin, name, address, kind, enabled, department, title, licences, .. } = user;
    let (class, shape, words) =
        if enabled { ("badge badge-good", Shape::Check, "Active") } else { ("badge", Shape::Cross, "Blocked") };
    let has_name = !name.is_empty();
    view! {
        <tr role="row">
            <td role="cell" class="data-main">
                <span class="name">{if has_name { name } else { address.clone() }}</span>
                {has_name.then(|| view! { <span class="subtitle">{address}</span> })}
            </td>
            {(!within).then(|| origin_cells(origin, Tab::Topic(Topic::Users), now))}
            <td role="cell" data-label="Type">{kind.label()} {(kind == UserKind::Guest).then_some("")}</td>
            <td role="cell" data-label="Status">
                <span class=class>
                    <Icon shape />
                    {words}
                </span>
            </td>
            <td role="cell" data-label="Department">{department}</td>
            <td role="cell" data-label="Title">{title}</td>
            <td role="cell" data-label="Licences">{licence_names(licences)}</td>
        </tr>
    }
    .into_any()
}

/// The first name, and how many more there are.
fn licence_names(mut licences: Vec<String>) -> AnyView {
    if licences.is_empty() {
        return view! {
            <span class="data-quiet">
                <span aria-hidden="true">"—"</span>
                <span class="visually-hidden">"None"</span>
            </span>
        }
        .into_any();
    }
    let first = licences.remove(0);
    let more = (!licences.is_empty()).then(|| {
        let (count, rest) = (licences.len(), licences.join(", "));
        view! {
            <span class="more" title=rest.clone()>
                <span aria-hidden="true">{format!("+{count}")}</span>
                <span class="visually-hidden">{format!("and {rest}")}</span>
            </span>
        }
    });
    view! {
        <span class="licence-names">
            <span>{first}</span>
            {more}
        </span>
    }
    .into_any()
}
