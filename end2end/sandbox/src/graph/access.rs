//! Who asks Graph, and what their token lets them read.

use http::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use super::answer::GraphError;
use crate::entra::issue::GRAPH_AUDIENCE;
use crate::tenants::Role;
use crate::world::World;

/// The holder of a good token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose data are read.
    pub tenant: Uuid,
    permissions: Vec<String>,
    /// The person on whose behalf; none for the app itself.
    pub person: Option<Uuid>,
}

impl Caller {
    /// Reads the token; a bad or expired one is refused.
    pub fn read(world: &World, headers: &HeaderMap, now_ms: i64) -> Result<Self, GraphError> {
        let token = headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")))
            .ok_or_else(|| GraphError::token("Access token is empty."))?;
        let claims = world
            .keys
            .verify(token.trim())
            .filter(|claims| claims["aud"] == GRAPH_AUDIENCE)
            .ok_or_else(|| GraphError::token("Access token validation failure. Invalid audience or signature."))?;
        if claims["exp"].as_i64().is_none_or(|expiry| expiry <= now_ms / 1000) {
            return Err(GraphError::token("Lifetime validation failed, the token is expired."));
        }
        let id = |name: &str| claims[name].as_str().and_then(|text| Uuid::parse_str(text).ok());
        let tenant = id("tid").filter(|tenant| world.tenant(*tenant).is_some());
        let tenant = tenant
            .ok_or_else(|| GraphError::token("The identity of the calling application could not be established."))?;
        let person = if claims["idtyp"] == "user" { id("oid") } else { None };
        let permissions = match (&claims["scp"], &claims["roles"]) {
            (Value::String(scopes), _) => scopes.split_whitespace().map(String::from).collect(),
            (_, Value::Array(roles)) => roles.iter().filter_map(|role| role.as_str().map(String::from)).collect(),
            _ => Vec::new(),
        };
        Ok(Self { tenant, permissions, person })
    }

    fn has(&self, any_of: &[&str]) -> bool {
        self.permissions.iter().any(|permission| any_of.contains(&permission.as_str()))
    }

    /// Refuses unless the token holds one of these; on somebody's behalf they need an administrator's role too.
    pub fn need(&self, world: &World, any_of: &[&str]) -> Result<(), GraphError> {
        let role_suffices = self.person.is_none_or(|oid| {
            let tenant = world.tenant(self.tenant);
            tenant.and_then(|tenant| tenant.account_by_oid(oid)).is_some_and(|account| account.role != Role::User)
        });
        if self.has(any_of) && role_suffices { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// Refuses unless the token holds one of these, whatever the person's role.
    pub fn need_scope(&self, any_of: &[&str]) -> Result<(), GraphError> {
        if self.has(any_of) { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// The person on whose behalf; an app alone has no `/me`.
    pub fn me(&self) -> Result<Uuid, GraphError> {
        self.person.ok_or_else(|| {
            GraphError::new(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        })
    }
}
