//! The table of companies. Of a long one, only the rows near the viewport are in the document.

mod focus;

use std::{ops::Range, sync::Arc};

use leptos::{ev, html, prelude::*};

use self::focus::Focus;
use super::{CompanyRow, company_row::element_id};
use crate::{
    domain::{Action, CompanyId, Timestamp},
    ui::{
        browser::document,
        may::Forbidden,
        state::{Entry, Rows},
        window::{self, Geometry},
    },
};

const COLUMNS: [(&str, &str); 7] = [
    ("company-name", "Company"),
    ("company-status", "Status"),
    ("company-figure company-users", "Users"),
    ("company-figure company-licences", "Licences"),
    ("company-figure company-score", "Secure Score"),
    ("company-synced", "Last sync"),
    ("company-actions", "Actions"),
];

/// A row that is in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    index: usize,
    entry: Arc<Entry>,
}

/// The table.
#[component]
pub fn CompanyTable(
    /// Every company.
    rows: ReadSignal<Rows>,
    /// Those to show, in their order.
    shown: Memo<Arc<[Arc<Entry>]>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// What can't be done, and why.
    forbidden: Forbidden,
    /// Each change brings the focus to the first row.
    enter: ReadSignal<usize>,
    /// Somebody wants something done.
    on_action: Callback<(CompanyId, Action)>,
) -> impl IntoView {
    let body = NodeRef::<html::Tbody>::new();
    let len = Memo::new(move |_| shown.with(|shown| shown.len()));
    let geometry = follow_geometry(body, len);
    let focus = Focus::follow();

    let range = Memo::new(move |_| window::visible(geometry.get(), len.get()));
    let slots = Memo::new(move |_| shown.with(|shown| slots(shown, &range.get(), focus.row().get())));
    let tab_stop = Memo::new(move |_| {
        let focused = focus.row().get();
        shown.with(|shown| {
            let is_shown = |id: &CompanyId| shown.iter().any(|entry| entry.row.id == *id);
            focused.filter(is_shown).or_else(|| shown.first().map(|entry| entry.row.id))
        })
    });
    Effect::new(move |_| {
        slots.track();
        focus.keep();
    });
    let on_turn = Callback::new(move |()| focus.keep());

    let go_to = move |index: usize| {
        let id = shown.with_untracked(|shown| shown.get(index).map(|entry| element_id(entry.row.id)));
        if let Some(id) = id {
            bring_to(index, id, geometry.get_untracked());
        }
    };
    Effect::new(move |before: Option<usize>| {
        let count = enter.get();
        if before.is_some_and(|before| before != count) {
            go_to(0);
        }
        count
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let Some(element) = focus::target(&event) else { return };
        let Some(id) = focus::row_of(&element) else { return };
        let index = shown.with_untracked(|shown| shown.iter().position(|entry| entry.row.id == id));
        let is_row = element.id() == element_id(id);
        match (event.key().as_str(), index) {
            ("ArrowDown", Some(index)) => go_to(index + 1),
            ("ArrowUp", Some(index)) => go_to(index.saturating_sub(1)),
            ("Enter", Some(index)) if is_row => {
                let action =
                    shown.with_untracked(|shown| shown[index].status(now.get_untracked()).actions().first().copied());
                if let Some(action) = action
                    && forbidden.reason(action).get_untracked().is_none()
                {
                    on_action.run((id, action));
                }
            }
            _ => return,
        }
        event.prevent_default();
    };

    view! {
        <table
            class="company-table"
            role="table"
            aria-label="Companies"
            aria-rowcount=move || (len.get() + 1).to_string()
            on:keydown=on_key
        >
            <thead role="rowgroup">
                <tr role="row" aria-rowindex="1">
                    {COLUMNS
                        .into_iter()
                        .map(|(class, name)| view! { <th role="columnheader" scope="col" class=class>{name}</th> })
                        .collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup" node_ref=body style:--rows=move || len.get().to_string()>
                <For each=move || slots.get() key=|slot| slot.entry.row.id let(slot)>
                    {
                        let id = slot.entry.row.id;
                        let index = Memo::new(move |before: Option<&usize>| {
                            let place = |slots: &Vec<Slot>| slots.iter().find(|slot| slot.entry.row.id == id).map(|slot| slot.index);
                            slots.with(place).or(before.copied()).unwrap_or(slot.index)
                        });
                        let entry = Memo::new(move |before: Option<&Arc<Entry>>| {
                            rows.with(|rows| rows.get(id)).or_else(|| before.cloned()).unwrap_or_else(|| Arc::clone(&slot.entry))
                        });
                        let is_tab_stop = Memo::new(move |_| tab_stop.get() == Some(id));
                        view! { <CompanyRow entry index now forbidden is_tab_stop on_turn on_action /> }
                    }
                </For>
            </tbody>
        </table>
    }
}

/// The rows to have in the document. The one with the focus stays, wherever it is: without its element, the focus would
/// be lost.
fn slots(shown: &[Arc<Entry>], range: &Range<usize>, focused: Option<CompanyId>) -> Vec<Slot> {
    let slot = |index: usize| shown.get(index).map(|entry| Slot { index, entry: Arc::clone(entry) });
    let pinned =
        focused.and_then(|id| shown.iter().position(|entry| entry.row.id == id)).filter(|index| !range.contains(index));
    let before = pinned.filter(|index| *index < range.start);
    let after = pinned.filter(|index| *index >= range.end);
    before.into_iter().chain(range.clone()).chain(after).filter_map(slot).collect()
}

/// Where the rows are on the screen, now and after each scroll and change of size.
fn follow_geometry(body: NodeRef<html::Tbody>, len: Memo<usize>) -> RwSignal<Geometry> {
    let geometry = RwSignal::new(Geometry::default());
    let measure = move || {
        if let Some(body) = body.try_get_untracked().flatten() {
            let measured = document::geometry(&body, len.get_untracked());
            if geometry.get_untracked() != measured {
                geometry.set(measured);
            }
        }
    };
    let listeners =
        [window_event_listener(ev::scroll, move |_| measure()), window_event_listener(ev::resize, move |_| measure())];
    on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
    Effect::new(move |_| {
        len.track();
        measure();
        // A page that became shorter is scrolled by the browser with its next frame.
        request_animation_frame(measure);
    });
    geometry
}

/// Moves the focus to a row, and the page to where the row is.
fn bring_to(index: usize, id: String, Geometry { top, row, viewport }: Geometry) {
    if !document::focus(&id) {
        #[expect(clippy::cast_precision_loss, reason = "no list has 2^53 rows")]
        document::scroll_by(index as f64 * row + top - viewport / 2.0);
        request_animation_frame(move || {
            document::focus(&id);
        });
    }
}
