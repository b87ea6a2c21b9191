//! What an owner can do about who is told what.

use std::pin::Pin;

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{clipboard, dialog},
    session::Session,
    state::{Handover, Load, Submission, Tone, Voice},
};
use crate::{
    api::{
        mail::{save_mail, test_mail},
        notifications::show_notifications,
        webhooks::{
            NewWebhook, change_webhook, create_webhook, delete_webhook, list_deliveries, replace_webhook_secret,
            retry_delivery, set_webhook_active, test_webhook,
        },
    },
    domain::{DeliveryId, DeliveryRow, MailFailure, MailSettings, NoticeKind, WebhookId, WebhookRow},
    error::AppError,
};

/// A secret that was just made.
#[derive(Clone, Debug)]
pub struct MadeSecret {
    /// Where its webhook is.
    pub host: String,
    /// The secret. It is told once.
    pub handover: Handover,
}

/// Who is told what, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub struct Notifications {
    session: Session,
    voice: Voice,
    load: RwSignal<Load>,
    webhooks: RwSignal<Vec<WebhookRow>>,
    /// As it was read first: from then on it is what somebody makes of it.
    mail: RwSignal<MailSettings>,
    mail_from: RwSignal<Option<String>>,
    mail_failure: RwSignal<Option<MailFailure>>,
    refused: RwSignal<Option<String>>,
    made: RwSignal<Option<MadeSecret>>,
    log: RwSignal<Option<Vec<DeliveryRow>>>,
    /// Whose log that is.
    log_of: StoredValue<Option<WebhookId>>,
}

impl Notifications {
    /// Reads how it is.
    pub fn read(session: Session, voice: Voice) -> Self {
        let all = Self {
            session,
            voice,
            load: RwSignal::default(),
            webhooks: RwSignal::default(),
            mail: RwSignal::default(),
            mail_from: RwSignal::default(),
            mail_failure: RwSignal::default(),
            refused: RwSignal::default(),
            made: RwSignal::default(),
            log: RwSignal::default(),
            log_of: StoredValue::default(),
        };
        all.read_all();
        all
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// The webhooks, in the order in which they were added.
    pub fn webhooks(self) -> ReadSignal<Vec<WebhookRow>> {
        self.webhooks.read_only()
    }

    /// Who is sent mail, as it was read first.
    pub fn mail(self) -> MailSettings {
        self.mail.get_untracked()
    }

    /// Who mail is from, where a mail server is configured.
    pub fn mail_from(self) -> ReadSignal<Option<String>> {
        self.mail_from.read_only()
    }

    /// The latest mail that could not be sent.
    pub fn mail_failure(self) -> ReadSignal<Option<MailFailure>> {
        self.mail_failure.read_only()
    }

    /// Why the last change of a webhook was refused.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// The secret that was just made.
    pub fn made(self) -> RwSignal<Option<MadeSecret>> {
        self.made
    }

    /// The deliveries to the webhook whose log is read.
    pub fn log(self) -> ReadSignal<Option<Vec<DeliveryRow>>> {
        self.log.read_only()
    }

    /// Reads all of it, again or for the first time.
    pub fn read_all(self) {
        spawn_local(async move {
            let answer = show_notifications().await;
            // The page may be gone by now.
            let Some(load) = self.load.try_get_untracked() else { return };
            match answer {
                Ok(all) => {
                    self.webhooks.set(all.webhooks);
                    self.mail_from.set(all.mail_from);
                    self.mail_failure.set(all.mail_failure);
                    if load != Load::Done {
                        self.mail.set(all.mail);
                        self.load.set(Load::Done);
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    if load != Load::Done {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }

    /// Adds a webhook, or changes this one. Has to be called within the click: a secret goes into the clipboard. `mend`:
    /// the id of the field of the address.
    pub fn save_webhook(
        self,
        form: Submission,
        mend: &'static str,
        webhook: Option<WebhookId>,
        url: String,
        kinds: Vec<NoticeKind>,
    ) {
        if form.is_busy() {
            return;
        }
        let sending: Pin<Box<dyn Future<Output = Result<(), AppError>>>> = if let Some(webhook) = webhook {
            Box::pin(async move {
                self.heed(change_webhook(webhook, url, kinds).await)?;
                dialog::close_around(mend);
                self.say("Webhook saved");
                Ok(())
            })
        } else {
            let promised = clipboard::Promised::begin();
            Box::pin(async move {
                let host = host(&url).to_owned();
                let answer = create_webhook(url, kinds).await;
                if answer.is_ok() {
                    dialog::close_around(mend);
                }
                self.take_secret(promised, host, answer)?;
                self.say("Webhook added");
                Ok(())
            })
        };
        form.send(mend, sending);
    }

    /// Replaces a webhook's secret. Has to be called within the click.
    pub fn replace_secret(self, webhook: &WebhookRow) {
        let promised = clipboard::Promised::begin();
        let (id, host) = (webhook.id, host(&webhook.url).to_owned());
        self.change(Box::pin(async move {
            self.take_secret(promised, host, replace_webhook_secret(id).await)?;
            Ok("Secret replaced")
        }));
    }

    /// Pauses a webhook, or goes on with it.
    pub fn set_active(self, webhook: WebhookId, active: bool) {
        self.change(Box::pin(async move {
            set_webhook_active(webhook, active).await?;
            Ok(if active { "Webhook activated" } else { "Webhook paused" })
        }));
    }

    /// Deletes a webhook.
    pub fn delete(self, webhook: WebhookId) {
        self.change(Box::pin(async move {
            delete_webhook(webhook).await?;
            Ok("Webhook deleted")
        }));
    }

    /// Sends an event that tells nothing.
    pub fn test_webhook(self, webhook: WebhookId) {
        self.change(Box::pin(async move {
            test_webhook(webhook).await?;
            self.read_log(webhook);
            Ok("Test event sent")
        }));
    }

    /// Tries a delivery once more.
    pub fn retry(self, webhook: WebhookId, delivery: DeliveryId) {
        self.change(Box::pin(async move {
            retry_delivery(delivery).await?;
            self.read_log(webhook);
            Ok("It is tried again now")
        }));
    }

    /// Somebody looks at the deliveries to a webhook.
    pub fn open_log(self, webhook: WebhookId) {
        self.refused.set(None);
        self.log_of.set_value(Some(webhook));
        self.read_log(webhook);
    }

    /// Nobody looks at a log any more.
    pub fn close_log(self) {
        self.log_of.set_value(None);
        self.log.set(None);
        self.read_all();
    }

    /// Reads the deliveries to the webhook that somebody looks at.
    pub fn read_log(self, webhook: WebhookId) {
        spawn_local(async move {
            let answer = list_deliveries(webhook).await;
            // The log, or the page, may be closed by now.
            if self.log_of.try_get_value().flatten() != Some(webhook) {
                return;
            }
            match answer {
                Ok(rows) => self.log.maybe_update(|log| {
                    let is_news = log.as_ref() != Some(&rows);
                    *log = Some(rows);
                    is_news
                }),
                Err(error) => {
                    self.session.heed(&error);
                }
            }
        });
    }

    /// Saves who is sent mail. `mend`: the id of the field of the addresses.
    pub fn save_mail(self, form: Submission, mend: &'static str, recipients: &str, settings: MailSettings) {
        let recipients = match MailSettings::parse_recipients(recipients) {
            Ok(recipients) => recipients,
            Err(wrong) => {
                return form.refuse(mend, format!("{wrong} is not an e-mail address such as kim@example.com."));
            }
        };
        let settings = MailSettings { recipients, ..settings };
        form.send(
            mend,
            Box::pin(async move {
                self.heed(save_mail(settings).await)?;
                self.say("E-mail settings saved");
                Ok(())
            }),
        );
    }

    /// Sends a mail that tells nothing.
    pub fn test_mail(self, form: Submission, mend: &'static str) {
        form.send(
            mend,
            Box::pin(async move {
                self.heed(test_mail().await)?;
                self.say("Test mail sent");
                Ok(())
            }),
        );
    }

    fn say(self, words: &'static str) {
        self.voice.say(words, Tone::Good, None);
        self.read_all();
    }

    fn heed<T>(self, answer: Result<T, AppError>) -> Result<T, AppError> {
        answer.inspect_err(|error| {
            self.session.heed(error);
        })
    }

    fn take_secret(
        self,
        promised: clipboard::Promised,
        host: String,
        answer: Result<NewWebhook, AppError>,
    ) -> Result<(), AppError> {
        match self.heed(answer) {
            Ok(new) => {
                let handover = Handover::default();
                self.made.set(Some(MadeSecret { host, handover: handover.clone() }));
                spawn_local(async move {
                    handover.give(promised, new.secret, None).await;
                });
                Ok(())
            }
            Err(error) => {
                promised.take_back();
                Err(error)
            }
        }
    }

    fn change(self, answer: Pin<Box<dyn Future<Output = Result<&'static str, AppError>>>>) {
        self.refused.set(None);
        spawn_local(async move {
            match answer.await {
                Ok(done) => self.say(done),
                Err(error) => {
                    self.session.heed(&error);
                    self.refused.try_set(Some(error.message));
                }
            }
        });
    }
}

/// The host of an address, which is what people know it by.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

const DAY_MINUTES: i32 = 24 * 60;

/// The minute of the day, UTC, of this hour of the day where UTC is `behind` minutes later than here.
pub fn utc_minute(hour: u16, behind: i32) -> u16 {
    u16::try_from((i32::from(hour) * 60 + behind).rem_euclid(DAY_MINUTES)).unwrap_or_default()
}

/// The hour of the day here at this minute of the day, UTC.
pub fn local_hour(minute: u16, behind: i32) -> u16 {
    u16::try_from((i32::from(minute) - behind).rem_euclid(DAY_MINUTES) / 60).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_known_by_its_host() {
        for (url, expected) in [
            ("https://example.com/hooks/1?key=2", "example.com"),
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("https://example.com?x", "example.com"),
            ("example.com/x", "example.com"),
        ] {
            assert_eq!(host(url), expected);
        }
    }

    #[test]
    fn an_hour_of_the_day_is_the_same_wherever_it_is_kept() {
        // India is 330 minutes before UTC, Newfoundland 210 after it.
        for behind in [0, -60, 300, -330, 210, -840, 720] {
            for hour in 0..24 {
                assert_eq!(local_hour(utc_minute(hour, behind), behind), hour, "{behind}");
            }
        }
        assert_eq!(utc_minute(7, -60), 6 * 60);
        assert_eq!(utc_minute(0, -330), 18 * 60 + 30);
    }
}
