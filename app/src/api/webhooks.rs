//! Where other programs are told of what happens.

use std::fmt;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::protocol::Shared;
use crate::{
    domain::{DeliveryId, DeliveryRow, NoticeKind, WebhookId},
    error::AppError,
};

/// A webhook with a new secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWebhook {
    /// Which one.
    pub webhook: WebhookId,
    /// What its receiver knows us by: not for logs.
    pub secret: String,
}

impl fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// Adds a webhook. Answers its secret, once.
#[server(prefix = "/api", endpoint = "webhooks/create", protocol = Shared<Json>)]
pub async fn create_webhook(url: String, kinds: Vec<NoticeKind>) -> Result<NewWebhook, AppError> {
    super::port::<dyn crate::ports::Notifications>()?.create_webhook(url, kinds).await
}

/// Changes where a webhook is and what it is told.
#[server(prefix = "/api", endpoint = "webhooks/change", protocol = Shared<Json>)]
pub async fn change_webhook(webhook: WebhookId, url: String, kinds: Vec<NoticeKind>) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.change_webhook(webhook, url, kinds).await
}

/// Pauses a webhook, or goes on with it.
#[server(prefix = "/api", endpoint = "webhooks/set-active", protocol = Shared<Json>)]
pub async fn set_webhook_active(webhook: WebhookId, active: bool) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.set_webhook_active(webhook, active).await
}

/// Deletes a webhook and its log.
#[server(prefix = "/api", endpoint = "webhooks/delete", protocol = Shared<Json>)]
pub async fn delete_webhook(webhook: WebhookId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.delete_webhook(webhook).await
}

/// Replaces a webhook's secret. Answers the new one, once.
#[server(prefix = "/api", endpoint = "webhooks/replace-secret", protocol = Shared<Json>)]
pub async fn replace_webhook_secret(webhook: WebhookId) -> Result<NewWebhook, AppError> {
    super::port::<dyn crate::ports::Notifications>()?.replace_webhook_secret(webhook).await
}

/// Sends an event that tells nothing.
#[server(prefix = "/api", endpoint = "webhooks/test", protocol = Shared<Json>)]
pub async fn test_webhook(webhook: WebhookId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.test_webhook(webhook).await
}

/// The latest deliveries to a webhook, the latest first.
#[server(prefix = "/api", endpoint = "webhooks/deliveries", protocol = Shared<GetUrl>)]
pub async fn list_deliveries(webhook: WebhookId) -> Result<Vec<DeliveryRow>, AppError> {
    super::port::<dyn crate::ports::Notifications>()?.deliveries(webhook).await
}

/// Tries a delivery once more, now.
#[server(prefix = "/api", endpoint = "webhooks/retry", protocol = Shared<Json>)]
pub async fn retry_delivery(delivery: DeliveryId) -> Result<(), AppError> {
    super::port::<dyn crate::ports::Notifications>()?.retry_delivery(delivery).await
}
