//! The pages, one file each.

mod activity;
mod companies;
mod company;
mod entrance;
mod frame;
mod join;
mod lists;
mod microsoft_365;
mod not_found;
mod owners_only;
mod sign_in;
mod team;

pub use self::{
    activity::Activity, companies::Companies, company::Company, join::Join, microsoft_365::Microsoft365,
    not_found::NotFound, sign_in::SignIn, team::Team,
};
use self::{entrance::Entrance, frame::Frame, owners_only::OwnersOnly};
