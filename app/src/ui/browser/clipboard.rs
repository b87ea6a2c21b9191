//! The clipboard. Browsers let a page write into it within a person's click only.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Clipboard, ClipboardItem};

const TEXT: &str = "text/plain";

/// Puts a text into the clipboard. Says whether it is there now.
pub async fn copy(text: &str) -> bool {
    match clipboard() {
        Some(clipboard) => JsFuture::from(clipboard.write_text(text)).await.is_ok(),
        None => false,
    }
}

/// A text that is promised to the clipboard within a click, and given once the server has told it: by then it would be
/// too late to ask for the clipboard.
pub struct Promised(Option<Open>);

struct Open {
    give: Function,
    refuse: Function,
    written: JsFuture,
}

impl Promised {
    /// Promises a text. Has to be called within the click.
    pub fn begin() -> Self {
        Self(Open::begin())
    }

    /// Gives the text. Says whether it is in the clipboard now.
    pub async fn give(self, text: &str) -> bool {
        let given = match self.0 {
            Some(open) => open.give(text).await,
            None => false,
        };
        // Not every browser takes promises. Some allow this for a while after the click.
        given || copy(text).await
    }

    /// There is no text: the clipboard keeps what it has.
    pub fn take_back(self) {
        if let Some(open) = self.0 {
            // A promise's own function does not fail.
            let _ = open.refuse.call0(&JsValue::UNDEFINED);
        }
    }
}

impl Open {
    fn begin() -> Option<Self> {
        let clipboard = clipboard()?;
        let mut settle = None;
        let text = Promise::new(&mut |give, refuse| settle = Some((give, refuse)));
        let (give, refuse) = settle?;
        let kinds = Object::new();
        Reflect::set(&kinds, &TEXT.into(), &text).ok()?;
        let item = ClipboardItem::new_with_record_from_str_to_blob_promise(&kinds).ok()?;
        Some(Self { give, refuse, written: clipboard.write(&Array::of1(&item)).into() })
    }

    async fn give(self, text: &str) -> bool {
        let kind = BlobPropertyBag::new();
        kind.set_type(TEXT);
        match Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &kind) {
            Ok(blob) => self.give.call1(&JsValue::UNDEFINED, &blob).is_ok() && self.written.await.is_ok(),
            Err(_) => false,
        }
    }
}

/// There is none on a page that came over plain http from another computer.
fn clipboard() -> Option<Clipboard> {
    let clipboard = web_sys::window()?.navigator().clipboard();
    (!clipboard.is_undefined()).then_some(clipboard)
}
