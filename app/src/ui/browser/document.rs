//! The page as a whole: its title, its focus, where it is scrolled to.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, FocusOptions, HtmlElement, VisibilityState};

use crate::ui::{routes::CONTENT, window::Geometry};

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// Names the page in the browser's tab.
pub fn set_title(page: &str) {
    if let Some(document) = document() {
        document.set_title(&format!("{page} · Tenantry"));
    }
}

/// Whether nobody sees the page.
pub fn is_hidden() -> bool {
    document().is_some_and(|document| document.visibility_state() == VisibilityState::Hidden)
}

/// Moves the focus to the element of this id. False: there is none.
pub fn focus(id: &str) -> bool {
    focus_with(id, &FocusOptions::new())
}

/// The same, without scrolling to it.
pub fn focus_in_place(id: &str) -> bool {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    focus_with(id, &options)
}

fn focus_with(id: &str, options: &FocusOptions) -> bool {
    let element = document().and_then(|document| document.get_element_by_id(id)?.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| element.focus_with_options(options).is_ok())
}

/// Gives the focus back to an element, without scrolling to it. False: it is not in the document any more.
pub fn focus_element(element: &Element) -> bool {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    element.is_connected()
        && element.dyn_ref::<HtmlElement>().is_some_and(|element| element.focus_with_options(&options).is_ok())
}

/// Moves the focus to the first element within the one of this id that a selector finds. False: there is none.
pub fn focus_within(id: &str, selector: &str) -> bool {
    let element = document().and_then(|document| document.get_element_by_id(id)?.query_selector(selector).ok()?);
    element.and_then(|element| element.dyn_into::<HtmlElement>().ok()).is_some_and(|element| element.focus().is_ok())
}

/// Whether nothing has the focus, as after the element that had it was removed.
pub fn has_no_focus() -> bool {
    document().is_some_and(|document| match (document.active_element(), document.body()) {
        (Some(active), Some(body)) => active.is_same_node(Some(&body)),
        (active, _) => active.is_none(),
    })
}

/// Gives the focus to the element of this id, or else to what the page shows, if what had it is gone by the next frame.
pub fn regain_focus(id: String) {
    request_animation_frame(move || {
        if has_no_focus() && !focus_in_place(&id) {
            focus_in_place(CONTENT);
        }
    });
}

/// A new element.
pub fn create(name: &str) -> Option<Element> {
    document()?.create_element(name).ok()
}

/// Sets an attribute.
pub fn set(element: &Element, name: &str, value: &str) {
    // It fails for names that are none only.
    let _ = element.set_attribute(name, value);
}

/// Does something with each element that a selector finds within another.
pub fn each(element: &Element, selector: &str, mut with: impl FnMut(&Element)) {
    let Ok(found) = element.query_selector_all(selector) else { return };
    for place in 0..found.length() {
        if let Some(element) = found.item(place).and_then(|node| node.dyn_into().ok()) {
            with(&element);
        }
    }
}

/// Replaces what is in an element. The focus goes to what is called the same as what had it: the value of the attribute
/// `name` is what it is called.
pub fn put(element: &Element, markup: &str, name: &str) {
    let active = document().and_then(|document| document.active_element());
    let called = active.filter(|active| element.contains(Some(active))).and_then(|active| active.get_attribute(name));
    element.set_inner_html(markup);
    if let Some(called) = called {
        let again = element.query_selector(&["[", name, "=\"", &called, "\"]"].concat());
        again.ok().flatten().as_ref().map(focus_element);
    }
}

/// Whether a key press at this element is text that somebody types.
pub fn is_typing_in(element: &Element) -> bool {
    element
        .closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")
        .ok()
        .flatten()
        .is_some()
}

/// Where a list of `len` rows is on the screen.
pub fn geometry(list: &Element, len: usize) -> Geometry {
    let rect = list.get_bounding_client_rect();
    let viewport = web_sys::window().and_then(|window| window.inner_height().ok()?.as_f64()).unwrap_or(0.0);
    #[expect(clippy::cast_precision_loss, reason = "no list has 2^53 rows")]
    let row = if len == 0 { 0.0 } else { rect.height() / len as f64 };
    Geometry { top: rect.top(), row, viewport }
}

/// Scrolls by this many CSS pixels at once.
pub fn scroll_by(pixels: f64) {
    if let Some(window) = web_sys::window() {
        window.scroll_by_with_x_and_y(0.0, pixels);
    }
}

/// Scrolls a row that is wider than the screen to where the element of this id is seen.
pub fn scroll_into(row: &Element, id: &str) {
    let element = document().and_then(|document| document.get_element_by_id(id)?.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element {
        let middle = element.offset_left() + element.offset_width() / 2;
        row.set_scroll_left(middle - row.client_width() / 2);
    }
}

/// Scrolls to where the page begins.
pub fn scroll_to_top() {
    if let Some(window) = web_sys::window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// Calls `changed` when the page becomes visible, gets the focus back or the network, until the owner is gone.
pub fn on_return(changed: impl Fn() + Clone + 'static) {
    let (first, second, third) = (changed.clone(), changed.clone(), changed);
    let handles = [
        window_event_listener(ev::focus, move |_| first()),
        window_event_listener_untyped("visibilitychange", move |_| {
            if !is_hidden() {
                second();
            }
        }),
        window_event_listener_untyped("online", move |_| third()),
    ];
    on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
}
