//! `GET /{tenant}/oauth2/v2.0/authorize`: the authorization code flow's first half.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::errors::AadError;
use super::pages::ConsentScope;
use super::scopes::Scopes;
use super::visit::{Alias, Visit};
use super::{Outcome, Refused};
use crate::permissions;
use crate::random::secret;
use crate::world::{Code, Identity, World};

/// Codes live that long.
const CODE_MS: i64 = 10 * 60 * 1000;

/// `prompt`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    /// Ask as little as possible.
    Usual,
    /// The password again.
    Login,
    /// Never a page.
    None,
    /// The consent page in any case.
    Consent,
    /// Who it is in any case.
    SelectAccount,
}

/// A request that can be answered.
struct Request {
    alias: Alias,
    redirect_uri: String,
    state: Option<String>,
    scopes: Scopes,
    nonce: Option<String>,
    challenge: Option<(String, bool)>,
    prompt: Prompt,
    hint: Option<String>,
}

impl Request {
    fn read(world: &World, visit: &Visit) -> Result<Self, Refused> {
        let alias = Alias::read(world, &visit.alias).map_err(Refused::Page)?;
        let redirect_uri = super::redirect_target(world, visit)?;
        let refuse = |error| Refused::redirect(&redirect_uri, error);

        match visit.parameter("response_type").as_deref() {
            Some("code") => {}
            Some(other) => {
                return Err(refuse(AadError::because(
                    700_054,
                    format!("response_type '{other}' is not enabled for the application."),
                )));
            }
            None => {
                return Err(refuse(AadError::because(
                    900_144,
                    "The request body must contain the following parameter: 'response_type'.",
                )));
            }
        }
        if visit.parameter("response_mode").is_some_and(|mode| mode != "query") {
            return Err(refuse(AadError::because(
                90_023,
                "Only response_mode 'query' is supported for response_type 'code' here.",
            )));
        }
        let Some(scope) = visit.parameter("scope") else {
            return Err(refuse(AadError::because(
                900_144,
                "The request body must contain the following parameter: 'scope'.",
            )));
        };
        let scopes = Scopes::read(&scope).map_err(refuse)?;
        let prompt = match visit.parameter("prompt").as_deref() {
            None => Prompt::Usual,
            Some("login") => Prompt::Login,
            Some("none") => Prompt::None,
            Some("consent") => Prompt::Consent,
            Some("select_account") => Prompt::SelectAccount,
            Some(other) => {
                return Err(refuse(AadError::because(90_023, format!("Unsupported 'prompt' value '{other}'."))));
            }
        };
        let hint = visit.parameter("login_hint");
        if prompt == Prompt::SelectAccount && hint.is_some() {
            return Err(refuse(AadError::because(
                90_023,
                "'login_hint' can't be used together with 'prompt=select_account'.",
            )));
        }
        let challenge = match (visit.parameter("code_challenge"), visit.parameter("code_challenge_method").as_deref()) {
            (None, None) => None,
            (Some(challenge), Some("S256")) => Some((challenge, true)),
            (Some(challenge), None | Some("plain")) => Some((challenge, false)),
            _ => {
                return Err(refuse(AadError::because(
                    90_023,
                    "The PKCE parameters are incomplete or of an unsupported method.",
                )));
            }
        };
        Ok(Self {
            alias,
            redirect_uri,
            state: visit.parameter("state"),
            scopes,
            nonce: visit.parameter("nonce"),
            challenge,
            prompt,
            hint,
        })
    }

    /// Who of those signed in can go on without being asked.
    fn silent(&self, world: &World, signed_in: &[String]) -> Option<Identity> {
        let mut fitting: Vec<Identity> =
            signed_in.iter().rev().filter_map(|email| self.alias.land(world, email).ok()).collect();
        if let Some(hint) = &self.hint {
            fitting.retain(|identity| identity.email.eq_ignore_ascii_case(hint));
        }
        // Several people at an alias for all tenants: the person has to say who.
        let undecided = fitting.len() > 1 && !matches!(self.alias, Alias::Tenant(_));
        if undecided { None } else { fitting.into_iter().next() }
    }

    /// What has to be asked for: the names, and whether only an administrator may grant them.
    fn wanted(&self, world: &World, identity: &Identity) -> BTreeSet<String> {
        let granted =
            world.kept.grants.get(&identity.tenant).map(|grant| grant.scopes(identity.oid)).unwrap_or_default();
        let requested: BTreeSet<String> = if self.scopes.default {
            let listed = world.app.delegated_permissions.iter().cloned();
            listed.chain(self.scopes.oidc.iter().cloned()).collect()
        } else {
            self.scopes.oidc.iter().chain(&self.scopes.graph).cloned().collect()
        };
        if self.prompt == Prompt::Consent {
            return requested;
        }
        if self.scopes.default && granted.iter().any(|scope| !permissions::OIDC.contains(&scope.as_str())) {
            // Silently what was granted before, however the app's list changed since.
            return BTreeSet::new();
        }
        requested.into_iter().filter(|scope| !granted.contains(scope)).collect()
    }
}

/// The next step of a visit, with the people this browser is signed in as.
pub fn begin(world: &mut World, visit: &Visit, signed_in: &[String], now_ms: i64) -> Result<Outcome, Refused> {
    let request = Request::read(world, visit)?;
    let tiles = signed_in.to_vec();
    match request.prompt {
        Prompt::Login => {
            return Ok(Outcome::SignIn { email: request.hint.unwrap_or_default(), error: None, tiles: Vec::new() });
        }
        Prompt::SelectAccount => return Ok(Outcome::SignIn { email: String::new(), error: None, tiles }),
        Prompt::Usual | Prompt::None | Prompt::Consent => {}
    }
    match request.silent(world, signed_in) {
        Some(identity) => identified(world, visit, &identity, now_ms),
        None if request.prompt == Prompt::None => Err(Refused::redirect(&request.redirect_uri, AadError::new(50_058))),
        None => Ok(Outcome::SignIn { email: request.hint.unwrap_or_default(), error: None, tiles }),
    }
}

/// The next step once it is known who somebody is.
pub fn identified(world: &mut World, visit: &Visit, identity: &Identity, now_ms: i64) -> Result<Outcome, Refused> {
    let request = Request::read(world, visit)?;
    let wanted = request.wanted(world, identity);
    if wanted.is_empty() {
        return Ok(finish(world, visit, request, identity, now_ms));
    }
    if request.prompt == Prompt::None {
        let error = AadError { error: "consent_required".into(), ..AadError::new(65001) };
        return Err(Refused::redirect(&request.redirect_uri, error));
    }
    let admin = world.role(identity).may_grant_delegated();
    if !admin && wanted.iter().any(|scope| permissions::admin_only(scope)) {
        return Ok(Outcome::NeedAdmin { email: identity.email.clone() });
    }
    let scope = if admin { ConsentScope::Choice } else { ConsentScope::Person };
    Ok(Outcome::Consent { identity: identity.clone(), wanted: wanted.into_iter().collect(), scope })
}

/// The consent page was answered with Accept.
pub fn accept(
    world: &mut World,
    visit: &Visit,
    identity: &Identity,
    for_all: bool,
    now_ms: i64,
) -> Result<Outcome, Refused> {
    let request = Request::read(world, visit)?;
    let wanted = request.wanted(world, identity);
    let admin = world.role(identity).may_grant_delegated();
    if !admin && wanted.iter().any(|scope| permissions::admin_only(scope)) {
        return Ok(Outcome::NeedAdmin { email: identity.email.clone() });
    }
    let grant = world.kept.grants.entry(identity.tenant).or_default();
    if admin && for_all {
        grant.grant_tenant(wanted);
    } else {
        grant.grant_user(identity.oid, wanted);
    }
    Ok(finish(world, visit, request, identity, now_ms))
}

fn finish(world: &mut World, visit: &Visit, request: Request, identity: &Identity, now_ms: i64) -> Outcome {
    let code = secret("sbx-code-");
    world.ledger.secret(&code);
    let mut answer = vec![("code", code.clone())];
    if let Some(state) = request.state {
        answer.push(("state", state));
    }
    answer.push(("session_state", Uuid::from_u128(identity.oid.as_u128() ^ 1).to_string()));
    let location = super::with_query(&request.redirect_uri, &answer);
    world.codes.insert(
        code,
        Code {
            identity: identity.clone(),
            alias: visit.alias.to_ascii_lowercase(),
            redirect_uri: request.redirect_uri,
            scopes: request.scopes.all(),
            nonce: request.nonce,
            challenge: request.challenge,
            expires_ms: now_ms + CODE_MS,
            used: false,
        },
    );
    Outcome::Redirect(location)
}
