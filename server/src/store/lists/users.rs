//! Users of a company, or of all. A search finds words by their beginning, in an index that the database keeps itself.

use app::domain::{
    ListPage, UserId, UserKind, UserRow,
    user::{UserFilter, UserQuery, UserSort},
};
use sea_orm::{DbBackend, QueryResult, prelude::*};

use super::{Keys, Kind, ListError, Listing, MOST_WORDS, Sql, Store, StoreError, origin};
use crate::migration::{ACCENTED, PLAIN};

/// Up to so many hits are sorted. Where there are more, the list is walked in its order until a page is full, which is
/// soon the case.
const FEW: u64 = 5_000;

/// These are the expressions of the indexes, to the letter.
const NAME: &str = "lower(coalesce(u.display_name, u.user_principal_name, ''))";
const COMPANY: &str = "lower(c.name)";

const SELECT: &str = "SELECT u.company_id AS company_id, c.name AS company_name, u.id AS id, \
    u.display_name AS display_name, u.user_principal_name AS user_principal_name, u.mail AS mail, u.guest AS guest, \
    u.enabled AS enabled, u.department AS department, u.job_title AS job_title, u.licences AS licences";

/// Somebody, with the ids of their licences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// Without the names of their licences.
    pub row: UserRow,
    /// The products that are assigned to them.
    pub licences: Vec<Uuid>,
}

impl Store {
    /// A page of users.
    pub async fn list_users(&self, query: &UserQuery, limit: u32) -> Result<ListPage<ListedUser>, ListError> {
        if !query.order.by.is_offered(query.company.is_some()) {
            return Err(ListError::Order);
        }
        let words = words(&query.search);
        let search = match words.as_slice() {
            [] => None,
            words => Some(Search { text: self.search_text(words), few: self.are_few(words).await? }),
        };
        let listing = Listing { select: SELECT, from: self.from_users(query, search.as_ref()), keys: keys(query) };
        self.list_page(listing, query.after.as_ref(), limit, user).await
    }

    /// How many users a query finds. None: counting them would take too long.
    pub async fn count_users(&self, query: &UserQuery) -> Result<Option<u64>, StoreError> {
        let mut sql;
        if query.company.is_some() {
            let words = words(&query.search);
            let search = (!words.is_empty()).then(|| Search { text: self.search_text(&words), few: false });
            sql = Sql::new("SELECT count(*)");
            let from = self.from_users(query, search.as_ref());
            sql.push(&from.text);
            sql.values = from.values;
        } else if query.is_whole() {
            // As each round counted them.
            sql = Sql::new(
                "SELECT CAST(coalesce(sum(k.users), 0) AS BIGINT) FROM connection k \
                 JOIN company c ON c.id = k.company_id WHERE c.archived_at IS NULL",
            );
        } else {
            return Ok(None);
        }
        self.count(sql).await.map(Some)
    }

    /// How many users of a company are stored, while the first round is under way.
    pub async fn stored_users(&self, company: app::domain::CompanyId) -> Result<u64, StoreError> {
        let mut sql = Sql::default();
        let company = sql.bind(company.uuid());
        sql.push(&format!("SELECT count(*) FROM m365_user u WHERE u.company_id = {company}"));
        self.count(sql).await
    }

    /// A search as the index understands it: every word, by its beginning.
    fn search_text(&self, words: &[String]) -> String {
        match self.engine() {
            DbBackend::Postgres => {
                words.iter().map(|word| format!("'{}':*", plain(word))).collect::<Vec<_>>().join(" & ")
            }
            _ => words.iter().map(|word| format!("\"{word}\"*")).collect::<Vec<_>>().join(" "),
        }
    }

    /// Whether so few users have these words that all of them can be sorted.
    async fn are_few(&self, words: &[String]) -> Result<bool, StoreError> {
        let mut sql = Sql::default();
        let text = sql.bind(self.search_text(words));
        let hits = match self.engine() {
            DbBackend::Postgres => format!("SELECT 1 FROM m365_user WHERE words @@ CAST({text} AS tsquery)"),
            _ => format!("SELECT 1 FROM m365_user_words WHERE m365_user_words MATCH {text}"),
        };
        sql.push(&format!("SELECT count(*) FROM ({hits} LIMIT {}) AS hits", FEW + 1));
        Ok(self.count(sql).await? <= FEW)
    }

    /// Where the rows come from. The order of the tables is the one in which SQLite goes through them (`CROSS JOIN`).
    fn from_users(&self, query: &UserQuery, search: Option<&Search>) -> Sql {
        let mut sql = Sql::default();
        let is_postgres = self.engine() == DbBackend::Postgres;
        let text = search.map(|search| sql.bind(&search.text));
        let few = search.is_some_and(|search| search.few);
        let users_first = "m365_user u CROSS JOIN company c";
        sql.push(" FROM ");
        match &text {
            // The fence keeps PostgreSQL from walking a million users in the order of their names to find three.
            Some(text) if few && is_postgres => sql.push(&format!(
                "(SELECT * FROM m365_user WHERE words @@ CAST({text} AS tsquery) OFFSET 0) u CROSS JOIN company c"
            )),
            Some(text) if few => sql.push(&format!(
                "(SELECT rowid AS number FROM m365_user_words WHERE m365_user_words MATCH {text}) hit \
                 CROSS JOIN {users_first}"
            )),
            _ if query.company.is_some() || query.order.by == UserSort::Company => {
                sql.push("company c CROSS JOIN m365_user u");
            }
            _ => sql.push(users_first),
        }
        sql.push(" WHERE c.id = u.company_id AND c.archived_at IS NULL");
        match &text {
            Some(_) if few && is_postgres => {}
            Some(_) if few => sql.push(" AND u.number = hit.number"),
            Some(text) if is_postgres => sql.push(&format!(" AND u.words @@ CAST({text} AS tsquery)")),
            // The plus keeps SQLite from beginning with the hits, and then sorting all of them.
            Some(text) => sql.push(&format!(
                " AND +u.number IN (SELECT rowid FROM m365_user_words WHERE m365_user_words MATCH {text})"
            )),
            None => {}
        }
        if let Some(company) = query.company {
            let company = sql.bind(company.uuid());
            sql.push(&format!(" AND c.id = {company}"));
        }
        sql.push(narrowed(&query.filter).concat().as_str());
        sql
    }

    /// The part numbers of everything that these companies have, for products whose name nobody knows.
    pub async fn part_numbers(
        &self,
        companies: &[app::domain::CompanyId],
    ) -> Result<std::collections::HashMap<Uuid, String>, StoreError> {
        use sea_orm::QuerySelect as _;

        use crate::store::entity::m365_licence::{Column, Entity};

        let found: Vec<(Uuid, String)> = Entity::find()
            .select_only()
            .columns([Column::SkuId, Column::PartNumber])
            .distinct()
            .filter(Column::CompanyId.is_in(companies.iter().map(|company| company.uuid())))
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(found.into_iter().collect())
    }
}

struct Search {
    text: String,
    few: bool,
}

/// Written out, not bound: then the small indexes of guests and of blocked accounts are used.
const fn narrowed(filter: &UserFilter) -> [&'static str; 3] {
    [
        match filter.kind {
            None => "",
            Some(UserKind::Guest) => " AND u.guest",
            Some(UserKind::Member) => " AND NOT u.guest",
        },
        match filter.enabled {
            None => "",
            Some(true) => " AND u.enabled",
            Some(false) => " AND NOT u.enabled",
        },
        match filter.licensed {
            None => "",
            Some(true) => " AND u.licences <> ''",
            Some(false) => " AND u.licences = ''",
        },
    ]
}

fn keys(query: &UserQuery) -> Keys {
    const OWNER: (&str, Kind) = ("u.company_id", Kind::Id);
    const WHO: (&str, Kind) = ("u.id", Kind::Id);
    let text = |column| (column, Kind::Text);
    let columns = match query.order.by {
        UserSort::Name => vec![text(NAME), OWNER, WHO],
        UserSort::Company => vec![text(COMPANY), ("c.id", Kind::Id), text(NAME), WHO],
        UserSort::Address => vec![text("lower(coalesce(u.user_principal_name, ''))"), OWNER, WHO],
        UserSort::Department => vec![text("lower(coalesce(u.department, ''))"), text(NAME), OWNER, WHO],
        UserSort::Title => vec![text("lower(coalesce(u.job_title, ''))"), text(NAME), OWNER, WHO],
    };
    Keys::new(columns, query.order.descending)
}

fn user(row: &QueryResult) -> Result<ListedUser, StoreError> {
    let text = |column| row.try_get::<Option<String>>("", column);
    let licences: String = row.try_get("", "licences")?;
    let address = text("user_principal_name")?.unwrap_or_default();
    Ok(ListedUser {
        row: UserRow {
            origin: origin(row)?,
            id: UserId::from_uuid(row.try_get("", "id")?),
            name: text("display_name")?.unwrap_or_default(),
            // A guest's is mangled: kim_example.com#EXT#@contoso.onmicrosoft.com.
            address: match text("mail")? {
                Some(mail) if address.contains("#EXT#") => mail,
                _ => address,
            },
            kind: if row.try_get("", "guest")? { UserKind::Guest } else { UserKind::Member },
            enabled: row.try_get("", "enabled")?,
            department: text("department")?,
            title: text("job_title")?,
            licences: Vec::new(),
        },
        licences: licences.split_whitespace().filter_map(|id| Uuid::parse_str(id).ok()).collect(),
    })
}

/// The words of a search: letters and digits, in lower case. Everything else separates them, as in the index.
fn words(search: &str) -> Vec<String> {
    search
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(str::to_lowercase)
        .collect()
}

/// A word without accents, as PostgreSQL's index holds it. SQLite's takes them off by itself.
fn plain(word: &str) -> String {
    let plain = |letter| ACCENTED.chars().zip(PLAIN.chars()).find(|(accented, _)| *accented == letter);
    word.chars().map(|letter| plain(letter).map_or(letter, |(_, plain)| plain)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_falls_into_words_as_the_index_does() {
        assert_eq!(words("  Anna.Smith@contoso "), ["anna", "smith", "contoso"]);
        assert_eq!(words("O'Neill \"'; --"), ["o", "neill"]);
        assert_eq!(words("* & | !"), [""; 0]);
        assert_eq!(words(&"a ".repeat(100)).len(), MOST_WORDS);
    }

    #[test]
    fn accents_make_no_difference() {
        assert_eq!(plain("müller"), "muller");
        assert_eq!(plain("łódź"), "lodz");
        assert_eq!(plain("日本"), "日本");
    }
}
