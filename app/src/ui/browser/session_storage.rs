//! What one page of a tab leaves for the next one.

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok()?
}

/// What was left under this key.
pub fn get(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

/// Takes what was left under this key.
pub fn take(key: &str) -> Option<String> {
    let left = get(key)?;
    // It fails nowhere where it could be read.
    let _ = storage()?.remove_item(key);
    Some(left)
}

/// Leaves a text for the next page. A browser without storage forgets it.
pub fn put(key: &str, text: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, text);
    }
}
