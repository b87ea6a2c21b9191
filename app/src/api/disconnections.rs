//! The end of a connection.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{CompanyId, Sight, Timestamp},
    error::AppError,
};

/// A connection that there is to end, or what is left of one. Flat, for the browser reads it in fewer bytes of program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parting {
    /// The company's name.
    pub name: String,
    /// Whether it is connected.
    pub connected: bool,
    /// What the tenant calls itself.
    pub organisation: String,
    /// Who connected the company; or, if it is connected no more, who disconnected it.
    pub by: String,
    /// When. None: it was never connected.
    pub at: Option<Timestamp>,
    /// Whether what was read is still there, after the end.
    pub data_kept: bool,
    /// When it was last looked whether the access is gone.
    pub checked_at: Option<Timestamp>,
    /// What was seen then.
    pub sight: Option<Sight>,
    /// When it was first seen gone.
    pub gone_at: Option<Timestamp>,
    /// When it is looked again. None: not by itself.
    pub next_check: Option<Timestamp>,
    /// The company that is connected to the tenant now.
    pub holder: Option<String>,
    /// The address of Microsoft's admin center.
    pub portal: String,
    /// What the app is found by there. Empty where none is configured.
    pub client_id: String,
    /// How to remove the app with PowerShell.
    pub script: String,
}

/// What there is to end of a company, or what is left of it.
#[server(prefix = "/api", endpoint = "connections/disconnection", protocol = Shared<Json>)]
pub async fn show_disconnection(company: CompanyId) -> Result<Parting, AppError> {
    super::port::<dyn crate::ports::Disconnections>()?.show(company).await
}

/// Ends the company's connection. `name`: the company's, typed to confirm it.
#[server(prefix = "/api", endpoint = "connections/disconnect", protocol = Shared<Json>)]
pub async fn disconnect(company: CompanyId, name: String, keep_data: bool) -> Result<Parting, AppError> {
    super::port::<dyn crate::ports::Disconnections>()?.disconnect(company, name, keep_data).await
}

/// Looks now whether the access to the tenant is gone.
#[server(prefix = "/api", endpoint = "connections/check-gone", protocol = Shared<Json>)]
pub async fn check_gone(company: CompanyId) -> Result<Parting, AppError> {
    super::port::<dyn crate::ports::Disconnections>()?.check(company).await
}
