//! Links that let somebody else connect a company.

use std::fmt;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{CompanyId, LinkMessage, LinkRow, Timestamp},
    error::AppError,
};

/// A link that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// Its address, which whoever has it can use: not for logs.
    pub url: String,
    /// From when on it is dead.
    pub expires: Timestamp,
}

impl fmt::Debug for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLink").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// How many links are made in one call.
pub const MANY: usize = 200;

/// What became of a company's link, where many were asked for. Flat, for the browser reads it in fewer bytes of program.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkOutcome {
    /// The company's name.
    pub name: String,
    /// Why there is none. Everything below is empty then.
    pub refusal: Option<String>,
    /// Its address, which whoever has it can use: not for logs.
    pub url: String,
    /// From when on it is dead.
    pub expires: Option<Timestamp>,
    /// The company's contact, if that is an e-mail address.
    pub to: Option<String>,
    /// The subject of a message to the client.
    pub subject: String,
    /// Its body, which holds the link.
    pub body: String,
}

impl fmt::Debug for LinkOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkOutcome").field("name", &self.name).field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

/// Makes a link for a company, and withdraws the one before, if that was not used.
#[server(prefix = "/api", endpoint = "links/create", protocol = Shared<Json>)]
pub async fn create_link(company: CompanyId, note: Option<String>) -> Result<NewLink, AppError> {
    let note = crate::domain::LinkNote::parse(&note.unwrap_or_default())
        .map_err(|error| AppError::new(crate::error::ErrorCode::Invalid, error.to_string()))?;
    super::port::<dyn crate::ports::Links>()?.create(company, note).await
}

/// Withdraws the company's live link.
#[server(prefix = "/api", endpoint = "links/withdraw", protocol = Shared<Json>)]
pub async fn withdraw_link(company: CompanyId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Links>()?.withdraw(company).await
}

/// The live links of all companies, those that expire first first.
#[server(prefix = "/api", endpoint = "links/list", protocol = Shared<GetUrl>)]
pub async fn list_links() -> Result<Vec<LinkRow>, AppError> {
    super::port::<dyn crate::ports::Links>()?.list().await
}

/// A text for the client, with the company's live link.
#[server(prefix = "/api", endpoint = "links/message", protocol = Shared<Json>)]
pub async fn write_link_message(company: CompanyId) -> Result<LinkMessage, AppError> {
    super::port::<dyn crate::ports::Links>()?.message(company).await
}
