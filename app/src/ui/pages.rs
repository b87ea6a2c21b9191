//! The pages, one file each.

mod activity;
mod companies;
mod company;
mod entrance;
mod for_right;
mod frame;
mod join;
mod links;
mod lists;
mod microsoft_365;
mod not_found;
mod notifications;
mod sign_in;
mod team;

pub use self::{
    activity::Activity, companies::Companies, company::Company, join::Join, links::Links, microsoft_365::Microsoft365,
    not_found::NotFound, notifications::Notifications, sign_in::SignIn, team::Team,
};
use self::{entrance::Entrance, for_right::ForRight, frame::Frame};
