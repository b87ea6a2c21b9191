//! Parts of pages. They take values and callbacks, and know neither the server nor where they are used.

mod account_menu;
mod activity_table;
mod announcer;
mod awaited;
mod change_password;
mod client_message;
mod company_row;
mod company_table;
mod confirm;
mod copied;
mod dialog;
mod empty;
mod field;
mod figure;
mod form;
mod hint;
mod icon;
mod link;
mod link_note;
mod link_offer;
mod link_table;
mod load_failed;
mod menu;
mod microsoft_button;
mod notice;
mod offline_bar;
mod progress;
mod role_list;
mod search_box;
mod segments;
mod select;
mod skeleton;
mod status_badge;
mod team_table;
mod theme_switch;
mod time_ago;
mod top_bar;
mod when;

pub use self::{
    account_menu::{AccountChoice, AccountMenu},
    activity_table::ActivityTable,
    announcer::Announcer,
    awaited::Awaited,
    change_password::{CURRENT_PASSWORD, ChangePassword},
    client_message::ClientMessage,
    company_row::{CompanyRow, LINK_ROLE_NOTE, ROLE_NOTE, element_id as company_element},
    company_table::CompanyTable,
    confirm::Confirm,
    copied::Copied,
    dialog::{CloseButton, Dialog},
    empty::Empty,
    field::Field,
    figure::Figure,
    form::{Form, Problem},
    hint::Hint,
    icon::{Icon, Shape},
    link::Link,
    link_note::{LINK_NOTE, LinkNoteForm},
    link_offer::LinkOffer,
    link_table::LinkTable,
    load_failed::LoadFailed,
    menu::{Menu, MenuItem},
    microsoft_button::{MicrosoftButton, MicrosoftMark},
    notice::Notice,
    offline_bar::OfflineBar,
    progress::ConnectedProgress,
    role_list::RoleList,
    search_box::SearchBox,
    segments::{Segment, Segments},
    select::Select,
    skeleton::Skeleton,
    status_badge::StatusBadge,
    team_table::{TeamAction, TeamTable},
    theme_switch::ThemeSwitch,
    time_ago::TimeAgo,
    top_bar::TopBar,
    when::When,
};
