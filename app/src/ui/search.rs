//! Which companies a search and a filter leave.

use std::borrow::Borrow;

use crate::domain::{Cause, CompanyRow, Status};

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

/// What a company is found by: its name, domain and tenant, folded.
pub fn key(row: &CompanyRow, decompose: Decompose) -> String {
    let mut key = fold(&decompose(&row.name));
    for part in [&row.domain, &row.tenant].into_iter().flatten() {
        key.push('\n');
        key.push_str(&fold(&decompose(part)));
    }
    key
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
    use crate::domain::Timestamp;

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
}
