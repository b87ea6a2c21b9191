//! Mail: who is sent what, what the next one tells, and those on their way.

use std::time::Duration;

use app::domain::{
    ActivityKind, MailFailure, MailId, MailPace, MailSettings, NoticeKind, Timestamp, mail::COLLECTS_FOR,
};
use sea_orm::{
    ActiveValue::Set,
    Condition, DbBackend, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    prelude::*,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};

use super::{
    Store, StoreError, Transaction,
    activity::Actor,
    entity::{company, mail, mail_line, mail_settings, notice},
    notices::Told,
    to_i32, to_u32,
    webhooks::{kinds_of, kinds_text},
};
use crate::clock::Mint as _;

/// The id of the only row of settings.
const SETTINGS: i32 = 1;

/// How many lines a mail has at most. What is more comes in the next one.
const LINES_AT_ONCE: u64 = 500;

/// How long mails are remembered.
const REMEMBERED: Duration = Duration::from_hours(24 * 30);

/// How long a mail that failed is shown.
const FAILURE_SHOWN: Duration = Duration::from_hours(24 * 3);

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub plain: String,
    /// The same as HTML.
    pub html: String,
}

/// A mail that is to be sent now.
#[derive(Debug)]
pub struct Mail {
    /// Which one.
    pub id: MailId,
    /// To whom.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
    /// How often it failed.
    pub tries: u32,
    lease: Uuid,
}

fn settings(model: &mail_settings::Model) -> MailSettings {
    MailSettings {
        recipients: model.recipients.lines().map(str::to_owned).collect(),
        kinds: kinds_of(&model.kinds),
        pace: model
            .daily_minute
            .map_or(MailPace::Soon, |minute| MailPace::Daily { minute: u16::try_from(minute).unwrap_or_default() }),
    }
}

impl Transaction {
    /// What mail tells: nothing where it goes to nobody.
    pub(super) async fn mail_kinds(&self) -> Result<Vec<NoticeKind>, StoreError> {
        let found = mail_settings::Entity::find_by_id(SETTINGS).one(&self.inner).await?;
        let found = found.as_ref().map(settings);
        Ok(found.filter(|settings| !settings.recipients.is_empty()).map(|settings| settings.kinds).unwrap_or_default())
    }

    /// The next mail tells this.
    pub(super) async fn add_mail_line(&self, told: &Told) -> Result<(), StoreError> {
        use mail_line::{Column, Entity, Model};

        let line = Model {
            notice_id: told.notice.uuid(),
            kind: told.kind.key().to_owned(),
            made_at: self.now.as_millis(),
            taken: false,
        };
        let once = OnConflict::columns([Column::NoticeId, Column::Kind]).do_nothing().to_owned();
        Entity::insert(line.into_active_model()).on_conflict(once).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}

impl Store {
    /// Who is sent what.
    pub async fn mail_settings(&self) -> Result<MailSettings, StoreError> {
        let found = mail_settings::Entity::find_by_id(SETTINGS).one(&self.reader).await?;
        Ok(found.as_ref().map(settings).unwrap_or_default())
    }

    /// Changes who is sent what.
    pub async fn put_mail_settings(&self, settings: &MailSettings, by: &Actor) -> Result<(), StoreError> {
        use mail_settings::{Column, Entity, Model};

        let transaction = self.begin().await?;
        let model = Model {
            id: SETTINGS,
            recipients: settings.recipients.join("\n"),
            kinds: kinds_text(&settings.kinds),
            daily_minute: match settings.pace {
                MailPace::Soon => None,
                MailPace::Daily { minute } => Some(i32::from(minute)),
            },
        };
        let replace = OnConflict::column(Column::Id)
            .update_columns([Column::Recipients, Column::Kinds, Column::DailyMinute])
            .to_owned();
        Entity::insert(model.into_active_model())
            .on_conflict(replace)
            .exec_without_returning(&transaction.inner)
            .await?;
        let text = match settings.recipients.len() {
            0 => "To nobody".to_owned(),
            1 => "To 1 address".to_owned(),
            many => format!("To {many} addresses"),
        };
        transaction.record(by, ActivityKind::MailSettingsChanged, None, text).await?;
        transaction.commit().await
    }

    /// Makes one mail to each recipient of what came together, if its time has come. `write` writes it.
    pub async fn gather_mail(&self, write: impl Fn(&[Told]) -> Letter + Send + Sync) -> Result<bool, StoreError> {
        use mail_line::{Column, Entity};

        let first = || {
            let waiting = Entity::find().filter(Column::Taken.eq(false));
            waiting.select_only().column(Column::MadeAt).order_by_asc(Column::MadeAt).into_tuple::<i64>()
        };
        let now = self.clock.now();
        let too_early = |first: Option<i64>| first.is_none_or(|at| at > now.minus(COLLECTS_FOR).as_millis());
        // Looked for without the write lock: as a rule there is nothing, or it is for later.
        let waiting = first().one(&self.reader).await?;
        if too_early(waiting) {
            return Ok(false);
        }
        let present = mail_settings::Entity::find_by_id(SETTINGS).one(&self.reader).await?;
        let sends_at =
            |first| present.as_ref().map(|model| settings(model).pace.sends_at(Timestamp::from_millis(first)));
        if waiting.and_then(sends_at).is_none_or(|at| at > now) {
            return Ok(false);
        }
        let transaction = self.begin().await?;
        let mut present = mail_settings::Entity::find_by_id(SETTINGS);
        if self.engine() == DbBackend::Postgres {
            // One server after the other.
            present = present.lock_exclusive();
        }
        let Some(settings) = present.one(&transaction.inner).await?.as_ref().map(settings) else { return Ok(false) };
        let Some(first) = first().one(&transaction.inner).await? else { return Ok(false) };
        if settings.pace.sends_at(Timestamp::from_millis(first)) > now {
            return Ok(false);
        }
        let lines = Entity::find()
            .find_also_related(notice::Entity)
            .filter(Column::Taken.eq(false))
            .order_by_asc(Column::MadeAt)
            .order_by_asc(Column::NoticeId)
            .limit(LINES_AT_ONCE)
            .all(&transaction.inner)
            .await?;
        let mut told = Vec::with_capacity(lines.len());
        for (line, notice) in &lines {
            let taken = mail_line::ActiveModel { taken: Set(true), ..Default::default() };
            Entity::update_many()
                .set(taken)
                .filter(Column::NoticeId.eq(line.notice_id))
                .filter(Column::Kind.eq(&line.kind))
                .exec(&transaction.inner)
                .await?;
            let (Some(notice), Some(kind)) = (notice, NoticeKind::from_key(&line.kind)) else { continue };
            let company = match notice.company_id {
                Some(id) => company::Entity::find_by_id(id).one(&transaction.inner).await?,
                None => None,
            };
            told.push(Told::of(notice, kind, company)?);
        }
        if !told.is_empty() {
            let letter = write(&told);
            for recipient in &settings.recipients {
                transaction.add_mail(recipient, &letter).await?;
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Takes up to `limit` mails that are due, for as long as `lease`.
    pub async fn claim_mails(&self, limit: u64, lease: Duration) -> Result<Vec<Mail>, StoreError> {
        use mail::{Column, Entity};

        let now = self.clock.now();
        let due = Condition::all()
            .add(Column::DueAt.lte(now.as_millis()))
            .add(Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(now.as_millis())));
        let mut waiting =
            Entity::find().select_only().column(Column::Id).filter(due).order_by_asc(Column::DueAt).limit(limit);
        if self.engine() == DbBackend::Postgres {
            waiting = waiting.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        } else if waiting.clone().into_tuple::<Uuid>().one(&self.reader).await?.is_none() {
            return Ok(Vec::new());
        }
        let token = Uuid::new_v4();
        let claimed = Entity::update_many()
            .col_expr(Column::Lease, Expr::val(token))
            .col_expr(Column::LeaseUntil, Expr::val(now.plus(lease).as_millis()))
            .filter(Column::Id.in_subquery(waiting.into_query()))
            .exec_with_returning(&self.writer)
            .await?;
        Ok(claimed
            .into_iter()
            .map(|model| Mail {
                id: MailId::from_uuid(model.id),
                recipient: model.recipient,
                letter: Letter { subject: model.subject, plain: model.plain, html: model.html },
                tries: to_u32(model.tries),
                lease: token,
            })
            .collect())
    }

    /// Writes down what a try came to: `problem` is why it failed, `next` when to try again.
    pub async fn mail_tried(
        &self,
        tried: &Mail,
        problem: Option<String>,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        use mail::{ActiveModel, Column, Entity};

        let changes = ActiveModel {
            due_at: Set(next.map(Timestamp::as_millis)),
            lease: Set(None),
            lease_until: Set(None),
            tries: Set(to_i32(tried.tries.saturating_add(1))),
            tried_at: Set(Some(self.clock.now().as_millis())),
            problem: Set(problem),
            ..Default::default()
        };
        Entity::update_many()
            .set(changes)
            .filter(Column::Id.eq(tried.id.uuid()))
            .filter(Column::Lease.eq(tried.lease))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Gives mails back that were not sent.
    pub async fn hand_back_mails(&self, mails: &[MailId]) -> Result<(), StoreError> {
        use mail::{Column, Entity};

        Entity::update_many()
            .col_expr(Column::Lease, Expr::val(None::<Uuid>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
            .filter(Column::Id.is_in(mails.iter().map(|id| id.uuid())))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// The latest mail that could not be sent, if that is recent.
    pub async fn mail_failure(&self) -> Result<Option<MailFailure>, StoreError> {
        use mail::{Column, Entity};

        let recent = self.clock.now().minus(FAILURE_SHOWN).as_millis();
        let found = Entity::find()
            .filter(Column::Problem.is_not_null())
            .filter(Column::TriedAt.gt(recent))
            .order_by_desc(Column::TriedAt)
            .one(&self.reader)
            .await?;
        Ok(found.map(|model| MailFailure {
            recipient: model.recipient,
            problem: model.problem.unwrap_or_default(),
            at: Timestamp::from_millis(model.tried_at.unwrap_or_default()),
            next_at: model.due_at.map(Timestamp::from_millis),
        }))
    }

    /// Forgets mails of long ago.
    pub async fn forget_old_mails(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(REMEMBERED).as_millis();
        mail::Entity::delete_many()
            .filter(mail::Column::DueAt.is_null())
            .filter(mail::Column::MadeAt.lt(long_ago))
            .exec(&self.writer)
            .await?;
        mail_line::Entity::delete_many()
            .filter(mail_line::Column::Taken.eq(true))
            .filter(mail_line::Column::MadeAt.lt(long_ago))
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}

impl Transaction {
    async fn add_mail(&self, recipient: &str, letter: &Letter) -> Result<(), StoreError> {
        let model = mail::Model {
            id: MailId::mint(self.now).uuid(),
            recipient: recipient.to_owned(),
            subject: letter.subject.clone(),
            plain: letter.plain.clone(),
            html: letter.html.clone(),
            made_at: self.now.as_millis(),
            due_at: Some(self.now.as_millis()),
            lease: None,
            lease_until: None,
            tries: 0,
            tried_at: None,
            problem: None,
        };
        mail::Entity::insert(model.into_active_model()).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}
