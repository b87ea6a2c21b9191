//! Tokens with which other programs use the programming interface. Only their hashes are stored.

use std::time::Duration;

use app::domain::{
    AccountId, ActivityKind, ApiTokenId, ApiTokenRow, CompanyId, Me, Role, Scope, Timestamp, TokenName,
    api_token::{SHOWN_AFTER_ITS_END, TOKENS_MAX},
};
use sea_orm::{ActiveValue::Set, Condition, QueryOrder as _, QueryResult, Statement, prelude::*, sea_query::Expr};

use super::{
    Store, StoreError, Transaction,
    activity::Actor,
    companies::{changed_companies, revision_of},
    entity::{
        account,
        api_token::{ActiveModel, Column, Entity, Model},
    },
    sessions::TokenHash,
};

/// A token's use is written down at most this often.
const USE_IS_NOTED_EVERY: Duration = Duration::from_mins(1);

/// A token to be made.
pub struct NewApiToken {
    /// Which one.
    pub id: ApiTokenId,
    /// What it is called.
    pub name: TokenName,
    /// What it lets do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of it.
    pub hash: TokenHash,
    /// How long it is good for.
    pub lives: Duration,
}

/// A token that can be used.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Which one.
    pub id: ApiTokenId,
    /// What it is called.
    pub name: String,
    /// What it lets do.
    pub scopes: Vec<Scope>,
    /// It is good until then.
    pub expires: Timestamp,
}

/// The token whose hash is `$1` and who made it, if it can be used at `$2`. Rows of [`changed_companies`] can follow: those
/// have a number in the second column.
macro_rules! token {
    () => {
        "SELECT t.id, CAST(NULL AS BIGINT), t.name, t.scopes, t.last_used_at, a.id, a.email, a.name, a.role, \
         a.password_hash IS NOT NULL, t.expires_at FROM api_token t JOIN account a ON a.id = t.account_id \
         WHERE t.token_hash = $1 AND t.expires_at > $2 AND a.deactivated_at IS NULL"
    };
}

/// [`token`], as it is read.
struct Found {
    token: ApiToken,
    last_used: Option<Timestamp>,
    maker: Me,
}

impl Found {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let id: Uuid = row.try_get_by_index(0)?;
        let scopes: String = row.try_get_by_index(3)?;
        let last_used: Option<i64> = row.try_get_by_index(4)?;
        let account: Uuid = row.try_get_by_index(5)?;
        let role: String = row.try_get_by_index(8)?;
        Ok(Self {
            token: ApiToken {
                id: ApiTokenId::from_uuid(id),
                name: row.try_get_by_index(2)?,
                // One that is not known, of a newer Tenantry, lets do nothing.
                scopes: scopes.split(' ').filter_map(Scope::from_key).collect(),
                expires: Timestamp::from_millis(row.try_get_by_index(10)?),
            },
            last_used: last_used.map(Timestamp::from_millis),
            maker: Me {
                id: AccountId::from_uuid(account),
                email: row.try_get_by_index(6)?,
                name: row.try_get_by_index(7)?,
                role: Role::from_key(&role).ok_or_else(|| StoreError::Unexpected(format!("account {account}")))?,
                has_password: row.try_get_by_index(9)?,
            },
        })
    }
}

impl Store {
    /// Makes a token. False: there are as many as there may be.
    pub async fn make_api_token(&self, new: NewApiToken, maker: AccountId, by: &Actor) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        if Entity::find().count(&transaction.inner).await? >= TOKENS_MAX {
            return Ok(false);
        }
        let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.key()).collect();
        let model = ActiveModel {
            id: Set(new.id.uuid()),
            account_id: Set(maker.uuid()),
            name: Set(new.name.as_str().to_owned()),
            scopes: Set(scopes.join(" ")),
            token_hash: Set(new.hash.to_vec()),
            made_at: Set(transaction.now.as_millis()),
            expires_at: Set(transaction.now.plus(new.lives).as_millis()),
            last_used_at: Set(None),
        };
        Entity::insert(model).exec_without_returning(&transaction.inner).await?;
        let text = format!("{}: {}", new.name.as_str(), scopes.join(", "));
        transaction.record(by, ActivityKind::ApiTokenMade, None, text).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// All tokens, the latest first.
    pub async fn api_tokens(&self) -> Result<Vec<ApiTokenRow>, StoreError> {
        let found =
            Entity::find().find_also_related(account::Entity).order_by_desc(Column::Id).all(&self.reader).await?;
        let row = |(model, account): (Model, Option<account::Model>)| ApiTokenRow {
            id: ApiTokenId::from_uuid(model.id),
            scopes: model.scopes.replace(' ', ", "),
            name: model.name,
            made_by: account.map(|account| account.email).unwrap_or_default(),
            expires: Timestamp::from_millis(model.expires_at),
            last_used: model.last_used_at.map(Timestamp::from_millis),
        };
        Ok(found.into_iter().map(row).collect())
    }

    /// Ends a token, and forgets it.
    pub async fn revoke_api_token(&self, id: ApiTokenId, by: &Actor) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        transaction.end_api_tokens(Condition::all().add(Column::Id.eq(id.uuid())), by).await?;
        transaction.commit().await
    }

    /// The token of this hash and who made it, if it can still be used. It counts as used now.
    pub async fn use_api_token(&self, hash: TokenHash) -> Result<Option<(Me, ApiToken)>, StoreError> {
        let now = self.clock.now();
        let values = [hash.to_vec().into(), now.as_millis().into()];
        let rows = self.query_often(Statement::from_sql_and_values(self.engine(), token!(), values)).await?;
        rows.first().map(|row| self.token_is_used(row, now)).transpose()
    }

    /// As [`Self::use_api_token`], and, by the same question, as [`Self::company_revisions_since`].
    pub async fn use_api_token_and_see_companies(
        &self,
        hash: TokenHash,
        since: Timestamp,
    ) -> Result<(Vec<(CompanyId, i64)>, Option<(Me, ApiToken)>), StoreError> {
        let sql = concat!(
            token!(),
            " UNION ALL ",
            changed_companies!(
                since: "$3",
                deleted: "$4",
                further: ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
            )
        );
        let now = self.clock.now();
        let deleted = ActivityKind::CompanyDeleted.key();
        let values = [hash.to_vec().into(), now.as_millis().into(), since.as_millis().into(), deleted.into()];
        let rows = self.query_often(Statement::from_sql_and_values(self.engine(), sql, values)).await?;
        let (mut companies, mut token) = (Vec::new(), None);
        for row in &rows {
            if row.try_get_by_index::<Option<i64>>(1)?.is_some() {
                companies.push(revision_of(row)?);
            } else {
                token = Some(self.token_is_used(row, now)?);
            }
        }
        Ok((companies, token))
    }

    fn token_is_used(&self, row: &QueryResult, now: Timestamp) -> Result<(Me, ApiToken), StoreError> {
        let Found { token, last_used, maker } = Found::read(row)?;
        if last_used.is_none_or(|last| now.since(last) >= USE_IS_NOTED_EVERY) {
            // Nobody's request waits for it.
            tokio::spawn(self.clone().note_token_use(token.id, now));
        }
        Ok((maker, token))
    }

    async fn note_token_use(self, id: ApiTokenId, now: Timestamp) {
        let before = now.minus(USE_IS_NOTED_EVERY).as_millis();
        let noted = Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::val(now.as_millis()))
            .filter(Column::Id.eq(id.uuid()))
            // Of many requests at once, one writes.
            .filter(Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lte(before)))
            .exec(&self.writer)
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of a token can't be noted");
        }
    }

    /// Forgets tokens that expired long ago.
    pub async fn forget_old_api_tokens(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(SHOWN_AFTER_ITS_END);
        Entity::delete_many().filter(Column::ExpiresAt.lt(long_ago.as_millis())).exec(&self.writer).await?;
        Ok(())
    }
}

impl Transaction {
    /// Ends the tokens that somebody made.
    pub(super) async fn end_api_tokens_of(&self, account: AccountId, by: &Actor) -> Result<(), StoreError> {
        self.end_api_tokens(Condition::all().add(Column::AccountId.eq(account.uuid())), by).await
    }

    async fn end_api_tokens(&self, which: Condition, by: &Actor) -> Result<(), StoreError> {
        for token in Entity::find().filter(which).all(&self.inner).await? {
            let ended = Entity::delete_by_id(token.id).exec(&self.inner).await?;
            if ended.rows_affected > 0 {
                self.record(by, ActivityKind::ApiTokenRevoked, None, token.name).await?;
            }
        }
        Ok(())
    }
}
