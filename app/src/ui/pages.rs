//! The pages, one file each.

mod activity;
mod companies;
mod company;
mod disconnect;
mod entrance;
mod for_right;
mod frame;
mod join;
mod links;
mod lists;
mod microsoft_365;
mod new_links;
mod not_found;
mod sign_in;
mod team;

pub use self::{
    activity::Activity, companies::Companies, company::Company, disconnect::Disconnect, join::Join, links::Links,
    microsoft_365::Microsoft365, new_links::NewLinks, not_found::NotFound, sign_in::SignIn, team::Team,
};
use self::{entrance::Entrance, for_right::ForRight, frame::Frame};
