//! The table of companies. Of a long one, only the rows near the viewport are in the document.
//!
//! The head is made of views, the rows are not: see [`super::Html`]. What is done in them is heard by the table.

mod body;
mod focus;

use std::{ops::Range, sync::Arc};

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use self::{
    body::{Body, View},
    focus::Focus,
};
use super::{
    Icon, Shape,
    company_row::{self, DOES, SELECT, element_id},
};
use crate::{
    domain::{Action, CompanyId, Order, Timestamp},
    ui::{
        browser::{document, popover},
        may::Reasons,
        search::Sort,
        state::{Entry, Selection, selection::Counts},
        window::{self, Geometry},
    },
};

/// The columns between the one that selects and the one of what can be done, each with what it orders by.
const COLUMNS: [(&str, &str); Sort::ALL.len()] = [
    ("company-name", "Company"),
    ("company-status", "Status"),
    ("company-figure company-users", "Users"),
    ("company-figure company-licences", "Licences"),
    ("company-figure company-score", "Secure Score"),
    ("company-synced", "Last sync"),
];

/// What begins the sign-in of a company that is not connected.
const SIGN_IN: &str = ".microsoft-button:enabled";

/// A row that is in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    index: usize,
    entry: Arc<Entry>,
}

/// Where the focus is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// To the first row.
    First,
    /// To the sign-in of the first company that is not connected.
    FirstSignIn,
    /// To the sign-in of the next one after this company, which somebody has just connected. Not if they are elsewhere
    /// by now.
    NextSignIn(CompanyId),
}

/// The table.
#[component]
pub fn CompanyTable(
    /// The companies to show, in their order.
    shown: Memo<Arc<[Arc<Entry>]>>,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
    /// What can't be done, and why.
    reasons: Memo<Reasons>,
    /// What they are ordered by.
    order: RwSignal<Order<Sort>>,
    /// Those that are selected.
    selection: RwSignal<Selection>,
    /// How many they are.
    counts: Memo<Counts>,
    /// The id of what can be done with those.
    selection_bar: &'static str,
    /// Where the focus is to go, each time that this is set.
    jump: ReadSignal<Option<Jump>>,
    /// The focus went to the sign-in of this company, by itself.
    on_next: Callback<CompanyId>,
    /// Somebody wants something done.
    on_action: Callback<(CompanyId, Action)>,
) -> impl IntoView {
    let body = NodeRef::<html::Tbody>::new();
    let len = Memo::new(move |_| counts.get().shown);
    let geometry = follow_geometry(body, len);
    let focus = Focus::follow();
    let last_place = StoredValue::new(0_usize);
    let table =
        Table { shown, now, reasons, selection, selection_bar, geometry, focus, last_place, on_next, on_action };

    let range = Memo::new(move |_| window::visible(geometry.get(), len.get()));
    let slots = Memo::new(move |_| shown.with(|shown| slots(shown, &range.get(), focus.row().get())));
    let tab_stop = Memo::new(move |_| {
        let focused = focus.row().get();
        shown.with(|shown| focused.filter(|id| place(shown, *id).is_some()).or_else(|| Some(shown.first()?.row.id)))
    });
    let rows = StoredValue::new_local(Body::default());
    Effect::new(move |_| {
        let Some(body) = body.get() else { return };
        let (now, reasons, tab_stop) = (now.get(), reasons.get(), tab_stop.get());
        slots.with(|slots| {
            let focused = focus.row().get_untracked();
            if let Some(slot) = slots.iter().find(|slot| Some(slot.entry.row.id) == focused) {
                last_place.set_value(slot.index);
            }
            selection.with(|selection| {
                let view = View { slots, selection, tab_stop, now, reasons };
                rows.update_value(|rows| rows.show(&body, &view));
            });
        });
        focus.keep();
    });
    Effect::new(move |before: Option<()>| {
        // What was asked of the table before this one was done, or could not be.
        if let Some(jump) = jump.get().filter(|_| before.is_some()) {
            table.jump(jump);
        }
    });

    view! {
        <table
            class="company-table"
            role="table"
            aria-label="Companies"
            aria-rowcount=move || (len.get() + 1).to_string()
            on:click=move |event| table.click(&event)
            on:keydown=move |event| table.key(&event)
            on:toggle:capture=move |event| table.toggle(&event)
            on:mousedown=move |event| {
                // A range is no selection of text.
                if event.shift_key() {
                    event.prevent_default();
                }
            }
        >
            <thead role="rowgroup">
                <tr role="row" aria-rowindex="1">
                    <th role="columnheader" scope="col" class="company-select">
                        <SelectAll shown selection counts />
                    </th>
                    {COLUMNS.into_iter().zip(Sort::ALL).map(|(column, sort)| head(column, sort, order)).collect_view()}
                    <th role="columnheader" scope="col" class="company-actions">
                        "Actions"
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup" node_ref=body style:--rows=move || len.get().to_string()></tbody>
        </table>
    }
}

/// What is done in the table.
#[derive(Clone, Copy)]
struct Table {
    shown: Memo<Arc<[Arc<Entry>]>>,
    now: ReadSignal<Timestamp>,
    reasons: Memo<Reasons>,
    selection: RwSignal<Selection>,
    selection_bar: &'static str,
    geometry: RwSignal<Geometry>,
    focus: Focus,
    /// Where the row with the focus is, or was before it left the list.
    last_place: StoredValue<usize>,
    on_next: Callback<CompanyId>,
    on_action: Callback<(CompanyId, Action)>,
}

impl Table {
    fn jump(self, jump: Jump) {
        match jump {
            Jump::First => self.go_to(0, false),
            Jump::FirstSignIn => {
                if let Some((place, _)) = self.next_sign_in(0) {
                    self.go_to(place, true);
                }
            }
            // The row may be about to leave the list.
            Jump::NextSignIn(after) => request_animation_frame(move || {
                let is_there = match self.focus.row().try_get_untracked() {
                    Some(Some(row)) => row == after,
                    Some(None) => document::has_no_focus(),
                    None => false,
                };
                if !is_there {
                    return;
                }
                let at = self.shown.with_untracked(|shown| place(shown, after));
                let from = at.map_or_else(|| self.last_place.get_value(), |place| place + 1);
                if let Some((place, id)) = self.next_sign_in(from) {
                    self.go_to(place, true);
                    self.on_next.run(id);
                }
            }),
        }
    }

    fn go_to(self, index: usize, to_sign_in: bool) {
        let id = self.shown.with_untracked(|shown| shown.get(index).map(|entry| element_id(entry.row.id)));
        if let Some(id) = id {
            bring_to(index, id, to_sign_in, self.geometry.get_untracked());
        }
    }

    /// The first company that is not connected, from this place on and then from the first one.
    fn next_sign_in(self, from: usize) -> Option<(usize, CompanyId)> {
        let now = self.now.get_untracked();
        self.shown.with_untracked(|shown| {
            let mut places = (from..shown.len()).chain(0..from.min(shown.len()));
            places.find(|place| shown[*place].is_next(now)).map(|place| (place, shown[place].row.id))
        })
    }

    fn select(self, id: CompanyId, range: bool) {
        self.shown.with_untracked(|shown| self.selection.update(|selection| selection.toggle(id, range, shown)));
    }

    fn click(self, event: &ev::MouseEvent) {
        let element = focus::target(event).and_then(|element| element.closest("[data-does]").ok()?);
        let Some(element) = element else { return };
        let Some(id) = focus::row_of(&element) else { return };
        let does = element.get_attribute(DOES).unwrap_or_default();
        if does == SELECT {
            return self.select(id, event.shift_key());
        }
        if let Some(action) = company_row::action(&does) {
            if let Some(menu) = menu_of(&element) {
                popover::close(&menu);
            }
            self.on_action.run((id, action));
        }
    }

    fn key(self, event: &ev::KeyboardEvent) {
        let Some(element) = focus::target(event) else { return };
        let Some(id) = focus::row_of(&element) else { return };
        let key = event.key();
        if let Some(menu) = menu_of(&element) {
            let step = match key.as_str() {
                "ArrowDown" => 1,
                "ArrowUp" => -1,
                // Tab leaves a menu; the focus goes back to its button first.
                "Tab" => return popover::close(&menu),
                _ => return,
            };
            event.prevent_default();
            return popover::move_focus(&menu, step);
        }
        let Some(index) = self.shown.with_untracked(|shown| place(shown, id)) else { return };
        let is_row = element.id() == element_id(id);
        match key.as_str() {
            "ArrowDown" => self.go_to(index + 1, false),
            "ArrowUp" => self.go_to(index.saturating_sub(1), false),
            "Enter" if is_row => {
                let now = self.now.get_untracked();
                let action = self.shown.with_untracked(|shown| shown[index].status(now).actions().first().copied());
                if let Some(action) = action
                    && self.reasons.with_untracked(|reasons| reasons.of(action).is_none())
                {
                    self.on_action.run((id, action));
                }
            }
            " " if is_row => self.select(id, event.shift_key()),
            "." if self.selection.with_untracked(Selection::len) > 0 => {
                document::focus(self.selection_bar);
            }
            _ => return,
        }
        event.prevent_default();
    }

    /// Something opened within a row, or closed: the menu, or the explanation of its state.
    fn toggle(self, event: &ev::Event) {
        let panel = focus::target(event).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        let Some(panel) = panel else { return };
        let Some(button) = panel.previous_element_sibling() else { return };
        let (is_open, is_menu) = (popover::is_open(&panel), panel.matches(".menu").unwrap_or(false));
        if is_menu {
            document::set(&button, "aria-expanded", if is_open { "true" } else { "false" });
        }
        if !is_open {
            return;
        }
        if is_menu && let Some(id) = focus::row_of(&panel) {
            self.shown.with_untracked(|shown| {
                let Some(place) = place(shown, id) else { return };
                let (now, reasons) = (self.now.get_untracked(), self.reasons.get_untracked());
                panel.set_inner_html(company_row::menu(&shown[place], &element_id(id), now, &reasons).as_str());
            });
        }
        popover::place(&panel, &button);
        if is_menu {
            popover::move_focus(&panel, 1);
        }
    }
}

/// The head of a column, which orders by it.
fn head((class, label): (&'static str, &'static str), sort: Sort, order: RwSignal<Order<Sort>>) -> AnyView {
    let direction = move || {
        let order = order.get();
        (order.by == sort).then_some(if order.descending { "descending" } else { "ascending" })
    };
    view! {
        <th role="columnheader" scope="col" class=class aria-sort=direction>
            <button type="button" class="sort-button" on:click=move |_| order.update(|order| *order = order.chosen(sort))>
                {label}
                <Icon shape=Shape::Sort />
            </button>
        </th>
    }
    .into_any()
}

/// Selects all that are shown, or none of them.
#[component]
fn SelectAll(shown: Memo<Arc<[Arc<Entry>]>>, selection: RwSignal<Selection>, counts: Memo<Counts>) -> impl IntoView {
    let all = move || counts.with(|counts| counts.both > 0 && counts.both == counts.shown);
    let some = move || counts.with(|counts| counts.both > 0 && counts.both < counts.shown);
    let on_click = move |_| shown.with_untracked(|shown| selection.update(|selection| selection.toggle_all(shown)));
    view! {
        <label>
            <input
                type="checkbox"
                aria-label="Select all that are shown"
                disabled=move || counts.get().shown == 0
                prop:checked=all
                prop:indeterminate=some
                on:click=on_click
            />
        </label>
    }
}

/// The menu in which an element is.
fn menu_of(element: &web_sys::Element) -> Option<web_sys::Element> {
    element.closest("[role=menu]").ok()?
}

fn place(shown: &[Arc<Entry>], id: CompanyId) -> Option<usize> {
    shown.iter().position(|entry| entry.row.id == id)
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

/// Moves the focus to a row, or to the sign-in in it, and the page to where the row is.
fn bring_to(index: usize, id: String, to_sign_in: bool, Geometry { top, row, viewport }: Geometry) {
    let focus = move || (to_sign_in && document::focus_within(&id, SIGN_IN)) || document::focus(&id);
    if !focus() {
        #[expect(clippy::cast_precision_loss, reason = "no list has 2^53 rows")]
        document::scroll_by(index as f64 * row + top - viewport / 2.0);
        request_animation_frame(move || {
            focus();
        });
    }
}
