//! What is odd about companies: what there is to compare, and what somebody said is meant so.

use std::collections::{HashMap, HashSet};

use app::domain::{
    ActivityKind, CompanyId, Oddity, OddityKind, TenantId,
    oddity::{Facts, TenantFacts, oddities},
};
use sea_orm::{
    ActiveValue::Set,
    Condition, ConnectionTrait, DbBackend, ExprTrait as _, JoinType, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, RelationTrait as _, Statement,
    prelude::*,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    activity::Actor,
    company_records::Change,
    entity::{accepted_oddity, company, connection, m365_domain},
    padded,
};

/// The name of a lock in PostgreSQL.
const COMPANIES_LOCK: i64 = i64::from_be_bytes(*b"ten.comp");

/// A company, and its connection.
pub(super) type Pair = (company::Model, Option<connection::Model>);

impl Store {
    /// What is odd about these companies, those left out about which nothing is. `are_all`: they are all that are in use.
    /// `few`: their ids, if they are few.
    pub(super) async fn oddities(
        &self,
        companies: &[Pair],
        are_all: bool,
        few: Option<&[Uuid]>,
    ) -> Result<HashMap<Uuid, Vec<Oddity>>, StoreError> {
        oddities_of(&self.reader, companies, are_all, few).await
    }

    /// What is odd about one company.
    pub async fn company_oddities(&self, company: CompanyId) -> Result<Vec<Oddity>, StoreError> {
        oddities_of_one(&self.reader, company).await
    }

    /// Says of something odd that it is meant so, if it is still as it was `seen`.
    pub async fn accept_oddity(
        &self,
        company: CompanyId,
        kind: OddityKind,
        seen: &str,
        by: &Actor,
    ) -> Result<Change, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        let Some(model) = transaction.lock_company(company).await? else { return Ok(Change::NoSuchCompany) };
        if model.archived_at.is_some() {
            return Ok(Change::IsArchived);
        }
        let found = oddities_of_one(&transaction.inner, company).await?;
        let Some(oddity) = found.into_iter().find(|oddity| oddity.kind() == kind && oddity.seen() == seen) else {
            return Ok(Change::OtherOddity);
        };
        let text = match &oddity {
            Oddity::TenantRenamed { to, .. } => {
                transaction.know_tenant_as(company, to).await?;
                format!("The tenant's new name {to} was kept")
            }
            Oddity::ForeignDomain { domain, organisation, .. } => {
                transaction.put_accepted(company, &oddity, by).await?;
                format!("{domain} is no domain of {organisation}")
            }
            Oddity::SharedDomain { domain, others, count } => {
                // The others share it with this one just as well.
                let all = at_domains(&transaction.inner, [domain.as_str()]).await?;
                let all: Vec<_> = all.into_iter().map(|(_, id, name)| (id, name)).collect();
                for (id, _) in &all {
                    let facts = Facts { domain: Some(domain), company: Some(*id), sharers: &all, tenant: None };
                    for same in oddities(&facts, &[]) {
                        transaction.put_accepted(*id, &same, by).await?;
                    }
                }
                let ids: Vec<_> = all.iter().map(|(id, _)| *id).filter(|id| *id != company).collect();
                transaction.touch_many(&ids).await?;
                let names: Vec<_> = others.iter().map(|(_, name)| name.as_str()).collect();
                let more = if *count > names.len() { ", …" } else { "" };
                format!("{domain} is shared with {}{more}", names.join(", "))
            }
        };
        transaction.touch(company).await?;
        transaction.record(by, ActivityKind::OddityAccepted, Some(company), text).await?;
        transaction.commit().await?;
        Ok(Change::Done(()))
    }
}

async fn oddities_of_one(db: &impl ConnectionTrait, company: CompanyId) -> Result<Vec<Oddity>, StoreError> {
    let found = company::Entity::find_by_id(company.uuid()).find_also_related(connection::Entity).all(db).await?;
    let few = [company.uuid()];
    Ok(oddities_of(db, &found, false, Some(&few)).await?.remove(&few[0]).unwrap_or_default())
}

async fn oddities_of(
    db: &impl ConnectionTrait,
    companies: &[Pair],
    are_all: bool,
    few: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, Vec<Oddity>>, StoreError> {
    let sharers = async {
        if are_all {
            return Ok(companies.iter().filter_map(|(model, _)| at_domain(model)).collect());
        }
        let domains: HashSet<&str> = companies.iter().filter_map(|(model, _)| model.domain.as_deref()).collect();
        let mut found = Vec::new();
        for domains in domains.into_iter().collect::<Vec<_>>().chunks(ROWS_A_STATEMENT) {
            found.extend(at_domains(db, padded(domains.to_vec())).await?);
        }
        Ok(found)
    };
    let (sharers, mut verified, mut accepted) =
        futures::try_join!(sharers, foreign_domains(db, few), accepted(db, few))?;
    let mut by_domain: HashMap<String, Vec<(CompanyId, String)>> = HashMap::new();
    for (domain, id, name) in sharers {
        by_domain.entry(domain).or_default().push((id, name));
    }
    for sharers in by_domain.values_mut() {
        sharers.sort_unstable();
    }

    let mut odd = HashMap::new();
    for (model, connection) in companies {
        let sharers = model.domain.as_ref().and_then(|domain| by_domain.get(domain));
        let verified = verified.remove(&model.id).unwrap_or_default();
        let tenant = connection.as_ref().map(|connection| TenantFacts {
            tenant: TenantId::from_uuid(connection.tenant_id),
            name: &connection.tenant_name,
            known_name: connection.known_name.as_ref().unwrap_or(&connection.tenant_name),
            verified: &verified,
        });
        let facts = Facts {
            domain: model.domain.as_deref(),
            company: Some(CompanyId::from_uuid(model.id)),
            sharers: sharers.map_or(&[], Vec::as_slice),
            tenant,
        };
        let found = oddities(&facts, &accepted.remove(&model.id).unwrap_or_default());
        if !found.is_empty() {
            odd.insert(model.id, found);
        }
    }
    Ok(odd)
}

fn at_domain(model: &company::Model) -> Option<(String, CompanyId, String)> {
    Some((model.domain.clone()?, CompanyId::from_uuid(model.id), model.name.clone()))
}

/// The companies in use that have one of these domains.
async fn at_domains<'a>(
    db: &impl ConnectionTrait,
    domains: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, CompanyId, String)>, StoreError> {
    let found = company::Entity::find()
        .filter(company::Column::ArchivedAt.is_null())
        .filter(company::Column::Domain.is_in(domains))
        .order_by_asc(company::Column::Id)
        .all(db)
        .await?;
    Ok(found.iter().filter_map(at_domain).collect())
}

/// The verified domains of tenants among which the company's own is not, as far as a database can tell.
async fn foreign_domains(
    db: &impl ConnectionTrait,
    few: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, Vec<String>>, StoreError> {
    let own = Query::select()
        .expr(Expr::val(1))
        .from_as(m365_domain::Entity, "own")
        .and_where(
            Expr::col(("own", m365_domain::Column::CompanyId)).eq(Expr::col((company::Entity, company::Column::Id))),
        )
        .and_where(
            Expr::col(("own", m365_domain::Column::Name)).eq(Expr::col((company::Entity, company::Column::Domain))),
        )
        .and_where(Expr::col(("own", m365_domain::Column::IsVerified)).eq(true))
        .to_owned();
    let odd = company::Entity::find()
        .select_only()
        .column(company::Column::Id)
        .join(JoinType::InnerJoin, company::Relation::Connection.def())
        .filter(company::Column::Domain.is_not_null())
        .filter(company::Column::ArchivedAt.is_null())
        .filter(Condition::all().add_option(few.map(|ids| company::Column::Id.is_in(ids.iter().copied()))))
        .filter(Expr::exists(own).not());
    let found: Vec<(Uuid, String)> = m365_domain::Entity::find()
        .select_only()
        .columns([m365_domain::Column::CompanyId, m365_domain::Column::Name])
        .filter(m365_domain::Column::IsVerified.eq(true))
        .filter(m365_domain::Column::CompanyId.in_subquery(odd.into_query()))
        .into_tuple()
        .all(db)
        .await?;
    let mut verified: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (company, name) in found {
        verified.entry(company).or_default().push(name);
    }
    for names in verified.values_mut() {
        names.sort_unstable();
    }
    Ok(verified)
}

/// What somebody said is meant so.
async fn accepted(
    db: &impl ConnectionTrait,
    few: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, Vec<(OddityKind, String)>>, StoreError> {
    use accepted_oddity::{Column, Entity};

    let found = Entity::find()
        .filter(Condition::all().add_option(few.map(|ids| Column::CompanyId.is_in(ids.iter().copied()))))
        .all(db)
        .await?;
    let mut accepted: HashMap<Uuid, Vec<(OddityKind, String)>> = HashMap::new();
    for model in found {
        if let Some(kind) = OddityKind::from_key(&model.kind) {
            accepted.entry(model.company_id).or_default().push((kind, model.seen));
        }
    }
    Ok(accepted)
}

impl Transaction {
    /// What is written down about companies is changed by one after the other: what two add, neither could lock, and of two
    /// who give a company the same domain, neither would see the other.
    pub(super) async fn one_at_a_time(&self) -> Result<(), StoreError> {
        if self.inner.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({COMPANIES_LOCK})");
            self.inner.query_one_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
        }
        Ok(())
    }

    /// A company has come to this domain, or has left it: what is shown of the others there may be otherwise.
    pub(super) fn domain_changed(&mut self, domain: Option<&str>) {
        self.domains.extend(domain.filter(|domain| !domain.is_empty()).map(str::to_owned));
    }

    /// Marks the rows of who has one of the domains to which companies came, or which they left.
    pub(super) async fn touch_sharers(&mut self) -> Result<(), StoreError> {
        let domains = std::mem::take(&mut self.domains);
        let touched: HashSet<CompanyId> = self.touched.iter().copied().collect();
        for domains in domains.chunks(ROWS_A_STATEMENT) {
            let there = at_domains(&self.inner, domains.iter().map(String::as_str)).await?;
            let ids: Vec<_> = there.iter().map(|(_, id, _)| *id).filter(|id| !touched.contains(id)).collect();
            self.touch_many(&ids).await?;
        }
        Ok(())
    }

    async fn know_tenant_as(&self, company: CompanyId, name: &str) -> Result<(), StoreError> {
        connection::Entity::update_many()
            .col_expr(connection::Column::KnownName, Expr::val(name))
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    async fn put_accepted(&self, company: CompanyId, oddity: &Oddity, by: &Actor) -> Result<(), StoreError> {
        use accepted_oddity::{ActiveModel, Column, Entity};

        let accepted = ActiveModel {
            company_id: Set(company.uuid()),
            kind: Set(oddity.kind().key().to_owned()),
            seen: Set(oddity.seen()),
            at: Set(self.now.as_millis()),
            accepted_by: Set(by.name().to_owned()),
        };
        let instead = OnConflict::columns([Column::CompanyId, Column::Kind])
            .update_columns([Column::Seen, Column::At, Column::AcceptedBy])
            .to_owned();
        Entity::insert(accepted).on_conflict(instead).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}
