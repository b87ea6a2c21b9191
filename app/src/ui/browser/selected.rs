//! The companies that somebody selected, handed to the page that does something with them.

/// Where they are in the tab's storage: ids with commas between them.
pub const KEY: &str = "selected-companies";

/// Keeps them, for this tab.
pub fn keep(ids: &str) {
    if let Some(storage) = web_sys::window().and_then(|window| window.session_storage().ok()?) {
        // A browser without storage shows the page without them.
        let _ = storage.set_item(KEY, ids);
    }
}
