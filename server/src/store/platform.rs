//! What Microsoft does not accept about our own app registration. Known to all servers and workers, told once.

use std::time::Duration;

use app::domain::{PlatformFault, Standing, Subject, TenantId, Timestamp, notice::Cause};
use sea_orm::{
    ActiveValue::Set,
    QuerySelect as _,
    prelude::*,
    sea_query::{Expr, OnConflict},
};

use super::{
    Store, StoreError, Transaction,
    entity::platform_fault::{ActiveModel, Column, Entity, Model},
};

/// The only row.
const ROW: i32 = 1;

/// How often one company is read to find out whether a fault is over.
const TRY_EVERY: Duration = Duration::from_mins(1);

/// How long one tenant alone may complain before it is believed to be us: if it were not, another one would have been
/// read meanwhile.
const ODD_FOR: Duration = Duration::from_hours(24);

/// What is wrong with our app registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFault {
    /// What it is.
    pub fault: PlatformFault,
    /// Since when.
    pub since: Timestamp,
    /// What Microsoft said, for support.
    pub details: String,
}

/// What a fault means for who looks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// None that is known. Whether one is suspected.
    Go { suspected: bool },
    /// Nobody is read but, now and then, one; the next one then.
    Held { until: Timestamp },
}

impl Store {
    /// What is wrong with our app registration, if that is known.
    pub async fn platform_fault(&self) -> Result<Option<SeenFault>, StoreError> {
        let found = Entity::find_by_id(ROW).one(&self.reader).await?.filter(|row| row.known);
        found.map(|row| seen(&row)).transpose()
    }

    /// Microsoft refused us at a tenant, or at a sign-in. Answers whether that is known to be our fault: what one tenant
    /// alone says may be about that tenant. **A fault begins here**, in one transaction.
    pub async fn platform_fault_seen(
        &self,
        tenant: Option<TenantId>,
        fault: PlatformFault,
        details: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let now = transaction.now;
        let first = ActiveModel {
            id: Set(ROW),
            kind: Set(fault.key().to_owned()),
            tenant_id: Set(tenant.map(TenantId::uuid)),
            details: Set(details.to_owned()),
            since: Set(now.as_millis()),
            known: Set(fault.is_certain()),
            next_try_at: Set(now.plus(TRY_EVERY).as_millis()),
        };
        let inserted = Entity::insert(first)
            .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
            .exec_without_returning(&transaction.inner)
            .await?;
        // Somebody else may have seen it first, or at the same time.
        let Some(row) = Entity::find_by_id(ROW).lock_exclusive().one(&transaction.inner).await? else {
            // It is over since.
            transaction.commit().await?;
            return Ok(fault.is_certain());
        };
        let another = row.tenant_id != tenant.map(TenantId::uuid);
        let lasting = now.since(Timestamp::from_millis(row.since)) >= ODD_FOR;
        let known = row.known || fault.is_certain() || another || lasting;
        // What is certain is told before what is not.
        let says_more = !row.known || fault.is_certain() && row.kind != fault.key();
        if known && says_more {
            Entity::update_many()
                .col_expr(Column::Kind, Expr::val(fault.key()))
                .col_expr(Column::Details, Expr::val(details))
                .col_expr(Column::Known, Expr::val(true))
                .col_expr(Column::NextTryAt, Expr::val(now.plus(TRY_EVERY).as_millis()))
                .filter(Column::Id.eq(ROW))
                .exec(&transaction.inner)
                .await?;
        }
        let begins = known && (inserted > 0 || !row.known);
        if begins || known && says_more {
            let text = format!("{}. {}", fault.title(), fault.advice());
            let cause = Cause::AppFault { fault: fault.key().to_owned(), text };
            let since = Timestamp::from_millis(row.since);
            transaction.note(Subject::App, &Standing::Trouble { cause, since }).await?;
            transaction.touch_platform();
        }
        transaction.commit().await?;
        if begins {
            tracing::error!(fault = fault.key(), details, "Microsoft refuses the app registration");
        }
        Ok(known)
    }

    /// Microsoft accepted us. What waited is due, and nothing holds it any more. **A fault ends here**, in one
    /// transaction.
    pub async fn platform_fault_over(&self) -> Result<(), StoreError> {
        // As a rule there is none, and nothing has to be written to know that.
        if Entity::find_by_id(ROW).one(&self.reader).await?.is_none() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        let row = Entity::find_by_id(ROW).lock_exclusive().one(&transaction.inner).await?;
        Entity::delete_by_id(ROW).exec(&transaction.inner).await?;
        let ends = row.is_some_and(|row| row.known);
        if ends {
            transaction.note(Subject::App, &Standing::Fine).await?;
            transaction.touch_platform();
        }
        transaction.commit().await?;
        if ends {
            tracing::info!("Microsoft accepts the app registration");
        }
        Ok(())
    }

    /// Whether a fault holds back who looks for work.
    pub(super) async fn platform_hold(&self) -> Result<Hold, StoreError> {
        Ok(match Entity::find_by_id(ROW).one(&self.reader).await? {
            Some(row) if row.known => Hold::Held { until: Timestamp::from_millis(row.next_try_at) },
            row => Hold::Go { suspected: row.is_some() },
        })
    }

    /// Takes the right to read one company in spite of the fault, if it is time. Of several one gets it.
    pub(super) async fn take_platform_try(&self, now: Timestamp) -> Result<bool, StoreError> {
        let taken = Entity::update_many()
            .col_expr(Column::NextTryAt, Expr::val(now.plus(TRY_EVERY).as_millis()))
            .filter(Column::Id.eq(ROW))
            .filter(Column::NextTryAt.lte(now.as_millis()))
            .exec(&self.writer)
            .await?;
        Ok(taken.rows_affected == 1)
    }
}

impl Transaction {
    /// Somebody wants to know at once whether the fault is over.
    pub(super) async fn try_platform_now(&self) -> Result<(), StoreError> {
        Entity::update_many().col_expr(Column::NextTryAt, Expr::val(self.now.as_millis())).exec(&self.inner).await?;
        Ok(())
    }
}

fn seen(row: &Model) -> Result<SeenFault, StoreError> {
    let fault = PlatformFault::from_key(&row.kind)
        .ok_or_else(|| StoreError::Unexpected(format!("the platform fault {}", row.kind)))?;
    Ok(SeenFault { fault, since: Timestamp::from_millis(row.since), details: row.details.clone() })
}
