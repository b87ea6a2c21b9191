//! The list of companies, whole and what changed of it.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{
        ArchivedCompany, CompanyCard, CompanyDetails, CompanyId, CompanyRow, CompanyTexts, OddityKind, PlatformNotice,
        Progress,
    },
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
    /// How many there are, where `rows` are but the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<Progress>,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyChanges {
    /// The rows as they are now. The same row may come again in the next answer.
    pub rows: Vec<CompanyRow>,
    /// What is wrong with our own app registration, whether or not that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platform: Vec<PlatformNotice>,
    /// What is not in the list any more. May come again too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// The `since` for the next question.
    pub cursor: i64,
}

/// A company that left the list: it was archived, or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Which one.
    pub id: CompanyId,
    /// The number of the state of its row in which it left.
    pub revision: i64,
}

/// All companies, by name.
#[server(prefix = "/api", endpoint = "companies/list", protocol = Shared<GetUrl>)]
pub async fn list_companies() -> Result<CompanyList, AppError> {
    super::port::<dyn crate::ports::Companies>()?.list().await
}

/// The first of them by name, as many as a window shows: the rest is asked for while these are looked at.
#[server(prefix = "/api", endpoint = "companies/first", protocol = Shared<GetUrl>)]
pub async fn first_companies() -> Result<CompanyList, AppError> {
    super::port::<dyn crate::ports::Companies>()?.first().await
}

/// Those that changed since a cursor of an earlier answer.
#[server(prefix = "/api", endpoint = "companies/changes", protocol = Shared<GetUrl>)]
pub async fn changed_companies(since: i64) -> Result<CompanyChanges, AppError> {
    super::port::<dyn crate::ports::Companies>()?.changes(crate::domain::Timestamp::from_millis(since)).await
}

/// Those whose tenant's id begins like this ([`crate::domain::TenantDigits`]): ids don't compress, so the list does not
/// hold them.
#[server(prefix = "/api", endpoint = "companies/of-tenant", protocol = Shared<Json>)]
pub async fn companies_of_tenant(beginning: String) -> Result<Vec<CompanyId>, AppError> {
    let none = || AppError::new(crate::error::ErrorCode::Invalid, "This is not the beginning of a tenant's id.");
    let digits = crate::domain::TenantDigits::parse(&beginning).ok_or_else(none)?;
    super::port::<dyn crate::ports::Companies>()?.of_tenant(digits).await
}

/// A company by itself.
#[server(prefix = "/api", endpoint = "companies/show", protocol = Shared<Json>)]
pub async fn show_company(company: CompanyId) -> Result<CompanyDetails, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.company(company).await
}

/// A company as its form shows it.
#[server(prefix = "/api", endpoint = "companies/card", protocol = Shared<Json>)]
pub async fn show_company_card(company: CompanyId) -> Result<CompanyCard, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.card(company).await
}

/// Adds a company. Answers its id.
#[server(prefix = "/api", endpoint = "companies/add", protocol = Shared<Json>)]
pub async fn add_company(texts: CompanyTexts) -> Result<CompanyId, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.add(draft(&texts)?).await
}

/// Changes what is written down about a company, if that is still what stood in the form `before`.
#[server(prefix = "/api", endpoint = "companies/edit", protocol = Shared<Json>)]
pub async fn edit_company(company: CompanyId, before: CompanyTexts, texts: CompanyTexts) -> Result<(), AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.edit(company, before, draft(&texts)?).await
}

/// Puts a company away.
#[server(prefix = "/api", endpoint = "companies/archive", protocol = Shared<Json>)]
pub async fn archive_company(company: CompanyId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.archive(company).await
}

/// Brings a company back that was put away.
#[server(prefix = "/api", endpoint = "companies/restore", protocol = Shared<Json>)]
pub async fn restore_company(company: CompanyId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.restore(company).await
}

/// Deletes a company for good that was put away. `name`: what it is called, typed by who wants it.
#[server(prefix = "/api", endpoint = "companies/delete", protocol = Shared<Json>)]
pub async fn delete_company(company: CompanyId, name: String) -> Result<(), AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.delete(company, name).await
}

/// Says of something odd that it is meant so, if it is still as it was `seen`.
#[server(prefix = "/api", endpoint = "companies/accept-oddity", protocol = Shared<Json>)]
pub async fn accept_oddity(company: CompanyId, kind: OddityKind, seen: String) -> Result<(), AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.accept_oddity(company, kind, seen).await
}

/// Those that are put away, by name.
#[server(prefix = "/api", endpoint = "companies/archived", protocol = Shared<GetUrl>)]
pub async fn archived_companies() -> Result<Vec<ArchivedCompany>, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.archived().await
}

#[cfg(feature = "ssr")]
fn draft(texts: &CompanyTexts) -> Result<crate::domain::CompanyDraft, AppError> {
    crate::domain::CompanyDraft::parse(texts).map_err(|errors| {
        let sentences: Vec<_> = errors.iter().map(crate::domain::company_draft::FieldError::sentence).collect();
        AppError::new(crate::error::ErrorCode::Invalid, sentences.join(" "))
    })
}
