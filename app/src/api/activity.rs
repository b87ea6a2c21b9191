//! What was done. As CSV at `/api/activity.csv`, with the same filter as its query.

use leptos::prelude::*;
use server_fn::codec::Json;

use crate::{
    domain::{ActivityFilter, ActivityRow},
    error::AppError,
};

/// A page of it, the latest first.
#[server(prefix = "/api", endpoint = "activity/list", input = Json, output = Json)]
pub async fn list_activity(filter: ActivityFilter) -> Result<Vec<ActivityRow>, AppError> {
    super::port::<dyn crate::ports::Activity>()?.list(filter).await
}
