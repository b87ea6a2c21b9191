//! Companies as they are written down, in the order in which they were added: what changes moves none of them.

use app::domain::{CompanyId, Cursor, ListPage, Timestamp};
use sea_orm::FromQueryResult as _;

use super::{Keys, Kind, ListError, Listing, Sql, Store, StoreError, Wanted, Way, containing};
use crate::store::{
    company_records::{CompanyRecord, record_of},
    entity::company,
};

/// Which companies to list.
#[derive(Clone, Debug, Default)]
pub struct CompanyQuery {
    /// Those that are put away, or those that are not. None: both.
    pub archived: Option<bool>,
    /// Each word is in the name, the domain, the external id, the contact or the e-mail address.
    pub search: String,
    /// Of this id in another program.
    pub external_id: Option<String>,
    /// Of this primary domain.
    pub domain: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Whose record or connection changed then or later.
    pub changed_since: Option<Timestamp>,
    /// After this one.
    pub after: Option<CompanyId>,
}

impl Store {
    /// A page of companies.
    pub async fn list_companies(
        &self,
        query: &CompanyQuery,
        limit: u32,
    ) -> Result<(Vec<CompanyRecord>, Option<CompanyId>), ListError> {
        let keys = Keys::new(vec![("c.id", Kind::Id)], false);
        let listing = Listing { select: "SELECT c.*", from: from(query), keys, way: Way::Any };
        let after = query.after.map(|id| Cursor::new(serde_json::json!([id]).to_string()));
        let page: ListPage<CompanyRecord> = self
            .list_page(listing, after.as_ref(), limit, |row| {
                Ok::<_, StoreError>(record_of(&company::Model::from_query_result(row, "")?))
            })
            .await?;
        let next = page.rows.last().map(|last| last.id).filter(|_| page.next.is_some());
        Ok((page.rows, next))
    }
}

fn from(query: &CompanyQuery) -> Sql {
    let mut sql = Sql::new(" FROM company c WHERE ");
    sql.push(match query.archived {
        None => "true",
        Some(true) => "c.archived_at IS NOT NULL",
        Some(false) => "c.archived_at IS NULL",
    });
    if let Some(id) = &query.external_id {
        let id = sql.bind(id.as_str());
        sql.push(&format!(" AND c.external_id = {id}"));
    }
    if let Some(domain) = &query.domain {
        let domain = sql.bind(domain.to_lowercase());
        sql.push(&format!(" AND c.domain = {domain}"));
    }
    if let Some(tag) = &query.tag {
        // As they are stored: with ", " between them.
        let has = Wanted::bind(&format!(", {tag},"), &mut sql).is_in("', ' || coalesce(c.tags, '') || ','");
        sql.push(&format!(" AND {has}"));
    }
    if let Some(since) = query.changed_since {
        let since = sql.bind(since.as_millis());
        sql.push(&format!(" AND c.changed_at >= {since}"));
    }
    let columns = [
        "c.name",
        "coalesce(c.domain, '')",
        "coalesce(c.external_id, '')",
        "coalesce(c.contact, '')",
        "coalesce(c.contact_email, '')",
    ];
    let found = containing(&query.search, &columns, &mut sql);
    sql.push(&found);
    sql
}
