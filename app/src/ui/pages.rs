//! The pages, one file each.

mod activity;
mod archived_companies;
mod companies;
mod company;
mod company_form;
mod entrance;
mod for_right;
mod frame;
mod import_companies;
mod join;
mod links;
mod lists;
mod microsoft_365;
mod not_found;
mod sign_in;
mod team;

pub use self::{
    activity::Activity,
    archived_companies::ArchivedCompanies,
    companies::Companies,
    company::Company,
    company_form::{ArchiveCompany, EditCompany, NewCompany},
    import_companies::ImportCompanies,
    join::Join,
    links::Links,
    microsoft_365::Microsoft365,
    not_found::NotFound,
    sign_in::SignIn,
    team::Team,
};
use self::{entrance::Entrance, for_right::ForRight, frame::Frame};
