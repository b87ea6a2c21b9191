//! Who is told what happens, for the page.

use std::sync::Arc;

use app::{
    api::{notifications::NotificationSettings, webhooks::NewWebhook},
    domain::{
        DeliveryId, DeliveryRow, Email, MailPace, MailSettings, NoticeKind, WebhookId, mail::RECIPIENTS_MAX,
        webhook::WEBHOOKS_MAX,
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use futures::future;
use secrecy::ExposeSecret as _;
use tokio::sync::Notify;
use url::Url;

use crate::{
    clock::Mint as _,
    failure::internal,
    mail::{MailError, Mailer, TRIED_WITHIN, letter},
    store::{
        Store,
        activity::Actor,
        webhooks::{self, WebhookChange},
    },
    webhooks::WebhookSender,
};

/// What it takes to tell people.
pub struct Telling {
    /// Sends events.
    pub webhooks: WebhookSender,
    /// Sends mails, where a mail server is configured.
    pub mailer: Option<Mailer>,
    /// What people type to get here.
    pub public_url: Url,
    /// Wakes who sends.
    pub wake: Arc<Notify>,
}

/// Changes who is told what, in the name of an owner.
pub struct Notifications {
    store: Store,
    telling: Arc<Telling>,
    owner: Actor,
}

impl Notifications {
    /// For this owner.
    pub const fn new(store: Store, telling: Arc<Telling>, owner: Actor) -> Self {
        Self { store, telling, owner }
    }

    fn parse_url(&self, text: &str) -> Result<Url, AppError> {
        self.telling.webhooks.parse_url(text).map_err(|error| AppError::new(ErrorCode::Invalid, error.to_string()))
    }

    /// What came of something that is sent now.
    fn sent(&self, change: WebhookChange) -> Result<(), AppError> {
        match change {
            WebhookChange::Done => {
                self.telling.wake.notify_one();
                Ok(())
            }
            WebhookChange::Missing => Err(missing()),
            WebhookChange::NotActive => {
                Err(AppError::new(ErrorCode::Conflict, "The webhook is not active. Activate it first."))
            }
        }
    }
}

fn missing() -> AppError {
    AppError::new(ErrorCode::NotFound, "There is no such webhook any more. Reload the page.")
}

fn found(is_there: bool) -> Result<(), AppError> {
    if is_there { Ok(()) } else { Err(missing()) }
}

/// What is sent to nobody for nothing is a slip.
fn chosen(mut kinds: Vec<NoticeKind>) -> Result<Vec<NoticeKind>, AppError> {
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return Err(AppError::new(ErrorCode::Invalid, "Choose at least one thing that is told."));
    }
    Ok(kinds)
}

#[async_trait]
impl ports::Notifications for Notifications {
    async fn show(&self) -> Result<NotificationSettings, AppError> {
        let mail_from = self.telling.mailer.as_ref().map(|mailer| mailer.from().to_string());
        Ok(NotificationSettings {
            webhooks: self.store.webhooks().await.map_err(internal)?,
            mail: self.store.mail_settings().await.map_err(internal)?,
            mail_failure: self.store.mail_failure().await.map_err(internal)?,
            mail_from,
        })
    }

    async fn create_webhook(&self, url: String, kinds: Vec<NoticeKind>) -> Result<NewWebhook, AppError> {
        let (url, kinds) = (self.parse_url(&url)?, chosen(kinds)?);
        let webhook = WebhookId::mint(self.telling.webhooks.now());
        let (secret, sealed_secret) = self.telling.webhooks.make_secret(webhook);
        let new = webhooks::NewWebhook { id: webhook, url, kinds, sealed_secret };
        if !self.store.add_webhook(new, &self.owner).await.map_err(internal)? {
            let text = format!("There are {WEBHOOKS_MAX} webhooks, which is the most. Delete one first.");
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        Ok(NewWebhook { webhook, secret: secret.expose_secret().to_owned() })
    }

    async fn change_webhook(&self, webhook: WebhookId, url: String, kinds: Vec<NoticeKind>) -> Result<(), AppError> {
        let (url, kinds) = (self.parse_url(&url)?, chosen(kinds)?);
        found(self.store.change_webhook(webhook, &url, &kinds, &self.owner).await.map_err(internal)?)
    }

    async fn set_webhook_active(&self, webhook: WebhookId, active: bool) -> Result<(), AppError> {
        found(self.store.set_webhook_active(webhook, active, &self.owner).await.map_err(internal)?)
    }

    async fn delete_webhook(&self, webhook: WebhookId) -> Result<(), AppError> {
        self.store.delete_webhook(webhook, &self.owner).await.map_err(internal)
    }

    async fn replace_webhook_secret(&self, webhook: WebhookId) -> Result<NewWebhook, AppError> {
        let (secret, sealed) = self.telling.webhooks.make_secret(webhook);
        found(self.store.replace_webhook_secret(webhook, sealed, &self.owner).await.map_err(internal)?)?;
        Ok(NewWebhook { webhook, secret: secret.expose_secret().to_owned() })
    }

    async fn test_webhook(&self, webhook: WebhookId) -> Result<(), AppError> {
        let body = self.telling.webhooks.test_event();
        self.sent(self.store.send_test_event(webhook, body).await.map_err(internal)?)
    }

    async fn deliveries(&self, webhook: WebhookId) -> Result<Vec<DeliveryRow>, AppError> {
        self.store.deliveries(webhook).await.map_err(internal)
    }

    async fn retry_delivery(&self, delivery: DeliveryId) -> Result<(), AppError> {
        self.sent(self.store.retry_delivery(delivery).await.map_err(internal)?)
    }

    async fn save_mail(&self, settings: MailSettings) -> Result<(), AppError> {
        let invalid = |text: String| AppError::new(ErrorCode::Invalid, text);
        if let Some(wrong) = settings.recipients.iter().find(|recipient| Email::parse(recipient).is_err()) {
            return Err(invalid(format!("{wrong} is not an e-mail address such as kim@example.com.")));
        }
        if settings.recipients.len() > RECIPIENTS_MAX {
            return Err(invalid(format!("Mail goes to {RECIPIENTS_MAX} addresses at most. A mailing list is one.")));
        }
        let pace = match settings.pace {
            MailPace::Daily { minute } if minute >= 24 * 60 => return Err(invalid("There is no such time.".into())),
            pace => pace,
        };
        let kinds = chosen(settings.kinds)?;
        let settings = MailSettings { kinds, pace, ..settings };
        self.store.put_mail_settings(&settings, &self.owner).await.map_err(internal)
    }

    async fn test_mail(&self) -> Result<(), AppError> {
        let conflict = |text: &str| AppError::new(ErrorCode::Conflict, text);
        let mailer = self.telling.mailer.as_ref().ok_or_else(|| {
            conflict("No mail server is configured. Set TENANTRY_SMTP_URL and TENANTRY_MAIL_FROM, and restart.")
        })?;
        let recipients = self.store.mail_settings().await.map_err(internal)?.recipients;
        if recipients.is_empty() {
            return Err(conflict("There is nobody to send it to. Save an address first."));
        }
        let letter = letter::test(&self.telling.public_url);
        let send = async |recipient: &String| {
            // Somebody waits for it.
            let sent = tokio::time::timeout(TRIED_WITHIN, mailer.send(recipient, &letter)).await;
            (recipient.clone(), sent.unwrap_or(Err(MailError::TooSlow)))
        };
        for (recipient, sent) in future::join_all(recipients.iter().map(send)).await {
            if let Err(error) = sent {
                tracing::warn!(error = error.details(), "a test mail could not be sent");
                return Err(conflict(&format!("To {recipient}: {error}")));
            }
        }
        Ok(())
    }
}
