//! What was done.

use app::domain::{ActivityFilter, ActivityKind, ActivityRow};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{named, parsed, words},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    wire::{ActivityName, Moment},
};

/// One thing that was done.
#[derive(Serialize, ToSchema)]
pub struct Activity {
    /// Which.
    id: Uuid,
    /// When.
    at: Moment,
    /// What.
    kind: ActivityName,
    /// Who: an account's e-mail address, with the name of the token where a program did it; or words such as "the
    /// command line".
    actor: String,
    /// To which company.
    company_id: Option<Uuid>,
    /// What that was called then.
    company_name: Option<String>,
    /// More about it, in words.
    text: String,
}

/// Which activity to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityParams {
    /// What was done to this company.
    #[param(value_type = Option<Uuid>)]
    company: Option<String>,
    /// What is of this kind.
    #[param(value_type = Option<ActivityName>)]
    kind: Option<String>,
    /// What was done by who is called so, in part.
    actor: Option<String>,
}

impl From<ActivityRow> for Activity {
    fn from(row: ActivityRow) -> Self {
        let (company_id, company_name) = row.company.map(|(id, name)| (id.uuid(), name)).unzip();
        Self {
            id: row.id.uuid(),
            at: Moment(row.at),
            kind: ActivityName(row.kind.key()),
            actor: row.actor,
            company_id,
            company_name,
            text: row.text,
        }
    }
}

/// List activity
///
/// The latest first.
#[utoipa::path(
    get,
    path = "/api/v1/activity",
    operation_id = "list_activity",
    tag = "Activity",
    params(ActivityParams, PageParams),
    responses((status = 200, description = "A page of what was done.", body = Page<Activity>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<ActivityParams>) -> Result<Response, Problem> {
    let params = &listing.params;
    let filter = ActivityFilter {
        company: parsed("company", params.company.as_deref(), "the id of a company")?,
        kind: named("kind", params.kind.as_deref(), ActivityKind::from_key)?,
        actor: params.actor.clone().map(|actor| words(Some(actor))),
        before: listing.after.as_deref().map(str::parse).transpose().map_err(|_| Problem::cursor())?,
    };
    let mut rows = state.store.activity(&filter, u64::from(listing.limit) + 1).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| is_more).map(|row| row.id.to_string());
    let rows: Vec<Activity> = rows.into_iter().map(Activity::from).collect();
    Ok(listing.page(rows, next.as_deref()))
}
