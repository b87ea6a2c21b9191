//! The team.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{AccountId, AccountRow, Role},
    error::AppError,
};

/// What a one-time link (`/join/{token}`) is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// For whom; none makes the first owner, whoever it is.
    pub email: Option<String>,
    /// What it makes of them.
    pub role: Role,
    /// The MSP's name.
    pub msp: String,
}

/// Everybody, by name.
#[server(prefix = "/api", endpoint = "accounts/list", protocol = Shared<GetUrl>)]
pub async fn list_accounts() -> Result<Vec<AccountRow>, AppError> {
    super::port::<dyn crate::ports::Accounts>()?.list().await
}

/// Makes a one-time link for somebody. Answers its URL, once.
#[server(prefix = "/api", endpoint = "accounts/invite", protocol = Shared<Json>)]
pub async fn invite(email: String, role: Role) -> Result<String, AppError> {
    let email = crate::domain::Email::parse(&email).map_err(|_| {
        AppError::new(crate::error::ErrorCode::Invalid, "This is not an e-mail address such as kim@example.com.")
    })?;
    super::port::<dyn crate::ports::Accounts>()?.invite(email, role).await
}

/// Changes what somebody may do.
#[server(prefix = "/api", endpoint = "accounts/change-role", protocol = Shared<Json>)]
pub async fn change_role(account: AccountId, role: Role) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Accounts>()?.change_role(account, role).await
}

/// Ends somebody's access, or gives it back.
#[server(prefix = "/api", endpoint = "accounts/set-active", protocol = Shared<Json>)]
pub async fn set_account_active(account: AccountId, active: bool) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Accounts>()?.set_active(account, active).await
}
