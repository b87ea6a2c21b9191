//! Tenantry's server: the pages, the flow with Microsoft, the sync, and the store behind them.

pub mod accounts;
pub mod activity;
pub mod api_tokens;
pub mod attempts;
pub mod campaigns;
pub mod check;
pub mod clock;
pub mod companies;
pub mod company_records;
pub mod config;
pub mod connect;
pub mod connections;
mod csv_file;
pub mod disconnections;
mod exports;
mod failure;
#[cfg(any(test, feature = "fuzz"))]
#[allow(clippy::missing_panics_doc, reason = "to panic is how a target says that something does not hold")]
pub mod fuzz;
pub mod http;
pub mod import;
pub mod key_rotation;
pub mod links;
pub mod live_rows;
pub mod logo;
pub mod mail;
pub mod metrics;
pub mod microsoft;
pub mod migration;
pub mod notices;
pub mod notifications;
pub mod passwords;
mod places;
mod plain_text;
pub mod platform;
pub mod products;
pub mod rate;
pub mod sessions;
pub mod staff;
pub mod startup;
pub mod store;
pub mod sync;
pub mod tenant_data;
pub mod throttle;
pub mod vault;
pub mod webhooks;
mod xlsx_file;
