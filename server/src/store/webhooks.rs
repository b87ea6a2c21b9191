//! Webhooks, and the events on their way to them.

use std::time::Duration;

use app::domain::{
    ActivityKind, DeliveryId, DeliveryRow, DeliveryState, NoticeKind, Timestamp, WebhookId, WebhookRow, WebhookState,
    webhook::{SECRETS_OVERLAP, TEST_EVENT, WEBHOOKS_MAX},
};
use sea_orm::{
    ActiveValue::Set,
    Condition, DbBackend, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    prelude::*,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};
use url::Url;

use super::{
    Store, StoreError, Transaction,
    activity::Actor,
    entity::{
        webhook::{self, Model},
        webhook_delivery as delivery,
    },
    notices::Told,
    to_i32, to_u32,
};
use crate::clock::Mint as _;

/// How many deliveries the log of a webhook shows.
const LOG: u64 = 50;

/// How long deliveries are remembered.
const REMEMBERED: Duration = Duration::from_hours(24 * 30);

/// What is wrong where nothing was sent.
const GONE: &str = "The receiver says that it is gone (410), so nothing more is sent to it.";

/// A webhook to be added.
pub struct NewWebhook {
    /// Which one.
    pub id: WebhookId,
    /// Where it is.
    pub url: Url,
    /// What it is told.
    pub kinds: Vec<NoticeKind>,
    /// Its secret, sealed for its id.
    pub sealed_secret: Vec<u8>,
}

/// An event that is to be sent now.
#[derive(Debug)]
pub struct Delivery {
    /// Which one: the `webhook-id`.
    pub id: DeliveryId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// Where that is.
    pub url: String,
    /// The secrets that sign it, sealed for the webhook's id, the newest first.
    pub sealed_secrets: Vec<Vec<u8>>,
    /// The JSON.
    pub body: String,
    /// How often it failed.
    pub tries: u32,
    lease: Uuid,
}

/// What a try came to.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// The status of the answer.
    pub status: Option<u16>,
    /// How long the answer took.
    pub took: Duration,
    /// What went wrong; none if the receiver has it.
    pub problem: Option<String>,
    /// When to try again.
    pub next: Option<Timestamp>,
    /// Whether the receiver said that it is gone.
    pub gone: bool,
}

/// Why a webhook can't do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookChange {
    /// It is done.
    Done,
    /// There is no such webhook, or no such delivery.
    Missing,
    /// It is paused, or gone.
    NotActive,
}

pub(super) fn kinds_text(kinds: &[NoticeKind]) -> String {
    kinds.iter().map(|kind| kind.key()).collect::<Vec<_>>().join(" ")
}

pub(super) fn kinds_of(text: &str) -> Vec<NoticeKind> {
    text.split(' ').filter_map(NoticeKind::from_key).collect()
}

const fn state(model: &Model) -> WebhookState {
    match (model.active, model.gone) {
        (true, _) => WebhookState::Active,
        (false, true) => WebhookState::Gone,
        (false, false) => WebhookState::Paused,
    }
}

/// What of its address is written down elsewhere. The rest may be a secret of the receiver.
fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn row(model: delivery::Model) -> Result<DeliveryRow, StoreError> {
    let unexpected = || StoreError::Unexpected(format!("delivery {}", model.id));
    let state = DeliveryState::from_key(&model.state).ok_or_else(unexpected)?;
    Ok(DeliveryRow {
        id: DeliveryId::from_uuid(model.id),
        event: model.event,
        made_at: Timestamp::from_millis(model.made_at),
        state,
        tries: to_u32(model.tries),
        tried_at: model.tried_at.map(Timestamp::from_millis),
        status: model.status.and_then(|status| u16::try_from(status).ok()),
        took_ms: model.took_ms.map(to_u32),
        problem: model.problem,
        next_at: model.due_at.map(Timestamp::from_millis),
    })
}

impl Transaction {
    pub(super) async fn active_webhooks(&self) -> Result<Vec<Model>, StoreError> {
        Ok(webhook::Entity::find().filter(webhook::Column::Active.eq(true)).all(&self.inner).await?)
    }

    /// Hands an event to the webhooks that want it.
    pub(super) async fn send_to_webhooks(
        &self,
        webhooks: &[Model],
        told: &Told,
        event: impl Fn(&Told) -> String + Send + Sync,
    ) -> Result<(), StoreError> {
        let mut body = None;
        for webhook in webhooks.iter().filter(|webhook| kinds_of(&webhook.kinds).contains(&told.kind)) {
            let body = body.get_or_insert_with(|| event(told)).clone();
            self.add_delivery(webhook.id, Some(told.notice.uuid()), told.kind.key(), body).await?;
        }
        Ok(())
    }

    async fn add_delivery(
        &self,
        webhook: Uuid,
        notice: Option<Uuid>,
        event: &str,
        body: String,
    ) -> Result<(), StoreError> {
        use delivery::{Column, Entity, Model};

        let model = Model {
            id: DeliveryId::mint(self.now).uuid(),
            webhook_id: webhook,
            notice_id: notice,
            event: event.to_owned(),
            body,
            made_at: self.now.as_millis(),
            state: DeliveryState::Waiting.key().to_owned(),
            due_at: Some(self.now.as_millis()),
            lease: None,
            lease_until: None,
            tries: 0,
            tried_at: None,
            status: None,
            took_ms: None,
            problem: None,
        };
        let once = OnConflict::columns([Column::WebhookId, Column::NoticeId, Column::Event]).do_nothing().to_owned();
        Entity::insert(model.into_active_model()).on_conflict(once).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Model>, StoreError> {
        Ok(webhook::Entity::find_by_id(id.uuid()).one(&self.inner).await?)
    }

    /// Changes a webhook, and writes that down.
    async fn change_webhook(
        &self,
        id: WebhookId,
        changes: webhook::ActiveModel,
        what: (ActivityKind, String),
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let updated = webhook::Entity::update_many()
            .set(changes)
            .filter(webhook::Column::Id.eq(id.uuid()))
            .exec(&self.inner)
            .await?;
        if updated.rows_affected == 0 {
            return Ok(false);
        }
        let (kind, text) = what;
        self.record(by, kind, None, text).await?;
        Ok(true)
    }
}

impl Store {
    /// The webhooks, in the order in which they were added, each with its latest delivery.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRow>, StoreError> {
        let models = webhook::Entity::find().order_by_asc(webhook::Column::Id).all(&self.reader).await?;
        let now = self.clock.now().as_millis();
        let mut rows = Vec::with_capacity(models.len());
        for model in models {
            let latest = self.log_of(model.id, 1).await?.pop();
            rows.push(WebhookRow {
                id: WebhookId::from_uuid(model.id),
                kinds: kinds_of(&model.kinds),
                state: state(&model),
                old_secret_until: model.old_secret_until.filter(|until| *until > now).map(Timestamp::from_millis),
                url: model.url,
                latest,
            });
        }
        Ok(rows)
    }

    /// The latest deliveries to a webhook, the latest first.
    pub async fn deliveries(&self, webhook: WebhookId) -> Result<Vec<DeliveryRow>, StoreError> {
        self.log_of(webhook.uuid(), LOG).await
    }

    async fn log_of(&self, webhook: Uuid, limit: u64) -> Result<Vec<DeliveryRow>, StoreError> {
        let found = delivery::Entity::find()
            .filter(delivery::Column::WebhookId.eq(webhook))
            .order_by_desc(delivery::Column::MadeAt)
            .order_by_desc(delivery::Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await?;
        found.into_iter().map(row).collect()
    }

    /// Adds a webhook. False if there are too many.
    pub async fn add_webhook(&self, new: NewWebhook, by: &Actor) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        if webhook::Entity::find().count(&transaction.inner).await? >= WEBHOOKS_MAX as u64 {
            return Ok(false);
        }
        let text = format!("At {}", host(new.url.as_str()));
        let model = Model {
            id: new.id.uuid(),
            url: new.url.into(),
            kinds: kinds_text(&new.kinds),
            active: true,
            gone: false,
            sealed_secret: new.sealed_secret,
            sealed_old_secret: None,
            old_secret_until: None,
            made_at: transaction.now.as_millis(),
        };
        webhook::Entity::insert(model.into_active_model()).exec_without_returning(&transaction.inner).await?;
        transaction.record(by, ActivityKind::WebhookAdded, None, text).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Changes where a webhook is and what it is told. False if there is none.
    pub async fn change_webhook(
        &self,
        id: WebhookId,
        url: &Url,
        kinds: &[NoticeKind],
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let changes =
            webhook::ActiveModel { url: Set(url.to_string()), kinds: Set(kinds_text(kinds)), ..Default::default() };
        let text = format!("At {}", host(url.as_str()));
        let done = transaction.change_webhook(id, changes, (ActivityKind::WebhookChanged, text), by).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// Pauses a webhook, or goes on with it: what waited is sent then. False if there is none.
    pub async fn set_webhook_active(&self, id: WebhookId, active: bool, by: &Actor) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let Some(model) = transaction.webhook(id).await? else { return Ok(false) };
        let changes = webhook::ActiveModel { active: Set(active), gone: Set(false), ..Default::default() };
        let what = if active { "activated" } else { "paused" };
        let text = format!("At {}: {what}", host(&model.url));
        transaction.change_webhook(id, changes, (ActivityKind::WebhookChanged, text), by).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Deletes a webhook, its log, and what is on its way to it.
    pub async fn delete_webhook(&self, id: WebhookId, by: &Actor) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        if let Some(model) = transaction.webhook(id).await? {
            webhook::Entity::delete_by_id(id.uuid()).exec(&transaction.inner).await?;
            let text = format!("At {}", host(&model.url));
            transaction.record(by, ActivityKind::WebhookDeleted, None, text).await?;
        }
        transaction.commit().await
    }

    /// Replaces a webhook's secret. The one before signs too for a day. False if there is no such webhook.
    pub async fn replace_webhook_secret(
        &self,
        id: WebhookId,
        sealed_secret: Vec<u8>,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let Some(model) = transaction.webhook(id).await? else { return Ok(false) };
        let changes = webhook::ActiveModel {
            sealed_secret: Set(sealed_secret),
            sealed_old_secret: Set(Some(model.sealed_secret)),
            old_secret_until: Set(Some(transaction.now.plus(SECRETS_OVERLAP).as_millis())),
            ..Default::default()
        };
        let text = format!("At {}", host(&model.url));
        transaction.change_webhook(id, changes, (ActivityKind::WebhookSecretReplaced, text), by).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Sends an event that tells nothing.
    pub async fn send_test_event(&self, id: WebhookId, body: String) -> Result<WebhookChange, StoreError> {
        let transaction = self.begin().await?;
        match transaction.webhook(id).await? {
            None => return Ok(WebhookChange::Missing),
            Some(model) if !model.active => return Ok(WebhookChange::NotActive),
            Some(_) => {}
        }
        transaction.add_delivery(id.uuid(), None, TEST_EVENT, body).await?;
        transaction.commit().await?;
        Ok(WebhookChange::Done)
    }

    /// Tries a delivery once more, now.
    pub async fn retry_delivery(&self, id: DeliveryId) -> Result<WebhookChange, StoreError> {
        let transaction = self.begin().await?;
        let found = delivery::Entity::find_by_id(id.uuid()).one(&transaction.inner).await?;
        let webhook = match &found {
            Some(found) => webhook::Entity::find_by_id(found.webhook_id).one(&transaction.inner).await?,
            None => None,
        };
        match webhook {
            None => return Ok(WebhookChange::Missing),
            Some(webhook) if !webhook.active => return Ok(WebhookChange::NotActive),
            Some(_) => {}
        }
        delivery::Entity::update_many()
            .col_expr(delivery::Column::DueAt, Expr::val(transaction.now.as_millis()))
            .col_expr(delivery::Column::State, Expr::val(DeliveryState::Waiting.key()))
            .filter(delivery::Column::Id.eq(id.uuid()))
            .exec(&transaction.inner)
            .await?;
        transaction.commit().await?;
        Ok(WebhookChange::Done)
    }

    /// The active webhooks for which something is due.
    pub async fn webhooks_with_due(&self) -> Result<Vec<WebhookId>, StoreError> {
        let ids: Vec<Uuid> = webhook::Entity::find()
            .select_only()
            .column(webhook::Column::Id)
            .filter(webhook::Column::Active.eq(true))
            .filter(
                webhook::Column::Id.in_subquery(
                    delivery::Entity::find()
                        .select_only()
                        .column(delivery::Column::WebhookId)
                        .filter(self.due())
                        .into_query(),
                ),
            )
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(ids.into_iter().map(WebhookId::from_uuid).collect())
    }

    fn due(&self) -> Condition {
        use delivery::Column;

        let now = self.clock.now().as_millis();
        Condition::all()
            .add(Column::DueAt.lte(now))
            .add(Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(now)))
    }

    /// Takes up to `limit` deliveries to this webhook that are due, the longest waiting first, for as long as `lease`.
    pub async fn claim_deliveries(
        &self,
        webhook: WebhookId,
        limit: u64,
        lease: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        use delivery::{Column, Entity};

        let now = self.clock.now();
        let Some(receiver) = webhook::Entity::find_by_id(webhook.uuid()).one(&self.reader).await? else {
            return Ok(Vec::new());
        };
        let mut waiting = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::WebhookId.eq(webhook.uuid()))
            .filter(self.due())
            .order_by_asc(Column::DueAt)
            .limit(limit);
        if self.engine() == DbBackend::Postgres {
            waiting = waiting.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let token = Uuid::new_v4();
        let claimed = Entity::update_many()
            .col_expr(Column::Lease, Expr::val(token))
            .col_expr(Column::LeaseUntil, Expr::val(now.plus(lease).as_millis()))
            .filter(Column::Id.in_subquery(waiting.into_query()))
            .exec_with_returning(&self.writer)
            .await?;
        let old = receiver.old_secret_until.is_some_and(|until| until > now.as_millis());
        let secrets: Vec<Vec<u8>> =
            [Some(receiver.sealed_secret), receiver.sealed_old_secret.filter(|_| old)].into_iter().flatten().collect();
        Ok(claimed
            .into_iter()
            .map(|model| Delivery {
                id: DeliveryId::from_uuid(model.id),
                webhook,
                url: receiver.url.clone(),
                sealed_secrets: secrets.clone(),
                body: model.body,
                tries: to_u32(model.tries),
                lease: token,
            })
            .collect())
    }

    /// Writes down what a try came to. Nothing if the lease was lost.
    pub async fn delivery_tried(&self, delivery: &Delivery, tried: &Tried) -> Result<(), StoreError> {
        use delivery::{ActiveModel, Column, Entity};

        let transaction = self.begin().await?;
        let state = match (&tried.problem, tried.next) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Waiting,
            (Some(_), None) => DeliveryState::Failed,
        };
        let changes = ActiveModel {
            state: Set(state.key().to_owned()),
            due_at: Set(tried.next.map(Timestamp::as_millis)),
            lease: Set(None),
            lease_until: Set(None),
            tries: Set(to_i32(delivery.tries.saturating_add(1))),
            tried_at: Set(Some(transaction.now.as_millis())),
            status: Set(tried.status.map(i32::from)),
            took_ms: Set(Some(i32::try_from(tried.took.as_millis()).unwrap_or(i32::MAX))),
            problem: Set(tried.problem.clone()),
            ..Default::default()
        };
        Entity::update_many()
            .set(changes)
            .filter(Column::Id.eq(delivery.id.uuid()))
            .filter(Column::Lease.eq(delivery.lease))
            .exec(&transaction.inner)
            .await?;
        if tried.gone {
            let gone = webhook::ActiveModel { active: Set(false), gone: Set(true), ..Default::default() };
            webhook::Entity::update_many()
                .set(gone)
                .filter(webhook::Column::Id.eq(delivery.webhook.uuid()))
                .exec(&transaction.inner)
                .await?;
            let given_up = ActiveModel {
                state: Set(DeliveryState::Failed.key().to_owned()),
                due_at: Set(None),
                problem: Set(Some(GONE.to_owned())),
                ..Default::default()
            };
            Entity::update_many()
                .set(given_up)
                .filter(Column::WebhookId.eq(delivery.webhook.uuid()))
                .filter(Column::State.eq(DeliveryState::Waiting.key()))
                .exec(&transaction.inner)
                .await?;
        }
        transaction.commit().await
    }

    /// Gives deliveries back that were not tried to their end. They are sent once more.
    pub async fn hand_back_deliveries(&self, deliveries: &[DeliveryId]) -> Result<(), StoreError> {
        use delivery::{Column, Entity};

        Entity::update_many()
            .col_expr(Column::Lease, Expr::val(None::<Uuid>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
            .filter(Column::Id.is_in(deliveries.iter().map(|id| id.uuid())))
            .filter(Column::State.eq(DeliveryState::Waiting.key()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Forgets secrets that sign no more, and deliveries of long ago.
    pub async fn forget_old_deliveries(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let retired =
            webhook::ActiveModel { sealed_old_secret: Set(None), old_secret_until: Set(None), ..Default::default() };
        webhook::Entity::update_many()
            .set(retired)
            .filter(webhook::Column::OldSecretUntil.lte(now.as_millis()))
            .exec(&self.writer)
            .await?;
        delivery::Entity::delete_many()
            .filter(delivery::Column::State.ne(DeliveryState::Waiting.key()))
            .filter(delivery::Column::MadeAt.lt(now.minus(REMEMBERED).as_millis()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}
