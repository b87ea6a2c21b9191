//! What browser and server must agree on, and the user interface.
//!
//! Without features this is the pure domain. `csr` adds the user interface for the browser, `ssr` the server's
//! side of the server functions.

pub mod domain;
pub mod error;

#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod ports;
#[cfg(feature = "csr")]
pub mod ui;
