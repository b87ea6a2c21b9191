//! Places an open popover beside the button that it belongs to.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

const GAP: f64 = 4.0;
const EDGE: f64 = 8.0;

/// Below the button, aligned with its end; above it where there is no room below. In the page's coordinates, so that it
/// scrolls with the row.
pub fn place(popover: &HtmlElement, button: &Element) {
    let Some(window) = web_sys::window() else { return };
    let number = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let (width, height) = (number(window.inner_width()), number(window.inner_height()));
    let (scroll_x, scroll_y) = (window.scroll_x().unwrap_or(0.0), window.scroll_y().unwrap_or(0.0));
    let (anchor, own) = (button.get_bounding_client_rect(), popover.get_bounding_client_rect());
    let left = (anchor.right() - own.width()).min(width - own.width() - EDGE).max(EDGE);
    let below = anchor.bottom() + GAP;
    let top = if below + own.height() <= height { below } else { (anchor.top() - GAP - own.height()).max(EDGE) };
    for (property, value) in [("left", left + scroll_x), ("top", top + scroll_y)] {
        #[expect(clippy::cast_possible_truncation, reason = "no page has 2^31 pixels")]
        let value = format!("{}px", value as i32);
        // It fails for a read-only style only.
        let _ = popover.style().set_property(property, &value);
    }
}

/// Whether the popover is open.
pub fn is_open(popover: &Element) -> bool {
    popover.matches(":popover-open").unwrap_or(false)
}

/// Closes it.
pub fn close(popover: &Element) {
    // It fails where it is closed already.
    let _ = popover.dyn_ref::<HtmlElement>().map(HtmlElement::hide_popover);
}

/// Moves the focus to the item that is `step` further in a menu, around its ends. With no item focused, to the first
/// or the last.
pub fn move_focus(menu: &Element, step: isize) {
    let Ok(found) = menu.query_selector_all("[role=menuitem]") else { return };
    let items: Vec<HtmlElement> = (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect();
    let active = web_sys::window().and_then(|window| window.document()).and_then(|document| document.active_element());
    let current = items.iter().position(|item| active.as_ref().is_some_and(|active| active.is_same_node(Some(item))));
    let next = match current {
        Some(current) => current.checked_add_signed(step).unwrap_or(items.len().saturating_sub(1)) % items.len(),
        None if step < 0 => items.len().saturating_sub(1),
        None => 0,
    };
    if let Some(item) = items.get(next) {
        let _ = item.focus();
    }
}
