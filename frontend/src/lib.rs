//! Mounts the programs of the web app.
//!
//! There are five, so that the page which is open all day does not wait for the others: `companies` is the page M365
//! companies, `data` shows what was read of tenants, `records` is what is done to companies, `links` is about links,
//! `pages` is everything else. Each has an HTML file of its own.

use leptos::{IntoView, mount::mount_to, prelude::document, wasm_bindgen::JsCast, web_sys::HtmlElement};

/// Shows a program in the place of what its HTML file shows until then.
pub fn mount<View: IntoView + 'static>(program: impl FnOnce() -> View + 'static) {
    console_error_panic_hook::set_once();
    let place = document().get_element_by_id("app");
    if let Some(place) = place.and_then(|place| place.dyn_into::<HtmlElement>().ok()) {
        place.set_inner_html("");
        mount_to(place, program).forget();
    }
}
