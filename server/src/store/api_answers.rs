//! What programs were answered when they asked for something to be done under a key of their own. Asked again, they are
//! answered the same, and nothing is done twice.

use std::time::Duration;

use app::domain::{ApiTokenId, Timestamp};
use sea_orm::{ActiveValue::Set, prelude::*, sea_query::Expr, sea_query::OnConflict};

use super::{
    Store, StoreError,
    entity::api_answer::{ActiveModel, Column, Entity},
};

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// Longer than any request takes. Whoever is not answered by then was interrupted.
pub const INTERRUPTED_AFTER: Duration = Duration::from_mins(2);

/// SHA-256 of a key, or of a request.
pub type Hash = [u8; 32];

/// What is known of a request under a key.
#[derive(Debug)]
pub enum Known {
    /// Nothing: it is to be done now, and the answer kept in the row of this id.
    New(Uuid),
    /// It was answered.
    Answered {
        /// For which row the answer is sealed.
        id: Uuid,
        /// The answer.
        sealed: Vec<u8>,
    },
    /// It is being worked out.
    UnderWay,
    /// The server stopped or failed while it was worked out. Nobody knows how far it came.
    Interrupted,
    /// Something else was asked for under this key.
    Another,
}

impl Store {
    /// Takes a key for a request, or says what became of it.
    pub async fn begin_api_answer(&self, token: ApiTokenId, key: Hash, request: Hash) -> Result<Known, StoreError> {
        let transaction = self.begin().await?;
        let (now, id) = (transaction.now, Uuid::new_v4());
        let of_key = || Entity::find().filter(Column::TokenId.eq(token.uuid())).filter(Column::KeyHash.eq(&key[..]));
        Entity::delete_many()
            .filter(Column::TokenId.eq(token.uuid()))
            .filter(Column::KeyHash.eq(&key[..]))
            .filter(Column::BegunAt.lte(now.minus(KEPT).as_millis()))
            .exec(&transaction.inner)
            .await?;
        let new = ActiveModel {
            id: Set(id),
            token_id: Set(token.uuid()),
            key_hash: Set(key.to_vec()),
            request_hash: Set(request.to_vec()),
            begun_at: Set(now.as_millis()),
            sealed_answer: Set(None),
        };
        let once = OnConflict::columns([Column::TokenId, Column::KeyHash]).do_nothing().to_owned();
        let added = Entity::insert(new).on_conflict(once).exec_without_returning(&transaction.inner).await?;
        let known = if added > 0 {
            Known::New(id)
        } else {
            match of_key().one(&transaction.inner).await? {
                Some(row) if row.request_hash != request => Known::Another,
                Some(row) => match row.sealed_answer {
                    Some(sealed) => Known::Answered { id: row.id, sealed },
                    None if now.since(Timestamp::from_millis(row.begun_at)) < INTERRUPTED_AFTER => Known::UnderWay,
                    None => Known::Interrupted,
                },
                // It failed, and was forgotten, in between.
                None => Known::UnderWay,
            }
        };
        transaction.commit().await?;
        Ok(known)
    }

    /// Keeps an answer.
    pub async fn keep_api_answer(&self, id: Uuid, sealed: Vec<u8>) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::SealedAnswer, Expr::val(sealed))
            .filter(Column::Id.eq(id))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Nobody knows whether it was done.
    pub async fn interrupt_api_answer(&self, id: Uuid) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(INTERRUPTED_AFTER);
        Entity::update_many()
            .col_expr(Column::BegunAt, Expr::val(long_ago.as_millis()))
            .filter(Column::Id.eq(id))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Nothing was done: the key is free again.
    pub async fn forget_api_answer(&self, id: Uuid) -> Result<(), StoreError> {
        Entity::delete_by_id(id).exec(&self.writer).await?;
        Ok(())
    }

    /// Forgets answers that nobody may ask for again.
    pub async fn forget_old_api_answers(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(KEPT);
        Entity::delete_many().filter(Column::BegunAt.lte(long_ago.as_millis())).exec(&self.writer).await?;
        Ok(())
    }
}
