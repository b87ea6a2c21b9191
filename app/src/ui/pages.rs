//! The pages, one file each.

mod activity;
mod companies;
mod entrance;
mod for_right;
mod frame;
mod join;
mod links;
mod not_found;
mod sign_in;
mod team;

pub use self::{
    activity::Activity, companies::Companies, join::Join, links::Links, not_found::NotFound, sign_in::SignIn,
    team::Team,
};
use self::{entrance::Entrance, for_right::ForRight, frame::Frame};
