//! Tokens with which other programs use the programming interface. Only their hashes are stored.

use std::time::Duration;

use app::domain::{
    AccountId, ActivityKind, ApiTokenId, ApiTokenRow, Scope, Timestamp, TokenName,
    api_token::{SHOWN_AFTER_ITS_END, TOKENS_MAX},
};
use sea_orm::{
    ActiveValue::Set, Condition, FromQueryResult as _, IdenStatic as _, QueryOrder as _, QueryTrait as _, SelectA,
    SelectB, prelude::*, sea_query::Expr,
};

use super::{
    Store, StoreError, Transaction,
    accounts::Account,
    activity::Actor,
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
}

/// A scope that is not known, of a newer Tenantry, lets do nothing.
fn scopes_of(model: &Model) -> Vec<Scope> {
    model.scopes.split(' ').filter_map(Scope::from_key).collect()
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
    pub async fn use_api_token(&self, hash: TokenHash) -> Result<Option<(Account, ApiToken)>, StoreError> {
        let now = self.clock.now();
        let statement = Entity::find()
            .filter(Column::TokenHash.eq(hash.as_slice()))
            .filter(Column::ExpiresAt.gt(now.as_millis()))
            .find_also_related(account::Entity)
            .filter(account::Column::DeactivatedAt.is_null())
            // There is one at most. SQLite plans a statement with a limit anew each time.
            .build(self.engine());
        let found = self.query_often(statement).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let model = Model::from_query_result(row, SelectA.as_str())?;
        let account = account::Model::from_query_result(row, SelectB.as_str())?;
        let last_used = model.last_used_at.map(Timestamp::from_millis);
        if last_used.is_none_or(|last| now.since(last) >= USE_IS_NOTED_EVERY) {
            // Nobody's request waits for it.
            tokio::spawn(self.clone().note_token_use(model.id, now));
        }
        let token =
            ApiToken { id: ApiTokenId::from_uuid(model.id), scopes: scopes_of(&model), name: model.name.clone() };
        Ok(Some((Account::from_model(account)?, token)))
    }

    async fn note_token_use(self, id: Uuid, now: Timestamp) {
        let before = now.minus(USE_IS_NOTED_EVERY).as_millis();
        let noted = Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::val(now.as_millis()))
            .filter(Column::Id.eq(id))
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
