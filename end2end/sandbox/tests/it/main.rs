//! The sandbox through real HTTP, as a browser and a server see it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a step that fails is the test's failure")]

mod faults;
mod graph;
mod harness;
mod sign_in;
mod tokens;
