//! The people and guests of a tenant's directory.

use serde::{Deserialize, Serialize};

use super::{
    UserId,
    listing::{FilterKeys, ListQuery, Origin, SortKey},
};

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// The organisation's own.
    Member,
    /// Somebody else's, who was invited.
    Guest,
}

impl UserKind {
    /// Its stable name in URLs and exports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Guest => "Guest",
        }
    }
}

/// Somebody, as a list shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Whose, and as of when.
    pub origin: Origin,
    /// Who.
    pub id: UserId,
    /// Their name. Empty: Microsoft knows none.
    pub name: String,
    /// What they sign in with.
    pub address: String,
    /// Whose account it is.
    pub kind: UserKind,
    /// Whether they may sign in.
    pub enabled: bool,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The names of the products that are assigned to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
}

/// What users can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserSort {
    /// Their name.
    #[default]
    Name,
    /// The company's name, then theirs. Across companies only.
    Company,
    /// What they sign in with. Within a company only.
    Address,
    /// Department. Within a company only.
    Department,
    /// Job title. Within a company only.
    Title,
}

impl UserSort {
    /// Whether there is such an order. Across companies it takes an index each.
    pub const fn is_offered(self, within_a_company: bool) -> bool {
        match self {
            Self::Name => true,
            Self::Company => !within_a_company,
            Self::Address | Self::Department | Self::Title => within_a_company,
        }
    }
}

impl SortKey for UserSort {
    const ALL: &'static [Self] = &[Self::Name, Self::Company, Self::Address, Self::Department, Self::Title];

    fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
            Self::Address => "address",
            Self::Department => "department",
            Self::Title => "title",
        }
    }
}

/// Which users to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFilter {
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<UserKind>,
    /// Who may, or may not, sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Who has, or does not have, a licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licensed: Option<bool>,
}

impl FilterKeys for UserFilter {
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        let kind = self.kind.map(|kind| ("type", kind.key()));
        let enabled = self.enabled.map(|enabled| ("sign_in", if enabled { "allowed" } else { "blocked" }));
        let licensed = self.licensed.map(|licensed| ("licensed", if licensed { "yes" } else { "no" }));
        [kind, enabled, licensed].into_iter().flatten().collect()
    }

    fn choose(&mut self, name: &str, value: &str) -> bool {
        match (name, value) {
            ("type", "member") => self.kind = Some(UserKind::Member),
            ("type", "guest") => self.kind = Some(UserKind::Guest),
            ("sign_in", "allowed") => self.enabled = Some(true),
            ("sign_in", "blocked") => self.enabled = Some(false),
            ("licensed", "yes") => self.licensed = Some(true),
            ("licensed", "no") => self.licensed = Some(false),
            _ => return false,
        }
        true
    }
}

/// Which users to show, and in which order.
pub type UserQuery = ListQuery<UserSort, UserFilter>;
