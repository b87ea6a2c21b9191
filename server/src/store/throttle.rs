//! How often signing in failed, by account and by address. Bounded, whoever tries.

use std::{net::IpAddr, time::Duration};

use app::domain::{Email, Timestamp};
use sea_orm::{
    ActiveValue::Set,
    DbBackend, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    prelude::*,
    sea_query::{LockBehavior, LockType, OnConflict},
};
use sha2::{Digest as _, Sha256};

use super::{
    Store, StoreError, Transaction,
    entity::sign_in_throttle::{ActiveModel, Column, Entity},
    to_i32, to_u32,
};
use crate::throttle::{ACCOUNT, ADDRESS, Budget, Failures, network};

/// How many keys are kept at most; the oldest go.
const KEYS: u64 = 10_000;

/// How long failures are remembered. All are forgiven by then.
const REMEMBERED: Duration = Duration::from_hours(24);

/// How long an address is remembered from which somebody signed in.
const KNOWN_FOR: Duration = Duration::from_hours(24 * 30);

/// Who tries to sign in, from where.
#[derive(Clone, Debug)]
pub struct Try {
    account: Vec<u8>,
    address: Vec<u8>,
    pair: Vec<u8>,
}

impl Try {
    /// This account, which need not exist, from this address.
    pub fn new(email: &Email, address: IpAddr) -> Self {
        let network = network(address).to_string();
        Self {
            account: key("account", &[email.as_str()]),
            address: key("address", &[&network]),
            pair: key("pair", &[email.as_str(), &network]),
        }
    }
}

/// A try that was counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Whether the account's owner has signed in there before.
    at_home: bool,
}

fn key(kind: &str, parts: &[&str]) -> Vec<u8> {
    Sha256::digest([&[kind], parts].concat().join("\0").as_bytes()).to_vec()
}

impl Store {
    /// Counts a try as failed before it is made, so that many at once can't all slip through; or says how long to wait.
    /// [`Store::try_succeeded`] takes it back.
    ///
    /// Where the account's owner has signed in before, only what failed there for that account counts: neither
    /// strangers elsewhere nor a colleague who mistypes can lock them out.
    pub async fn count_try(&self, tried: &Try) -> Result<Result<Counted, Duration>, StoreError> {
        let transaction = self.begin().await?;
        let now = transaction.now;
        let known = Entity::find_by_id(tried.pair.clone())
            .filter(Column::Known.eq(true))
            .filter(Column::LastAt.gt(now.minus(KNOWN_FOR).as_millis()))
            .one(&transaction.inner)
            .await?
            .is_some();
        let mut keys: Vec<(&[u8], Budget)> = if known {
            vec![(&tried.pair, ACCOUNT)]
        } else {
            vec![(&tried.account, ACCOUNT), (&tried.address, ADDRESS)]
        };
        // Always in the same order, or two tries could wait for each other.
        keys.sort_unstable_by_key(|(key, _)| *key);
        let mut longest = Duration::ZERO;
        let mut counted = Vec::new();
        for (key, budget) in keys {
            match budget.admit(transaction.failures(key, known).await?, now) {
                Ok(failures) => counted.push((key, failures)),
                Err(wait) => longest = longest.max(wait),
            }
        }
        if longest > Duration::ZERO {
            // What was made to be locked is not kept.
            transaction.inner.rollback().await?;
            return Ok(Err(longest));
        }
        for (key, failures) in counted {
            transaction.keep_failures(key, failures).await?;
        }
        transaction.bound(KEYS).await?;
        transaction.commit().await?;
        Ok(Ok(Counted { at_home: known }))
    }

    /// Takes a try back that turned out well, and remembers that the account's owner is at home at that address.
    pub async fn try_succeeded(&self, tried: &Try, counted: Counted) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let now = transaction.now;
        let mut over = vec![&tried.pair];
        if !counted.at_home {
            over.push(&tried.account);
        }
        // In the order in which tries are counted.
        let mut keys = [&tried.account, &tried.address, &tried.pair];
        keys.sort_unstable();
        for key in keys {
            let failures = transaction.failures_if_any(key).await?.filter(|failures| failures.count > 0);
            if let Some(failures) = failures.filter(|_| key == &tried.address && !counted.at_home) {
                // Only this one: else a single account of one's own would pay for any number of guesses.
                let without = Failures { count: failures.count - 1, ..failures };
                transaction.keep_failures(key, without).await?;
            }
        }
        Entity::delete_many().filter(Column::Key.is_in(over.into_iter().cloned())).exec(&transaction.inner).await?;
        let pair = ActiveModel {
            key: Set(tried.pair.clone()),
            failures: Set(0),
            last_at: Set(now.as_millis()),
            known: Set(true),
        };
        Entity::insert(pair)
            .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned())
            .exec_without_returning(&transaction.inner)
            .await?;
        transaction.bound(KEYS).await?;
        transaction.commit().await
    }

    /// Forgets what is long ago.
    pub async fn forget_old_tries(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for (known, kept) in [(false, REMEMBERED), (true, KNOWN_FOR)] {
            Entity::delete_many()
                .filter(Column::Known.eq(known))
                .filter(Column::LastAt.lt(now.minus(kept).as_millis()))
                .exec(&self.writer)
                .await?;
        }
        Ok(())
    }

    /// How many keys are kept.
    pub async fn throttle_keys(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().count(&self.reader).await?)
    }

    /// Keeps this many keys, the newest.
    pub async fn bound_throttle(&self, keys: u64) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        transaction.bound(keys).await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// What failed under this key. On PostgreSQL nobody else can count there until this transaction ends.
    async fn failures(&self, key: &[u8], known: bool) -> Result<Failures, StoreError> {
        let new = ActiveModel { key: Set(key.to_vec()), failures: Set(0), last_at: Set(i64::MIN), known: Set(known) };
        Entity::insert(new)
            .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned())
            .exec_without_returning(&self.inner)
            .await?;
        Ok(self.failures_if_any(key).await?.unwrap_or_default())
    }

    async fn failures_if_any(&self, key: &[u8]) -> Result<Option<Failures>, StoreError> {
        let mut find = Entity::find_by_id(key.to_vec());
        if self.inner.get_database_backend() == DbBackend::Postgres {
            find = find.lock_exclusive();
        }
        let found = find.one(&self.inner).await?;
        Ok(found.map(|row| Failures {
            count: to_u32(row.failures),
            last: (row.failures > 0).then(|| Timestamp::from_millis(row.last_at)),
        }))
    }

    async fn keep_failures(&self, key: &[u8], failures: Failures) -> Result<(), StoreError> {
        let changes = ActiveModel {
            failures: Set(to_i32(failures.count)),
            last_at: Set(failures.last.unwrap_or(self.now).as_millis()),
            ..Default::default()
        };
        Entity::update_many().set(changes).filter(Column::Key.eq(key)).exec(&self.inner).await?;
        Ok(())
    }

    async fn bound(&self, keys: u64) -> Result<(), StoreError> {
        let there = Entity::find().count(&self.inner).await?;
        let Some(over) = there.checked_sub(keys).filter(|over| *over > 0) else { return Ok(()) };
        // Addresses that are known go last: they can't be made up.
        let mut oldest = Entity::find()
            .select_only()
            .column(Column::Key)
            .order_by_asc(Column::Known)
            .order_by_asc(Column::LastAt)
            .limit(over);
        if self.inner.get_database_backend() == DbBackend::Postgres {
            // What is being counted just now is not old, and waiting for it could make two wait for each other.
            oldest = oldest.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        Entity::delete_many().filter(Column::Key.in_subquery(oldest.into_query())).exec(&self.inner).await?;
        Ok(())
    }
}
