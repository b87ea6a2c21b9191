//! The address in the browser's bar.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;

/// The path of the address.
pub fn path() -> String {
    web_sys::window().and_then(|window| window.location().pathname().ok()).unwrap_or_default()
}

/// The value of a parameter of the address, which then no longer holds any: a reload is not another arrival.
pub fn take_parameter(name: &str) -> Option<String> {
    let query = web_sys::window()?.location().search().ok()?;
    let value = web_sys::UrlSearchParams::new_with_str(&query).ok()?.get(name)?;
    replace(&path());
    Some(value)
}

/// Shows another address, and remembers this one for the way back.
pub fn push(path: &str) {
    if let Some(history) = history() {
        // It fails for addresses of other sites only.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Shows another address in the place of this one.
pub fn replace(path: &str) {
    if let Some(history) = history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Calls `moved` when somebody goes back or forth.
pub fn on_pop(moved: impl Fn() + 'static) {
    let listener = window_event_listener(ev::popstate, move |_| moved());
    on_cleanup(move || listener.remove());
}

fn history() -> Option<web_sys::History> {
    web_sys::window()?.history().ok()
}
