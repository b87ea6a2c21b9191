//! The list of companies for the page.

use std::sync::Arc;

use app::{
    api::companies::{CompanyChanges, CompanyList, Setup},
    domain::{CompanyId, TenantDigits, Timestamp},
    error::AppError,
    ports,
};
use async_trait::async_trait;

use crate::{
    clock::Clock,
    failure::internal,
    folded_list::{Folded, FoldedList},
    platform::Platform,
    store::{SEEN_WITHIN, Store},
};

/// How many companies come before the others: as many as a tall window shows.
const FIRST: u64 = 40;

/// Reads companies.
pub struct Companies {
    store: Store,
    clock: Arc<dyn Clock>,
    setup: Setup,
    platform: Platform,
    folded: FoldedList,
}

impl Companies {
    /// Of this store.
    pub fn new(store: Store, clock: Arc<dyn Clock>, setup: Setup, platform: Platform) -> Self {
        Self { store, clock, setup, platform, folded: FoldedList::default() }
    }

    fn cursor(&self) -> i64 {
        self.clock.now().minus(SEEN_WITHIN).as_millis()
    }

    /// The whole list as the page reads it.
    pub async fn folded(&self) -> Result<Arc<Folded>, AppError> {
        self.folded.get(self).await
    }

    /// Where companies are.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The whole list but for its rows.
    pub async fn without_rows(&self) -> Result<CompanyList, AppError> {
        let platform = self.platform.notices(self.clock.now()).await.map_err(internal)?;
        Ok(CompanyList { rows: Vec::new(), setup: self.setup, platform, cursor: self.cursor(), part_of: None })
    }
}

#[async_trait]
impl ports::Companies for Companies {
    async fn list(&self) -> Result<CompanyList, AppError> {
        // Its cursor first: what changes meanwhile may be missing in the rows.
        let list = self.without_rows().await?;
        Ok(CompanyList { rows: self.store.company_rows().await.map_err(internal)?, ..list })
    }

    async fn first(&self) -> Result<CompanyList, AppError> {
        let cursor = self.cursor();
        let (rows, all) = self.store.first_company_rows(FIRST).await.map_err(internal)?;
        let platform = self.platform.notices(self.clock.now()).await.map_err(internal)?;
        let part_of = Some(all).filter(|all| all.total > rows.len());
        Ok(CompanyList { rows, setup: self.setup, platform, cursor, part_of })
    }

    async fn changes(&self, since: Timestamp) -> Result<CompanyChanges, AppError> {
        let cursor = self.cursor();
        // The clock may have been put back since the page asked last.
        let since = since.min(Timestamp::from_millis(cursor));
        // What is gone first: a company that comes back in between is in the rows.
        let gone = self.store.companies_gone_since(since).await.map_err(internal)?;
        let rows = self.store.company_rows_since(since).await.map_err(internal)?;
        let platform = self.platform.notices(self.clock.now()).await.map_err(internal)?;
        Ok(CompanyChanges { rows, platform, gone, cursor })
    }

    async fn of_tenant(&self, digits: TenantDigits) -> Result<Vec<CompanyId>, AppError> {
        self.store.companies_of_tenants(digits.bounds()).await.map_err(internal)
    }
}
