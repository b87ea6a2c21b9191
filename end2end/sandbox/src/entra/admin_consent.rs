//! `GET /{tenant}/v2.0/adminconsent`: an administrator grants the app's permissions for the whole tenant.

use std::collections::BTreeSet;

use super::errors::AadError;
use super::pages::ConsentScope;
use super::scopes::Scopes;
use super::visit::{Alias, Visit};
use super::{Outcome, Refused};
use crate::permissions::OIDC;
use crate::world::{Identity, World};

struct Request {
    redirect_uri: String,
    scope: String,
    scopes: Scopes,
}

impl Request {
    fn read(world: &World, visit: &Visit) -> Result<Self, Refused> {
        if matches!(Alias::read(world, &visit.alias).map_err(Refused::Page)?, Alias::Common | Alias::Consumers) {
            return Err(Refused::Page(AadError::because(
                90_023,
                "Admin consent is not supported for 'common' and 'consumers'. Use a tenant or 'organizations'.",
            )));
        }
        let redirect_uri = super::redirect_target(world, visit)?;
        let scope = visit.parameter("scope").unwrap_or_else(|| "https://graph.microsoft.com/.default".into());
        let scopes = Scopes::read(&scope).map_err(|error| Refused::redirect(&redirect_uri, error))?;
        Ok(Self { redirect_uri, scope, scopes })
    }

    /// The application permissions that accepting grants: all of the app's, or none.
    fn roles(&self, world: &World) -> BTreeSet<String> {
        let listed = if self.scopes.default { world.app.application_permissions.as_slice() } else { &[] };
        listed.iter().cloned().collect()
    }

    /// The delegated permissions that accepting grants.
    fn delegated(&self, world: &World) -> BTreeSet<String> {
        let graph = if self.scopes.default { &world.app.delegated_permissions } else { &self.scopes.graph };
        graph.iter().cloned().collect()
    }
}

/// The first step: always asks who it is, and offers those who are signed in.
pub fn begin(world: &World, visit: &Visit, signed_in: &[String]) -> Result<Outcome, Refused> {
    Request::read(world, visit)?;
    Ok(Outcome::SignIn { email: String::new(), error: None, tiles: signed_in.to_vec() })
}

/// The next step once it is known who somebody is.
pub fn identified(world: &World, visit: &Visit, identity: &Identity) -> Result<Outcome, Refused> {
    let request = Request::read(world, visit)?;
    if !may_grant(world, &request, identity) {
        return Ok(Outcome::NeedAdmin { email: identity.email.clone() });
    }
    let wanted = request.roles(world).union(&request.delegated(world)).cloned().collect();
    Ok(Outcome::Consent { identity: identity.clone(), wanted, scope: ConsentScope::Organisation })
}

/// The consent page was answered with Accept.
pub fn accept(world: &mut World, visit: &Visit, identity: &Identity, now_ms: i64) -> Result<Outcome, Refused> {
    let request = Request::read(world, visit)?;
    if !may_grant(world, &request, identity) {
        return Ok(Outcome::NeedAdmin { email: identity.email.clone() });
    }
    let roles = request.roles(world);
    let delegated = request.delegated(world);
    let delay = world.faults.consent_delay(identity.tenant);
    let grant = world.kept.grants.entry(identity.tenant).or_default();
    if request.scopes.default {
        grant.grant_roles(roles, now_ms, delay.as_ref());
    }
    grant.grant_tenant(delegated.into_iter().chain(OIDC.map(String::from)));
    let mut answer =
        vec![("admin_consent", "True".to_string()), ("tenant", identity.tenant.to_string()), ("scope", request.scope)];
    if let Some(state) = visit.parameter("state") {
        answer.push(("state", state));
    }
    Ok(Outcome::Redirect(super::with_query(&request.redirect_uri, &answer)))
}

fn may_grant(world: &World, request: &Request, identity: &Identity) -> bool {
    let role = world.role(identity);
    if request.roles(world).is_empty() { role.may_grant_delegated() } else { role.may_grant_application() }
}
