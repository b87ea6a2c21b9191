//! What the pages' forms do: passwords, accounts to go on with, and answers to the consent page.

use std::sync::Arc;

use axum::extract::{Path, RawForm, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::errors::AadError;
use super::visit::{Alias, Flow, Visit, session_id};
use super::{Outcome, Refused, admin_consent, authorize};
use crate::random::secret;
use crate::shared::Shared;
use crate::tenants::PASSWORD;
use crate::world::World;

/// The fields of the sign-in page.
#[derive(Debug, Deserialize)]
struct Login {
    flow: Flow,
    query: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    /// Goes on as somebody who is signed in.
    account: Option<String>,
    /// Asks for the sign-in page again.
    switch: Option<String>,
}

/// The fields of the consent page.
#[derive(Debug, Deserialize)]
struct Answer {
    flow: Flow,
    query: String,
    account: String,
    decision: String,
    organization: Option<String>,
}

fn fields<T: serde::de::DeserializeOwned>(form: &[u8]) -> Result<T, Refused> {
    let pairs = url::form_urlencoded::parse(form);
    let object = pairs.map(|(key, value)| (key.into_owned(), value.into_owned().into())).collect();
    serde_json::from_value(serde_json::Value::Object(object))
        .map_err(|error| Refused::Page(AadError::because(90_014, error.to_string())))
}

/// `POST /{tenant}/login`
pub async fn login(
    State(shared): State<Arc<Shared>>,
    Path(alias): Path<String>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let mut world = shared.world();
    let now = shared.clock.now_ms();
    let mut session = session_id(&headers);
    let (visit, outcome) = match fields::<Login>(&form) {
        Ok(login) => {
            let visit = Visit { flow: login.flow, alias, query: login.query.clone() };
            let outcome = step(&mut world, &visit, &login, &mut session, now);
            (visit, outcome)
        }
        Err(refused) => return refused.page_only(),
    };
    super::show(&shared, &world, &visit, outcome, session, &shared.base(&headers))
}

fn step(
    world: &mut World,
    visit: &Visit,
    login: &Login,
    session: &mut Option<String>,
    now: i64,
) -> Result<Outcome, Refused> {
    let known = session.as_ref().and_then(|id| world.sessions.get(id)).cloned().unwrap_or_default();
    if login.switch.is_some() {
        return Ok(Outcome::SignIn { email: String::new(), error: None, tiles: known });
    }
    let again =
        |email: &str, error| Ok(Outcome::SignIn { email: email.into(), error: Some(error), tiles: known.clone() });
    let email = match &login.account {
        Some(account) if known.iter().any(|email| email.eq_ignore_ascii_case(account)) => account.trim(),
        Some(account) => return again(account, AadError::because(50_058, "That session has ended. Sign in again.")),
        None => login.email.trim(),
    };
    let alias = Alias::read(world, &visit.alias).map_err(Refused::Page)?;
    if login.account.is_none() {
        if world.home_of(email).is_none() {
            return again(
                email,
                AadError::because(50_034, format!("The user account {email} does not exist in the directory.")),
            );
        }
        if login.password != PASSWORD {
            return again(email, AadError::new(50_126));
        }
    }
    let identity = match alias.land(world, email) {
        Ok(identity) => identity,
        Err(error) => return again(email, error),
    };
    let id = session.get_or_insert_with(|| secret("sbx-session-")).clone();
    let people = world.sessions.entry(id).or_default();
    people.retain(|known| !known.eq_ignore_ascii_case(&identity.email));
    people.push(identity.email.clone());
    match visit.flow {
        Flow::Authorize => authorize::identified(world, visit, &identity, now),
        Flow::Adminconsent => admin_consent::identified(world, visit, &identity),
    }
}

/// `POST /{tenant}/consent`
pub async fn consent(
    State(shared): State<Arc<Shared>>,
    Path(alias): Path<String>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let mut world = shared.world();
    let now = shared.clock.now_ms();
    let session = session_id(&headers);
    let (visit, outcome) = match fields::<Answer>(&form) {
        Ok(answer) => {
            let visit = Visit { flow: answer.flow, alias, query: answer.query.clone() };
            let outcome = decide(&mut world, &visit, &answer, session.as_ref(), now);
            (visit, outcome)
        }
        Err(refused) => return refused.page_only(),
    };
    shared.keep(&world);
    super::show(&shared, &world, &visit, outcome, session, &shared.base(&headers))
}

fn decide(
    world: &mut World,
    visit: &Visit,
    answer: &Answer,
    session: Option<&String>,
    now: i64,
) -> Result<Outcome, Refused> {
    let known = session.and_then(|id| world.sessions.get(id)).cloned().unwrap_or_default();
    if !known.iter().any(|email| email.eq_ignore_ascii_case(&answer.account)) {
        let error = AadError::because(50_058, "That session has ended. Sign in again.");
        return Ok(Outcome::SignIn { email: answer.account.clone(), error: Some(error), tiles: known });
    }
    let identity =
        Alias::read(world, &visit.alias).and_then(|alias| alias.land(world, &answer.account)).map_err(Refused::Page)?;
    if answer.decision != "accept" {
        let redirect_uri = super::redirect_target(world, visit)?;
        let app = &world.app.client_id;
        let error = AadError::because(65004, format!("User declined to consent to access the app {app}."));
        return Err(Refused::redirect(&redirect_uri, error));
    }
    match visit.flow {
        Flow::Authorize => authorize::accept(world, visit, &identity, answer.organization.is_some(), now),
        Flow::Adminconsent => admin_consent::accept(world, visit, &identity, now),
    }
}
