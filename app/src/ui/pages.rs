//! The pages, one file each.

mod activity;
mod companies;
mod entrance;
mod frame;
mod join;
mod not_found;
mod owners_only;
mod sign_in;
mod team;

pub use self::{
    activity::Activity, companies::Companies, join::Join, not_found::NotFound, sign_in::SignIn, team::Team,
};
use self::{entrance::Entrance, frame::Frame, owners_only::OwnersOnly};
