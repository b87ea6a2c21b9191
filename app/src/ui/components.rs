//! Parts of pages. They take values and callbacks, and know neither the server nor where they are used.

mod account_menu;
mod activity_table;
mod age;
mod announcer;
mod archived_table;
mod attention;
mod awaited;
mod campaign_table;
mod client_message;
mod company_row;
mod company_table;
mod confirm;
mod control_list;
mod copied;
mod copy_button;
mod data_set_table;
mod delivery_list;
mod dialog;
mod empty;
mod field;
mod figure;
mod file_drop;
mod form;
mod html;
mod icon;
mod import_table;
mod kind_list;
mod left_out;
mod licence_row;
mod link;
mod link_note;
mod link_offer;
mod link_table;
mod list_table;
mod load_failed;
mod made_links;
mod menu;
mod microsoft_button;
mod notice;
mod offline_bar;
mod progress;
mod role_list;
mod row_focus;
mod score_chart;
mod score_row;
mod search_box;
mod section_nav;
mod segments;
mod select;
mod selection_bar;
mod skeleton;
mod status_badge;
mod tabs;
mod team_table;
mod tenant_domain_row;
mod theme_switch;
mod time_ago;
mod token_table;
mod top_bar;
mod user_row;
mod webhook_table;
mod when;

pub use self::{
    account_menu::AccountMenu,
    activity_table::ActivityTable,
    age::Age,
    announcer::Announcer,
    archived_table::{ArchiveAction, ArchivedTable},
    attention::Attention,
    awaited::Awaited,
    campaign_table::CampaignTable,
    client_message::ClientMessage,
    company_row::{LINK_ROLE_NOTE, ROLE_NOTE, element_id as company_element},
    company_table::{CompanyTable, Jump},
    confirm::Confirm,
    control_list::ControlList,
    copied::Copied,
    copy_button::CopyButton,
    data_set_table::{DataSetTable, HealthBadge},
    delivery_list::DeliveryList,
    dialog::{CloseButton, Dialog},
    empty::Empty,
    field::Field,
    figure::Figure,
    file_drop::FileDrop,
    form::{Form, Problem},
    html::Html,
    icon::{Icon, Shape},
    import_table::{ColumnMap, ImportTable},
    kind_list::KindList,
    left_out::{LeftOutList, names_shown},
    licence_row::licence_row,
    link::Link,
    link_note::{LINK_NOTE, LinkNoteForm},
    link_offer::LinkOffer,
    link_table::LinkTable,
    list_table::ListTable,
    load_failed::LoadFailed,
    made_links::MadeLinks,
    menu::{Menu, MenuItem},
    microsoft_button::MicrosoftButton,
    notice::Notice,
    offline_bar::OfflineBar,
    progress::ConnectedProgress,
    role_list::RoleList,
    row_focus::RowFocus,
    score_chart::ScoreChart,
    score_row::{point_words, score_row},
    search_box::SearchBox,
    section_nav::SectionNav,
    segments::{Segment, Segments},
    select::Select,
    selection_bar::{Deed, SELECTION_BAR, SelectionBar},
    skeleton::Skeleton,
    status_badge::StatusBadge,
    tabs::{PANEL, Tabs, tab_id},
    team_table::{TeamAction, TeamTable},
    tenant_domain_row::tenant_domain_row,
    theme_switch::ThemeSwitch,
    time_ago::TimeAgo,
    token_table::TokenTable,
    top_bar::TopBar,
    user_row::user_row,
    webhook_table::{DeliveryBadge, WebhookAction, WebhookTable},
    when::When,
};
