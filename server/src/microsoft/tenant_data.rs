//! What is read from a tenant, in our words.

use app::domain::{TenantId, Timestamp};
use uuid::Uuid;

/// The organisation behind a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its tenant, as Graph says.
    pub tenant: TenantId,
    /// What it calls itself.
    pub name: String,
    /// The domain that new accounts get.
    pub default_domain: Option<String>,
    /// The domain that it was created with (`….onmicrosoft.com`).
    pub initial_domain: Option<String>,
    /// ISO 3166 two-letter code.
    pub country: Option<String>,
}

/// What was bought of one product, and how much of it is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// Microsoft's id of the product.
    pub sku_id: Uuid,
    /// Microsoft's code of the product, such as `ENTERPRISEPREMIUM`.
    pub part_number: String,
    /// Whether it is assigned to people. Others apply to the whole company and don't count.
    pub applies_to_users: bool,
    /// What state the subscription is in.
    pub state: LicenceState,
    /// Units that are paid for.
    pub enabled: u32,
    /// Units whose payment is overdue. They can still be assigned.
    pub warning: u32,
    /// Units that can't be used.
    pub suspended: u32,
    /// Units that are locked.
    pub locked_out: u32,
    /// Units in use. May exceed `enabled`.
    pub consumed: u32,
}

impl Licence {
    /// Units that can be assigned to people.
    pub const fn assignable(&self) -> u32 {
        self.enabled.saturating_add(self.warning)
    }
}

/// The state of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Its stable name in the database.
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
}

/// A domain name of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each shown by itself")]
pub struct TenantDomain {
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
    pub services: Vec<String>,
}

/// Microsoft's measure of how well a tenant is set up, on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct SecureScore {
    /// When Microsoft measured.
    pub created: Timestamp,
    /// Points reached.
    pub current: f64,
    /// Points that could be reached. May be zero.
    pub max: f64,
    /// What others reach on average.
    pub comparatives: Vec<Comparative>,
    /// The points of each measure.
    pub control_scores: Vec<ControlScore>,
}

/// What others reach on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparative {
    /// Who the others are, such as `AllTenants`.
    pub basis: String,
    /// Their average.
    pub average: f64,
}

/// The points of one measure.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlScore {
    /// The measure: the id of a [`ControlProfile`].
    pub control: String,
    /// Points reached.
    pub score: f64,
    /// Its group, such as `Identity`.
    pub category: Option<String>,
    /// What it is about. May contain HTML.
    pub description: Option<String>,
}

/// A measure that Secure Score counts.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlProfile {
    /// What [`ControlScore::control`] refers to.
    pub id: String,
    /// Its name for people.
    pub title: Option<String>,
    /// Points that it is worth.
    pub max_score: Option<f64>,
    /// The product that it belongs to.
    pub service: Option<String>,
    /// Its group, such as `Identity`.
    pub category: Option<String>,
    /// `Core`, `Defense in Depth`, `Advanced`.
    pub tier: Option<String>,
    /// How much people notice it.
    pub user_impact: Option<String>,
    /// How much work it is.
    pub implementation_cost: Option<String>,
    /// What to do. May contain HTML.
    pub remediation: Option<String>,
    /// Where to do it.
    pub action_url: Option<String>,
    /// Microsoft's order of importance.
    pub rank: Option<i32>,
    /// Whether Microsoft no longer counts it.
    pub deprecated: bool,
}

/// A directory role of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRole {
    /// What Microsoft calls it in every tenant.
    pub template_id: String,
    /// Its name for people.
    pub name: Option<String>,
}

/// One thing that changed in a tenant's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Somebody was added or changed.
    Upsert(Box<UserPatch>),
    /// Somebody is gone.
    Removed {
        /// Who.
        id: Uuid,
    },
}

/// What is said about somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// Who.
    pub id: Uuid,
    /// Full name.
    pub display_name: Patch<String>,
    /// First name.
    pub given_name: Patch<String>,
    /// Last name.
    pub surname: Patch<String>,
    /// What they sign in with.
    pub user_principal_name: Patch<String>,
    /// Their mail address.
    pub mail: Patch<String>,
    /// Member or guest.
    pub kind: Patch<UserKind>,
    /// Whether they may sign in.
    pub account_enabled: Patch<bool>,
    /// Department.
    pub department: Patch<String>,
    /// Job title.
    pub job_title: Patch<String>,
    /// The products that are assigned to them ([`Licence::sku_id`]).
    pub licences: Patch<Vec<Uuid>>,
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// The organisation's own.
    Member,
    /// Somebody else's.
    Guest,
}

impl UserKind {
    /// A guest, or one of their own.
    pub const fn of(guest: bool) -> Self {
        if guest { Self::Guest } else { Self::Member }
    }
}

/// What a change says about one property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it is as it was.
    #[default]
    Unchanged,
    /// It has no value any more.
    Cleared,
    /// It has this value now.
    Set(T),
}

impl<T> Patch<T> {
    /// The value after the change, where `before` is the one before it.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Unchanged => before,
            Self::Cleared => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The value that it says, if it says one.
    pub fn value(self) -> Option<T> {
        self.over(None)
    }
}
