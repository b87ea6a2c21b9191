//! The five things that are read from a tenant. Each syncs, fails and ages by itself.

use serde::{Deserialize, Serialize};

use super::connection::Access;

/// One of the things that are read from a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSet {
    /// Name, verified domains, country.
    Organisation,
    /// The people and guests of the directory.
    Users,
    /// What was bought, and how much of it is in use.
    Licences,
    /// The domain names of the tenant.
    Domains,
    /// Microsoft's measure of how well the tenant is set up.
    SecureScore,
}

impl DataSet {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Organisation, Self::Users, Self::Licences, Self::Domains, Self::SecureScore];

    /// Its stable name in the database and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Users => "users",
            Self::Licences => "licences",
            Self::Domains => "domains",
            Self::SecureScore => "secure_score",
        }
    }

    /// The data set of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data_set| data_set.key() == key)
    }

    /// Its name for people, as it stands within a sentence.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Users => "users",
            Self::Licences => "licences",
            Self::Domains => "domains",
            Self::SecureScore => "Secure Score",
        }
    }

    /// What is read, for somebody who is asked to allow it.
    pub const fn what_is_read(self) -> &'static str {
        match self {
            Self::Organisation => "Your organisation: its name, country and verified domains.",
            Self::Users => {
                "The people and guests in your directory: names, e-mail addresses, departments, job titles, and which \
                 accounts are enabled."
            }
            Self::Licences => "Licences: which ones you have, and how many are assigned.",
            Self::Domains => "Domains: which ones belong to your organisation, and how they are set up.",
            Self::SecureScore => "Secure Score: Microsoft's measure of how well your organisation is protected.",
        }
    }

    /// The permissions of Microsoft Graph, one of which is enough to read it.
    /// <https://learn.microsoft.com/graph/permissions-reference>
    pub const fn permissions(self, access: Access) -> &'static [&'static str] {
        match (self, access) {
            (Self::Organisation, Access::Application) => &["Organization.Read.All", "Directory.Read.All"],
            (Self::Organisation, Access::Delegated) => &["User.Read", "Organization.Read.All", "Directory.Read.All"],
            (Self::Users, _) => &["User.Read.All", "Directory.Read.All"],
            (Self::Licences, _) => &["LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All"],
            (Self::Domains, _) => &["Domain.Read.All", "Directory.Read.All"],
            (Self::SecureScore, _) => &["SecurityEvents.Read.All"],
        }
    }

    /// The first of the sets of permissions that allows reading it.
    const fn asked_for_since(self) -> PermissionSet {
        match self {
            Self::Organisation | Self::Users | Self::Licences | Self::Domains | Self::SecureScore => PermissionSet(1),
        }
    }
}

/// The number of a set of permissions that Tenantry asked for. A release that needs more has the next number, and says
/// in `DataSet::asked_for_since` what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// What is asked for now.
    pub const CURRENT: Self = Self(1);

    /// From the database.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// For the database.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// What a missing permission means to who consented to this set: one that they were never asked for is new.
    pub fn missing(self, data_set: DataSet) -> Problem {
        if data_set.asked_for_since() > self { Problem::NewPermission } else { Problem::PermissionMissing }
    }
}

/// Why a data set is not up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The grant does not contain the permission.
    PermissionMissing,
    /// The grant is older than our need for the permission.
    NewPermission,
    /// The tenant has no licence or no such feature.
    NotAvailable,
    /// Microsoft asks to wait, or is out of order. Mends itself.
    Temporary,
    /// Microsoft answered something that we do not understand.
    Unreadable,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PermissionMissing, Self::NewPermission, Self::NotAvailable, Self::Temporary, Self::Unreadable];

    /// Its stable name in the database and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::PermissionMissing => "permission_missing",
            Self::NewPermission => "new_permission",
            Self::NotAvailable => "not_available",
            Self::Temporary => "temporary",
            Self::Unreadable => "unreadable",
        }
    }

    /// The problem of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.key() == key)
    }

    /// Whether it makes a connection Limited: it stays until somebody does something about it.
    pub const fn limits(self) -> bool {
        matches!(self, Self::PermissionMissing | Self::NewPermission | Self::NotAvailable)
    }
}

/// A data set that a connection can't read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lack {
    /// What can't be read.
    pub data_set: DataSet,
    /// Why not.
    pub problem: Problem,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for data_set in DataSet::ALL {
            assert_eq!(DataSet::from_key(data_set.key()), Some(data_set));
        }
        for problem in Problem::ALL {
            assert_eq!(Problem::from_key(problem.key()), Some(problem));
        }
        assert_eq!(DataSet::from_key("mailboxes"), None);
    }

    #[test]
    fn a_permission_is_new_to_who_was_never_asked_for_it_and_missing_to_who_was() {
        for data_set in DataSet::ALL {
            assert!(data_set.asked_for_since() <= PermissionSet::CURRENT);
            assert_eq!(PermissionSet::CURRENT.missing(data_set), Problem::PermissionMissing);
            assert_eq!(PermissionSet::from_number(0).missing(data_set), Problem::NewPermission);
        }
        assert_eq!(PermissionSet::from_number(PermissionSet::CURRENT.number()), PermissionSet::CURRENT);
    }
}
