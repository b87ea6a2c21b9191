//! The domain names of tenants.

use app::domain::{
    ListPage, TenantDomainRow,
    tenant_domain::{TenantDomainQuery, TenantDomainShow, TenantDomainSort},
};
use sea_orm::QueryResult;

use super::{Keys, Kind, ListError, Listing, Sql, Store, StoreError, Way, containing, origin};

const SELECT: &str = "SELECT d.company_id AS company_id, c.name AS company_name, d.name AS name, \
    d.is_default AS is_default, d.is_initial AS is_initial, d.is_verified AS is_verified, d.federated AS federated, \
    d.services AS services";

const FROM: &str = " FROM m365_domain d JOIN company c ON c.id = d.company_id WHERE c.archived_at IS NULL";

impl Store {
    /// A page of domains.
    pub async fn list_tenant_domains(
        &self,
        query: &TenantDomainQuery,
        limit: u32,
    ) -> Result<ListPage<TenantDomainRow>, ListError> {
        let listing = Listing { select: SELECT, from: from(query), keys: keys(query), way: Way::Any };
        self.list_page(listing, query.after.as_ref(), limit, tenant_domain).await
    }

    /// How many domains a query finds.
    pub async fn count_tenant_domains(&self, query: &TenantDomainQuery) -> Result<u64, StoreError> {
        let from = from(query);
        self.count(Sql { text: format!("SELECT count(*){}", from.text), values: from.values }).await
    }
}

fn from(query: &TenantDomainQuery) -> Sql {
    let mut sql = Sql::new(FROM);
    if let Some(company) = query.company {
        let company = sql.bind(company.uuid());
        sql.push(&format!(" AND d.company_id = {company}"));
    }
    sql.push(match query.filter.show {
        None => "",
        Some(TenantDomainShow::Own) => " AND lower(d.name) NOT LIKE '%.onmicrosoft.com'",
        Some(TenantDomainShow::Unverified) => " AND NOT d.is_verified",
        Some(TenantDomainShow::Federated) => " AND d.federated",
    });
    let found = containing(&query.search, &["d.name", "c.name"], &mut sql);
    sql.push(&found);
    sql
}

fn keys(query: &TenantDomainQuery) -> Keys {
    let (name, tie) = (("lower(d.name)", Kind::Text), ("d.name", Kind::Text));
    let owner = ("d.company_id", Kind::Id);
    let columns = match query.order.by {
        TenantDomainSort::Name => vec![name, owner, tie],
        TenantDomainSort::Company => vec![("lower(c.name)", Kind::Text), owner, name, tie],
    };
    Keys::new(columns, query.order.descending)
}

fn tenant_domain(row: &QueryResult) -> Result<TenantDomainRow, StoreError> {
    let services: String = row.try_get("", "services")?;
    Ok(TenantDomainRow {
        origin: origin(row)?,
        name: row.try_get("", "name")?,
        is_default: row.try_get("", "is_default")?,
        is_initial: row.try_get("", "is_initial")?,
        is_verified: row.try_get("", "is_verified")?,
        federated: row.try_get("", "federated")?,
        services: services.split_whitespace().map(str::to_owned).collect(),
    })
}
