//! Users of a company, or of all. A search finds words by their beginning, in an index that the database keeps itself.

use app::domain::{
    ListPage, UserId, UserKind, UserRow,
    user::{UserFilter, UserQuery, UserSort},
};
use sea_orm::{DbBackend, QueryResult, prelude::*};

use super::{Keys, Kind, ListError, Listing, MOST_WORDS, Sql, Store, StoreError, Way, origin};
use crate::migration::{ACCENTED, PLAIN};

/// SQLite sorts up to so many hits. Where there are more, it walks the list in its order, by an index, and asks a set in
/// memory whether somebody is a hit.
const FEW: u64 = 5_000;

/// PostgreSQL walks so far first, which fills a page with what many have; it has to look at each row. Where that is not
/// enough, it sorts all hits. It can't be asked which of the two it takes: it guesses at how rare a word's beginning is.
const WALK: u32 = 4_000;

/// What names are ordered by: the expressions of the indexes, to the letter.
struct Names {
    user: &'static str,
    company: &'static str,
}

const SQLITE: Names =
    Names { user: "lower(coalesce(u.display_name, u.user_principal_name, ''))", company: "lower(c.name)" };
const POSTGRES: Names = Names {
    user: "lower(coalesce(u.display_name, u.user_principal_name, '')) COLLATE \"C\"",
    company: "lower(c.name) COLLATE \"C\"",
};

const SELECT: &str = "SELECT u.company_id AS company_id, c.name AS company_name, u.id AS id, \
    u.display_name AS display_name, u.user_principal_name AS user_principal_name, u.mail AS mail, u.guest AS guest, \
    u.enabled AS enabled, u.department AS department, u.job_title AS job_title, u.licences AS licences";

/// With what PostgreSQL's search looks at.
const SELECT_WITH_WORDS: &str = "SELECT u.company_id AS company_id, c.name AS company_name, u.id AS id, \
    u.display_name AS display_name, u.user_principal_name AS user_principal_name, u.mail AS mail, u.guest AS guest, \
    u.enabled AS enabled, u.department AS department, u.job_title AS job_title, u.licences AS licences, \
    u.words AS words";

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
        let (listing, otherwise) = self.user_listing(query).await?;
        let page = self.list_page(listing, query.after.as_ref(), limit, user).await?;
        match otherwise {
            Some(listing) if page.next.is_none() => self.list_page(listing, query.after.as_ref(), limit, user).await,
            _ => Ok(page),
        }
    }

    /// How the database goes about a page of users, in its own words: whether it uses its indexes.
    pub async fn explain_users(&self, query: &UserQuery, limit: u32) -> Result<String, ListError> {
        let (listing, otherwise) = self.user_listing(query).await?;
        let mut plan = self.explain_page(listing, query.after.as_ref(), limit).await?;
        if let Some(listing) = otherwise {
            plan.push('\n');
            plan.push_str(&self.explain_page(listing, query.after.as_ref(), limit).await?);
        }
        Ok(plan)
    }

    /// How to find a page; and how else, if that does not fill it.
    async fn user_listing(&self, query: &UserQuery) -> Result<(Listing, Option<Listing>), ListError> {
        if !query.order.by.is_offered(query.company.is_some()) {
            return Err(ListError::Order);
        }
        let is_postgres = self.engine() == DbBackend::Postgres;
        let keys = keys(query, if is_postgres { &POSTGRES } else { &SQLITE });
        let words = words(&query.search);
        let listing = |from, way| Listing { select: SELECT, from, keys: keys.clone(), way };
        if words.is_empty() {
            return Ok((listing(self.user_tables(query, None), Way::Any), None));
        }
        let text = self.search_text(&words);
        if !is_postgres {
            let search = Search { few: self.are_few(&text).await?, text };
            return Ok((listing(self.user_tables(query, Some(&search)), Way::Any), None));
        }
        let search = Search { text, few: false };
        let sorted = listing(self.user_tables(query, Some(&search)), Way::SortAll);
        // In one company there are never many.
        if query.company.is_some() {
            return Ok((sorted, None));
        }
        let mut from = self.user_tables(query, None);
        let text = from.bind(&search.text);
        let walked = listing(from, Way::Walk(WALK, format!("words @@ CAST({text} AS tsquery)")));
        Ok((Listing { select: SELECT_WITH_WORDS, ..walked }, Some(sorted)))
    }

    /// How many users a query finds. None: counting them would take too long.
    pub async fn count_users(&self, query: &UserQuery) -> Result<Option<u64>, StoreError> {
        let mut sql;
        if query.company.is_some() {
            let words = words(&query.search);
            let search = (!words.is_empty()).then(|| Search { text: self.search_text(&words), few: false });
            sql = Sql::new("SELECT count(*)");
            let from = self.user_tables(query, search.as_ref());
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

    /// Whether so few users have these words that SQLite can sort all of them.
    async fn are_few(&self, text: &str) -> Result<bool, StoreError> {
        let mut sql = Sql::default();
        let text = sql.bind(text);
        sql.push(&format!(
            "SELECT count(*) FROM (SELECT 1 FROM m365_user_words WHERE m365_user_words MATCH {text} LIMIT {}) AS hits",
            FEW + 1
        ));
        Ok(self.count(sql).await? <= FEW)
    }

    /// Where the rows come from. The order of the tables is the one in which SQLite goes through them (`CROSS JOIN`).
    fn user_tables(&self, query: &UserQuery, search: Option<&Search>) -> Sql {
        let mut sql = Sql::default();
        let is_postgres = self.engine() == DbBackend::Postgres;
        let text = search.map(|search| sql.bind(&search.text));
        let few = search.is_some_and(|search| search.few);
        let users_first = "m365_user u CROSS JOIN company c";
        sql.push(" FROM ");
        match &text {
            Some(text) if few && !is_postgres => sql.push(&format!(
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
            Some(text) if is_postgres => sql.push(&format!(" AND u.words @@ CAST({text} AS tsquery)")),
            Some(_) if few => sql.push(" AND u.number = hit.number"),
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
        sql.push(narrowed(query.filter).concat().as_str());
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

/// What is looked for in the index of words.
struct Search {
    text: String,
    /// Whether SQLite begins with the hits.
    few: bool,
}

/// Written out, not bound: then the small indexes of guests and of blocked accounts are used.
const fn narrowed(filter: UserFilter) -> [&'static str; 3] {
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

fn keys(query: &UserQuery, names: &Names) -> Keys {
    const OWNER: (&str, Kind) = ("u.company_id", Kind::Id);
    const WHO: (&str, Kind) = ("u.id", Kind::Id);
    let text = |column| (column, Kind::Text);
    let columns = match query.order.by {
        UserSort::Name => vec![text(names.user), OWNER, WHO],
        UserSort::Company => vec![text(names.company), ("c.id", Kind::Id), text(names.user), WHO],
        UserSort::Address => vec![text("lower(coalesce(u.user_principal_name, ''))"), OWNER, WHO],
        UserSort::Department => vec![text("lower(coalesce(u.department, ''))"), text(names.user), OWNER, WHO],
        UserSort::Title => vec![text("lower(coalesce(u.job_title, ''))"), text(names.user), OWNER, WHO],
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
        .split_whitespace()
        .map(without_top_level)
        .flat_map(|part| part.split(|letter: char| !letter.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(str::to_lowercase)
        .collect()
}

/// An address without its last label: everybody has a `com` in theirs, so it finds nobody and takes long.
fn without_top_level(part: &str) -> &str {
    let Some((_, domain)) = part.rsplit_once('@') else { return part };
    domain.rfind('.').filter(|dot| *dot > 0).map_or(part, |dot| &part[..part.len() - domain.len() + dot])
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
        assert_eq!(
            words("anna.smith@contoso.com @fabrikam.co.uk x@."),
            ["anna", "smith", "contoso", "fabrikam", "co", "x"]
        );
        assert_eq!(words("contoso.com"), ["contoso", "com"]);
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
