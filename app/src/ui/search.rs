//! Which companies a search and a filter leave.

use crate::domain::{CompanyRow, Status};

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
}

impl Filter {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::All, Self::NotConnected, Self::Connected, Self::NeedsAttention];

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::NotConnected => "Not connected",
            Self::Connected => "Connected",
            Self::NeedsAttention => "Needs attention",
        }
    }

    /// Whether a company in this state is shown. `awaited`: somebody should do something about it, whatever its state is.
    pub const fn admits(self, status: &Status, awaited: bool) -> bool {
        match self {
            Self::All => true,
            Self::NotConnected => !status.counts_as_connected() && !status.needs_attention(),
            Self::Connected => status.counts_as_connected(),
            Self::NeedsAttention => status.needs_attention() || awaited,
        }
    }
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
