//! Tenantry's server: the pages, the flow with Microsoft, the sync, and the store behind them.

pub mod accounts;
pub mod activity;
pub mod attempts;
pub mod check;
pub mod clock;
pub mod companies;
pub mod config;
pub mod connect;
pub mod connections;
mod failure;
pub mod http;
pub mod import;
pub mod links;
pub mod live_rows;
pub mod logo;
pub mod microsoft;
pub mod migration;
pub mod passwords;
pub mod rate;
pub mod sessions;
pub mod staff;
pub mod startup;
pub mod store;
pub mod sync;
pub mod throttle;
pub mod vault;
