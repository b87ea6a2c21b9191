//! Domains of a company, or of all. As CSV at `/api/domains.csv`, with the same query.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{ListPage, TenantDomainRow, tenant_domain::TenantDomainQuery},
    error::AppError,
};

/// A page of domains.
#[server(prefix = "/api", endpoint = "domains/list", protocol = Shared<Json>)]
pub async fn list_tenant_domains(query: TenantDomainQuery) -> Result<ListPage<TenantDomainRow>, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.tenant_domains(query).await
}
