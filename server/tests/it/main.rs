//! What the server does, through real HTTP, against the sandbox, on SQLite and on PostgreSQL.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounts;
mod activity;
mod companies;
mod company_records;
mod connect;
mod dependencies;
mod directory;
mod harness;
mod http;
mod import;
mod links;
mod person;
mod postgres;
mod refused;
mod restart;
mod rounds;
mod secrets;
mod staff;
mod store;
mod sync;
mod tenant_data;
mod throttle;
mod workers;
