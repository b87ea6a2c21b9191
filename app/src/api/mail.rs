//! Mail to people.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{domain::MailSettings, error::AppError};

/// Changes who is sent mail, what and when.
#[server(prefix = "/api", endpoint = "mail/save", protocol = Shared<Json>)]
pub async fn save_mail(settings: MailSettings) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.save_mail(settings).await
}

/// Sends a mail that tells nothing to everybody who is sent mail.
#[server(prefix = "/api", endpoint = "mail/test", protocol = Shared<Json>)]
pub async fn test_mail() -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.test_mail().await
}
