//! What tenants have bought.

use app::domain::{Cursor, LicenceRow, licence::LicenceQuery};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{parsed, words},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    wire::{LicenceStateName, Moment},
};

/// One product of a company.
#[derive(Serialize, ToSchema)]
pub struct Licence {
    /// Of which company.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// The product's name.
    product: String,
    /// Microsoft's code of the product, such as `SPB`.
    part_number: String,
    /// Whether it is assigned to people. Others apply to the whole company.
    for_users: bool,
    /// Units in use. May be more than can be assigned.
    used: u32,
    /// Units that can be assigned.
    assignable: u32,
    /// The state of the subscription.
    state: LicenceStateName,
    /// When that was read.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
}

/// Which licences to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LicenceParams {
    /// Those of this company.
    #[param(value_type = Option<Uuid>)]
    company: Option<String>,
    /// Each word is in the product's name or part number, or in the company's name.
    search: Option<String>,
}

impl From<LicenceRow> for Licence {
    fn from(row: LicenceRow) -> Self {
        Self {
            company_id: row.origin.company.uuid(),
            company_name: row.origin.name,
            product: row.product,
            part_number: row.part_number,
            for_users: row.for_users,
            used: row.used,
            assignable: row.assignable,
            state: LicenceStateName(row.state.key()),
            as_of: row.origin.as_of.map(Moment),
            stale: row.origin.stale,
        }
    }
}

/// List licences
///
/// Of one company, or of all, by product.
#[utoipa::path(
    get,
    path = "/api/v1/licences",
    operation_id = "list_licences",
    tag = "Data",
    params(LicenceParams, PageParams),
    responses((status = 200, description = "A page of licences.", body = Page<Licence>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<LicenceParams>) -> Result<Response, Problem> {
    let query = LicenceQuery {
        company: parsed("company", listing.params.company.as_deref(), "the id of a company")?,
        search: words(listing.params.search.clone()),
        after: listing.after.clone().map(Cursor::new),
        ..LicenceQuery::default()
    };
    let page = state.tenant_data.list_licences(&query, listing.limit).await?;
    let licences: Vec<Licence> = page.rows.into_iter().map(Licence::from).collect();
    Ok(listing.page(licences, page.next.as_ref().map(Cursor::as_str)))
}
