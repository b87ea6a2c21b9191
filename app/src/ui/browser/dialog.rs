//! Dialogs over the page. The browser keeps the focus in them, and gives it back.

use web_sys::HtmlDialogElement;

/// Opens a dialog.
pub fn show(dialog: &HtmlDialogElement) {
    // It fails for one that is open, or that has left the document, only.
    let _ = dialog.show_modal();
}

/// Closes the one that is open, as Esc does.
pub fn close() {
    let open = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.query_selector("dialog[open]").ok()?)
        .and_then(|dialog| wasm_bindgen::JsCast::dyn_into::<HtmlDialogElement>(dialog).ok());
    if let Some(open) = open {
        open.close();
    }
}
