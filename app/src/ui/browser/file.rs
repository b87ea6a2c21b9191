//! A file that somebody chose, or dropped on the page.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DragEvent, File, HtmlInputElement};

/// A file as it was when it was chosen. Programs may write into it while it is looked at.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: ArrayBuffer,
}

/// The file in a field. The field is empty then, so that the same file can be chosen again once it was mended.
pub fn take(field: &HtmlInputElement) -> Option<File> {
    let file = field.files()?.get(0);
    field.set_value("");
    file
}

/// The file that was dropped.
pub fn dropped(event: &DragEvent) -> Option<File> {
    event.data_transfer()?.files()?.get(0)
}

/// Its size, in bytes.
pub fn size(file: &File) -> f64 {
    file.size()
}

/// Bytes with a text behind them, as a body to send.
pub fn followed_by(bytes: &ArrayBuffer, text: &str) -> JsValue {
    let parts = Array::of2(bytes, &text.into());
    Blob::new_with_buffer_source_sequence(&parts).map_or(JsValue::NULL, JsValue::from)
}

/// Reads it. None: it is no file (a folder), or is gone.
pub async fn read(file: File) -> Option<Chosen> {
    let bytes = JsFuture::from(file.array_buffer()).await.ok()?.dyn_into().ok()?;
    Some(Chosen { name: file.name(), bytes })
}
