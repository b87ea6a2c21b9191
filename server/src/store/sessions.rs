//! Sessions of people who are signed in. Only hashes of their tokens are stored.

use std::time::Duration;

use app::domain::{
    AccountId, ActivityKind, Timestamp,
    account::{SESSION_IDLE, SESSION_LIVES, session_lives},
};
use sea_orm::{ActiveValue::Set, Condition, prelude::*, sea_query::Expr};

use super::{
    Store, StoreError, Transaction,
    accounts::Account,
    activity::Actor,
    entity::{
        account,
        session::{ActiveModel, Column, Entity},
    },
};

/// A session's use is written down at most this often.
const USE_IS_NOTED_EVERY: Duration = Duration::from_mins(1);

/// How long it takes, where nobody else writes.
const NOTING_TAKES: Duration = Duration::from_millis(20);

/// SHA-256 of a session's token.
pub type TokenHash = [u8; 32];

impl Store {
    /// Begins a session. `how` they signed in is written down.
    ///
    /// False if the account was deactivated or got another password since it was read: then what was checked does not
    /// hold any more.
    pub async fn begin_session(&self, account: &Account, token: TokenHash, how: &str) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let as_before = transaction
            .account_to_change(account.id)
            .await?
            .is_some_and(|now| now.active && now.password_hash() == account.password_hash());
        if as_before {
            transaction.begin_session(account, token, how).await?;
            transaction.commit().await?;
        }
        Ok(as_before)
    }

    /// Whose session it is, if it can still be used. It counts as used now.
    pub async fn use_session(&self, token: TokenHash) -> Result<Option<Account>, StoreError> {
        let now = self.clock.now();
        let Some((account, last_used)) = self.live_session(token, now).await? else { return Ok(None) };
        if now.since(last_used) >= USE_IS_NOTED_EVERY {
            let note = tokio::spawn(self.clone().note_use(token, now));
            // Where others write, it waits for its turn; nobody's page waits with it.
            drop(tokio::time::timeout(NOTING_TAKES, note).await);
        }
        Ok(Some(account))
    }

    async fn note_use(self, token: TokenHash, now: Timestamp) {
        let noted = Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::val(now.as_millis()))
            .filter(Column::TokenHash.eq(token.as_slice()))
            .filter(Column::LastUsedAt.lt(now.as_millis()))
            .exec(&self.writer)
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of a session can't be noted");
        }
    }

    /// As [`Store::use_session`], without using it.
    pub async fn look_at_session(&self, token: TokenHash) -> Result<Option<Account>, StoreError> {
        Ok(self.live_session(token, self.clock.now()).await?.map(|(account, _)| account))
    }

    async fn live_session(&self, token: TokenHash, now: Timestamp) -> Result<Option<(Account, Timestamp)>, StoreError> {
        let found = Entity::find_by_id(token.to_vec())
            .find_also_related(account::Entity)
            .filter(account::Column::DeactivatedAt.is_null())
            .one(&self.reader)
            .await?;
        let Some((session, Some(account))) = found else { return Ok(None) };
        let last_used = Timestamp::from_millis(session.last_used_at);
        if !session_lives(Timestamp::from_millis(session.created_at), last_used, now) {
            return Ok(None);
        }
        Ok(Some((Account::from_model(account)?, last_used)))
    }

    /// Ends a session by the wish of whose it is.
    pub async fn end_session(&self, token: TokenHash, by: &Actor) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let ended = Entity::delete_by_id(token.to_vec()).exec(&transaction.inner).await?;
        if ended.rows_affected > 0 {
            transaction.record(by, ActivityKind::SignedOut, None, "").await?;
        }
        transaction.commit().await
    }

    /// Forgets sessions that can't be used any more.
    pub async fn forget_old_sessions(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let old = Condition::any()
            .add(Column::CreatedAt.lte(now.minus(SESSION_LIVES).as_millis()))
            .add(Column::LastUsedAt.lte(now.minus(SESSION_IDLE).as_millis()));
        Entity::delete_many().filter(old).exec(&self.writer).await?;
        Ok(())
    }
}

impl Transaction {
    pub(super) async fn begin_session(&self, account: &Account, token: TokenHash, how: &str) -> Result<(), StoreError> {
        let now = self.now.as_millis();
        let session = ActiveModel {
            token_hash: Set(token.to_vec()),
            account_id: Set(account.id.uuid()),
            created_at: Set(now),
            last_used_at: Set(now),
        };
        Entity::insert(session).exec_without_returning(&self.inner).await?;
        account::Entity::update_many()
            .col_expr(account::Column::LastSignInAt, Expr::val(now))
            .filter(account::Column::Id.eq(account.id.uuid()))
            .exec(&self.inner)
            .await?;
        self.record(&account.actor(), ActivityKind::SignedIn, None, how).await
    }

    /// Ends all sessions of an account, or all but one.
    pub(super) async fn end_sessions(&self, account: AccountId, but: Option<TokenHash>) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::AccountId.eq(account.uuid()))
            .filter(Condition::all().add_option(but.map(|token| Column::TokenHash.ne(token.as_slice()))))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}
