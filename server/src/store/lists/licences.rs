//! What companies have bought.

use app::domain::{
    LicenceRow, LicenceState, ListPage,
    licence::{LicenceQuery, LicenceShow, LicenceSort},
};
use sea_orm::QueryResult;

use super::{Keys, Kind, ListError, Listing, Sql, Store, StoreError, Way, containing, origin};
use crate::store::to_u32;

const SELECT: &str = "SELECT l.company_id AS company_id, c.name AS company_name, \
    coalesce(p.name, l.part_number) AS product, l.part_number AS part_number, l.for_users AS for_users, \
    l.state AS state, l.enabled AS enabled, l.warning AS warning, l.consumed AS consumed";

const FROM: &str = " FROM m365_licence l JOIN company c ON c.id = l.company_id \
    LEFT JOIN m365_product p ON p.sku_id = l.sku_id WHERE c.archived_at IS NULL";

impl Store {
    /// A page of licences.
    pub async fn list_licences(&self, query: &LicenceQuery, limit: u32) -> Result<ListPage<LicenceRow>, ListError> {
        let listing = Listing { select: SELECT, from: from(query), keys: keys(query), way: Way::Any };
        self.list_page(listing, query.after.as_ref(), limit, licence).await
    }

    /// How many licences a query finds.
    pub async fn count_licences(&self, query: &LicenceQuery) -> Result<u64, StoreError> {
        let from = from(query);
        self.count(Sql { text: format!("SELECT count(*){}", from.text), values: from.values }).await
    }
}

fn from(query: &LicenceQuery) -> Sql {
    let mut sql = Sql::new(FROM);
    if let Some(company) = query.company {
        let company = sql.bind(company.uuid());
        sql.push(&format!(" AND l.company_id = {company}"));
    }
    sql.push(match query.filter.show {
        None => "",
        Some(LicenceShow::Free) => " AND l.enabled + l.warning > l.consumed",
        Some(LicenceShow::UsedUp) => " AND l.enabled + l.warning <= l.consumed",
        Some(LicenceShow::Lapsed) => " AND l.state <> 'enabled'",
    });
    let found = containing(&query.search, &["coalesce(p.name, '')", "l.part_number", "c.name"], &mut sql);
    sql.push(&found);
    sql
}

fn keys(query: &LicenceQuery) -> Keys {
    let number = |column| vec![(column, Kind::Number), ("l.company_id", Kind::Id), ("l.sku_id", Kind::Id)];
    let columns = match query.order.by {
        LicenceSort::Product => vec![
            ("lower(coalesce(p.name, l.part_number))", Kind::Text),
            ("lower(c.name)", Kind::Text),
            ("l.company_id", Kind::Id),
            ("l.sku_id", Kind::Id),
        ],
        LicenceSort::Company => vec![
            ("lower(c.name)", Kind::Text),
            ("l.company_id", Kind::Id),
            ("lower(coalesce(p.name, l.part_number))", Kind::Text),
            ("l.sku_id", Kind::Id),
        ],
        LicenceSort::Used => number("CAST(l.consumed AS BIGINT)"),
        LicenceSort::Assignable => number("CAST(l.enabled + l.warning AS BIGINT)"),
        LicenceSort::Free => number("CAST(l.enabled + l.warning - l.consumed AS BIGINT)"),
    };
    Keys::new(columns, query.order.descending)
}

fn licence(row: &QueryResult) -> Result<LicenceRow, StoreError> {
    let number = |column| row.try_get::<i32>("", column).map(to_u32);
    let state: String = row.try_get("", "state")?;
    Ok(LicenceRow {
        origin: origin(row)?,
        product: row.try_get("", "product")?,
        part_number: row.try_get("", "part_number")?,
        for_users: row.try_get("", "for_users")?,
        used: number("consumed")?,
        assignable: number("enabled")?.saturating_add(number("warning")?),
        state: LicenceState::from_key(&state)
            .ok_or_else(|| StoreError::Unexpected(format!("a licence in the state {state}")))?,
    })
}
