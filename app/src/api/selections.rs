//! What is done to companies that somebody selected: tags, and putting them away.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

#[cfg(feature = "ssr")]
use super::campaigns::selected;
use super::protocol::Shared;
use crate::{
    domain::{CompanyId, LeftOut},
    error::AppError,
};

/// The tags of companies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectedTags {
    /// How many companies are there, and can be changed.
    pub companies: u32,
    /// The tags that they have, and how many have each, by name.
    pub tags: Vec<(String, u32)>,
    /// The companies that can't be changed.
    pub left_out: Vec<LeftOut>,
}

/// What would become of companies that are put away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    /// The names of those that can be, in their order.
    pub names: Vec<String>,
    /// How many of them are connected.
    pub connected: u32,
    /// How many of them have a live link.
    pub links: u32,
    /// The companies that can't.
    pub left_out: Vec<LeftOut>,
}

/// The tags of these companies.
#[server(prefix = "/api", endpoint = "companies/selected/tags", protocol = Shared<Json>)]
pub async fn tags_of_selected(companies: Vec<CompanyId>) -> Result<SelectedTags, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.tags_of(selected(companies)?).await
}

/// Gives these companies tags and takes tags from them, each list with commas between them. Answers what changed, in
/// words.
#[server(prefix = "/api", endpoint = "companies/selected/retag", protocol = Shared<Json>)]
pub async fn retag_selected(companies: Vec<CompanyId>, add: String, remove: String) -> Result<String, AppError> {
    let tags = |text: &str| {
        crate::domain::company_draft::parse_tags(text).map_err(|problem| {
            let field = crate::domain::CompanyField::Tags;
            let error = crate::domain::company_draft::FieldError { field, problem };
            AppError::new(crate::error::ErrorCode::Invalid, error.sentence())
        })
    };
    let (add, remove) = (tags(&add)?, tags(&remove)?);
    super::port::<dyn crate::ports::CompanyRecords>()?.retag(selected(companies)?, add, remove).await
}

/// What would become of these companies if they were put away.
#[server(prefix = "/api", endpoint = "companies/selected/farewell", protocol = Shared<Json>)]
pub async fn before_archiving(companies: Vec<CompanyId>) -> Result<Farewell, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.farewell(selected(companies)?).await
}

/// Puts these companies away, all at once. Answers what was done, in words.
#[server(prefix = "/api", endpoint = "companies/selected/archive", protocol = Shared<Json>)]
pub async fn archive_selected(companies: Vec<CompanyId>) -> Result<String, AppError> {
    super::port::<dyn crate::ports::CompanyRecords>()?.archive_many(selected(companies)?).await
}
