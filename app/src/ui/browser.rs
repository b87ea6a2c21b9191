//! All that speaks to the browser itself.

pub mod broadcast;
pub mod clock;
pub mod document;
pub mod events;
pub mod first_list;
pub mod locale;
pub mod location;
pub mod popover;
pub mod popup;
pub mod theme;
