//! All that speaks to the browser itself.

pub mod broadcast;
pub mod clipboard;
pub mod clock;
pub mod dialog;
pub mod document;
pub mod events;
pub mod fetch;
pub mod file;
pub mod first_answer;
pub mod locale;
pub mod location;
pub mod popover;
pub mod popup;
pub mod press;
pub mod selected;
pub mod session_storage;
pub mod theme;
