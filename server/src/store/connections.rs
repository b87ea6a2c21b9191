//! Connections: the tie between a company and a tenant, and when its tenant is read.

use std::{collections::BTreeSet, time::Duration};

use app::domain::{
    Access, ActivityKind, AttemptFailure, AttemptId, CompanyId, ConnectionId, LinkId, PermissionSet, Phase,
    ReconnectReason, TenantId, Timestamp,
    connection::{ConnectionFacts, Organisation, TenantClaim, may_tie},
};
use sea_orm::{
    ActiveValue::Set,
    Condition, DbBackend, ExprTrait as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    prelude::*,
    sea_query::{Expr, Func, LockBehavior, LockType},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    activity::Actor,
    attempts,
    entity::{
        company,
        connection::{ActiveModel, Column, Entity, Model},
        former_grant,
    },
    platform::Hold,
    to_i32, to_u32,
};
use crate::clock::Mint as _;

const VERIFYING: &str = "verifying";
pub(super) const ACTIVE: &str = "active";
const NEEDS_RECONNECT: &str = "needs_reconnect";

/// The stable names of all phases.
pub(super) const PHASES: [&str; 3] = [VERIFYING, ACTIVE, NEEDS_RECONNECT];

/// What an administrator has granted and proved, to be stored as a connection.
#[derive(Debug)]
pub struct Grant {
    /// The attempt that brought it, claimed by the caller.
    pub attempt: AttemptId,
    /// The company to connect.
    pub company: CompanyId,
    /// The tenant that the ID token proves.
    pub tenant: Organisation,
    /// Its default domain.
    pub default_domain: Option<String>,
    /// The tenant that the company's domain resolves to, if it has one.
    pub resolved: Option<Organisation>,
    /// The access that was granted.
    pub access: Access,
    /// Who granted it, as their organisation calls them.
    pub connected_by: String,
    /// The link that the attempt began with.
    pub link: Option<LinkId>,
    /// When the attempt began.
    pub begun: Timestamp,
}

/// What became of a grant.
#[derive(Debug, PartialEq, Eq)]
pub enum Tied {
    /// It is stored.
    Connected,
    /// A tenant rule is broken. Nothing is stored.
    Refused(AttemptFailure),
    /// The attempt ended meanwhile, or the link that it began with. Nothing is stored.
    AttemptEnded,
}

/// A connection as the worker needs it.
#[derive(Debug)]
pub struct Connection {
    /// Which one.
    pub id: ConnectionId,
    /// Its company.
    pub company: CompanyId,
    /// Its tenant.
    pub tenant: TenantId,
    /// How it is read.
    pub access: Access,
    /// The refresh token, sealed for the connection's id. Delegated access only.
    pub sealed_refresh_token: Option<Vec<u8>>,
    /// Where it stands.
    pub phase: Phase,
    /// When it was connected, or last renewed.
    pub connected_at: Timestamp,
    /// Since when this round was due.
    pub due: Timestamp,
    /// How many rounds in a row failed.
    pub tries: u32,
    /// When the round began that this goes on with, or begins.
    pub round: Timestamp,
    /// Whether somebody asked for it, and wants to know how things are now.
    pub asked_for: bool,
    /// When everything is read again, if this round is but a probe whether the grant still holds.
    pub probe_until: Option<Timestamp>,
    /// The permissions that were asked for when it was connected.
    pub permission_set: PermissionSet,
    /// Whether a token that Microsoft gives now ends a fault of our app registration.
    pub ends_fault: bool,
    /// Proves that the worker still holds it.
    pub lease: Lease,
}

/// The right to write what a round found. Whoever's lease was taken over writes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease(Uuid);

/// What is stored of a round that ended.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Where the connection stands now.
    pub phase: Phase,
    /// When it is read next.
    pub due: Timestamp,
    /// When everything is read again, if `due` is but a probe's time.
    pub full_due: Option<Timestamp>,
    /// Whether the next round begins anew.
    pub complete: bool,
    /// Whether people can look at what there is: no data set is being read for the first time.
    pub readable: bool,
    /// How many rounds in a row failed.
    pub tries: u32,
    /// The permissions in force, if they were seen.
    pub granted: Option<BTreeSet<String>>,
}

pub(super) fn facts(model: &Model) -> Result<ConnectionFacts, StoreError> {
    Ok(ConnectionFacts { phase: phase(model)?, phase_since: Timestamp::from_millis(model.phase_since) })
}

fn organisation(model: &Model) -> Organisation {
    Organisation { tenant: TenantId::from_uuid(model.tenant_id), name: model.tenant_name.clone() }
}

fn phase(model: &Model) -> Result<Phase, StoreError> {
    let reason = || model.reason.as_deref().and_then(ReconnectReason::from_key);
    match model.phase.as_str() {
        VERIFYING => Some(Phase::Verifying),
        ACTIVE => Some(Phase::Active),
        NEEDS_RECONNECT => reason().map(Phase::NeedsReconnect),
        _ => None,
    }
    .ok_or_else(|| StoreError::Unexpected(format!("connection {}", model.id)))
}

const fn phase_keys(phase: Phase) -> (&'static str, Option<&'static str>) {
    match phase {
        Phase::Verifying => (VERIFYING, None),
        Phase::Active => (ACTIVE, None),
        Phase::NeedsReconnect(reason) => (NEEDS_RECONNECT, Some(reason.key())),
    }
}

impl Store {
    /// The tenant of the company's connection.
    pub async fn connected_tenant(&self, company: CompanyId) -> Result<Option<(Organisation, Phase)>, StoreError> {
        let found = Entity::find().filter(Column::CompanyId.eq(company.uuid())).one(&self.writer).await?;
        found.map(|model| Ok((organisation(&model), phase(&model)?))).transpose()
    }

    /// Some tenants that are connected with application access.
    pub async fn tenants_with_application_access(&self, limit: u64) -> Result<Vec<TenantId>, StoreError> {
        let tenants: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::TenantId)
            .filter(Column::Access.eq(Access::Application.key()))
            .filter(Column::Phase.eq(ACTIVE))
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }

    /// Ties company and tenant, ends the attempt with success and the company's other attempts with it, uses its link
    /// up, and makes the first round due: all of it, or nothing.
    ///
    /// `seal` seals the refresh token for the connection's id.
    pub async fn tie(
        &self,
        grant: &Grant,
        seal: impl Fn(ConnectionId) -> Option<Vec<u8>> + Send + Sync,
    ) -> Result<Tied, StoreError> {
        if let Some(tied) = self.try_tie(grant, &seal).await? {
            return Ok(tied);
        }
        // The tenant was tied to another company while we looked. Now it can be seen, and the rules name it.
        let raced = || StoreError::Unexpected(format!("tenant {} was tied and untied meanwhile", grant.tenant.tenant));
        self.try_tie(grant, &seal).await?.ok_or_else(raced)
    }

    /// None if a unique column says that the state read at the beginning is not the state any more.
    async fn try_tie(
        &self,
        grant: &Grant,
        seal: &(impl Fn(ConnectionId) -> Option<Vec<u8>> + Send + Sync),
    ) -> Result<Option<Tied>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = transaction.now;
        transaction.lock_connection_of(grant.company).await?;
        let mut company = company::Entity::find_by_id(grant.company.uuid());
        if self.engine() == DbBackend::Postgres {
            // Attempts of one company settle one after the other.
            company = company.lock_exclusive();
        }
        let is_in_use = company.one(&transaction.inner).await?.is_some_and(|company| company.archived_at.is_none());
        let is_allowed = match grant.link {
            Some(link) => transaction.link_may_finish(link, grant.begun).await?,
            None => transaction.may_still_connect(grant.attempt).await?,
        };
        if !is_in_use || !is_allowed {
            attempts::give_up(&transaction, grant.attempt).await?;
            transaction.touch(grant.company).await?;
            transaction.commit().await?;
            return Ok(Some(Tied::AttemptEnded));
        }
        let existing =
            Entity::find().filter(Column::CompanyId.eq(grant.company.uuid())).one(&transaction.inner).await?;
        let holder = Entity::find()
            .filter(Column::TenantId.eq(grant.tenant.tenant.uuid()))
            .find_also_related(company::Entity)
            .one(&transaction.inner)
            .await?;
        let present = existing.as_ref().map(organisation);
        let claim = TenantClaim {
            company: grant.company,
            signed_in: &grant.tenant,
            expected: present.as_ref().or(grant.resolved.as_ref()),
            holder: holder.as_ref().map(|(model, company)| {
                let name = company.as_ref().map_or("another company", |company| company.name.as_str());
                (CompanyId::from_uuid(model.company_id), name)
            }),
        };
        if let Err(failure) = may_tie(&claim) {
            return Ok(Some(Tied::Refused(failure)));
        }
        let Some(by) = attempts::succeed(&transaction, grant.attempt, grant.company).await? else {
            return Ok(Some(Tied::AttemptEnded));
        };
        let id = existing.as_ref().map_or_else(|| ConnectionId::mint(now), |model| ConnectionId::from_uuid(model.id));
        let changes = ActiveModel {
            tenant_name: Set(grant.tenant.name.clone()),
            known_name: Set(Some(grant.tenant.name.clone())),
            default_domain: Set(grant.default_domain.clone()),
            access: Set(grant.access.key().to_owned()),
            sealed_refresh_token: Set(seal(id)),
            phase: Set(VERIFYING.to_owned()),
            reason: Set(None),
            phase_since: Set(now.as_millis()),
            connected_by: Set(grant.connected_by.clone()),
            connected_at: Set(now.as_millis()),
            due_at: Set(now.as_millis()),
            full_due_at: Set(None),
            round_at: Set(None),
            permission_set: Set(to_i32(PermissionSet::CURRENT.number())),
            // Whoever reads the tenant now does so with the old grant.
            lease: Set(None),
            lease_until: Set(None),
            tries: Set(0),
            ..Default::default()
        };
        if let Some(existing) = &existing {
            transaction.keep_former_grant(existing, grant.attempt).await?;
            Entity::update_many().set(changes).filter(Column::Id.eq(id.uuid())).exec(&transaction.inner).await?;
        } else {
            let new = ActiveModel {
                id: Set(id.uuid()),
                company_id: Set(grant.company.uuid()),
                tenant_id: Set(grant.tenant.tenant.uuid()),
                granted: Set(String::new()),
                ..changes
            };
            if let Err(error) = Entity::insert(new).exec_without_returning(&transaction.inner).await {
                return match error.sql_err() {
                    Some(SqlErr::UniqueConstraintViolation(_)) => Ok(None),
                    _ => Err(error.into()),
                };
            }
        }
        transaction.end_disconnection(grant.company, grant.tenant.tenant).await?;
        let kind = if existing.is_some() { ActivityKind::Reconnected } else { ActivityKind::Connected };
        let text = format!("Tenant {}, by {}", grant.tenant.name, grant.connected_by);
        transaction.record(&by, kind, Some(grant.company), text).await?;
        if existing.is_none() && grant.link.is_some() {
            transaction.note_tied(grant.company).await?;
        }
        transaction.use_up_link(grant.company, grant.link, grant.attempt, &grant.connected_by).await?;
        transaction.touch(grant.company).await?;
        transaction.commit().await?;
        Ok(Some(Tied::Connected))
    }

    /// Makes the company's next round due now. False if it is not connected.
    pub async fn make_due(&self, company: CompanyId, by: &Actor) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let updated = Entity::update_many()
            .set(ActiveModel { asked_for: Set(true), ..due(transaction.now) })
            .filter(Column::CompanyId.eq(company.uuid()))
            .filter(of_company_in_use())
            .exec(&transaction.inner)
            .await?;
        if updated.rows_affected == 1 {
            transaction.record(by, ActivityKind::SyncStarted, Some(company), "").await?;
            transaction.try_platform_now().await?;
        }
        transaction.commit().await?;
        Ok(updated.rows_affected == 1)
    }

    /// Makes every connected company's next round due now. Answers how many there are.
    pub async fn make_all_due(&self, by: &Actor) -> Result<u64, StoreError> {
        let transaction = self.begin().await?;
        let updated = Entity::update_many()
            .set(due(transaction.now))
            .filter(of_company_in_use())
            .exec(&transaction.inner)
            .await?;
        if updated.rows_affected > 0 {
            transaction.record(by, ActivityKind::SyncStarted, None, "All companies").await?;
            transaction.try_platform_now().await?;
        }
        transaction.commit().await?;
        Ok(updated.rows_affected)
    }

    /// Makes the next round of these companies due now, as far as they are connected. Answers how many are.
    pub async fn make_many_due(&self, companies: &[CompanyId], by: &Actor) -> Result<u64, StoreError> {
        let transaction = self.begin().await?;
        let mut made_due = 0;
        for part in companies.chunks(ROWS_A_STATEMENT) {
            let updated = Entity::update_many()
                .set(ActiveModel { asked_for: Set(true), ..due(transaction.now) })
                .filter(Column::CompanyId.is_in(part.iter().map(|company| company.uuid())))
                .filter(of_company_in_use())
                .exec(&transaction.inner)
                .await?;
            made_due += updated.rows_affected;
        }
        if made_due > 0 {
            let text = if made_due == 1 { "1 company".to_owned() } else { format!("{made_due} companies") };
            transaction.record(by, ActivityKind::SyncStarted, None, text).await?;
            transaction.try_platform_now().await?;
        }
        transaction.commit().await?;
        Ok(made_due)
    }

    /// Gives leases back before they end: the rounds can go on elsewhere at once.
    pub async fn hand_back(&self, leases: impl IntoIterator<Item = Lease> + Send) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Lease, Expr::val(None::<Uuid>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
            .filter(Column::Lease.is_in(leases.into_iter().map(|lease| lease.0)))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Takes up to `limit` connections that are due, the longest waiting first, for as long as `lease`.
    pub async fn claim_due(&self, limit: u64, lease: Duration) -> Result<Vec<Connection>, StoreError> {
        let now = self.clock.now();
        let hold = self.platform_hold().await?;
        let (limit, is_try) = match hold {
            Hold::Held { until } if now < until => return Ok(Vec::new()),
            Hold::Held { .. } => (1, true),
            Hold::Go { .. } => (limit, false),
        };
        let due = of_company_in_use()
            .add(Column::DueAt.lte(now.as_millis()))
            .add(Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(now.as_millis())));
        let mut waiting =
            Entity::find().select_only().column(Column::Id).filter(due).order_by_asc(Column::DueAt).limit(limit);
        // Neither SQLite's write lock nor the one try in a minute is taken to find nothing.
        let look_first = is_try || self.engine() == DbBackend::Sqlite;
        if look_first && waiting.clone().into_tuple::<Uuid>().one(&self.reader).await?.is_none() {
            return Ok(Vec::new());
        }
        if is_try && !self.take_platform_try(now).await? {
            return Ok(Vec::new());
        }
        if self.engine() == DbBackend::Postgres {
            waiting = waiting.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let token = Uuid::new_v4();
        let claimed = Entity::update_many()
            .col_expr(Column::Lease, Expr::val(token))
            .col_expr(Column::LeaseUntil, Expr::val(now.plus(lease).as_millis()))
            .col_expr(Column::RoundAt, Func::coalesce([Expr::col(Column::RoundAt), Expr::val(now.as_millis())]).into())
            .filter(Column::Id.in_subquery(waiting.into_query()))
            .exec_with_returning(&self.writer)
            .await?;
        claimed
            .into_iter()
            .map(|model| {
                let unexpected = || StoreError::Unexpected(format!("connection {}", model.id));
                Ok(Connection {
                    phase: phase(&model)?,
                    access: Access::from_key(&model.access).ok_or_else(unexpected)?,
                    id: ConnectionId::from_uuid(model.id),
                    company: CompanyId::from_uuid(model.company_id),
                    tenant: TenantId::from_uuid(model.tenant_id),
                    sealed_refresh_token: model.sealed_refresh_token,
                    connected_at: Timestamp::from_millis(model.connected_at),
                    due: Timestamp::from_millis(model.due_at),
                    tries: u32::try_from(model.tries).unwrap_or(0),
                    asked_for: model.asked_for,
                    probe_until: model.full_due_at.map(Timestamp::from_millis).filter(|full| *full > now),
                    permission_set: PermissionSet::from_number(to_u32(model.permission_set)),
                    ends_fault: hold != Hold::Go { suspected: false },
                    round: model.round_at.map_or(now, Timestamp::from_millis),
                    lease: Lease(token),
                })
            })
            .collect()
    }

    /// The grant was seen in effect: the connection is verified, and its first round goes on.
    pub async fn verified(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut transaction = self.begin_as_worker().await?;
        let verified = Entity::update_many()
            .col_expr(Column::Phase, Expr::val(ACTIVE))
            .col_expr(Column::PhaseSince, Expr::val(transaction.now.as_millis()))
            .filter(held(connection))
            .exec(&transaction.inner)
            .await?;
        if verified.rows_affected == 0 {
            return Err(StoreError::TakenOver);
        }
        transaction.forget_former_grant(connection.id).await?;
        transaction.touch(connection.company).await?;
        transaction.note_verified(connection.company).await?;
        transaction.commit().await
    }

    /// Stores a new refresh token.
    pub async fn keep_refresh_token(&self, connection: &Connection, sealed: Vec<u8>) -> Result<(), StoreError> {
        let kept = Entity::update_many()
            .col_expr(Column::SealedRefreshToken, Expr::val(sealed))
            .filter(held(connection))
            .exec(&self.writer)
            .await?;
        if kept.rows_affected == 1 { Ok(()) } else { Err(StoreError::TakenOver) }
    }

    /// Whether there is a grant from before the last reconnect, which is not verified yet.
    pub async fn is_renewal(&self, connection: &Connection) -> Result<bool, StoreError> {
        let former = former_grant::Entity::find_by_id(connection.id.uuid()).one(&self.reader).await?;
        Ok(former.is_some())
    }

    /// Ends a round. A reconnect that turns out not to work leaves the connection as it was before it.
    pub async fn settle_round(&self, connection: &Connection, settled: &Settled) -> Result<(), StoreError> {
        let mut transaction = self.begin_as_worker().await?;
        let now = transaction.now;
        if let (Phase::Verifying, Phase::NeedsReconnect(reason)) = (connection.phase, settled.phase)
            && transaction.restore_former_grant(connection, reason, settled.due).await?
        {
            transaction.touch(connection.company).await?;
            transaction.note_company(connection.company).await?;
            return transaction.commit().await;
        }
        let (phase, reason) = phase_keys(settled.phase);
        let mut changes = ActiveModel {
            phase: Set(phase.to_owned()),
            reason: Set(reason.map(str::to_owned)),
            tries: Set(i32::try_from(settled.tries).unwrap_or(i32::MAX)),
            lease: Set(None),
            lease_until: Set(None),
            ..Default::default()
        };
        let before = Entity::find_by_id(connection.id.uuid()).one(&transaction.inner).await?;
        if before.is_some_and(|before| before.phase != phase || before.reason.as_deref() != reason) {
            changes.phase_since = Set(now.as_millis());
        }
        if let Some(granted) = &settled.granted {
            changes.granted = Set(granted.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
        }
        if settled.complete {
            changes.round_at = Set(None);
        }
        if connection.phase == Phase::Verifying && settled.phase != Phase::Verifying {
            transaction.forget_former_grant(connection.id).await?;
        }
        if connection.phase == Phase::Verifying && settled.phase == Phase::Active {
            // Also where the organisation is what could not be read.
            transaction.note_verified(connection.company).await?;
        }
        if settled.readable {
            changes.last_round_at = Set(Some(now.as_millis()));
        }
        let updated = Entity::update_many()
            .set(changes)
            // A Sync now that came during the round stays due: it wants what is there after it.
            .col_expr(
                Column::DueAt,
                Expr::case(Expr::col(Column::DueAt).gt(connection.due.as_millis()), Expr::col(Column::DueAt))
                    .finally(settled.due.as_millis())
                    .into(),
            )
            .col_expr(
                Column::FullDueAt,
                Expr::case(Expr::col(Column::DueAt).gt(connection.due.as_millis()), Expr::col(Column::FullDueAt))
                    .finally(settled.full_due.map(Timestamp::as_millis))
                    .into(),
            )
            .col_expr(
                Column::AskedFor,
                Expr::case(Expr::col(Column::DueAt).gt(connection.due.as_millis()), Expr::col(Column::AskedFor))
                    .finally(false)
                    .into(),
            )
            .filter(held(connection))
            .exec(&transaction.inner)
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::TakenOver);
        }
        transaction.touch(connection.company).await?;
        transaction.note_company(connection.company).await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// Keeps what a connection goes back to if the new grant does not work. One that was never verified is not kept,
    /// and one that is kept already stays.
    async fn keep_former_grant(&self, before: &Model, attempt: AttemptId) -> Result<(), StoreError> {
        use former_grant::{ActiveModel, Column, Entity};

        if before.phase == VERIFYING {
            Entity::update_many()
                .col_expr(Column::AttemptId, Expr::val(attempt.uuid()))
                .filter(Column::ConnectionId.eq(before.id))
                .exec(&self.inner)
                .await?;
            return Ok(());
        }
        let former = ActiveModel {
            connection_id: Set(before.id),
            attempt_id: Set(attempt.uuid()),
            access: Set(before.access.clone()),
            sealed_refresh_token: Set(before.sealed_refresh_token.clone()),
            phase: Set(before.phase.clone()),
            reason: Set(before.reason.clone()),
            phase_since: Set(before.phase_since),
            connected_by: Set(before.connected_by.clone()),
            connected_at: Set(before.connected_at),
            permission_set: Set(before.permission_set),
        };
        Entity::insert(former).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    async fn forget_former_grant(&self, connection: ConnectionId) -> Result<(), StoreError> {
        former_grant::Entity::delete_by_id(connection.uuid()).exec(&self.inner).await?;
        Ok(())
    }

    /// Goes back to the grant from before the reconnect, and says why at the attempt that brought the new one. False if
    /// there is none.
    async fn restore_former_grant(
        &self,
        connection: &Connection,
        reason: ReconnectReason,
        later: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = connection.id.uuid();
        let Some(former) = former_grant::Entity::find_by_id(id).one(&self.inner).await? else { return Ok(false) };
        // One that was in use is read with at once. It may be gone too: then that is found out.
        let due = if former.phase == ACTIVE { self.now } else { later };
        let changes = ActiveModel {
            access: Set(former.access),
            sealed_refresh_token: Set(former.sealed_refresh_token),
            phase: Set(former.phase),
            reason: Set(former.reason),
            phase_since: Set(former.phase_since),
            connected_by: Set(former.connected_by),
            connected_at: Set(former.connected_at),
            permission_set: Set(former.permission_set),
            due_at: Set(due.as_millis()),
            full_due_at: Set(None),
            round_at: Set(None),
            asked_for: Set(false),
            tries: Set(0),
            lease: Set(None),
            lease_until: Set(None),
            ..Default::default()
        };
        let restored = Entity::update_many().set(changes).filter(held(connection)).exec(&self.inner).await?;
        if restored.rows_affected == 0 {
            return Err(StoreError::TakenOver);
        }
        self.forget_former_grant(connection.id).await?;
        let failure = AttemptFailure::GrantRefused { reason };
        attempts::fail_late(self, AttemptId::from_uuid(former.attempt_id), &failure).await?;
        Ok(true)
    }

    /// Locks the company's connection, if there is one. Who locks both takes it before the company, as workers do: two who
    /// take them in different orders would wait for each other.
    pub(super) async fn lock_connection_of(&self, company: CompanyId) -> Result<(), StoreError> {
        if self.inner.get_database_backend() == DbBackend::Postgres {
            Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(Column::CompanyId.eq(company.uuid()))
                .lock_exclusive()
                .into_tuple::<Uuid>()
                .one(&self.inner)
                .await?;
        }
        Ok(())
    }

    /// Whoever reads the company's tenant now writes nothing any more.
    pub(super) async fn end_lease(&self, company: CompanyId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Lease, Expr::val(None::<Uuid>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
            .filter(Column::CompanyId.eq(company.uuid()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}

/// Connections of companies that are not put away. Those that are, are few.
pub(super) fn of_company_in_use() -> Condition {
    let archived = company::Entity::find()
        .select_only()
        .column(company::Column::Id)
        .filter(company::Column::ArchivedAt.is_not_null())
        .into_query();
    Condition::all().add(Column::CompanyId.not_in_subquery(archived))
}

/// A new round is due, whatever is left of the one before.
fn due(now: Timestamp) -> ActiveModel {
    ActiveModel { due_at: Set(now.as_millis()), full_due_at: Set(None), round_at: Set(None), ..Default::default() }
}

/// The connection, as long as the worker's lease on it holds.
pub(super) fn held(connection: &Connection) -> Condition {
    Condition::all().add(Column::Id.eq(connection.id.uuid())).add(Column::Lease.eq(connection.lease.0))
}
