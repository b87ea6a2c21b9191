//! What a tenant has bought, and how much of it is in use.

use serde::{Deserialize, Serialize};

use super::listing::{FilterKeys, ListQuery, Origin, SortKey};

/// The state of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceState {
    /// In order.
    Enabled,
    /// Overdue.
    Warning,
    /// Stopped.
    Suspended,
    /// Ended.
    Deleted,
    /// Locked.
    LockedOut,
    /// One that Microsoft has added since.
    Other,
}

impl LicenceState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Enabled, Self::Warning, Self::Suspended, Self::Deleted, Self::LockedOut, Self::Other];

    /// Its stable name in the database and in exports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Warning => "warning",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::LockedOut => "locked_out",
            Self::Other => "other",
        }
    }

    /// The state of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Enabled => "Active",
            Self::Warning => "Overdue",
            Self::Suspended => "Suspended",
            Self::Deleted => "Ended",
            Self::LockedOut => "Locked",
            Self::Other => "Unknown",
        }
    }
}

/// One product of a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceRow {
    /// Whose, and as of when.
    pub origin: Origin,
    /// The product's name; its part number where Microsoft's list does not know it.
    pub product: String,
    /// Microsoft's code of the product, such as `SPB`.
    pub part_number: String,
    /// Whether it is assigned to people. Others apply to the whole company.
    pub for_users: bool,
    /// Units in use. May be more than can be assigned.
    pub used: u32,
    /// Units that can be assigned.
    pub assignable: u32,
    /// The state of the subscription.
    pub state: LicenceState,
}

impl LicenceRow {
    /// Units that are left; less than none if more are in use than were bought.
    pub fn free(&self) -> i64 {
        i64::from(self.assignable) - i64::from(self.used)
    }

    /// How much of what can be assigned is in use, in whole percent: at most 100.
    pub fn percent_used(&self) -> u32 {
        let used = u64::from(self.used.min(self.assignable)) * 100;
        used.checked_div(u64::from(self.assignable)).and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0)
    }
}

/// What licences can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceSort {
    /// The product's name.
    #[default]
    Product,
    /// The company's name.
    Company,
    /// Units in use.
    Used,
    /// Units that can be assigned.
    Assignable,
    /// Units that are left.
    Free,
}

impl SortKey for LicenceSort {
    const ALL: &'static [Self] = &[Self::Product, Self::Company, Self::Used, Self::Assignable, Self::Free];

    fn key(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Company => "company",
            Self::Used => "used",
            Self::Assignable => "assignable",
            Self::Free => "free",
        }
    }
}

/// A part of the licences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceShow {
    /// Those of which something is left.
    Free,
    /// Those of which nothing is left.
    UsedUp,
    /// Those whose subscription is not in order.
    Lapsed,
}

/// Which licences to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceFilter {
    /// This part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<LicenceShow>,
}

impl FilterKeys for LicenceFilter {
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        let show = |show| match show {
            LicenceShow::Free => "free",
            LicenceShow::UsedUp => "used_up",
            LicenceShow::Lapsed => "lapsed",
        };
        self.show.map(|part| ("show", show(part))).into_iter().collect()
    }

    fn choose(&mut self, name: &str, value: &str) -> bool {
        self.show = match (name, value) {
            ("show", "free") => Some(LicenceShow::Free),
            ("show", "used_up") => Some(LicenceShow::UsedUp),
            ("show", "lapsed") => Some(LicenceShow::Lapsed),
            _ => return false,
        };
        true
    }
}

/// Which licences to show, and in which order.
pub type LicenceQuery = ListQuery<LicenceSort, LicenceFilter>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CompanyId;

    fn row(used: u32, assignable: u32) -> LicenceRow {
        let company = CompanyId::from_uuid(uuid::Uuid::nil());
        LicenceRow {
            origin: Origin { company, name: "Contoso".into(), as_of: None, stale: false },
            product: "Microsoft 365 Business Premium".into(),
            part_number: "SPB".into(),
            for_users: true,
            used,
            assignable,
            state: LicenceState::Enabled,
        }
    }

    #[test]
    fn more_in_use_than_was_bought_is_less_than_none_free() {
        assert_eq!((row(14, 25).free(), row(14, 25).percent_used()), (11, 56));
        assert_eq!((row(12, 10).free(), row(12, 10).percent_used()), (-2, 100));
        assert_eq!((row(3, 0).free(), row(3, 0).percent_used()), (-3, 0));
        assert_eq!(row(u32::MAX, u32::MAX).percent_used(), 100);
    }

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for state in LicenceState::ALL {
            assert_eq!(LicenceState::from_key(state.key()), Some(state));
        }
        for sort in LicenceSort::ALL {
            assert_eq!(LicenceSort::from_key(sort.key()), Some(*sort));
        }
    }
}
