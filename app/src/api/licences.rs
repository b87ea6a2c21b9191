//! Licences of a company, or of all. As CSV at `/api/licences.csv`, with the same query.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{LicenceRow, ListPage, licence::LicenceQuery},
    error::AppError,
};

/// A page of licences.
#[server(prefix = "/api", endpoint = "licences/list", protocol = Shared<Json>)]
pub async fn list_licences(query: LicenceQuery) -> Result<ListPage<LicenceRow>, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.licences(query).await
}
