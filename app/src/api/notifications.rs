//! Who is told what happens.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::GetUrl;

use super::protocol::Shared;
use crate::{
    domain::{MailFailure, MailSettings, WebhookRow},
    error::AppError,
};

/// All settings of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSettings {
    /// The webhooks, in the order in which they were added.
    pub webhooks: Vec<WebhookRow>,
    /// Who is sent mail, what and when.
    pub mail: MailSettings,
    /// Who mail is from. None: no mail server is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// The latest mail that could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_failure: Option<MailFailure>,
}

/// Reads all settings.
#[server(prefix = "/api", endpoint = "notifications/show", protocol = Shared<GetUrl>)]
pub async fn show_notifications() -> Result<NotificationSettings, AppError> {
    super::port::<dyn crate::ports::Notifications>()?.show().await
}
