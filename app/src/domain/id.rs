//! Ids as types of their own, so that one can't be passed for another.

use std::{fmt, str::FromStr};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consumer_tenant_is_spelled_as_microsoft_does() {
        assert_eq!(TenantId::CONSUMERS.to_string(), "9188040d-6c67-4c5b-b112-36a304b66dad");
    }
}
