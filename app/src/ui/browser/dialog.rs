//! Dialogs over the page. The browser keeps the focus in them, and gives it back.

use web_sys::HtmlDialogElement;

/// Opens a dialog.
pub fn show(dialog: &HtmlDialogElement) {
    // It fails for one that is open, or that has left the document, only.
    let _ = dialog.show_modal();
}

/// Closes the one that is open, as Esc does.
pub fn close() {
    close_found("dialog[open]");
}

/// The same for the one that the element of this id is in. Somebody may have closed it by now, and opened another.
pub fn close_around(id: &str) {
    close_found(&format!("dialog[open]:has(#{id})"));
}

fn close_found(selector: &str) {
    let open = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.query_selector(selector).ok()?)
        .and_then(|dialog| wasm_bindgen::JsCast::dyn_into::<HtmlDialogElement>(dialog).ok());
    if let Some(open) = open {
        open.close();
    }
}
