//! Ids as types of their own, so that one can't be passed for another.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID that is known to name one of these.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A client of the MSP.
    CompanyId
);
id!(
    /// The verified tie between one company and one tenant.
    ConnectionId
);
id!(
    /// One try at connecting a company.
    AttemptId
);
id!(
    /// An address that lets somebody else connect one company.
    LinkId
);
id!(
    /// Links for many companies that were made together.
    CampaignId
);
id!(
    /// Somebody who works at the MSP and signs in to Tenantry.
    AccountId
);
id!(
    /// One thing that was done.
    ActivityId
);
id!(
    /// A token with which another program uses the programming interface.
    ApiTokenId
);
id!(
    /// Something that people are told.
    NoticeId
);
id!(
    /// An address of another program that is told what happens.
    WebhookId
);
id!(
    /// One event on its way to one webhook.
    DeliveryId
);
id!(
    /// A mail to one address.
    MailId
);
id!(
    /// A Microsoft 365 directory: the GUID that Microsoft calls `tid`. Minted by Microsoft.
    TenantId
);
id!(
    /// Somebody in a tenant. Minted by Microsoft.
    UserId
);

impl TenantId {
    /// The tenant that stands for all personal Microsoft accounts.
    pub const CONSUMERS: Self = Self(Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad));
}

/// The first digits of a tenant's id, as somebody types or pastes them to find its company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantDigits(String);

impl TenantDigits {
    /// So many are there, at least: fewer may be the beginning of a word.
    pub const MIN: usize = 8;

    /// Takes the beginning of an id, with hyphens, braces and blanks or without. None: it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = String::with_capacity(32);
        for letter in text.trim().trim_matches(['{', '}']).chars().filter(|letter| *letter != '-') {
            if !letter.is_ascii_hexdigit() {
                return None;
            }
            digits.push(letter.to_ascii_lowercase());
        }
        (Self::MIN..=32).contains(&digits.len()).then_some(Self(digits))
    }

    /// As the server takes them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first and the last id that begin like this.
    pub fn bounds(&self) -> RangeInclusive<Uuid> {
        let id = |rest: &str| {
            let digits = self.0.clone() + &rest.repeat(32 - self.0.len());
            Uuid::try_parse(&digits).unwrap_or_default()
        };
        id("0")..=id("f")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consumer_tenant_is_spelled_as_microsoft_does() {
        assert_eq!(TenantId::CONSUMERS.to_string(), "9188040d-6c67-4c5b-b112-36a304b66dad");
    }

    #[test]
    fn the_beginning_of_a_tenants_id_is_told_from_words() {
        let id = "3F2504E0-4f89-41d3-9a0c-0305e82c3301";
        let taken = |text: &str| TenantDigits::parse(text).map(|digits| digits.0);
        assert_eq!(taken(id).as_deref(), Some("3f2504e04f8941d39a0c0305e82c3301"));
        assert_eq!(taken(" {3f2504e0-4f89} ").as_deref(), Some("3f2504e04f89"));
        for other in ["", "3f2504e", "decade contoso", "contoso", "3f2504e0 4f89", &format!("{id}0")] {
            assert_eq!(taken(other), None, "{other}");
        }
    }

    #[test]
    fn the_bounds_hold_the_ids_that_begin_like_this_and_no_others() {
        let digits = TenantDigits::parse("3f2504e04f").expect("it is one");
        let id = |text: &str| Uuid::parse_str(text).expect("it is an id");
        for inside in ["3f2504e0-4f00-0000-0000-000000000000", "3f2504e0-4fff-ffff-ffff-ffffffffffff"] {
            assert!(digits.bounds().contains(&id(inside)), "{inside}");
        }
        for outside in ["3f2504e0-4eff-ffff-ffff-ffffffffffff", "3f2504e0-5000-0000-0000-000000000000"] {
            assert!(!digits.bounds().contains(&id(outside)), "{outside}");
        }
        let whole = TenantDigits::parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301").expect("it is one");
        assert_eq!(whole.bounds().start(), whole.bounds().end());
    }
}
