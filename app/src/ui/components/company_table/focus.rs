//! Keeps the focus in the row that has it, whatever happens to the element that had it.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::super::company_row::element_id;
use crate::{domain::CompanyId, ui::browser::document};

/// Which row has the focus, or had it until its element went.
#[derive(Clone, Copy)]
pub struct Focus {
    row: RwSignal<Option<CompanyId>>,
    element: StoredValue<Option<Element>, LocalStorage>,
}

impl Focus {
    /// Follows the focus until the owner is gone.
    pub fn follow() -> Self {
        let focus = Self { row: RwSignal::new(None), element: StoredValue::new_local(None) };
        let listeners = [
            window_event_listener(ev::focusin, move |event| focus.set(target(&event))),
            // A click beside everything that takes the focus takes it away on purpose.
            window_event_listener(ev::pointerdown, move |event| focus.set(target(&event))),
        ];
        on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
        focus
    }

    /// The row.
    pub fn row(self) -> ReadSignal<Option<CompanyId>> {
        self.row.read_only()
    }

    /// Gives the focus back, if it is lost by the next frame: with a button that went because the row's state changed,
    /// or with a row that moved within the document.
    pub fn keep(self) {
        if self.row.with_untracked(Option::is_none) {
            return;
        }
        request_animation_frame(move || {
            let Some(id) = self.row.try_get_untracked().flatten().filter(|_| document::has_no_focus()) else { return };
            self.element.with_value(|element| element.as_ref().is_some_and(document::focus_element));
            // What is hidden does not take it.
            if document::has_no_focus() {
                document::focus_in_place(&element_id(id));
            }
        });
    }

    fn set(self, element: Option<Element>) {
        let row = element.as_ref().and_then(row_of);
        self.element.set_value(element);
        if self.row.get_untracked() != row {
            self.row.set(row);
        }
    }
}

/// The element that an event is about.
pub fn target(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The company in whose row an element is.
pub fn row_of(element: &Element) -> Option<CompanyId> {
    let row = element.closest("[data-company]").ok()??;
    row.get_attribute("data-company")?.parse().ok()
}
