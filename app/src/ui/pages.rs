//! The pages, one file each.

mod activity;
mod api_tokens;
mod archived_companies;
mod campaign;
mod campaigns;
mod change_password;
mod client_message;
mod companies;
mod company;
mod company_form;
mod disconnect;
mod entrance;
mod for_right;
mod frame;
mod import_companies;
mod join;
mod links;
mod lists;
mod microsoft_365;
mod new_links;
mod not_found;
mod notifications;
mod selection;
mod sign_in;
mod team;

pub use self::{
    activity::Activity,
    api_tokens::ApiTokens,
    archived_companies::ArchivedCompanies,
    campaign::Campaign,
    campaigns::Campaigns,
    change_password::ChangePassword,
    client_message::ClientMessage,
    companies::Companies,
    company::Company,
    company_form::{ArchiveCompany, EditCompany, NewCompany},
    disconnect::Disconnect,
    import_companies::ImportCompanies,
    join::Join,
    links::Links,
    microsoft_365::Microsoft365,
    new_links::NewLinks,
    not_found::NotFound,
    notifications::Notifications,
    selection::{ArchiveSelected, TagSelected},
    sign_in::SignIn,
    team::Team,
};
use self::{entrance::Entrance, for_right::ForRight, frame::Frame};
