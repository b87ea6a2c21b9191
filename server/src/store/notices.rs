//! What people are to be told. Rows are written in the transaction of what they tell, and told by [`Store::settle`].

use std::time::Duration;

use app::domain::{
    CompanyId, DataSet, Lack, NoticeId, NoticeKind, Phase, Problem, Standing, Subject, Timestamp,
    notice::{Alarm, Cause, Change, SETTLES_AFTER, certificate_standing, change},
};
use sea_orm::{
    ActiveValue::Set,
    Condition, DbBackend, ExprTrait as _, IntoActiveModel as _, QueryOrder as _, QuerySelect as _,
    prelude::*,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};

use super::{
    Store, StoreError, Transaction, connections,
    entity::{
        company, connection, dataset_state,
        notice::{ActiveModel, Column, Entity, Model},
    },
};
use crate::clock::Mint as _;

/// How many notices are told in one transaction.
const TOLD_AT_ONCE: u64 = 100;

/// When one that can't be read is tried again: a newer Tenantry may have written it, which tells it then.
const UNREADABLE_FOR: Duration = Duration::from_hours(1);

/// How long what is over is remembered.
const REMEMBERED: Duration = Duration::from_hours(24 * 90);

/// What last, and then are over.
const ALARMS: [&str; 4] = [
    NoticeKind::NeedsReconnect.key(),
    NoticeKind::Limited.key(),
    NoticeKind::AppFault.key(),
    NoticeKind::CertificateExpires.key(),
];

/// Something that people are told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The notice. Its beginning and its end have the same.
    pub notice: NoticeId,
    /// What is told: that it is, or that it is over.
    pub kind: NoticeKind,
    /// What it is about.
    pub cause: Cause,
    /// Since when it is.
    pub since: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// Which company it is about.
    pub company: Option<ToldCompany>,
}

/// What of a company is told.
#[derive(Clone, Debug)]
pub struct ToldCompany {
    /// Which one.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// What other programs know it by.
    pub external_id: Option<String>,
}

fn cause(model: &Model) -> Result<Cause, StoreError> {
    serde_json::from_str(&model.cause).map_err(|error| StoreError::Unexpected(format!("notice {}: {error}", model.id)))
}

impl Told {
    pub(super) fn of(model: &Model, kind: NoticeKind, company: Option<company::Model>) -> Result<Self, StoreError> {
        let cause = cause(model)?;
        let at = if kind == cause.kind() { model.noted_at } else { model.over_at.unwrap_or(model.noted_at) };
        Ok(Self {
            notice: NoticeId::from_uuid(model.id),
            kind,
            cause,
            since: Timestamp::from_millis(model.since),
            at: Timestamp::from_millis(at),
            company: company.map(|company| ToldCompany {
                id: CompanyId::from_uuid(company.id),
                name: company.name,
                external_id: company.external_id,
            }),
        })
    }
}

impl Transaction {
    /// Notes how a company stands, as of this transaction, which has locked the company's row.
    pub(super) async fn note_company(&self, company: CompanyId) -> Result<(), StoreError> {
        let connection = connection::Entity::find()
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .one(&self.inner)
            .await?;
        let facts = connection.as_ref().map(connections::facts).transpose()?;
        let standing = match facts {
            None => Standing::Gone,
            Some(facts) => match facts.phase {
                Phase::Verifying => Standing::Unknown,
                Phase::NeedsReconnect(reason) => {
                    Standing::Trouble { cause: Cause::NeedsReconnect { reason }, since: facts.phase_since }
                }
                Phase::Active => self.what_limits(company).await?,
            },
        };
        self.note(Subject::Company(company), &standing).await
    }

    async fn what_limits(&self, company: CompanyId) -> Result<Standing, StoreError> {
        use dataset_state::Column;

        let limiting = Problem::ALL.into_iter().filter(|problem| problem.limits()).map(Problem::key);
        let found = dataset_state::Entity::find()
            .filter(Column::CompanyId.eq(company.uuid()))
            .filter(Column::Problem.is_in(limiting))
            .all(&self.inner)
            .await?;
        let mut lacks = Vec::new();
        let mut since = self.now;
        for state in found {
            let problem = state.problem.as_deref().and_then(Problem::from_key);
            if let (Some(data_set), Some(problem)) = (DataSet::from_key(&state.data_set), problem) {
                lacks.push(Lack { data_set, problem });
                since = since.min(Timestamp::from_millis(state.problem_since.unwrap_or(i64::MAX)));
            }
        }
        if lacks.is_empty() {
            return Ok(Standing::Fine);
        }
        lacks.sort_by_key(|lack| lack.data_set);
        Ok(Standing::Trouble { cause: Cause::Limited { lacks }, since })
    }

    /// Notes how the subject of notices stands: what is new, or over, is told once it has lasted.
    pub(super) async fn note(&self, subject: Subject, standing: &Standing) -> Result<(), StoreError> {
        let mut present = Entity::find()
            .filter(Column::Subject.eq(subject.key()))
            .filter(Column::Kind.is_in(ALARMS))
            .filter(Condition::any().add(Column::OverAt.is_null()).add(Column::SettlesAt.is_not_null()))
            .order_by_desc(Column::Id);
        if self.inner.get_database_backend() == DbBackend::Postgres {
            // Whoever tells it at this moment does so before or after this.
            present = present.lock_exclusive();
        }
        let present = present.one(&self.inner).await?;
        let alarm = match &present {
            Some(model) => {
                Some(Alarm { cause: cause(model)?, told: model.told_at.is_some(), ending: model.over_at.is_some() })
            }
            None => None,
        };
        let settles = Some(self.now.plus(SETTLES_AFTER).as_millis());
        let over = Some(self.now.as_millis());
        let change = change(alarm.as_ref(), standing);
        let changes = match change {
            Change::Stay => return Ok(()),
            Change::End => ActiveModel { over_at: Set(over), settles_at: Set(settles), ..Default::default() },
            Change::Reopen => ActiveModel { over_at: Set(None), settles_at: Set(None), ..Default::default() },
            Change::Raise | Change::Drop => {
                let over = present.as_ref().and_then(|present| present.over_at).or(over);
                ActiveModel { over_at: Set(over), settles_at: Set(None), ..Default::default() }
            }
        };
        if let Some(present) = &present {
            Entity::update_many().set(changes).filter(Column::Id.eq(present.id)).exec(&self.inner).await?;
        }
        match (change, standing) {
            (Change::Raise, Standing::Trouble { cause, since }) => {
                self.add_notice(subject, cause, *since, settles).await
            }
            _ => Ok(()),
        }
    }

    /// Notes that a company was tied by somebody with a link. It is told once that is verified.
    pub(super) async fn note_tied(&self, company: CompanyId) -> Result<(), StoreError> {
        self.add_notice(Subject::Company(company), &Cause::Connected, self.now, None).await
    }

    /// Notes that the grant was seen in effect.
    pub(super) async fn note_verified(&self, company: CompanyId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::SettlesAt, Expr::val(self.now.as_millis()))
            .filter(Column::Subject.eq(Subject::Company(company).key()))
            .filter(Column::Kind.eq(NoticeKind::Connected.key()))
            .filter(Column::ToldAt.is_null())
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Notes that somebody asks for a link.
    pub(super) async fn note_link_requested(&self, company: CompanyId) -> Result<(), StoreError> {
        let now = Some(self.now.as_millis());
        self.add_notice(Subject::Company(company), &Cause::LinkRequested, self.now, now).await
    }

    /// Adds a notice. For the same cause there is one only: what seemed to be over is not, and is not told again.
    async fn add_notice(
        &self,
        subject: Subject,
        cause: &Cause,
        since: Timestamp,
        settles_at: Option<i64>,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(cause).map_err(|error| StoreError::Unexpected(error.to_string()))?;
        let model = Model {
            id: NoticeId::mint(self.now).uuid(),
            subject: subject.key(),
            company_id: subject.company().map(CompanyId::uuid),
            kind: cause.kind().key().to_owned(),
            cause: json,
            since: since.as_millis(),
            noted_at: self.now.as_millis(),
            settles_at,
            told_at: None,
            over_at: None,
        };
        let same = Condition::all()
            .add(Column::Subject.eq(&model.subject))
            .add(Column::Cause.eq(&model.cause))
            .add(Column::Since.eq(model.since));
        let once = OnConflict::columns([Column::Subject, Column::Cause, Column::Since]).do_nothing().to_owned();
        let added =
            Entity::insert(model.into_active_model()).on_conflict(once).exec_without_returning(&self.inner).await?;
        if added == 0 {
            let settles = Expr::case(Expr::col(Column::ToldAt).is_null(), Expr::val(settles_at)).finally(None::<i64>);
            Entity::update_many()
                .col_expr(Column::OverAt, Expr::val(None::<i64>))
                .col_expr(Column::SettlesAt, settles.into())
                .filter(same)
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Notes when our certificate expires. None where there is no certificate.
    pub async fn note_certificate(&self, expires: Option<Timestamp>) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let standing = certificate_standing(expires, transaction.now);
        transaction.note(Subject::Certificate, &standing).await?;
        transaction.commit().await
    }

    /// Tells what has lasted: hands it to each webhook and to the mail that wants it, in the transaction that marks it as
    /// told. `event` writes what webhooks are sent. Answers whether there was anything.
    pub async fn settle_notices(
        &self,
        with_mail: bool,
        event: impl Fn(&Told) -> String + Send + Sync,
    ) -> Result<bool, StoreError> {
        let settled = Column::SettlesAt.lte(self.clock.now().as_millis());
        let mut waiting = Entity::find().filter(settled).order_by_asc(Column::SettlesAt).limit(TOLD_AT_ONCE);
        // Looked for without the write lock: as a rule there is nothing.
        if waiting.clone().select_only().column(Column::Id).into_tuple::<Uuid>().one(&self.reader).await?.is_none() {
            return Ok(false);
        }
        let transaction = self.begin().await?;
        if self.engine() == DbBackend::Postgres {
            waiting = waiting.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let waiting = waiting.all(&transaction.inner).await?;
        let webhooks = transaction.active_webhooks().await?;
        let mail_kinds = if with_mail { transaction.mail_kinds().await? } else { Vec::new() };
        let mut is_settled = false;
        for model in &waiting {
            // One that can't be read keeps nobody else's back.
            let cause = match cause(model) {
                Ok(cause) => cause,
                Err(error) => {
                    tracing::error!(%error, "a notice can't be read, and is not told");
                    let again = transaction.now.plus(UNREADABLE_FOR).as_millis();
                    let changes = ActiveModel { settles_at: Set(Some(again)), ..Default::default() };
                    Entity::update_many().set(changes).filter(Column::Id.eq(model.id)).exec(&transaction.inner).await?;
                    continue;
                }
            };
            is_settled = true;
            // Only what was told, and then was over, settles a second time.
            let kind = if model.told_at.is_some() { cause.end_kind() } else { Some(cause.kind()) };
            let changes = ActiveModel {
                told_at: Set(model.told_at.or(Some(transaction.now.as_millis()))),
                settles_at: Set(None),
                ..Default::default()
            };
            Entity::update_many().set(changes).filter(Column::Id.eq(model.id)).exec(&transaction.inner).await?;
            let company = match model.company_id {
                Some(id) => company::Entity::find_by_id(id).one(&transaction.inner).await?,
                None => None,
            };
            let put_away = company.as_ref().is_some_and(|company| company.archived_at.is_some());
            let Some(kind) = kind.filter(|_| !put_away) else { continue };
            let told = Told::of(model, kind, company)?;
            transaction.send_to_webhooks(&webhooks, &told, &event).await?;
            if mail_kinds.contains(&kind) {
                transaction.add_mail_line(&told).await?;
            }
        }
        transaction.commit().await?;
        Ok(is_settled)
    }

    /// Forgets what is long over.
    pub async fn forget_old_notices(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(REMEMBERED).as_millis();
        // An alarm that is not over is not old, whenever it began.
        let done = Condition::any()
            .add(Column::OverAt.lt(long_ago))
            .add(Condition::all().add(Column::Kind.is_not_in(ALARMS)).add(Column::NotedAt.lt(long_ago)));
        Entity::delete_many().filter(done).filter(Column::SettlesAt.is_null()).exec(&self.writer).await?;
        Ok(())
    }
}
