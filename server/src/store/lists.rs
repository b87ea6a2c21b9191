//! Long lists across companies, a page at a time. A page begins after the last row of the one before (keyset), so the
//! thousandth page is as quick as the first.

use std::{collections::HashMap, fmt::Write as _};

use app::domain::{CompanyId, Cursor, DataSet, ListPage, Timestamp};
use sea_orm::{ConnectionTrait as _, DbBackend, QueryResult, QuerySelect as _, Statement, Value, prelude::*};
use serde_json::Value as Json;
use thiserror::Error;

use super::{ROWS_A_STATEMENT, Store, StoreError, entity::dataset_state};

pub mod companies;
mod licences;
mod secure_scores;
mod tenant_domains;
mod users;

pub use users::ListedUser;

/// The most words of a search that count.
const MOST_WORDS: usize = 8;

/// The most letters beyond ASCII of a text that are found in either case: each is one more step for each row.
const MOST_LETTERS: usize = 16;

/// Why there is no such page.
#[derive(Debug, Error)]
pub enum ListError {
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cursor was made for another list, or by hand.
    #[error("the next page could not be found: its cursor is none of this list")]
    Cursor,
    /// There is no index for it.
    #[error("this list can't be sorted like that")]
    Order,
}

impl From<DbErr> for ListError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// A statement with its values. Both databases know `$1`.
#[derive(Clone, Debug, Default)]
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a value, and answers what stands for it in the text.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn statement(self, engine: DbBackend) -> Statement {
        Statement::from_sql_and_values(engine, self.text, self.values)
    }
}

/// What a column of the order holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Id,
}

/// The order of a list: expressions that together are different for each row.
#[derive(Clone, Debug)]
struct Keys {
    /// At most four.
    columns: Vec<(&'static str, Kind)>,
    descending: bool,
}

impl Keys {
    const fn new(columns: Vec<(&'static str, Kind)>, descending: bool) -> Self {
        Self { columns, descending }
    }

    /// The columns by themselves, as `k0`, `k1`, …
    fn selected(&self) -> String {
        self.columns.iter().enumerate().fold(String::new(), |mut text, (place, (column, _))| {
            // Writing into a text does not fail.
            let _ = write!(text, ", {column} AS k{place}");
            text
        })
    }

    fn ordered(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let columns: Vec<_> = self.columns.iter().map(|(column, _)| format!("{column} {direction}")).collect();
        format!(" ORDER BY {}", columns.join(", "))
    }

    /// What lies behind the cursor. The first column stands there twice: alone, so that an index is entered there.
    fn behind(&self, cursor: &Cursor, sql: &mut Sql) -> Result<String, ListError> {
        let values: Vec<Json> = serde_json::from_str(cursor.as_str()).map_err(|_| ListError::Cursor)?;
        if values.len() != self.columns.len() {
            return Err(ListError::Cursor);
        }
        let sign = if self.descending { "<" } else { ">" };
        let mut places = Vec::with_capacity(values.len());
        for (value, (_, kind)) in values.iter().zip(&self.columns) {
            places.push(match kind {
                Kind::Text => sql.bind(value.as_str().ok_or(ListError::Cursor)?),
                Kind::Number => sql.bind(value.as_i64().ok_or(ListError::Cursor)?),
                Kind::Id => {
                    let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok()).ok_or(ListError::Cursor)?;
                    sql.bind(id)
                }
            });
        }
        let columns: Vec<_> = self.columns.iter().map(|(column, _)| *column).collect();
        let (first, columns, first_place) = (self.columns[0].0, columns.join(", "), &places[0]);
        Ok(format!(" AND {first} {sign}= {first_place} AND ({columns}) {sign} ({})", places.join(", ")))
    }

    fn cursor(&self, row: &QueryResult) -> Result<Cursor, DbErr> {
        let mut values = Vec::with_capacity(self.columns.len());
        for (place, (_, kind)) in self.columns.iter().enumerate() {
            let name = format!("k{place}");
            values.push(match kind {
                Kind::Text => Json::from(row.try_get::<String>("", &name)?),
                Kind::Number => Json::from(row.try_get::<i64>("", &name)?),
                Kind::Id => Json::from(row.try_get::<Uuid>("", &name)?.to_string()),
            });
        }
        Ok(Cursor::new(Json::from(values).to_string()))
    }
}

/// The parts of a statement that make a list.
struct Listing {
    /// `SELECT …`, without what the order needs.
    select: &'static str,
    /// ` FROM … WHERE …`, with its values.
    from: Sql,
    keys: Keys,
    way: Way,
}

/// How a page is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Way {
    /// As the database thinks best.
    #[default]
    Any,
    /// All that is found is sorted, though an index knows the order.
    SortAll,
    /// So many rows are walked in their order, and those of this condition taken.
    Walk(u32, String),
}

impl Listing {
    /// The statement that reads a page, and the first row of the one after it.
    fn page(&self, after: Option<&Cursor>, limit: u32) -> Result<Sql, ListError> {
        let Self { select, from, keys, way } = self;
        let mut sql = Sql { text: format!("{select}{}{}", keys.selected(), from.text), values: from.values.clone() };
        let mut by_name = keys.clone();
        for ((column, _), name) in by_name.columns.iter_mut().zip(["k0", "k1", "k2", "k3"]) {
            *column = name;
        }
        // What has an offset is worked out by itself.
        if *way == Way::SortAll {
            sql.text = format!("SELECT * FROM ({} OFFSET 0) AS found WHERE true", sql.text);
        }
        if let Some(cursor) = after {
            let keys = if *way == Way::SortAll { &by_name } else { keys };
            let behind = keys.behind(cursor, &mut sql)?;
            sql.push(&behind);
        }
        if let Way::Walk(rows, condition) = way {
            let ordered = keys.ordered();
            sql.text = format!("SELECT * FROM ({}{ordered} LIMIT {rows}) AS walked WHERE {condition}", sql.text);
        }
        sql.push(&if *way == Way::Any { keys.ordered() } else { by_name.ordered() });
        sql.push(&format!(" LIMIT {}", u64::from(limit) + 1));
        Ok(sql)
    }
}

impl Store {
    /// Reads a page of at most `limit` rows.
    async fn list_page<Row>(
        &self,
        listing: Listing,
        after: Option<&Cursor>,
        limit: u32,
        read: impl Fn(&QueryResult) -> Result<Row, StoreError> + Send,
    ) -> Result<ListPage<Row>, ListError> {
        let sql = listing.page(after, limit)?;
        let keys = listing.keys;
        let mut found = self.reader.query_all_raw(sql.statement(self.engine())).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_more = found.len() > limit;
        found.truncate(limit);
        let next = match found.last() {
            Some(last) if is_more => Some(keys.cursor(last)?),
            _ => None,
        };
        let rows = found.iter().map(read).collect::<Result<_, _>>()?;
        Ok(ListPage { rows, next, total: None })
    }

    /// How the database goes about a page of a list, in its own words.
    async fn explain_page(&self, listing: Listing, after: Option<&Cursor>, limit: u32) -> Result<String, ListError> {
        let mut sql = listing.page(after, limit)?;
        let (explain, column) = match self.engine() {
            DbBackend::Postgres => ("EXPLAIN", "QUERY PLAN"),
            _ => ("EXPLAIN QUERY PLAN", "detail"),
        };
        sql.text = format!("{explain} {}", sql.text);
        let steps = self.reader.query_all_raw(sql.statement(self.engine())).await?;
        let steps = steps.iter().map(|step| step.try_get::<String>("", column)).collect::<Result<Vec<_>, _>>()?;
        Ok(steps.join("\n"))
    }

    async fn count(&self, sql: Sql) -> Result<u64, StoreError> {
        let found = self.reader.query_one_raw(sql.statement(self.engine())).await?;
        let count: i64 = found.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// When a data set of these companies was last read.
    pub async fn last_read(
        &self,
        data_set: DataSet,
        companies: &[CompanyId],
    ) -> Result<HashMap<CompanyId, Timestamp>, StoreError> {
        use dataset_state::Column;

        let mut last = HashMap::new();
        for companies in companies.chunks(ROWS_A_STATEMENT) {
            let found: Vec<(Uuid, Option<i64>)> = dataset_state::Entity::find()
                .select_only()
                .columns([Column::CompanyId, Column::LastSuccess])
                .filter(Column::DataSet.eq(data_set.key()))
                .filter(Column::CompanyId.is_in(companies.iter().map(|company| company.uuid())))
                .into_tuple()
                .all(&self.reader)
                .await?;
            last.extend(
                found.into_iter().filter_map(|(id, at)| Some((CompanyId::from_uuid(id), Timestamp::from_millis(at?)))),
            );
        }
        Ok(last)
    }
}

/// A text that is looked for in columns, in whatever case.
struct Wanted {
    /// What stands for the pattern of LIKE, in lower case.
    pattern: String,
    /// What stands for letters beyond ASCII, large and small: SQLite's `lower` leaves them as they are, and so does
    /// PostgreSQL's where its locale is C.
    letters: Vec<(String, String)>,
}

impl Wanted {
    fn bind(text: &str, sql: &mut Sql) -> Self {
        let mut letters = Vec::new();
        for letter in text.chars().filter(|letter| !letter.is_ascii()) {
            let small = letter.to_lowercase().to_string();
            for large in [letter.to_string(), letter.to_uppercase().to_string()] {
                let pair = (large, small.clone());
                if pair.0 != pair.1 && !letters.contains(&pair) && letters.len() < MOST_LETTERS {
                    letters.push(pair);
                }
            }
        }
        let letters = letters.into_iter().map(|(large, small)| (sql.bind(large), sql.bind(small))).collect();
        Self { pattern: sql.bind(super::contains(text)), letters }
    }

    /// The condition that it is in this column.
    fn is_in(&self, column: &str) -> String {
        let lower = |text, (large, small): &(String, String)| format!("replace({text}, {large}, {small})");
        let column = self.letters.iter().fold(format!("lower({column})"), lower);
        format!("{column} LIKE {} ESCAPE '\\'", self.pattern)
    }
}

/// Each word of a search has to be in one of these columns.
fn containing(search: &str, columns: &[&str], sql: &mut Sql) -> String {
    let mut condition = String::new();
    for word in search.split_whitespace().take(MOST_WORDS) {
        let word = Wanted::bind(word, sql);
        let columns: Vec<_> = columns.iter().map(|column| word.is_in(column)).collect();
        // Writing into a text does not fail.
        let _ = write!(condition, " AND ({})", columns.join(" OR "));
    }
    condition
}

/// The company and its name, as every list has them.
fn company(row: &QueryResult) -> Result<(CompanyId, String), DbErr> {
    Ok((CompanyId::from_uuid(row.try_get("", "company_id")?), row.try_get("", "company_name")?))
}

/// A row's company, before anybody knows how old it is.
fn origin(row: &QueryResult) -> Result<app::domain::Origin, DbErr> {
    let (company, name) = company(row)?;
    Ok(app::domain::Origin { company, name, as_of: None, stale: false })
}
