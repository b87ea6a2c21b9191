//! The list that `index.html` began to fetch while the program was loading.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::api::companies::CompanyList;

const PROPERTY: &str = "firstList";

/// Takes that list, once. None: there is none, or it failed, and the server has to be asked.
pub async fn take() -> Option<CompanyList> {
    let window = web_sys::window()?;
    let name = JsValue::from_str(PROPERTY);
    let promise: Promise = Reflect::get(&window, &name).ok()?.dyn_into().ok()?;
    Reflect::set(&window, &name, &JsValue::UNDEFINED).ok()?;
    let response: Response = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_slice(text.as_bytes()).ok()
}
