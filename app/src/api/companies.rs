//! The list of companies, whole and what changed of it.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{CompanyDetails, CompanyId, CompanyRow, PlatformNotice},
    error::AppError,
};

/// Whether companies can be connected at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setup {
    /// Yes.
    #[default]
    Ready,
    /// No app registration is configured.
    AppRegistrationMissing,
}

/// All companies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyList {
    /// By name.
    pub rows: Vec<CompanyRow>,
    /// Whether companies can be connected at all.
    pub setup: Setup,
    /// What is wrong with our own app registration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platform: Vec<PlatformNotice>,
    /// The `since` for the first question for changes.
    pub cursor: i64,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyChanges {
    /// The rows as they are now. The same row may come again in the next answer.
    pub rows: Vec<CompanyRow>,
    /// What is wrong with our own app registration, whether or not that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platform: Vec<PlatformNotice>,
    /// The `since` for the next question.
    pub cursor: i64,
}

/// All companies, by name.
#[server(prefix = "/api", endpoint = "companies/list", protocol = Shared<GetUrl>)]
pub async fn list_companies() -> Result<CompanyList, AppError> {
    super::port::<dyn crate::ports::Companies>()?.list().await
}

/// Those that changed since a cursor of an earlier answer.
#[server(prefix = "/api", endpoint = "companies/changes", protocol = Shared<GetUrl>)]
pub async fn changed_companies(since: i64) -> Result<CompanyChanges, AppError> {
    super::port::<dyn crate::ports::Companies>()?.changes(crate::domain::Timestamp::from_millis(since)).await
}

/// A company by itself.
#[server(prefix = "/api", endpoint = "companies/show", protocol = Shared<Json>)]
pub async fn show_company(company: CompanyId) -> Result<CompanyDetails, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.company(company).await
}
