//! Mounts the web app in the place of the skeleton that `index.html` shows until then.

use app::ui::App;
use leptos::{mount::mount_to, wasm_bindgen::JsCast};

fn main() {
    console_error_panic_hook::set_once();
    let place = leptos::prelude::document().get_element_by_id("app");
    if let Some(place) = place.and_then(|place| place.dyn_into::<leptos::web_sys::HtmlElement>().ok()) {
        place.set_inner_html("");
        mount_to(place, App).forget();
    }
}
