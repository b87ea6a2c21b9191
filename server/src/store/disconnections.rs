//! The end of connections: what is forgotten, what is kept, and whether the access is gone. Whatever changes a company's
//! locks the company first, and its connection before that.

use std::{collections::HashMap, time::Duration};

use app::domain::{
    Access, ActivityKind, CompanyId, Figures, LinkEnd, Sight, TenantId, Timestamp, disconnection::next_check,
};
use sea_orm::{
    ActiveValue::Set, Condition, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, prelude::*, sea_query::Expr,
};

use super::{
    Store, StoreError, Transaction,
    activity::Actor,
    attempts,
    companies::figures_of,
    entity::{
        company, connection, dataset_state,
        disconnection::{ActiveModel, Column, Entity, Model},
        m365_domain, m365_licence, m365_user, secure_score, secure_score_control,
    },
    tenant_data::LEASE,
};

/// How long somebody may look at one tenant before somebody else does.
const LOOKING: Duration = Duration::from_mins(1);

/// A company that was disconnected, and not connected again since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnection {
    /// The tenant that it was connected to.
    pub tenant: TenantId,
    /// What the tenant calls itself.
    pub organisation: String,
    /// When it was disconnected.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Whether what was read until then is still there.
    pub data_kept: bool,
    /// When it was last looked whether the access is gone.
    pub checked_at: Option<Timestamp>,
    /// What was seen then.
    pub sight: Option<Sight>,
    /// When it was first seen gone.
    pub gone_at: Option<Timestamp>,
    /// When it is looked again. None: not by itself.
    pub next_check: Option<Timestamp>,
    /// The company that is connected to the tenant now.
    pub holder: Option<String>,
}

/// A connection that can be ended.
#[derive(Clone, Debug)]
pub struct Tie {
    /// Which tenant.
    pub tenant: TenantId,
    /// What the tenant calls itself.
    pub organisation: String,
    /// Who granted it, as their organisation calls them.
    pub connected_by: String,
    /// When.
    pub connected_at: Timestamp,
}

/// A look at a tenant that one server takes.
#[derive(Clone, Debug)]
pub struct Look {
    /// The company that was connected to it.
    pub company: CompanyId,
    /// The tenant.
    pub tenant: TenantId,
    /// How it was read.
    pub access: Access,
    /// When it was disconnected.
    at: Timestamp,
}

/// What a row shows of data that were kept.
pub(super) struct Kept {
    pub figures: Figures,
    pub synced_at: Option<i64>,
}

fn access(key: &str, company: Uuid) -> Result<Access, StoreError> {
    Access::from_key(key).ok_or_else(|| StoreError::Unexpected(format!("the access of company {company}")))
}

impl Look {
    fn of(model: &Model) -> Result<Self, StoreError> {
        Ok(Self {
            company: CompanyId::from_uuid(model.company_id),
            tenant: TenantId::from_uuid(model.tenant_id),
            access: access(&model.access, model.company_id)?,
            at: Timestamp::from_millis(model.at),
        })
    }
}

impl Store {
    /// What connects a company, if anything does.
    pub async fn tie_of(&self, company: CompanyId) -> Result<Option<Tie>, StoreError> {
        let found = connection::Entity::find()
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .one(&self.writer)
            .await?;
        Ok(found.map(|model| Tie {
            tenant: TenantId::from_uuid(model.tenant_id),
            organisation: model.tenant_name,
            connected_by: model.connected_by,
            connected_at: Timestamp::from_millis(model.connected_at),
        }))
    }

    /// How the company's last connection ended, if it is not connected since.
    pub async fn disconnection(&self, company: CompanyId) -> Result<Option<Disconnection>, StoreError> {
        let Some(model) = Entity::find_by_id(company.uuid()).one(&self.writer).await? else { return Ok(None) };
        let holder = connection::Entity::find()
            .filter(connection::Column::TenantId.eq(model.tenant_id))
            .find_also_related(company::Entity)
            .one(&self.writer)
            .await?;
        let time = Timestamp::from_millis;
        Ok(Some(Disconnection {
            tenant: TenantId::from_uuid(model.tenant_id),
            organisation: model.tenant_name,
            at: time(model.at),
            by: model.ended_by,
            data_kept: model.data_kept,
            checked_at: model.checked_at.map(time),
            sight: model.sight.as_deref().and_then(Sight::from_key),
            gone_at: model.gone_at.map(time),
            next_check: model.check_at.map(time),
            holder: holder.and_then(|(_, company)| company).map(|company| company.name),
        }))
    }

    /// Forgets the company's grant, and ends everything that could bring it back: attempts, links, the round that is
    /// under way. Of a company that is not connected any more, what was kept can be deleted. Answers the tenant, if the
    /// company was connected.
    pub async fn disconnect(
        &self,
        company: CompanyId,
        keep_data: bool,
        by: &Actor,
    ) -> Result<Option<TenantId>, StoreError> {
        // Whoever reads the tenant now writes nothing more, and so holds no lock that what follows would wait for.
        connection::Entity::update_many()
            .col_expr(connection::Column::Lease, Expr::val(Uuid::new_v4()))
            .col_expr(connection::Column::LeaseUntil, Expr::val(self.clock.now().plus(LEASE).as_millis()))
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .exec(&self.writer)
            .await?;
        let mut transaction = self.begin().await?;
        transaction.lock_connection_of(company).await?;
        transaction.touch(company).await?;
        let found = connection::Entity::find()
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .one(&transaction.inner)
            .await?;
        let Some(found) = found else {
            if !keep_data {
                transaction.delete_kept_data(company, by).await?;
            }
            transaction.commit().await?;
            return Ok(None);
        };
        let tenant = TenantId::from_uuid(found.tenant_id);
        connection::Entity::delete_by_id(found.id).exec(&transaction.inner).await?;
        attempts::cancel_all(&transaction, company).await?;
        if transaction.end_live_link(company, LinkEnd::Withdrawn).await? {
            let text = "The company was disconnected";
            transaction.record(by, ActivityKind::LinkWithdrawn, Some(company), text).await?;
        }
        transaction.link_is_no_longer_requested(company).await?;
        if keep_data {
            transaction.stop_reading(company).await?;
        } else {
            transaction.delete_data(company).await?;
        }
        let what_of_data = if keep_data { "data kept" } else { "data deleted" };
        let text = format!("Tenant {}, {what_of_data}", found.tenant_name);
        let now = transaction.now.as_millis();
        let row = ended(found, now, by.name(), keep_data);
        Entity::delete_by_id(company.uuid()).exec(&transaction.inner).await?;
        Entity::insert(row.into_active_model()).exec_without_returning(&transaction.inner).await?;
        transaction.record(by, ActivityKind::Disconnected, Some(company), text).await?;
        transaction.note_company(company).await?;
        transaction.commit().await?;
        Ok(Some(tenant))
    }

    /// What the rows of companies show of data that were kept.
    pub(super) async fn kept_data(&self, few: Option<&[Uuid]>) -> Result<HashMap<Uuid, Kept>, StoreError> {
        let found = Entity::find()
            .filter(Column::DataKept.eq(true))
            .filter(Condition::all().add_option(few.map(|ids| Column::CompanyId.is_in(ids.iter().copied()))))
            .all(&self.reader)
            .await?;
        let kept = |model: &Model| Kept {
            figures: figures_of(
                model.users,
                model.licences_used.zip(model.licences_assignable),
                model.score_current.zip(model.score_max),
            ),
            synced_at: model.synced_at,
        };
        Ok(found.iter().map(|model| (model.company_id, kept(model))).collect())
    }

    /// Takes up to `limit` looks that are due.
    pub async fn due_looks(&self, limit: u64) -> Result<Vec<Look>, StoreError> {
        let due = || Condition::all().add(Column::CheckAt.lte(self.clock.now().as_millis()));
        // Looked for without the write lock: as a rule there is nothing.
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::CompanyId)
            .filter(due())
            .order_by_asc(Column::CheckAt)
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        let mut looks = Vec::with_capacity(found.len());
        for company in found {
            looks.extend(self.take_look(due().add(Column::CompanyId.eq(company))).await?);
        }
        Ok(looks)
    }

    /// Takes a look that a person asks for. None: there is nothing to look at, or somebody is looking.
    pub async fn look(&self, company: CompanyId) -> Result<Option<Look>, StoreError> {
        self.take_look(Condition::all().add(Column::CompanyId.eq(company.uuid()))).await
    }

    async fn take_look(&self, which: Condition) -> Result<Option<Look>, StoreError> {
        let now = self.clock.now();
        let free = Condition::any().add(Column::BusyUntil.is_null()).add(Column::BusyUntil.lte(now.as_millis()));
        let taken = Entity::update_many()
            .col_expr(Column::BusyUntil, Expr::val(now.plus(LOOKING).as_millis()))
            .filter(which.add(free))
            .exec_with_returning(&self.writer)
            .await?;
        taken.first().map(Look::of).transpose()
    }

    /// Stores what a look showed, unless the tenant was connected or disconnected again meanwhile.
    pub async fn put_sight(&self, look: &Look, sight: Sight) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let now = transaction.now;
        transaction.touch(look.company).await?;
        let before = Entity::find_by_id(look.company.uuid()).one(&transaction.inner).await?;
        let Some(before) = before.filter(|before| before.at == look.at.as_millis()) else { return Ok(()) };
        let first_gone = sight == Sight::Gone && before.gone_at.is_none();
        let gone_at = match sight {
            Sight::Gone => before.gone_at.or_else(|| Some(now.as_millis())),
            Sight::Present => None,
            Sight::Unclear => before.gone_at,
        };
        // Where another company is connected, access is what there should be.
        let held = connection::Entity::find().filter(connection::Column::TenantId.eq(before.tenant_id));
        let is_over = gone_at.is_some() || held.one(&transaction.inner).await?.is_some();
        let next = if is_over { None } else { next_check(look.at, now) };
        Entity::update_many()
            .set(ActiveModel {
                checked_at: Set(Some(now.as_millis())),
                sight: Set(Some(sight.key().to_owned())),
                gone_at: Set(gone_at),
                check_at: Set(next.map(Timestamp::as_millis)),
                busy_until: Set(None),
                ..Default::default()
            })
            .filter(Column::CompanyId.eq(look.company.uuid()))
            .exec(&transaction.inner)
            .await?;
        if first_gone {
            let text = format!("Tenant {}", before.tenant_name);
            transaction.record(&Actor::itself(), ActivityKind::AccessGone, Some(look.company), text).await?;
        }
        transaction.commit().await
    }
}

/// What is left of a connection.
fn ended(connection: connection::Model, at: i64, by: &str, data_kept: bool) -> Model {
    Model {
        company_id: connection.company_id,
        tenant_id: connection.tenant_id,
        tenant_name: connection.tenant_name,
        access: connection.access,
        at,
        ended_by: by.to_owned(),
        data_kept,
        checked_at: None,
        sight: None,
        gone_at: None,
        check_at: Some(at),
        busy_until: None,
        synced_at: connection.synced_at.filter(|_| data_kept),
        users: connection.users.filter(|_| data_kept),
        licences_used: connection.licences_used.filter(|_| data_kept),
        licences_assignable: connection.licences_assignable.filter(|_| data_kept),
        score_current: connection.score_current.filter(|_| data_kept),
        score_max: connection.score_max.filter(|_| data_kept),
    }
}

impl Transaction {
    /// The company was just tied to this tenant. What was kept of another tenant does not mix with what is read of this
    /// one; and that there is access to this one is nobody's news any more.
    pub(super) async fn end_disconnection(&self, company: CompanyId, tenant: TenantId) -> Result<(), StoreError> {
        if let Some(before) = Entity::find_by_id(company.uuid()).one(&self.inner).await? {
            if before.tenant_id == tenant.uuid() {
                let figures = connection::ActiveModel {
                    synced_at: Set(before.synced_at),
                    users: Set(before.users),
                    licences_used: Set(before.licences_used),
                    licences_assignable: Set(before.licences_assignable),
                    score_current: Set(before.score_current),
                    score_max: Set(before.score_max),
                    ..Default::default()
                };
                connection::Entity::update_many()
                    .set(figures)
                    .filter(connection::Column::CompanyId.eq(company.uuid()))
                    .exec(&self.inner)
                    .await?;
            } else {
                self.delete_data(company).await?;
            }
            Entity::delete_by_id(company.uuid()).exec(&self.inner).await?;
        }
        Entity::update_many()
            .col_expr(Column::CheckAt, Expr::val(None::<i64>))
            .filter(Column::TenantId.eq(tenant.uuid()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Deletes what was kept of a company that is not connected any more.
    async fn delete_kept_data(&self, company: CompanyId, by: &Actor) -> Result<(), StoreError> {
        let deleted = Entity::update_many()
            .set(ActiveModel {
                data_kept: Set(false),
                synced_at: Set(None),
                users: Set(None),
                licences_used: Set(None),
                licences_assignable: Set(None),
                score_current: Set(None),
                score_max: Set(None),
                ..Default::default()
            })
            .filter(Column::CompanyId.eq(company.uuid()))
            .filter(Column::DataKept.eq(true))
            .exec(&self.inner)
            .await?;
        if deleted.rows_affected == 1 {
            self.delete_data(company).await?;
            self.record(by, ActivityKind::DataDeleted, Some(company), "").await?;
        }
        Ok(())
    }

    /// Deletes everything that was read of a company's tenant.
    async fn delete_data(&self, company: CompanyId) -> Result<(), StoreError> {
        let (id, db) = (company.uuid(), &self.inner);
        m365_user::Entity::delete_many().filter(m365_user::Column::CompanyId.eq(id)).exec(db).await?;
        m365_licence::Entity::delete_many().filter(m365_licence::Column::CompanyId.eq(id)).exec(db).await?;
        m365_domain::Entity::delete_many().filter(m365_domain::Column::CompanyId.eq(id)).exec(db).await?;
        secure_score::Entity::delete_many().filter(secure_score::Column::CompanyId.eq(id)).exec(db).await?;
        secure_score_control::Entity::delete_many()
            .filter(secure_score_control::Column::CompanyId.eq(id))
            .exec(db)
            .await?;
        dataset_state::Entity::delete_many().filter(dataset_state::Column::CompanyId.eq(id)).exec(db).await?;
        Ok(())
    }

    /// What was kept is not on its way any more.
    async fn stop_reading(&self, company: CompanyId) -> Result<(), StoreError> {
        let stopped = dataset_state::ActiveModel {
            next_link: Set(None),
            users_so_far: Set(None),
            retry_at: Set(None),
            ..Default::default()
        };
        dataset_state::Entity::update_many()
            .set(stopped)
            .filter(dataset_state::Column::CompanyId.eq(company.uuid()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}
