//! What was done. As CSV at `/api/activity.csv`, with the same filter as its query.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{ActivityFilter, ActivityRow},
    error::AppError,
};

/// A page of it, the latest first.
#[server(prefix = "/api", endpoint = "activity/list", protocol = Shared<Json>)]
pub async fn list_activity(filter: ActivityFilter) -> Result<Vec<ActivityRow>, AppError> {
    super::port::<dyn crate::ports::Activity>()?.list(filter).await
}
