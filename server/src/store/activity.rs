//! What was done, by whom, when, to which company. Rows are added in the transaction of what they tell, and never
//! changed.

use std::time::Duration;

use app::domain::{AccountId, ActivityFilter, ActivityId, ActivityKind, ActivityRow, CompanyId, Me, Timestamp};
use sea_orm::{
    Condition, ConnectionTrait, DbBackend, ExprTrait as _, IntoActiveModel as _, QueryOrder as _, QuerySelect as _,
    Statement,
    prelude::*,
    sea_query::{Expr, Func, LikeExpr},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction, contains,
    entity::{
        account,
        activity::{Column, Entity, Model},
        company,
    },
};
use crate::clock::Mint as _;

/// How much of a refusal is written down, in characters.
const REFUSAL_MAX: usize = 200;

/// How many refusals are written down in an hour, all in all.
const REFUSALS_AN_HOUR: u64 = 60;

/// The name of a lock in PostgreSQL.
const REFUSALS_LOCK: i64 = i64::from_be_bytes(*b"ten.refu");

/// How long the same refusal is not written down again.
const SAME_REFUSAL: Duration = Duration::from_mins(10);

/// How long refusals are kept. Anybody can cause them, so they can't be kept for ever.
const REFUSALS_KEPT: Duration = Duration::from_hours(24 * 90);

/// What anybody can cause, as often as they like.
const REFUSALS: [&str; 2] = [ActivityKind::SignInRefused.key(), ActivityKind::Refused.key()];

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    account: Option<AccountId>,
    name: String,
}

impl Actor {
    /// Somebody who is signed in.
    pub fn signed_in(me: &Me) -> Self {
        Self::account(me.id, &me.email)
    }

    /// Somebody with an account.
    pub fn account(id: AccountId, email: &str) -> Self {
        Self { account: Some(id), name: email.to_owned() }
    }

    /// Another program, with a token that somebody made.
    pub fn token(me: &Me, token: &str) -> Self {
        Self { account: Some(me.id), name: format!("{}, by the token {token}", me.email) }
    }

    /// Whoever runs the program `tenantry`.
    pub fn command_line() -> Self {
        Self { account: None, name: "the command line".to_owned() }
    }

    /// Tenantry by itself.
    pub fn itself() -> Self {
        Self { account: None, name: "Tenantry".to_owned() }
    }

    /// Nobody that we know.
    pub fn somebody() -> Self {
        Self { account: None, name: "somebody".to_owned() }
    }

    /// Whoever has a link.
    pub fn link_holder() -> Self {
        Self { account: None, name: "somebody with the link".to_owned() }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which account, if it is one.
    pub const fn account_id(&self) -> Option<AccountId> {
        self.account
    }
}

impl Transaction {
    /// Writes down what this transaction does.
    pub(super) async fn record(
        &self,
        actor: &Actor,
        kind: ActivityKind,
        company: Option<CompanyId>,
        text: impl Into<String> + Send,
    ) -> Result<(), StoreError> {
        let company_name = match company {
            // As it is called now: it may be renamed, and the record is of today.
            Some(id) => {
                let name: Option<String> = company::Entity::find_by_id(id.uuid())
                    .select_only()
                    .column(company::Column::Name)
                    .into_tuple()
                    .one(&self.inner)
                    .await?;
                name.unwrap_or_default()
            }
            None => String::new(),
        };
        let model = Model {
            id: ActivityId::mint(self.now).uuid(),
            at: self.now.as_millis(),
            actor: actor.name.clone(),
            account_id: actor.account.map(AccountId::uuid),
            company_id: company.map(CompanyId::uuid),
            company_name,
            kind: kind.key().to_owned(),
            text: text.into(),
        };
        Entity::insert(model.into_active_model()).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Writes down what this transaction does to many companies: which, what it is called, and more about it.
    pub(super) async fn record_many(
        &self,
        actor: &Actor,
        kind: ActivityKind,
        companies: Vec<(CompanyId, String, String)>,
    ) -> Result<(), StoreError> {
        let mut rows = companies.into_iter().map(|(company, company_name, text)| {
            Model {
                id: ActivityId::mint(self.now).uuid(),
                at: self.now.as_millis(),
                actor: actor.name.clone(),
                account_id: actor.account.map(AccountId::uuid),
                company_id: Some(company.uuid()),
                company_name,
                kind: kind.key().to_owned(),
                text,
            }
            .into_active_model()
        });
        loop {
            let part: Vec<_> = rows.by_ref().take(ROWS_A_STATEMENT).collect();
            if part.is_empty() {
                return Ok(());
            }
            Entity::insert_many(part).exec_without_returning(&self.inner).await?;
        }
    }

    /// The account that began something, or nobody that we know.
    pub(super) async fn actor(&self, account: Option<Uuid>) -> Result<Actor, StoreError> {
        let found = match account {
            Some(id) => account::Entity::find_by_id(id).one(&self.inner).await?,
            None => None,
        };
        Ok(found.map_or_else(Actor::somebody, |found| Actor::account(AccountId::from_uuid(found.id), &found.email)))
    }
}

impl Store {
    /// A page of what was done, the latest first.
    pub async fn activity(&self, filter: &ActivityFilter, limit: u64) -> Result<Vec<ActivityRow>, StoreError> {
        let actor = filter.actor.as_deref().map(str::trim).filter(|actor| !actor.is_empty());
        let wanted = Condition::all()
            .add_option(filter.company.map(|company| Column::CompanyId.eq(company.uuid())))
            .add_option(filter.kind.map(|kind| Column::Kind.eq(kind.key())))
            .add_option(filter.before.map(|before| Column::Id.lt(before.uuid())))
            .add_option(actor.map(|actor| {
                let pattern = LikeExpr::new(contains(actor)).escape('\\');
                Expr::expr(Func::lower(Expr::col(Column::Actor))).like(pattern)
            }));
        let rows = Entity::find().filter(wanted).order_by_desc(Column::Id).limit(limit).all(&self.reader).await?;
        rows.into_iter()
            .map(|row| {
                let unexpected = || StoreError::Unexpected(format!("activity {}", row.id));
                Ok(ActivityRow {
                    kind: ActivityKind::from_key(&row.kind).ok_or_else(unexpected)?,
                    id: ActivityId::from_uuid(row.id),
                    at: Timestamp::from_millis(row.at),
                    actor: row.actor,
                    company: row.company_id.map(|id| (CompanyId::from_uuid(id), row.company_name)),
                    text: row.text,
                })
            })
            .collect()
    }

    /// Somebody tried what their role may not do.
    pub async fn refused(&self, actor: &Actor, what: String) -> Result<(), StoreError> {
        self.record_refusal(actor, ActivityKind::Refused, what).await
    }

    /// Somebody tried to sign in and could not.
    pub async fn sign_in_refused(&self, why: String) -> Result<(), StoreError> {
        self.record_refusal(&Actor::somebody(), ActivityKind::SignInRefused, why).await
    }

    /// Writes down a refusal, unless the same was just written or there were very many.
    async fn record_refusal(&self, actor: &Actor, kind: ActivityKind, text: String) -> Result<(), StoreError> {
        // Somebody else's words: as much of them as tells what it was.
        let text: String = text.chars().take(REFUSAL_MAX).collect();
        let now = self.clock.now();
        // Without the write lock first: under attack this is all that happens.
        if !is_worth_writing(&self.reader, actor, kind, &text, now).await? {
            return Ok(());
        }
        let transaction = self.begin().await?;
        if self.engine() == DbBackend::Postgres {
            // One after the other, or many at once would each find room for one more.
            let lock =
                Statement::from_string(DbBackend::Postgres, format!("SELECT pg_advisory_xact_lock({REFUSALS_LOCK})"));
            transaction.inner.query_one_raw(lock).await?;
        }
        if is_worth_writing(&transaction.inner, actor, kind, &text, now).await? {
            transaction.record(actor, kind, None, text).await?;
        }
        transaction.commit().await
    }

    /// Forgets refusals that are long ago.
    pub async fn forget_old_refusals(&self) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::Kind.is_in(REFUSALS))
            .filter(Column::At.lt(self.clock.now().minus(REFUSALS_KEPT).as_millis()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}

async fn is_worth_writing(
    db: &impl ConnectionTrait,
    actor: &Actor,
    kind: ActivityKind,
    text: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = |ago: Duration| {
        Condition::all().add(Column::Kind.eq(kind.key())).add(Column::At.gt(now.minus(ago).as_millis()))
    };
    let same = since(SAME_REFUSAL).add(Column::Actor.eq(&actor.name)).add(Column::Text.eq(text));
    Ok(Entity::find().filter(since(Duration::from_hours(1))).count(db).await? < REFUSALS_AN_HOUR
        && Entity::find().filter(same).one(db).await?.is_none())
}
