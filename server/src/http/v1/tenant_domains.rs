//! The domain names of tenants.

use app::domain::{Cursor, TenantDomainRow, tenant_domain::TenantDomainQuery};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{parsed, words},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    wire::Moment,
};

/// One domain name of a company's tenant.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as the domain has them")]
pub struct TenantDomain {
    /// Of which company.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// The domain name.
    name: String,
    /// Whether new accounts get it.
    is_default: bool,
    /// Whether the tenant was created with it.
    is_initial: bool,
    /// Whether the tenant has proved to own it.
    is_verified: bool,
    /// Whether people of this domain sign in elsewhere than at Microsoft.
    federated: bool,
    /// What it is used for, such as `Email`.
    services: Vec<String>,
    /// When that was read.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
}

/// Which domains to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TenantDomainParams {
    /// Those of this company.
    #[param(value_type = Option<Uuid>)]
    company: Option<String>,
    /// Each word is in the domain name, or in the company's name.
    search: Option<String>,
}

impl From<TenantDomainRow> for TenantDomain {
    fn from(row: TenantDomainRow) -> Self {
        Self {
            company_id: row.origin.company.uuid(),
            company_name: row.origin.name,
            name: row.name,
            is_default: row.is_default,
            is_initial: row.is_initial,
            is_verified: row.is_verified,
            federated: row.federated,
            services: row.services,
            as_of: row.origin.as_of.map(Moment),
            stale: row.origin.stale,
        }
    }
}

/// List domains
///
/// Of one company's tenant, or of all, by name.
#[utoipa::path(
    get,
    path = "/api/v1/domains",
    operation_id = "list_domains",
    tag = "Data",
    params(TenantDomainParams, PageParams),
    responses((status = 200, description = "A page of domains.", body = Page<TenantDomain>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<TenantDomainParams>) -> Result<Response, Problem> {
    let query = TenantDomainQuery {
        company: parsed("company", listing.params.company.as_deref(), "the id of a company")?,
        search: words(listing.params.search.clone()),
        after: listing.after.clone().map(Cursor::new),
        ..TenantDomainQuery::default()
    };
    let page = state.tenant_data.list_tenant_domains(&query, listing.limit).await?;
    let domains: Vec<TenantDomain> = page.rows.into_iter().map(TenantDomain::from).collect();
    Ok(listing.page(domains, page.next.as_ref().map(Cursor::as_str)))
}
