//! The address in the browser's bar.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

/// The path of the address.
pub fn path() -> String {
    web_sys::window().and_then(|window| window.location().pathname().ok()).unwrap_or_default()
}

/// The path with its query.
pub fn path_and_query() -> String {
    let query = web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
    path() + &query
}

/// A value of the address's query.
pub fn query(name: &str) -> Option<String> {
    let query = web_sys::window()?.location().search().ok()?;
    UrlSearchParams::new_with_str(&query).ok()?.get(name)
}

/// A text as it stands in a query.
pub fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Leaves the page for a path of this server, in this tab.
pub fn leave_for(path: &str) {
    if let Some(window) = web_sys::window() {
        // It fails for an address that can't be parsed only, and the path is ours.
        let _ = window.location().assign(path);
    }
}

/// The value of a parameter of the address, which then no longer holds any: a reload is not another arrival.
pub fn take_parameter(name: &str) -> Option<String> {
    let value = query(name)?;
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
