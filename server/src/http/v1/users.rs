//! The people and guests of tenants.

use app::domain::{
    Cursor, Order, UserKind, UserRow,
    user::{UserFilter, UserQuery, UserSort},
};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{named, parsed, words},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    wire::{Moment, UserKindName},
};

/// Somebody in the directory of a company.
#[derive(Serialize, ToSchema)]
pub struct User {
    /// Who: Microsoft's id.
    id: Uuid,
    /// In which company.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// Their name. Empty: Microsoft knows none.
    name: String,
    /// What they sign in with.
    address: String,
    /// Whose account it is.
    kind: UserKindName,
    /// Whether they may sign in.
    enabled: bool,
    /// Department.
    department: Option<String>,
    /// Job title.
    title: Option<String>,
    /// The names of the products that are assigned to them.
    licences: Vec<String>,
    /// When that was read.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
}

/// Which users to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserParams {
    /// Those of this company.
    #[param(value_type = Option<Uuid>)]
    company: Option<String>,
    /// Each word begins one of theirs: in the name, the address, the department or the job title.
    search: Option<String>,
    /// Those of this kind.
    #[param(value_type = Option<UserKindName>)]
    kind: Option<String>,
    /// Those who may, or may not, sign in.
    enabled: Option<bool>,
    /// Those who have, or do not have, a licence.
    licensed: Option<bool>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.uuid(),
            company_id: row.origin.company.uuid(),
            company_name: row.origin.name,
            name: row.name,
            address: row.address,
            kind: UserKindName(row.kind.key()),
            enabled: row.enabled,
            department: row.department,
            title: row.title,
            licences: row.licences,
            as_of: row.origin.as_of.map(Moment),
            stale: row.origin.stale,
        }
    }
}

/// List users
///
/// Of one company, or of all, by name.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "list_users",
    tag = "Data",
    params(UserParams, PageParams),
    responses((status = 200, description = "A page of users.", body = Page<User>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<UserParams>) -> Result<Response, Problem> {
    let params = &listing.params;
    let kind = |text: &str| [UserKind::Member, UserKind::Guest].into_iter().find(|kind| kind.key() == text);
    let query = UserQuery {
        company: parsed("company", params.company.as_deref(), "the id of a company")?,
        search: words(params.search.clone()),
        filter: UserFilter {
            kind: named("kind", params.kind.as_deref(), kind)?,
            enabled: params.enabled,
            licensed: params.licensed,
        },
        order: Order { by: UserSort::Name, descending: false },
        after: listing.after.clone().map(Cursor::new),
    };
    let page = state.tenant_data.list_users(&query, listing.limit).await?;
    let users: Vec<User> = page.rows.into_iter().map(User::from).collect();
    Ok(listing.page(users, page.next.as_ref().map(Cursor::as_str)))
}
