//! The pages, one file each.

mod companies;
mod not_found;

pub use self::{companies::Companies, not_found::NotFound};
