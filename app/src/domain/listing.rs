//! Long lists, a page at a time: what is looked for, in which order, and where the next page begins.

use serde::{Deserialize, Serialize};

use super::{CompanyId, Timestamp};

/// How many rows a page has.
pub const PAGE: u32 = 50;

/// Where the next page begins. Only the server knows what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// From what the server wrote.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// What the server wrote.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something that a list can be ordered by, with a stable name in URLs.
pub trait SortKey: Copy + Default + PartialEq + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// Its stable name.
    fn key(self) -> &'static str;

    /// The one of this stable name.
    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sort| sort.key() == key)
    }
}

/// A part of a list, with a stable name in URLs. Whatever narrows it down is one of a few choices.
pub trait FilterKeys: Clone + Default + PartialEq + 'static {
    /// The choices that are made, each with a stable name.
    fn pairs(&self) -> Vec<(&'static str, &'static str)>;

    /// Makes a choice. False: there is none of this name.
    fn choose(&mut self, name: &str, value: &str) -> bool;
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order<Sort> {
    /// By what.
    pub by: Sort,
    /// The largest first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

impl<Sort: PartialEq> Order<Sort> {
    /// What follows when somebody chooses what to order by: the same again turns the order around.
    #[must_use]
    pub fn chosen(self, by: Sort) -> Self {
        let descending = self.by == by && !self.descending;
        Self { by, descending }
    }
}

/// Which part of a list to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery<Sort, Filter> {
    /// Of this company. None: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// What contains these words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// What these choices leave.
    #[serde(default)]
    pub filter: Filter,
    /// In this order.
    #[serde(default)]
    pub order: Order<Sort>,
    /// After this one: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

impl<Sort: SortKey, Filter: FilterKeys> ListQuery<Sort, Filter> {
    /// Whether nothing narrows the list down.
    pub fn is_whole(&self) -> bool {
        self.search.trim().is_empty() && self.filter == Filter::default()
    }

    /// The query of the URL where the same is to be had as a file.
    pub fn url_query(&self, encode: impl Fn(&str) -> String) -> String {
        let mut parts = Vec::new();
        if let Some(company) = self.company {
            parts.push(format!("company={company}"));
        }
        if !self.search.trim().is_empty() {
            parts.push(format!("search={}", encode(self.search.trim())));
        }
        parts.extend(self.filter.pairs().into_iter().map(|(name, value)| format!("{name}={value}")));
        if self.order.by != Sort::default() {
            parts.push(format!("sort={}", self.order.by.key()));
        }
        if self.order.descending {
            parts.push("order=descending".to_owned());
        }
        parts.join("&")
    }

    /// Reads such a query. A value that is empty says nothing. None: it says something that can't be understood.
    pub fn from_url_query(pairs: &[(String, String)]) -> Option<Self> {
        let mut query = Self {
            company: None,
            search: String::new(),
            filter: Filter::default(),
            order: Order { by: Sort::default(), descending: false },
            after: None,
        };
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "company" => query.company = Some(value.parse().ok()?),
                "search" => query.search.clone_from(value),
                "sort" => query.order.by = Sort::from_key(value)?,
                "order" => {
                    query.order.descending = match value.as_str() {
                        "ascending" => false,
                        "descending" => true,
                        _ => return None,
                    }
                }
                name => query.filter.choose(name, value).then_some(())?,
            }
        }
        Some(query)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPage<Row> {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Where the next page begins. None: this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// How many rows all pages have. None: nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Whose a row is, and as of when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Which company.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// When it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Whether it should have been read again since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        UserKind,
        user::{UserFilter, UserQuery, UserSort},
    };

    #[test]
    fn the_same_column_again_turns_the_order_around() {
        let by_name = Order { by: UserSort::Name, descending: false };
        assert_eq!(by_name.chosen(UserSort::Name), Order { by: UserSort::Name, descending: true });
        assert_eq!(by_name.chosen(UserSort::Name).chosen(UserSort::Name), by_name);
        let by_title = Order { by: UserSort::Title, descending: false };
        assert_eq!(Order { by: UserSort::Name, descending: true }.chosen(UserSort::Title), by_title);
    }

    #[test]
    fn a_query_that_can_not_be_understood_is_refused() {
        let read = |name: &str, value: &str| UserQuery::from_url_query(&[(name.to_owned(), value.to_owned())]);
        for (name, value) in [("sort", "size"), ("order", "up"), ("company", "1"), ("type", "robot"), ("x", "y")] {
            assert_eq!(read(name, value), None, "{name}={value}");
        }
        assert_eq!(read("x", ""), Some(UserQuery::default()));
    }

    proptest! {
        #[test]
        fn a_query_in_a_url_means_the_same(
            company: Option<u128>,
            search in "[a-z@ ]{0,8}",
            guest: Option<bool>,
            enabled: Option<bool>,
            licensed: Option<bool>,
            sort in 0..UserSort::ALL.len(),
            descending: bool,
        ) {
            let query = UserQuery {
                company: company.map(|id| CompanyId::from_uuid(uuid::Uuid::from_u128(id))),
                search: search.trim().to_owned(),
                filter: UserFilter {
                    kind: guest.map(|guest| if guest { UserKind::Guest } else { UserKind::Member }),
                    enabled,
                    licensed,
                },
                order: Order { by: UserSort::ALL[sort], descending },
                after: None,
            };
            let text = query.url_query(|text| text.replace('@', "%40").replace(' ', "%20"));
            let pairs: Vec<(String, String)> = text
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.replace("%40", "@").replace("%20", " ")))
                .collect();
            prop_assert_eq!(UserQuery::from_url_query(&pairs), Some(query));
        }
    }
}
