//! The rows that are in the document. They stay the same elements while their content changes, so that the focus stays
//! where it is, and only what shows something else is written anew.

use std::{mem, sync::Arc};

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

use super::{
    super::company_row::{self, AT, DOES, Parts, element_id},
    Slot,
};
use crate::{
    domain::{CompanyId, Timestamp},
    ui::{
        ago::ago,
        browser::document,
        may::Reasons,
        state::{Entry, Selection},
    },
};

/// What the rows show.
pub struct View<'a> {
    /// The rows to have in the document, in their order.
    pub slots: &'a [Slot],
    /// The companies that are selected.
    pub selection: &'a Selection,
    /// The one that Tab leads to.
    pub tab_stop: Option<CompanyId>,
    /// The present.
    pub now: Timestamp,
    /// What can't be done, and why.
    pub reasons: Reasons,
}

/// The rows, in the order in which they are in the document.
#[derive(Default)]
pub struct Body(Vec<Row>);

struct Row {
    entry: Arc<Entry>,
    now: Timestamp,
    reasons: Reasons,
    element: HtmlElement,
    checkbox: HtmlInputElement,
    parts: Vec<Element>,
    shown: Parts,
    index: Option<usize>,
    is_tab_stop: Option<bool>,
}

impl Body {
    /// Brings the rows of a table's body up to date.
    pub fn show(&mut self, body: &Element, view: &View<'_>) {
        let mut before = mem::take(&mut self.0);
        before.retain(|row| {
            let stays = view.slots.iter().any(|slot| slot.entry.row.id == row.entry.row.id);
            if !stays {
                row.element.remove();
            }
            stays
        });
        let mut place = body.first_element_child();
        for slot in view.slots {
            let known = before.iter().position(|row| row.entry.row.id == slot.entry.row.id);
            let Some(mut row) = known.map(|known| before.swap_remove(known)).or_else(|| Row::new(&slot.entry, view))
            else {
                continue;
            };
            row.show(slot, view);
            if place.as_ref().is_some_and(|place| place.is_same_node(Some(&row.element))) {
                place = row.element.next_element_sibling();
            } else {
                // It fails for a place that is not in the body only.
                let _ = body.insert_before(&row.element, place.as_deref());
            }
            self.0.push(row);
        }
    }
}

impl Row {
    fn new(entry: &Arc<Entry>, view: &View<'_>) -> Option<Self> {
        let id = element_id(entry.row.id);
        let shown = company_row::parts(entry, &id, view.now, &view.reasons);
        let element: HtmlElement = document::create("tr")?.dyn_into().ok()?;
        let labelled_by = [&id, "-name ", &id, "-status"].concat();
        for (name, value) in [
            ("class", "company-row"),
            ("role", "row"),
            ("id", id.as_str()),
            ("data-company", &*entry.row.id.to_string()),
            ("aria-labelledby", labelled_by.as_str()),
        ] {
            document::set(&element, name, value);
        }
        element.set_inner_html(company_row::row(entry, &id, &shown).as_str());
        document::each(&element, TIMES, |time| tell(time, view.now));
        let mut parts = Vec::new();
        document::each(&element, "[data-part]", |part| parts.push(part.clone()));
        let checkbox = element.query_selector("input").ok()??.dyn_into().ok()?;
        let (entry, now, reasons) = (Arc::clone(entry), view.now, view.reasons);
        Some(Self { entry, now, reasons, element, checkbox, parts, shown, index: None, is_tab_stop: None })
    }

    fn show(&mut self, slot: &Slot, view: &View<'_>) {
        let id = slot.entry.row.id;
        if !Arc::ptr_eq(&self.entry, &slot.entry) || self.now != view.now || self.reasons != view.reasons {
            self.write(&slot.entry, view);
        }
        if self.index != Some(slot.index) {
            self.index = Some(slot.index);
            document::set(&self.element, "aria-rowindex", &(slot.index + 2).to_string());
            // It fails for a read-only style only.
            let _ = self.element.style().set_property("--index", &slot.index.to_string());
        }
        let is_tab_stop = view.tab_stop == Some(id);
        if self.is_tab_stop != Some(is_tab_stop) {
            self.is_tab_stop = Some(is_tab_stop);
            document::set(&self.element, "tabindex", if is_tab_stop { "0" } else { "-1" });
        }
        let selected = view.selection.contains(id);
        if self.checkbox.checked() != selected {
            self.checkbox.set_checked(selected);
        }
    }

    fn write(&mut self, entry: &Arc<Entry>, view: &View<'_>) {
        let shown = company_row::parts(entry, &element_id(entry.row.id), view.now, &view.reasons);
        for ((part, before), after) in self.parts.iter().zip(&self.shown).zip(&shown) {
            if before != after {
                document::put(part, after.as_str(), DOES);
            }
        }
        if self.entry.row.name != entry.row.name {
            document::set(&self.checkbox, "aria-label", &company_row::select_label(entry));
        }
        document::each(&self.element, TIMES, |time| tell(time, view.now));
        self.shown = shown;
        self.entry = Arc::clone(entry);
        self.now = view.now;
        self.reasons = view.reasons;
    }
}

const TIMES: &str = "[data-at]";

/// Writes into an element how long ago it was.
fn tell(time: &Element, now: Timestamp) {
    let at = time.get_attribute(AT).and_then(|at| at.parse().ok()).map(Timestamp::from_millis);
    if let Some(words) = at.map(|at| ago(at, now))
        && time.text_content().as_deref() != Some(&words)
    {
        time.set_text_content(Some(&words));
    }
}
