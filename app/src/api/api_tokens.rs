//! Tokens with which other programs use the programming interface.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{ApiTokenId, ApiTokenRow, Scope},
    error::AppError,
};

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewApiToken {
    /// What a program proves itself with: not for logs.
    pub token: String,
}

impl std::fmt::Debug for NewApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiToken").finish_non_exhaustive()
    }
}

/// All of them, the latest first.
#[server(prefix = "/api", endpoint = "api-tokens/list", protocol = Shared<GetUrl>)]
pub async fn list_api_tokens() -> Result<Vec<ApiTokenRow>, AppError> {
    super::port::<dyn crate::ports::ApiTokens>()?.list().await
}

/// Makes one that is good for so many days. Answers it, once.
#[server(prefix = "/api", endpoint = "api-tokens/create", protocol = Shared<Json>)]
pub async fn create_api_token(name: String, scopes: Vec<Scope>, days: u16) -> Result<NewApiToken, AppError> {
    super::port::<dyn crate::ports::ApiTokens>()?.create(name, scopes, days).await
}

/// Ends one at once.
#[server(prefix = "/api", endpoint = "api-tokens/revoke", protocol = Shared<Json>)]
pub async fn revoke_api_token(token: ApiTokenId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::ApiTokens>()?.revoke(token).await
}
