//! What the server does, through real HTTP, against the sandbox, on SQLite and on PostgreSQL.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounts;
mod activity;
mod bombs;
mod catalogue;
mod companies;
mod company_exports;
mod company_records;
mod connect;
mod dependencies;
mod directory;
mod disconnect;
mod doubles;
mod grants;
mod harness;
mod http;
mod import;
mod links;
mod many_users;
mod notifications;
mod person;
mod platform;
mod postgres;
mod receiver;
mod refused;
mod restart;
mod rounds;
mod secrets;
mod smtp;
mod staff;
mod store;
mod sync;
mod tenant_data;
mod throttle;
mod workers;
