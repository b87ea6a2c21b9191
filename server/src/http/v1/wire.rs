//! Times and stable names as they stand in JSON, with their schemas: those of the domain, so that none is forgotten.

use std::borrow::Cow;

use app::domain::{
    ActivityKind, DataSet, LicenceState, Problem, ReconnectReason, Timestamp, UserKind, company::Status as Standing,
};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, SchemaFormat,
        schema::{Schema, Type},
    },
};

use crate::webhooks::event::rfc3339;

/// A time: RFC 3339, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A time, in UTC."))
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

/// A stable name in JSON: one of those that the domain has.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $all:expr, $words:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub &'static str);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some($all))
                    .description(Some($words))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

name!(
    /// Where a connection stands.
    ConnectionStatus,
    STATUSES,
    "Where a connection stands. connected and limited count as connected; limited and needs_reconnect need somebody."
);
name!(
    /// Why a tenant can't be read any more.
    LostReason,
    ReconnectReason::ALL.map(ReconnectReason::key),
    "Why a tenant can't be read any more."
);
name!(
    /// One of the things that are read from a tenant.
    DataSetName,
    DataSet::ALL.map(DataSet::key),
    "One of the things that are read from a tenant."
);
name!(
    /// Why a data set is not up to date.
    DataSetProblem,
    Problem::ALL.map(Problem::key),
    "Why a data set is not up to date. temporary mends itself."
);
name!(
    /// What was done.
    ActivityName,
    ActivityKind::ALL.map(ActivityKind::key),
    "What was done. There may be more kinds one day."
);
name!(
    /// The state of a subscription.
    LicenceStateName,
    LicenceState::ALL.map(LicenceState::key),
    "The state of a subscription."
);
name!(
    /// Whose account it is.
    UserKindName,
    [UserKind::Member, UserKind::Guest].map(UserKind::key),
    "Whose account it is: the organisation's own, or that of somebody who was invited."
);

/// The stable names of what a row's state can be.
pub const STATUSES: [&str; 7] =
    ["not_connected", "link_sent", "signing_in", "verifying", "connected", "limited", "needs_reconnect"];

/// The stable name of a state.
pub const fn status(status: &Standing) -> ConnectionStatus {
    ConnectionStatus(match status {
        Standing::NotConnected => "not_connected",
        Standing::LinkSent => "link_sent",
        Standing::SigningIn { .. } => "signing_in",
        Standing::Verifying { .. } => "verifying",
        Standing::Connected => "connected",
        Standing::Limited { .. } => "limited",
        Standing::NeedsReconnect { .. } => "needs_reconnect",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_called_as_the_document_says() {
        let since = Timestamp::from_millis(0);
        for (state, name) in [
            (Standing::NotConnected, "not_connected"),
            (Standing::SigningIn { until: since, connected: false }, "signing_in"),
            (Standing::NeedsReconnect { reason: ReconnectReason::Refused, since }, "needs_reconnect"),
        ] {
            assert_eq!(status(&state).0, name);
            assert!(STATUSES.contains(&name));
        }
    }

    #[test]
    fn a_time_is_written_as_other_programs_read_it() {
        let moment = Moment(Timestamp::from_millis(1_700_000_060_500));
        assert_eq!(serde_json::to_string(&moment).ok().as_deref(), Some("\"2023-11-14T22:14:20.5Z\""));
    }
}
