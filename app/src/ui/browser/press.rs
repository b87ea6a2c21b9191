//! Presses that were meant for what was there before.

use leptos::ev::{KeyboardEvent, MouseEvent};

/// Whether a click is the second half of a double click: what it hits may have come there after the first.
pub fn is_second(click: &MouseEvent) -> bool {
    click.detail() > 1
}

/// Keeps Enter that is held down from pressing a button again and again.
pub fn once(key: &KeyboardEvent) {
    if key.repeat() && key.key() == "Enter" {
        key.prevent_default();
    }
}
