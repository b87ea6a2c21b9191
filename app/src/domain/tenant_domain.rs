//! The domain names of a tenant.

use serde::{Deserialize, Serialize};

use super::listing::{FilterKeys, ListQuery, Origin, SortKey};

/// One domain name of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each shown by itself")]
pub struct TenantDomainRow {
    /// Whose, and as of when.
    pub origin: Origin,
    /// The name.
    pub name: String,
    /// Whether new accounts get it.
    pub is_default: bool,
    /// Whether the tenant was created with it.
    pub is_initial: bool,
    /// Whether the tenant has proved to own it.
    pub is_verified: bool,
    /// Whether people of this domain sign in elsewhere than at Microsoft.
    pub federated: bool,
    /// What it is used for, such as `Email`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// What domains can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantDomainSort {
    /// The domain.
    #[default]
    Name,
    /// The company's name.
    Company,
}

impl SortKey for TenantDomainSort {
    const ALL: &'static [Self] = &[Self::Name, Self::Company];

    fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
        }
    }
}

/// A part of the domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantDomainShow {
    /// Those that the company brought, which end in anything but `onmicrosoft.com`.
    Own,
    /// Those that the tenant has not proved to own.
    Unverified,
    /// Those whose people sign in elsewhere.
    Federated,
}

/// Which domains to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDomainFilter {
    /// This part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<TenantDomainShow>,
}

impl FilterKeys for TenantDomainFilter {
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        let show = |show| match show {
            TenantDomainShow::Own => "own",
            TenantDomainShow::Unverified => "unverified",
            TenantDomainShow::Federated => "federated",
        };
        self.show.map(|part| ("show", show(part))).into_iter().collect()
    }

    fn choose(&mut self, name: &str, value: &str) -> bool {
        self.show = match (name, value) {
            ("show", "own") => Some(TenantDomainShow::Own),
            ("show", "unverified") => Some(TenantDomainShow::Unverified),
            ("show", "federated") => Some(TenantDomainShow::Federated),
            _ => return false,
        };
        true
    }
}

/// Which domains to show, and in which order.
pub type TenantDomainQuery = ListQuery<TenantDomainSort, TenantDomainFilter>;
