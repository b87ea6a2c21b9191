//! Tokens with which other programs use the programming interface, and what each of them may be let do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ApiTokenId, Right, Timestamp};

/// What every token begins with, so that people and scanners for secrets know one.
pub const PREFIX: &str = "tny_";

/// For how many days a token can be made. None is good for ever: what nobody renews, nobody uses.
pub const DAYS: [u16; 4] = [30, 90, 180, 365];

/// For how many days one is made, unless somebody says otherwise.
pub const DEFAULT_DAYS: u16 = 90;

/// The most tokens that there may be.
pub const TOKENS_MAX: u64 = 100;

/// How long a token that has expired is shown, so that somebody sees why a program stopped.
pub const SHOWN_AFTER_ITS_END: Duration = Duration::from_hours(24 * 90);

/// Something that a token lets do. What its maker may not do, it does not let do either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See what is written down about companies.
    #[serde(rename = "companies:read")]
    CompaniesRead,
    /// Add, change, archive and restore companies.
    #[serde(rename = "companies:write")]
    CompaniesWrite,
    /// See how companies are connected.
    #[serde(rename = "connections:read")]
    ConnectionsRead,
    /// Have a company read now.
    #[serde(rename = "connections:sync")]
    ConnectionsSync,
    /// See which links are live. Their addresses are in no answer but that which made them.
    #[serde(rename = "links:read")]
    LinksRead,
    /// Make and withdraw links.
    #[serde(rename = "links:write")]
    LinksWrite,
    /// See what was done, of everybody.
    #[serde(rename = "activity:read")]
    ActivityRead,
    /// See what was read of tenants: users, licences, domains, Secure Score.
    #[serde(rename = "data:read")]
    DataRead,
}

impl Scope {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::CompaniesRead,
        Self::CompaniesWrite,
        Self::ConnectionsRead,
        Self::ConnectionsSync,
        Self::LinksRead,
        Self::LinksWrite,
        Self::ActivityRead,
        Self::DataRead,
    ];

    /// Its stable name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::CompaniesRead => "companies:read",
            Self::CompaniesWrite => "companies:write",
            Self::ConnectionsRead => "connections:read",
            Self::ConnectionsSync => "connections:sync",
            Self::LinksRead => "links:read",
            Self::LinksWrite => "links:write",
            Self::ActivityRead => "activity:read",
            Self::DataRead => "data:read",
        }
    }

    /// The scope of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.key() == key)
    }

    /// What it lets do, for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CompaniesRead => "See companies, with contacts and notes",
            Self::CompaniesWrite => "Add, change and archive companies",
            Self::ConnectionsRead => "See how companies are connected",
            Self::ConnectionsSync => "Sync companies now",
            Self::LinksRead => "See live links",
            Self::LinksWrite => "Make and withdraw links",
            Self::ActivityRead => "See what was done, by everybody",
            Self::DataRead => "See users, licences, domains and scores",
        }
    }

    /// What the maker of the token has to be allowed to do.
    pub const fn right(self) -> Right {
        match self {
            // Notes are for those who manage companies, as on the page.
            Self::CompaniesRead | Self::CompaniesWrite => Right::ManageCompanies,
            Self::ConnectionsRead | Self::DataRead => Right::See,
            Self::ConnectionsSync => Right::SyncNow,
            Self::LinksRead | Self::LinksWrite => Right::SendLinks,
            Self::ActivityRead => Right::ManageAccounts,
        }
    }
}

/// What a token is called: after the program that has it. 1 to 60 characters in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// Why a text is no name of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Name the program that the token is for, in 1 to {} characters.", TokenName::MAX)]
pub struct TokenNameError;

impl TokenName {
    /// The most characters that a name has.
    pub const MAX: usize = 60;

    /// Takes a text as people write it.
    pub fn parse(text: &str) -> Result<Self, TokenNameError> {
        let name = text.trim();
        let fits = !name.is_empty() && name.chars().count() <= Self::MAX && !name.chars().any(char::is_control);
        if fits { Ok(Self(name.to_owned())) } else { Err(TokenNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token as the page API shows it. Flat, and with words: the browser reads it in few bytes of program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenRow {
    /// Which one.
    pub id: ApiTokenId,
    /// What it is called.
    pub name: String,
    /// The stable names of its scopes, with commas between them.
    pub scopes: String,
    /// Who made it.
    pub made_by: String,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for scope in Scope::ALL {
            assert_eq!(Scope::from_key(scope.key()), Some(scope));
            assert_eq!(serde_json::to_string(&scope).ok(), Some(format!("\"{}\"", scope.key())));
        }
        assert_eq!(Scope::from_key("companies"), None);
    }

    #[test]
    fn a_token_is_called_by_one_short_line() {
        assert_eq!(TokenName::parse("  PSA ").map(|name| name.as_str().to_owned()), Ok("PSA".into()));
        for wrong in ["", " ", "a\nb", &"x".repeat(61)] {
            assert_eq!(TokenName::parse(wrong), Err(TokenNameError), "{wrong:?}");
        }
    }

    #[test]
    fn no_token_is_good_for_more_than_a_year() {
        assert!(DAYS.contains(&DEFAULT_DAYS) && DAYS.iter().all(|days| (1..=365).contains(days)));
    }
}
