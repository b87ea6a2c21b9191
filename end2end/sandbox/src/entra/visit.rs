//! One visit to a sign-in page: which endpoint was asked, with what, and who is signed in.

use http::HeaderMap;
use serde::Deserialize;
use uuid::Uuid;

use super::errors::AadError;
use crate::tenants::CONSUMER_TENANT;
use crate::world::{Identity, World};

/// The name of the cookie that knows who signed in.
pub const COOKIE: &str = "m365_sandbox_session";

/// Which endpoint a visit began at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// `/oauth2/v2.0/authorize`
    Authorize,
    /// `/v2.0/adminconsent`
    Adminconsent,
}

impl Flow {
    /// Its name in hidden fields.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Adminconsent => "adminconsent",
        }
    }
}

/// A visit; its forms carry all of it, so that nothing is kept between pages.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Which endpoint.
    pub flow: Flow,
    /// The tenant segment of the path.
    pub alias: String,
    /// The query that it began with.
    pub query: String,
}

impl Visit {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.query, name)
    }
}

/// A parameter of a query or form; empty ones count as absent.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// What the tenant segment of a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alias {
    /// Work accounts of whatever tenant.
    Organizations,
    /// Work and personal accounts.
    Common,
    /// Personal accounts.
    Consumers,
    /// One tenant.
    Tenant(Uuid),
}

impl Alias {
    /// Reads the segment; an unknown tenant is an error.
    pub fn read(world: &World, text: &str) -> Result<Self, AadError> {
        match text.to_ascii_lowercase().as_str() {
            "organizations" => Ok(Self::Organizations),
            "common" => Ok(Self::Common),
            "consumers" => Ok(Self::Consumers),
            other if Uuid::parse_str(other).is_ok_and(|id| id == CONSUMER_TENANT) => Ok(Self::Consumers),
            _ => match world.tenant_called(text) {
                Some(tenant) => Ok(Self::Tenant(tenant.id)),
                None => Err(AadError::because(
                    90_002,
                    format!(
                        "Tenant '{text}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. \
                         Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
                    ),
                )),
            },
        }
    }

    /// Where an address lands that signs in here; or why it may not.
    pub fn land(self, world: &World, email: &str) -> Result<Identity, AadError> {
        let home = world.home_of(email).ok_or_else(|| {
            AadError::because(50_034, format!("The user account {email} does not exist in the directory. To sign into this application, the account must be added to the directory."))
        })?;
        let tenant = match self {
            Self::Organizations if home == CONSUMER_TENANT => {
                return Err(AadError::because(
                    50_020,
                    "You can't sign in here with a personal account. Use your work or school account instead.",
                ));
            }
            Self::Consumers if home != CONSUMER_TENANT => {
                return Err(AadError::because(
                    50_020,
                    "You can't sign in here with a work or school account. Use your personal account instead.",
                ));
            }
            Self::Organizations | Self::Common | Self::Consumers => home,
            Self::Tenant(tenant) => tenant,
        };
        world.identity(email, tenant).ok_or_else(|| {
            let name = world.tenant(tenant).map_or("this organization", |tenant| tenant.name.as_str());
            AadError::because(
                50_020,
                format!(
                    "User account '{email}' from identity provider '{home}' does not exist in tenant '{name}' and cannot access the application in that tenant. \
                     The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different user account."
                ),
            )
        })
    }
}

/// The session named by the browser's cookie.
pub fn session_id(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_string())
}
