//! A product in a list.

use leptos::prelude::*;

use super::{Icon, Shape, age::origin_cells};
use crate::{
    domain::{LicenceRow, LicenceState, Timestamp},
    ui::{
        browser::locale,
        routes::{Tab, Topic},
    },
};

/// The line. `within`: of a list of one company.
pub fn licence_row(licence: LicenceRow, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
    let (free, percent) = (licence.free(), licence.percent_used());
    let LicenceRow { origin, product, part_number, for_users, used, assignable, state } = licence;
    let (class, shape) = match state {
        LicenceState::Enabled => ("badge badge-good", Shape::Check),
        LicenceState::Warning => ("badge badge-warn", Shape::Warning),
        LicenceState::Other => ("badge", Shape::Question),
        _ => ("badge badge-bad", Shape::Cross),
    };
    let written = |number: u32| locale::number(number as usize);
    let of_free = locale::number(usize::try_from(free.unsigned_abs()).unwrap_or(usize::MAX));
    let free_words = if free < 0 { format!("−{of_free}") } else { of_free };
    let bar = if free < 0 {
        "use-bar use-over"
    } else if percent >= 100 && assignable > 0 {
        "use-bar use-full"
    } else {
        "use-bar"
    };
    let label = format!("{} of {} used", written(used), written(assignable));
    view! {
        <tr role="row">
            <td role="cell" class="data-main">
                <span class="name">{product}</span>
                <span class="subtitle">{part_number} {(!for_users).then_some(" · for the whole company")}</span>
            </td>
            {(!within).then(|| origin_cells(origin, Tab::Topic(Topic::Licences), now))}
            <td role="cell" data-label="Used" class="data-figure">{written(used)}</td>
            <td role="cell" data-label="Assignable" class="data-figure">{written(assignable)}</td>
            <td role="cell" data-label="Free" class="data-figure">
                <span class:figure-bad=free < 0>{free_words}</span>
            </td>
            <td role="cell" data-label="Use">
                <span class=bar role="img" aria-label=label style:--percent=percent.to_string()></span>
            </td>
            <td role="cell" data-label="State">
                <span class=class>
                    <Icon shape />
                    {state.label()}
                </span>
            </td>
        </tr>
    }
    .into_any()
}
