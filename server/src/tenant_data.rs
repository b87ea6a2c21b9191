//! What was read from tenants, for the pages and as CSV.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use app::{
    domain::{
        CompanyDetails, CompanyId, DataSet, LicenceRow, ListPage, Origin, ScoreReport, ScoreRow, TenantDomainRow,
        UserRow, company_details::is_stale, licence::LicenceQuery, listing::PAGE, secure_score::ScoreQuery,
        tenant_domain::TenantDomainQuery, user::UserQuery,
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;

use crate::{
    clock::Clock,
    failure::internal,
    products,
    store::{
        Store, StoreError,
        lists::{ListError, ListedUser},
    },
};

/// Reads what was read from tenants.
#[derive(Clone)]
pub struct TenantData {
    store: Store,
    clock: Arc<dyn Clock>,
    every: Duration,
}

impl TenantData {
    /// Of this store. `every`: how often companies are read.
    pub fn new(store: Store, clock: Arc<dyn Clock>, every: Duration) -> Self {
        Self { store, clock, every }
    }

    /// A page of users, with the names of their licences.
    pub async fn list_users(&self, query: &UserQuery, limit: u32) -> Result<ListPage<UserRow>, ListError> {
        let page = self.store.list_users(query, limit).await?;
        let mut rows = self.with_licence_names(page.rows).await?;
        self.date(DataSet::Users, &mut rows, |row| &mut row.origin).await?;
        Ok(ListPage { rows, next: page.next, total: page.total })
    }

    /// A page of licences.
    pub async fn list_licences(&self, query: &LicenceQuery, limit: u32) -> Result<ListPage<LicenceRow>, ListError> {
        let mut page = self.store.list_licences(query, limit).await?;
        self.date(DataSet::Licences, &mut page.rows, |row| &mut row.origin).await?;
        Ok(page)
    }

    /// A page of domains.
    pub async fn list_tenant_domains(
        &self,
        query: &TenantDomainQuery,
        limit: u32,
    ) -> Result<ListPage<TenantDomainRow>, ListError> {
        let mut page = self.store.list_tenant_domains(query, limit).await?;
        self.date(DataSet::Domains, &mut page.rows, |row| &mut row.origin).await?;
        Ok(page)
    }

    /// A page of scores.
    pub async fn list_scores(&self, query: &ScoreQuery, limit: u32) -> Result<ListPage<ScoreRow>, ListError> {
        let mut page = self.store.list_scores(query, limit).await?;
        self.date(DataSet::SecureScore, &mut page.rows, |row| &mut row.origin).await?;
        Ok(page)
    }

    async fn with_licence_names(&self, users: Vec<ListedUser>) -> Result<Vec<UserRow>, StoreError> {
        let is_unknown = |user: &&ListedUser| user.licences.iter().any(|sku_id| products::name(*sku_id).is_none());
        let companies: BTreeSet<CompanyId> =
            users.iter().filter(is_unknown).map(|user| user.row.origin.company).collect();
        let part_numbers = if companies.is_empty() {
            std::collections::HashMap::new()
        } else {
            self.store.part_numbers(&companies.into_iter().collect::<Vec<_>>()).await?
        };
        let name = |sku_id: uuid::Uuid| {
            let known = products::name(sku_id).or_else(|| part_numbers.get(&sku_id).map(String::as_str));
            known.map_or_else(|| sku_id.to_string(), str::to_owned)
        };
        Ok(users
            .into_iter()
            .map(|ListedUser { row, licences }| {
                let mut licences: Vec<String> = licences.into_iter().map(name).collect();
                licences.sort_unstable();
                UserRow { licences, ..row }
            })
            .collect())
    }

    /// Says of each row as of when it is.
    async fn date<Row>(
        &self,
        data_set: DataSet,
        rows: &mut [Row],
        origin: impl Fn(&mut Row) -> &mut Origin,
    ) -> Result<(), StoreError> {
        let companies: BTreeSet<CompanyId> = rows.iter_mut().map(|row| origin(row).company).collect();
        let last_read = self.store.last_read(data_set, &companies.into_iter().collect::<Vec<_>>()).await?;
        let now = self.clock.now();
        for origin in rows.iter_mut().map(origin) {
            origin.as_of = last_read.get(&origin.company).copied();
            origin.stale = origin.as_of.is_some_and(|as_of| is_stale(as_of, now, self.every));
        }
        Ok(())
    }
}

#[async_trait]
impl ports::TenantData for TenantData {
    async fn company(&self, company: CompanyId) -> Result<CompanyDetails, AppError> {
        let found = self.store.company_details(company, self.every).await.map_err(internal)?;
        found.ok_or_else(|| AppError::new(ErrorCode::NotFound, "There is no such company. It may have been archived."))
    }

    async fn users(&self, query: UserQuery) -> Result<ListPage<UserRow>, AppError> {
        let page = self.list_users(&query, PAGE).await.map_err(refused)?;
        let total = match query.after {
            None => self.store.count_users(&query).await.map_err(internal)?,
            Some(_) => None,
        };
        Ok(ListPage { total, ..page })
    }

    async fn licences(&self, query: LicenceQuery) -> Result<ListPage<LicenceRow>, AppError> {
        let page = self.list_licences(&query, PAGE).await.map_err(refused)?;
        let total = match query.after {
            None => Some(self.store.count_licences(&query).await.map_err(internal)?),
            Some(_) => None,
        };
        Ok(ListPage { total, ..page })
    }

    async fn tenant_domains(&self, query: TenantDomainQuery) -> Result<ListPage<TenantDomainRow>, AppError> {
        let page = self.list_tenant_domains(&query, PAGE).await.map_err(refused)?;
        let total = match query.after {
            None => Some(self.store.count_tenant_domains(&query).await.map_err(internal)?),
            Some(_) => None,
        };
        Ok(ListPage { total, ..page })
    }

    async fn scores(&self, query: ScoreQuery) -> Result<ListPage<ScoreRow>, AppError> {
        let page = self.list_scores(&query, PAGE).await.map_err(refused)?;
        let total = match query.after {
            None => Some(self.store.count_scores(&query).await.map_err(internal)?),
            Some(_) => None,
        };
        Ok(ListPage { total, ..page })
    }

    async fn score_report(&self, company: CompanyId) -> Result<ScoreReport, AppError> {
        let report = self.store.score_report(company).await.map_err(internal)?;
        let statuses = self.store.data_set_statuses(company, self.every).await.map_err(internal)?;
        let status = statuses.into_iter().find(|status| status.data_set == DataSet::SecureScore);
        Ok(ScoreReport { status, ..report })
    }
}

fn refused(error: ListError) -> AppError {
    match error {
        ListError::Store(error) => internal(error),
        ListError::Cursor | ListError::Order => {
            AppError::new(ErrorCode::BadRequest, "The list could not be read like that. Reload the page and try again.")
        }
    }
}
