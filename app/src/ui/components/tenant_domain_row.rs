//! A domain in a list.

use leptos::prelude::*;

use super::{Icon, Shape, age::origin_cells};
use crate::{
    domain::{TenantDomainRow, Timestamp},
    ui::routes::{Tab, Topic},
};

/// The line. `within`: of a list of one company.
pub fn tenant_domain_row(domain: TenantDomainRow, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
    let TenantDomainRow { origin, name, is_default, is_initial, is_verified, federated, services } = domain;
    let (class, shape, words) = if is_verified {
        ("badge badge-good", Shape::Check, "Verified")
    } else {
        ("badge badge-warn", Shape::Warning, "Not verified")
    };
    let mark = |flag: bool, words: &'static str| flag.then(|| view! { <span class="badge badge-plain">{words}</span> });
    view! {
        <tr role="row">
            <td role="cell">
                <span class="domain-name">
                    <span class="name">{name}</span>
                    {mark(is_default, "Default")}
                    {mark(is_initial, "Initial")}
                </span>
            </td>
            {(!within).then(|| origin_cells(origin, Tab::Topic(Topic::Domains), now))}
            <td role="cell" data-label="State">
                <span class=class>
                    <Icon shape />
                    {words}
                </span>
            </td>
            <td role="cell" data-label="Sign-in">{if federated { "Federated" } else { "Managed" }}</td>
            <td role="cell" data-label="Services">{services.join(", ")}</td>
        </tr>
    }
    .into_any()
}
