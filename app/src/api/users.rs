//! Users of a company, or of all. As CSV at `/api/users.csv`, with the same query.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{ListPage, UserRow, user::UserQuery},
    error::AppError,
};

/// A page of users.
#[server(prefix = "/api", endpoint = "users/list", protocol = Shared<Json>)]
pub async fn list_users(query: UserQuery) -> Result<ListPage<UserRow>, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.users(query).await
}
