//! Which companies a search and filters leave, and in which order.

use std::{borrow::Borrow, sync::Arc};

use super::state::Entry;
use crate::domain::{Access, Cause, CompanyId, CompanyRow, Order, Status, Timestamp, company::tags};

/// The part of the companies that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Every company.
    #[default]
    All,
    /// Those that were never connected, or are being connected.
    NotConnected,
    /// Those that count in the progress bar.
    Connected,
    /// Those where somebody should do something.
    NeedsAttention,
    /// Those where that is for the same cause.
    Cause(Cause),
}

impl Filter {
    /// Those that are always offered, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::All, Self::NotConnected, Self::Connected, Self::NeedsAttention];

    /// The one at this place: after those that are always offered come the causes.
    pub fn at(place: usize) -> Self {
        let cause = || Cause::all().nth(place.checked_sub(Self::ALL.len())?).map(Self::Cause);
        Self::ALL.get(place).copied().or_else(cause).unwrap_or_default()
    }

    /// Its stable name in addresses.
    const fn key(self) -> &'static str {
        match self {
            Self::All => "",
            Self::NotConnected => "not-connected",
            Self::Connected => "connected",
            Self::NeedsAttention => "needs-attention",
            Self::Cause(cause) => cause.key(),
        }
    }

    /// The one of this stable name.
    fn from_key(key: &str) -> Self {
        let known = Self::ALL.into_iter().find(|filter| filter.key() == key);
        known.or_else(|| Cause::from_key(key).map(Self::Cause)).unwrap_or_default()
    }

    /// Its place: what [`Filter::at`] takes.
    pub fn place(self) -> usize {
        let always = Self::ALL.into_iter().position(|filter| filter == self);
        let cause = || Cause::all().position(|cause| self == Self::Cause(cause)).map(|place| Self::ALL.len() + place);
        always.or_else(cause).unwrap_or_default()
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::NotConnected => "Not connected",
            Self::Connected => "Connected",
            Self::NeedsAttention => "Needs attention",
            Self::Cause(cause) => cause.short(),
        }
    }

    /// Whether a company in this state is shown. `awaited`: somebody should do something about it, whatever its state is.
    pub fn admits(self, status: &Status, awaited: bool) -> bool {
        match self {
            Self::All => true,
            Self::NotConnected => !status.counts_as_connected() && !status.needs_attention(),
            Self::Connected => status.counts_as_connected(),
            Self::NeedsAttention => status.needs_attention() || awaited,
            Self::Cause(cause) => status.cause() == Some(cause),
        }
    }
}

/// How many companies there are of each cause, in the order of [`Cause::all`].
pub fn causes<S: Borrow<Status>>(statuses: impl IntoIterator<Item = S>) -> Vec<usize> {
    let mut counts = vec![0; Cause::all().count()];
    for cause in statuses.into_iter().filter_map(|status| status.borrow().cause()) {
        if let Some(place) = Cause::all().position(|known| known == cause) {
            counts[place] += 1;
        }
    }
    counts
}

/// What stands before the causes of one kind: "7 companies need reconnecting:".
pub fn headline(companies: usize, lost: bool) -> String {
    let words = match (companies, lost) {
        (1, true) => "needs reconnecting",
        (_, true) => "need reconnecting",
        (1, false) => "is limited",
        (_, false) => "are limited",
    };
    format!("{} {words}:", how_many(companies))
}

/// "1 company", "7 companies".
pub fn how_many(companies: usize) -> String {
    if companies == 1 { "1 company".into() } else { format!("{companies} companies") }
}

/// Brings a text into lower case and Unicode's NFD, where each accent is a character of its own. The browser can, and
/// its tables need not be sent to it.
pub type Decompose = fn(&str) -> String;

/// What a company is found by, folded: its name, and in the lines below everything else. Its tenant's id is not among it.
pub fn key(row: &CompanyRow, decompose: Decompose) -> String {
    let mut key = fold(&decompose(&row.name));
    for part in [&row.domain, &row.tenant, &row.external_id, &row.contact, &row.email].into_iter().flatten() {
        key.push('\n');
        key.push_str(&fold(&decompose(part)));
    }
    key
}

/// What the list can be ordered by: its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The company's name.
    #[default]
    Name,
    /// Its state, the most urgent first.
    Status,
    /// How many users there are.
    Users,
    /// How many licences are used.
    Licences,
    /// The Secure Score.
    SecureScore,
    /// When a sync last succeeded.
    Synced,
}

impl Sort {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 6] = [Self::Name, Self::Status, Self::Users, Self::Licences, Self::SecureScore, Self::Synced];

    /// Its stable name in addresses.
    const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::Users => "users",
            Self::Licences => "licences",
            Self::SecureScore => "secure-score",
            Self::Synced => "synced",
        }
    }

    /// What a company has its place by, the smallest first. None: it is not known.
    fn rank(self, entry: &Entry, now: Timestamp) -> Option<u64> {
        let row = &entry.row;
        match self {
            Self::Name => None,
            Self::Status => Some(urgency(&entry.lasting(now), entry.is_awaited(now))),
            Self::Users => row.figures.users.map(u64::from),
            Self::Licences => row.figures.licences.map(|licences| licences.used.into()),
            Self::SecureScore => row.figures.secure_score.map(u64::from),
            Self::Synced => row.synced_at.map(|at| at.as_millis().unsigned_abs()),
        }
    }
}

/// The less, the sooner somebody should look at it.
const fn urgency(status: &Status, awaited: bool) -> u64 {
    match status {
        Status::NeedsReconnect { .. } => 0,
        Status::Limited { .. } => 1,
        Status::NotConnected if awaited => 2,
        Status::NotConnected => 3,
        Status::LinkSent => 4,
        Status::SigningIn { .. } => 5,
        Status::Verifying { .. } => 6,
        Status::Connected => 7,
    }
}

/// What is looked for, and how it is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The words, as they were typed.
    pub search: String,
    /// Those in such a state.
    pub filter: Filter,
    /// Those with this tag. Empty: all.
    pub tag: String,
    /// Those that are read like this.
    pub access: Option<Access>,
    /// In this order.
    pub order: Order<Sort>,
}

impl Wanted {
    /// Reads a query. What it says that is not known says nothing. `get` answers a value of the query.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        let sort = text("sort");
        let (key, descending) = match sort.strip_prefix('-') {
            Some(key) => (key, true),
            None => (sort.as_str(), false),
        };
        let by = Sort::ALL.into_iter().find(|sort| sort.key() == key);
        Self {
            search: text("q"),
            filter: Filter::from_key(&text("show")),
            tag: text("tag"),
            access: Access::from_key(&text("access")),
            order: by.map(|by| Order { by, descending }).unwrap_or_default(),
        }
    }

    /// Writes the query, with its question mark, if it says anything.
    pub fn query(&self, encode: &dyn Fn(&str) -> String) -> String {
        let Order { by, descending } = self.order;
        let sort = match (by, descending) {
            (Sort::Name, false) => String::new(),
            (by, false) => by.key().to_owned(),
            (by, true) => "-".to_owned() + by.key(),
        };
        let parts = [
            ("q", encode(&self.search)),
            ("show", self.filter.key().to_owned()),
            ("tag", encode(&self.tag)),
            ("access", self.access.map(Access::key).unwrap_or_default().to_owned()),
            ("sort", sort),
        ];
        let mut query = String::new();
        for (name, value) in parts.iter().filter(|(_, value)| !value.is_empty()) {
            for part in [if query.is_empty() { "?" } else { "&" }, name, "=", value] {
                query.push_str(part);
            }
        }
        query
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The companies to show, in their order.
    pub shown: Arc<[Arc<Entry>]>,
    /// How many there would be with each of [`Filter::ALL`].
    pub counts: [usize; Filter::ALL.len()],
    /// Whether one of those that are shown can be connected.
    pub has_next: bool,
}

impl Found {
    /// Looks for companies. `entries` are all of them, by name; `by_tenant` those whose tenant's id is looked for.
    pub fn of(
        entries: &[Arc<Entry>],
        wanted: &Wanted,
        by_tenant: &[CompanyId],
        now: Timestamp,
        decompose: Decompose,
    ) -> Self {
        let query = Query::parse(&wanted.search, decompose);
        let tag = decompose(&wanted.tag);
        let mut counts = [0; Filter::ALL.len()];
        let mut shown = Vec::new();
        let mut has_next = false;
        for entry in entries {
            let is_found = (query.matches(&entry.search_key) || by_tenant.contains(&entry.row.id))
                && (tag.is_empty() || tags(&entry.tag_key).any(|other| other == tag))
                && (wanted.access.is_none() || entry.row.access == wanted.access);
            if !is_found {
                continue;
            }
            let (status, awaited) = (entry.lasting(now), entry.is_awaited(now));
            for (count, filter) in counts.iter_mut().zip(Filter::ALL) {
                *count += usize::from(filter.admits(&status, awaited));
            }
            if wanted.filter.admits(&status, awaited) {
                shown.push(Arc::clone(entry));
                has_next |= entry.is_next(now);
            }
        }
        Self { shown: ordered(shown, wanted.order, now), counts, has_next }
    }
}

/// Companies that are ordered by name, in another order. Those of one rank stay by name, and those without come last.
fn ordered(mut by_name: Vec<Arc<Entry>>, order: Order<Sort>, now: Timestamp) -> Arc<[Arc<Entry>]> {
    if order.by == Sort::Name {
        if order.descending {
            by_name.reverse();
        }
        return by_name.into();
    }
    let rank = |entry: &Arc<Entry>| match order.by.rank(entry, now) {
        Some(rank) if order.descending => u64::MAX - 1 - rank,
        Some(rank) => rank,
        None => u64::MAX,
    };
    let mut ranks: Vec<(u64, usize)> = by_name.iter().map(rank).zip(0..).collect();
    ranks.sort_unstable();
    ranks.into_iter().map(|(_, place)| Arc::clone(&by_name[place])).collect()
}

/// The tags that companies have, by name, each in one way to write it.
pub fn all_tags(entries: &[Arc<Entry>]) -> Vec<String> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (key, tag) in entries.iter().flat_map(|entry| tags(&entry.tag_key).zip(entry.row.tags())) {
        if let Err(place) = all.binary_search_by(|(known, _)| known.cmp(&key)) {
            all.insert(place, (key, tag));
        }
    }
    all.into_iter().map(|(_, tag)| tag.to_owned()).collect()
}

/// The words of a search, folded. A company matches when its key contains each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<String>);

impl Query {
    /// Takes a text as people type it.
    pub fn parse(text: &str, decompose: Decompose) -> Self {
        Self(fold(&decompose(text)).split_whitespace().map(str::to_owned).collect())
    }

    /// Whether a key contains every word.
    pub fn matches(&self, key: &str) -> bool {
        self.0.iter().all(|word| key.contains(word.as_str()))
    }
}

/// A decomposed text without accents.
fn fold(decomposed: &str) -> String {
    let mut folded = String::with_capacity(decomposed.len());
    for letter in decomposed.chars() {
        match letter {
            '\u{300}'..='\u{36f}' => {}
            // Letters that Unicode does not decompose, but that people type without their stroke.
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            _ => folded.push(letter),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::state::rows::tests::{row, rows};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// For texts that are decomposed already.
    fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    fn found(query: &str, key: &str) -> bool {
        Query::parse(query, lower).matches(&fold(&lower(key)))
    }

    #[test]
    fn case_and_accents_make_no_difference() {
        assert!(found("cafe", "Cafe\u{301} Du\u{308}rer"));
        assert!(found("CAFE\u{301} durer", "cafe durer"));
        assert!(found("strasse", "Große Straße"));
        assert!(found("lodz", "Ło\u{301}dz\u{301}"));
    }

    #[test]
    fn words_are_found_in_any_order_and_all_of_them() {
        assert!(found("ltd contoso", "Contoso Travel Ltd\ncontoso.com"));
        assert!(found("  contoso.c ", "Contoso Travel Ltd\ncontoso.com"));
        assert!(!found("contoso gmbh", "Contoso Travel Ltd\ncontoso.com"));
    }

    #[test]
    fn companies_that_need_somebody_are_counted_by_why() {
        use crate::domain::{DataSet, Lack, Problem, ReconnectReason};

        let lost = |reason| Status::NeedsReconnect { reason, since: Timestamp::from_millis(0) };
        let lack = Lack { data_set: DataSet::Users, problem: Problem::PermissionMissing };
        let (removed, expired) = (ReconnectReason::ConsentRemoved, ReconnectReason::SignInExpired);
        let statuses =
            [lost(expired), Status::Connected, Status::Limited { lacks: vec![lack] }, lost(removed), lost(expired)];
        let counts = causes(&statuses);
        let found: Vec<_> = Cause::all().zip(&counts).filter(|(_, count)| **count > 0).collect();
        let expected = [(Cause::Lost(removed), &1), (Cause::Lost(expired), &2), (Cause::PermissionMissing, &1)];
        assert_eq!(found, expected);
        for (place, count) in counts.into_iter().enumerate() {
            let filter = Filter::at(Filter::ALL.len() + place);
            assert_eq!(statuses.iter().filter(|status| filter.admits(status, true)).count(), count, "{filter:?}");
        }
        assert_eq!(Filter::at(usize::MAX), Filter::All);
        assert_eq!(headline(7, true), "7 companies need reconnecting:");
        assert_eq!(headline(1, true), "1 company needs reconnecting:");
        assert_eq!(headline(3, false), "3 companies are limited:");
    }

    #[test]
    fn an_empty_search_finds_everything() {
        assert!(found("   ", "Contoso"));
    }

    #[test]
    fn a_company_whose_last_try_failed_needs_attention_and_is_not_connected() {
        let shown = |status: &Status, awaited| Filter::ALL.map(|filter| filter.admits(status, awaited));
        assert_eq!(shown(&Status::NotConnected, false), [true, true, false, false]);
        assert_eq!(shown(&Status::NotConnected, true), [true, true, false, true]);
        assert_eq!(shown(&Status::Connected, false), [true, false, true, false]);
        assert_eq!(shown(&Status::Limited { lacks: vec![] }, false), [true, false, true, true]);
        let signing_in = Status::SigningIn { until: Timestamp::from_millis(0), connected: false };
        assert_eq!(shown(&signing_in, false), [true, true, false, false]);
    }

    fn company(number: u128, name: &str) -> CompanyRow {
        row(number, name, Status::NotConnected, 1)
    }

    fn names(list: &[CompanyRow], wanted: &Wanted, by_tenant: &[CompanyId]) -> Vec<String> {
        let rows = rows(list.to_vec());
        let found = Found::of(rows.all(), wanted, by_tenant, NOW, lower);
        found.shown.iter().map(|entry| entry.row.name.clone()).collect()
    }

    #[test]
    fn a_company_is_found_by_everything_that_is_written_down_about_it() {
        let known = CompanyRow {
            domain: Some("contoso.com".into()),
            tenant: Some("Contoso Holding".into()),
            external_id: Some("PSA-4711".into()),
            contact: Some("Kim King".into()),
            email: Some("kim@mail.test".into()),
            ..company(1, "Contoso")
        };
        let list = [known, company(2, "Fabrikam")];
        let found = |search: &str| names(&list, &Wanted { search: search.into(), ..Wanted::default() }, &[]);
        for search in ["so.com", "holding", "psa-47", "KING kim", "@mail.test", "king 4711 contoso"] {
            assert_eq!(found(search), ["Contoso"], "{search}");
        }
        assert_eq!(found("kim fabrikam").len(), 0);
        let search = Wanted { search: "3f2504e0".into(), ..Wanted::default() };
        assert_eq!(names(&list, &search, &[list[1].id]), ["Fabrikam"]);
    }

    #[test]
    fn who_signs_in_is_found_where_the_company_was_before() {
        use crate::{domain::ReconnectReason, ui::state::Wish};

        let reason = ReconnectReason::AppRemoved;
        let mut rows = rows(vec![row(1, "A", Status::NeedsReconnect { reason, since: NOW }, 1), company(2, "B")]);
        let id = rows.all()[0].row.id;
        let cause = Filter::Cause(Cause::Lost(reason));
        let counts = |rows: &crate::ui::state::Rows| {
            let of = |filter| Found::of(rows.all(), &Wanted { filter, ..Wanted::default() }, &[], NOW, lower);
            let groups: usize = causes(rows.all().iter().map(|entry| entry.lasting(NOW))).into_iter().sum();
            (of(Filter::All).counts, of(cause).shown.len(), groups)
        };
        let before = counts(&rows);
        assert_eq!(before, ([2, 1, 0, 1], 1, 1));
        rows.wish(id, Wish::SignIn, NOW);
        assert_eq!(counts(&rows), before, "the button was pressed");
        let signing_in = Status::SigningIn { until: NOW.plus(std::time::Duration::from_mins(1)), connected: false };
        rows.merge(vec![row(1, "A", signing_in, 2)]);
        assert_eq!(counts(&rows), before, "the window is open");
        rows.merge(vec![row(1, "A", Status::Connected, 3)]);
        assert_eq!(counts(&rows), ([2, 1, 1, 0], 0, 0));
    }

    #[test]
    fn there_is_one_to_connect_next_only_among_those_that_are_shown() {
        let rows = rows(vec![row(1, "A", Status::Connected, 1), company(2, "B")]);
        let has_next =
            |filter| Found::of(rows.all(), &Wanted { filter, ..Wanted::default() }, &[], NOW, lower).has_next;
        assert!(has_next(Filter::All) && has_next(Filter::NotConnected));
        assert!(!has_next(Filter::Connected));
    }

    #[test]
    fn tags_and_access_narrow_the_list_and_the_counts() {
        let tagged = |number, name, tags: &str| CompanyRow { tags: Some(tags.into()), ..company(number, name) };
        let delegated = CompanyRow { access: Some(Access::Delegated), ..tagged(3, "C", "vip") };
        let list = [tagged(1, "A", "North, VIP"), tagged(2, "B", "north"), delegated, company(4, "D")];
        let wanted = |tag: &str, access| Wanted { tag: tag.into(), access, ..Wanted::default() };
        assert_eq!(names(&list, &wanted("Vip", None), &[]), ["A", "C"]);
        assert_eq!(names(&list, &wanted("vi", None), &[]).len(), 0);
        assert_eq!(names(&list, &wanted("vip", Some(Access::Delegated)), &[]), ["C"]);
        assert_eq!(names(&list, &wanted("", Some(Access::Application)), &[]).len(), 0);
        let rows = rows(list.to_vec());
        let found = Found::of(rows.all(), &wanted("north", None), &[], NOW, lower);
        assert_eq!(found.counts, [2, 2, 0, 0]);
        assert_eq!(all_tags(rows.all()), ["North", "VIP"]);
    }

    #[test]
    fn each_column_orders_and_what_is_not_known_comes_last_both_ways() {
        let urgent = Status::NeedsReconnect { reason: crate::domain::ReconnectReason::AppRemoved, since: NOW };
        let figures = |users, used: Option<u32>, score| crate::domain::Figures {
            users,
            licences: used.map(|used| crate::domain::LicenceUse { used, assignable: 9 }),
            secure_score: score,
        };
        let at = |seconds| Some(Timestamp::from_millis(seconds));
        let list = [
            CompanyRow {
                figures: figures(Some(7), Some(1), None),
                synced_at: at(1),
                ..row(1, "a", Status::Connected, 1)
            },
            CompanyRow { figures: figures(None, Some(3), Some(50)), synced_at: at(3), ..row(2, "b", urgent, 1) },
            CompanyRow { figures: figures(Some(7), None, Some(10)), ..row(3, "c", Status::LinkSent, 1) },
            CompanyRow { figures: figures(Some(2), Some(2), Some(90)), synced_at: at(2), ..company(4, "d") },
        ];
        for (by, up, down) in [
            (Sort::Name, "abcd", "dcba"),
            // A link that is not live any more is none.
            (Sort::Status, "bcda", "acdb"),
            (Sort::Users, "dacb", "acdb"),
            (Sort::Licences, "adbc", "bdac"),
            (Sort::SecureScore, "cbda", "dbca"),
            (Sort::Synced, "adbc", "bdac"),
        ] {
            for (descending, expected) in [(false, up), (true, down)] {
                let wanted = Wanted { order: Order { by, descending }, ..Wanted::default() };
                assert_eq!(names(&list, &wanted, &[]).concat(), expected, "{by:?} {descending}");
            }
        }
    }

    #[test]
    fn an_address_holds_what_is_looked_for_and_leaves_out_what_is_usual() {
        let encode = |text: &str| text.replace(' ', "%20");
        let read = |query: &str| {
            let value = |name: &str| {
                let parts = query.strip_prefix('?')?.split('&');
                parts.filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
            };
            Wanted::read(&|name| value(name).map(|value| value.replace("%20", " ")))
        };
        assert_eq!(Wanted::default().query(&encode), "");
        let mut filters: Vec<_> = Cause::all().map(Filter::Cause).collect();
        filters.extend(Filter::ALL);
        for filter in filters {
            assert_eq!(Filter::at(filter.place()), filter);
            for (by, descending) in Sort::ALL.into_iter().flat_map(|by| [(by, false), (by, true)]) {
                let order = Order { by, descending };
                let access = Some(Access::Delegated);
                let wanted = Wanted { search: "a b".into(), filter, tag: "vip".into(), access, order };
                assert_eq!(read(&wanted.query(&encode)), wanted);
            }
        }
        let order = Order { by: Sort::Users, descending: true };
        let wanted = Wanted { filter: Filter::NeedsAttention, order, ..Wanted::default() };
        assert_eq!(wanted.query(&encode), "?show=needs-attention&sort=-users");
        assert_eq!(read("?show=nothing&access=other&sort=-age&x=y"), Wanted::default());
    }
}
