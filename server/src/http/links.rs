//! The public page of a link: what somebody sees who is asked to connect a company.

use std::net::{IpAddr, Ipv4Addr};

use app::domain::{
    Access, Action, CompanyId, DataSet, DeadLink, Timestamp,
    link::{PATH, open_request},
};
use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{MethodRouter, get},
};
use axum_extra::extract::CookieJar;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

use super::{
    AppState,
    connect::{begun, browser},
    page::{NO_ICON, Page, Place},
    robots::is_person,
    surface,
};
use crate::{
    connect::{Beginning, StartError},
    failure::{internal, with_reference},
    links::{moment, path},
    rate::{Cost, whole_seconds},
    sessions::Token,
    store::{StoreError, links::Link},
};

/// What clients are told when we can't: what is wrong, and who has to mend it, is nothing to them.
pub const NOT_NOW: &str = "Nothing is lost: load this page again in a minute.";

/// The button that was pressed.
#[derive(Debug, Default, Deserialize)]
pub struct Pressed {
    /// Whether it asks for a new link, and does not continue with this one.
    #[serde(default)]
    ask: bool,
}

/// What is answered before there is a link.
enum Stop {
    /// There is none, or who asks has to wait.
    Answer(Box<Response>),
    Store(StoreError),
}

impl From<Response> for Stop {
    fn from(response: Response) -> Self {
        Self::Answer(Box::new(response))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// All that can be asked of a link's address.
pub fn page() -> MethodRouter<AppState> {
    get(show).post(go_on).layer(middleware::map_response(keep_private))
}

/// Nobody keeps it, passes its address on, or lists it.
async fn keep_private(mut response: Response) -> Response {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Shows the page. Never uses the link up.
async fn show(
    State(state): State<AppState>,
    address: Option<Extension<IpAddr>>,
    method: Method,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Response {
    let shown = async {
        let link = find(&state, address, Cost::Look, &token).await?;
        if let Err(dead) = link.state.may_begin(state.links.clock.now()) {
            return Ok(dead_page(&state, &link, dead));
        }
        let Some(renews) = can_connect(&state, link.company).await? else {
            return Ok(connected_page(&state, &link.company_name));
        };
        if is_person(&method, &headers) {
            // The page is shown also where that can't be written down.
            match state.store.link_opened(&link).await {
                Err(error) if error.trouble().is_some() => {
                    tracing::warn!(%error, "the opening of a link can't be written down");
                }
                done => done?,
            }
        }
        Ok(live_page(&state, &link, renews))
    };
    answer(&state, shown.await)
}

/// Continues to Microsoft, or asks for a new link where this one is dead.
async fn go_on(
    State(state): State<AppState>,
    address: Option<Extension<IpAddr>>,
    cookies: CookieJar,
    Path(token): Path<String>,
    form: Result<Form<Pressed>, FormRejection>,
) -> Response {
    // A form that can't be read is none of ours: it continues, as the page's button does.
    let pressed = form.map(|Form(pressed)| pressed).unwrap_or_default();
    let gone = async {
        let link = find(&state, address, Cost::Deed, &token).await?;
        match link.state.may_begin(state.links.clock.now()) {
            Err(dead) if pressed.ask && !link.archived && dead.may_want_another() => {
                state.store.request_link(&link).await?;
                return Ok(back(&token));
            }
            Err(dead) => return Ok(dead_page(&state, &link, dead)),
            Ok(()) if pressed.ask => return Ok(back(&token)),
            Ok(()) => {}
        }
        let beginning = Beginning::Link(link.id);
        match state.connect.start(link.company, browser(&cookies), beginning).await {
            Ok(started) => Ok(begun(&state, cookies, StatusCode::SEE_OTHER, &started)),
            Err(StartError::Store(error)) => Err(error.into()),
            Err(StartError::AlreadyConnected { company }) => Ok(connected_page(&state, &company)),
            Err(StartError::Changed { .. }) => Ok(back(&token)),
            Err(StartError::NoSuchCompany) => Ok(unknown_page(&state)),
            Err(StartError::NotConfigured) => {
                let text = format!("{} has to finish the setup first. Tell them, and try again later.", state.msp.name);
                Ok(message(&state, StatusCode::SERVICE_UNAVAILABLE, "This can't be done yet", text))
            }
        }
    };
    answer(&state, gone.await)
}

fn answer(state: &AppState, answer: Result<Response, Stop>) -> Response {
    match answer {
        Ok(response) => response,
        Err(Stop::Answer(response)) => *response,
        Err(Stop::Store(error)) => {
            let status = StatusCode::from_u16(internal(error).status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            surface::refusal(state, PATH, status, &with_reference(NOT_NOW))
        }
    }
}

/// The link of this token, if who asks did not ask too much.
async fn find(state: &AppState, address: Option<Extension<IpAddr>>, cost: Cost, token: &str) -> Result<Link, Stop> {
    // Without an address all strangers count as one.
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(address)| address);
    if let Err(wait) = state.link_rate.admit(address, cost) {
        tracing::info!(%address, retry_after_secs = wait.as_secs(), "who opens links has to wait");
        let text = "Wait a moment, then load this page again.".to_owned();
        let mut response = message(state, StatusCode::TOO_MANY_REQUESTS, "Too many requests from your network", text);
        response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait).into());
        return Err(response.into());
    }
    let found = match Token::parse(token) {
        Some(token) => state.store.link_by_token(token.hash()).await?,
        None => None,
    };
    found.ok_or_else(|| {
        state.link_rate.charge(address, Cost::Miss);
        unknown_page(state).into()
    })
}

/// Whether there is something to connect, and whether that renews an access.
async fn can_connect(state: &AppState, company: CompanyId) -> Result<Option<bool>, StoreError> {
    let row = state.store.company_rows_of(&[company]).await?.into_iter().next();
    let can = |row: &app::domain::CompanyRow| row.status.allows(Action::SignIn) || row.status.allows(Action::Reconnect);
    Ok(row.filter(can).map(|row| row.tenant.is_some()))
}

/// To the link's page, which says what came of it.
fn back(token: &str) -> Response {
    let path = Token::parse(token).map_or_else(|| "/".to_owned(), |token| path(&token));
    Redirect::to(&path).into_response()
}

fn message(state: &AppState, status: StatusCode, heading: &str, text: String) -> Response {
    let place = Place::Client { msp: state.msp.name.clone(), again: None };
    let heading = heading.to_owned();
    Page { status, good: status.is_success(), heading, text, details: None, company: None, place }.into_response()
}

fn connected_page(state: &AppState, company: &str) -> Response {
    let text = format!("There is nothing left to do. If {} asked you for it all the same, tell them.", state.msp.name);
    message(state, StatusCode::OK, &format!("{company} is connected already"), text)
}

fn unknown_page(state: &AppState) -> Response {
    let text = format!(
        "Perhaps its end was lost on the way: copy the whole address from the message that you got. If that does not \
         help, ask {} for a new link.",
        state.msp.name
    );
    message(state, StatusCode::NOT_FOUND, "This link is not valid", text)
}

fn live_page(state: &AppState, link: &Link, renews: bool) -> Response {
    let msp = &state.msp.name;
    let Link { company_name, made_by, state: link_state, .. } = link;
    let access = state.connect.access();
    let deed = if renews { "renew the access to" } else { "let them read some data of" };
    let body = html! {
        h1 { "Connect " (company_name) " to " (msp) }
        p { (made_by) " of " (msp) " asks you to " (deed) " the Microsoft 365 of " strong { (company_name) } "." }
        h2 { "What will be read" }
        ul {
            @for data_set in DataSet::ALL {
                li { (data_set.what_is_read()) }
            }
            li { "Your own name and roles, once: to see that you may approve this." }
            @if access == Access::Delegated {
                li { "This goes on in your name, also while you are away, until one of you ends it." }
            }
        }
        p {
            "E-mails, files, calendars, chats and passwords are "
            strong { "not" }
            " read. Nothing is changed. Microsoft shows you what is asked for before you accept."
        }
        h2 { "Who can approve it" }
        p {
            "A Global Administrator or a Privileged Role Administrator of " (company_name) ". If that is somebody \
             else, send them the link: opening it does not use it up."
        }
        p { "This link is valid until " (time(link_state.expires)) ", and works once." }
        form method="post" {
            button class="button" type="submit" { "Continue to Microsoft" }
        }
        h2 { "Not expecting this?" }
        p {
            "Close this page: nothing has happened. If in doubt, call " (made_by) " or anybody else at " (msp) " on \
             a number that you know, not on one from the message."
        }
    };
    let mut response = whole(state, StatusCode::OK, &format!("Connect {company_name} to {msp}"), &body);
    if let Ok(policy) = HeaderValue::from_str(&policy(state.connect.sign_in_host())) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Browsers hold the redirects after a form against its policy too: Microsoft's, and that of whoever keeps the
/// company's accounts, whose address nobody knows here.
fn policy(sign_in_host: Option<&Url>) -> String {
    let host = sign_in_host.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self' https: {host}; \
         frame-ancestors 'none'"
    )
}

fn dead_page(state: &AppState, link: &Link, dead: DeadLink) -> Response {
    let msp = &state.msp.name;
    let body = html! {
        h1 { (dead.title()) }
        p { (dead.explanation(&link.company_name)) }
        p { "It was made by " (link.made_by) " of " (msp) ", to connect the Microsoft 365 of " (link.company_name) "." }
        @if let Some(at) = open_request(link.requested_at, state.links.clock.now()) {
            p role="status" { (msp) " was asked for a new link on " (time(at)) "." }
        } @else if dead.may_want_another() && !link.archived {
            form method="post" {
                button class="button" type="submit" name="ask" value="true" { "Ask " (msp) " for a new link" }
            }
        }
        p class="quiet" { "You can close this window." }
    };
    whole(state, StatusCode::GONE, dead.title(), &body)
}

fn whole(state: &AppState, status: StatusCode, title: &str, body: &Markup) -> Response {
    let msp = &state.msp.name;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (msp) }
                link rel="icon" href=(if state.msp.logo.is_some() { "/connect/logo" } else { NO_ICON });
                link rel="stylesheet" href="/connect/page.css";
            }
            body {
                main class="link" {
                    @if state.msp.logo.is_some() {
                        img class="logo" src="/connect/logo" alt=(msp);
                    }
                    (body)
                }
            }
        }
    };
    (status, Html(page.into_string())).into_response()
}

fn time(at: Timestamp) -> Markup {
    let machine =
        OffsetDateTime::from_unix_timestamp(at.as_millis() / 1_000).ok().and_then(|at| at.format(&Rfc3339).ok());
    html! { time datetime=[machine] { (moment(at)) } }
}
