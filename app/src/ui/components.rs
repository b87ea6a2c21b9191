//! Parts of pages. They take values and callbacks, and know neither the server nor where they are used.

mod announcer;
mod company_row;
mod company_table;
mod empty;
mod figure;
mod hint;
mod icon;
mod link;
mod menu;
mod microsoft_button;
mod notice;
mod offline_bar;
mod progress;
mod search_box;
mod segments;
mod skeleton;
mod status_badge;
mod theme_switch;
mod time_ago;
mod top_bar;

pub use self::{
    announcer::Announcer,
    company_row::CompanyRow,
    company_table::CompanyTable,
    empty::Empty,
    figure::Figure,
    hint::Hint,
    icon::{Icon, Shape},
    link::Link,
    menu::{Menu, MenuItem},
    microsoft_button::{MicrosoftButton, MicrosoftMark},
    notice::Notice,
    offline_bar::OfflineBar,
    progress::ConnectedProgress,
    search_box::SearchBox,
    segments::{Segment, Segments},
    skeleton::Skeleton,
    status_badge::StatusBadge,
    theme_switch::ThemeSwitch,
    time_ago::TimeAgo,
    top_bar::TopBar,
};
