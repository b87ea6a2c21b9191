//! Signing in and out.

use std::fmt;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::{accounts::Invitation, protocol::Shared};
use crate::{domain::Me, error::AppError};

/// What the page Sign in offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOptions {
    /// The MSP's name.
    pub msp: String,
    /// Whether people of the MSP's tenant may sign in with Microsoft (a navigation to `/connect/staff`).
    pub microsoft: bool,
}

/// An e-mail address and a password, as somebody typed them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Which account.
    pub email: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What somebody tells who uses a one-time link.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewAccount {
    /// The token in the link.
    pub token: String,
    /// Their e-mail address: only asked of the first owner, else the one that was invited.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The password that they choose.
    pub password: String,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What the page Sign in offers.
#[server(prefix = "/api", endpoint = "sessions/options", protocol = Shared<GetUrl>)]
pub async fn get_sign_in_options() -> Result<SignInOptions, AppError> {
    super::port::<dyn crate::ports::Sessions>()?.options().await
}

/// Signs in with a password.
#[server(prefix = "/api", endpoint = "sessions/sign-in", protocol = Shared<Json>)]
pub async fn sign_in(credentials: Credentials) -> Result<Me, AppError> {
    super::port::<dyn crate::ports::Sessions>()?.sign_in(credentials).await
}

/// Ends this session.
#[server(prefix = "/api", endpoint = "sessions/sign-out", protocol = Shared<Json>)]
pub async fn sign_out() -> Result<(), AppError> {
    super::port::<dyn crate::ports::Sessions>()?.sign_out().await
}

/// Who is signed in.
#[server(prefix = "/api", endpoint = "sessions/me", protocol = Shared<GetUrl>)]
pub async fn who_am_i() -> Result<Me, AppError> {
    super::port::<dyn crate::ports::Sessions>()?.me().await
}

/// Changes the password of who is signed in.
#[server(prefix = "/api", endpoint = "sessions/change-password", protocol = Shared<Json>)]
pub async fn change_password(current: String, new: String) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Sessions>()?.change_password(current, new).await
}

/// Whom a one-time link is for.
#[server(prefix = "/api", endpoint = "sessions/invitation", protocol = Shared<Json>)]
pub async fn read_invitation(token: String) -> Result<Invitation, AppError> {
    super::port::<dyn crate::ports::Sessions>()?.invitation(token).await
}

/// Uses a one-time link up.
#[server(prefix = "/api", endpoint = "sessions/accept-invitation", protocol = Shared<Json>)]
pub async fn accept_invitation(new: NewAccount) -> Result<Me, AppError> {
    super::port::<dyn crate::ports::Sessions>()?.accept_invitation(new).await
}
