//! The answers that `index.html` began to fetch while the program was loading.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use super::fetch;

/// The list of companies, or its beginning.
pub const LIST: &str = "firstList";

/// The whole list of companies. It is asked for when it is taken, as often as that is.
pub const WHOLE_LIST: &str = "wholeList";

/// Who is signed in.
pub const ME: &str = "firstMe";

/// Takes one of them, once, as JSON. None: there is none, or it failed, and the server has to be asked.
pub async fn take(name: &str) -> Option<String> {
    let window = web_sys::window()?;
    let name = JsValue::from_str(name);
    let promise: Promise = Reflect::get(&window, &name).ok()?.dyn_into().ok()?;
    Reflect::set(&window, &name, &JsValue::UNDEFINED).ok()?;
    let response: Response = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    if response.ok() { fetch::text(&response).await } else { None }
}
