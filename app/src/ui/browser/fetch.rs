//! Asks the server, and reads what it answers.

use std::pin::Pin;

use js_sys::Array;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

/// An answer: whether it is one of success, and its body. None: there is no answer.
pub type Answer = Pin<Box<dyn Future<Output = Option<(bool, String)>> + Send>>;

/// Asks at this URL; with a body of JSON, it is a POST.
pub fn ask(url: &str, body: Option<&str>) -> Answer {
    let init = RequestInit::new();
    let header = |name: &str, value: &str| Array::of2(&name.into(), &value.into());
    let headers = Array::of1(&header("Accept", "application/json"));
    if let Some(body) = body {
        init.set_method("POST");
        init.set_body(&JsValue::from_str(body));
        headers.push(&header("Content-Type", "application/json"));
    }
    init.set_headers(&headers);
    begin(url, &init)
}

/// Sends bytes to this URL.
pub fn send(url: &str, bytes: Option<&JsValue>) -> Answer {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(bytes.unwrap_or(&JsValue::NULL));
    begin(url, &init)
}

fn begin(url: &str, init: &RequestInit) -> Answer {
    let sent = web_sys::window().map(|window| JsFuture::from(window.fetch_with_str_and_init(url, init)));
    // The browser runs everything on one thread.
    Box::pin(SendWrapper::new(async move {
        let response: Response = sent?.await.ok()?.dyn_into().ok()?;
        Some((response.ok(), text(&response).await?))
    }))
}

/// The body of an answer.
pub async fn text(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}
