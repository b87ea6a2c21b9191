//! Where a window leaves for Microsoft, and where it comes back.

use app::domain::{AttemptFailure, CompanyId, Surface, attempt::Refusal, link::advice_for_client};
use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use serde::Deserialize;

use super::{
    AppState,
    caller::session_token,
    page::{COMPANIES_PATH, Page, Place},
    security::{is_same_origin_navigation, is_under_another_name},
    staff,
};
use crate::{
    connect::{Beginning, BrowserName, Outcome, Shown, StartError, Started},
    failure::internal,
    links,
    request_id::spawn,
    sessions::Caller,
    store::StoreError,
};

/// The cookie that names the browser.
const COOKIE: &str = "attempt";

/// As long as an answer of Microsoft counts, and a bit.
const COOKIE_LIVES: std::time::Duration = std::time::Duration::from_mins(75);

/// The query of `/connect/start`.
#[derive(Debug, Deserialize)]
pub struct Start {
    company: String,
    #[serde(default)]
    surface: Surface,
}

/// Begins an attempt, and sends the window to Microsoft.
pub async fn start(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    cookies: CookieJar,
    Query(query): Query<Start>,
) -> Response {
    let popup = query.surface == Surface::Popup;
    if !is_same_origin_navigation(&headers) {
        let text = "Connecting a company begins with a click on the page M365 companies.";
        return refusal_page(StatusCode::FORBIDDEN, "This link can't be opened from elsewhere", text, popup);
    }
    let Ok(company) = query.company.parse::<CompanyId>() else {
        return refusal_page(StatusCode::NOT_FOUND, "There is no such company", "Go back and reload the page.", popup);
    };
    if is_under_another_name(&headers, &state.public_url) {
        let ours = &state.public_url;
        let text = format!("Open Tenantry at {ours} and sign in there: that is where Microsoft sends its answer.");
        return refusal_page(StatusCode::CONFLICT, "Companies can't be connected from this address", &text, popup);
    }
    let (surface, by) = (query.surface, caller.actor());
    let beginning = Beginning::Click { surface, by: &by };
    let named =
        browser(&cookies).or_else(|| session_token(&state, &cookies).map(|session| BrowserName::of_session(&session)));
    match state.connect.start(company, named, beginning).await {
        Ok(started) => begun(&state, cookies, StatusCode::FOUND, &started),
        Err(error) => {
            let (status, heading) = match error {
                StartError::Store(error) => return went_wrong_at(error, popup),
                StartError::NotConfigured => (StatusCode::SERVICE_UNAVAILABLE, "Tenantry is not set up yet"),
                StartError::NoSuchCompany => (StatusCode::NOT_FOUND, "There is no such company"),
                StartError::AlreadyConnected { .. } => (StatusCode::CONFLICT, "Nothing to do"),
                StartError::Changed { .. } => (StatusCode::CONFLICT, "Something has changed"),
            };
            refusal_page(status, heading, &error.to_string(), popup)
        }
    }
}

/// Sends the window to Microsoft, and names the browser that goes there.
pub fn begun(state: &AppState, cookies: CookieJar, status: StatusCode, started: &Started) -> Response {
    let cookie = Cookie::build((COOKIE, started.browser.cookie_value().to_owned()))
        // Links are elsewhere than the callback, and each would give the browser a name of its own.
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.public_url.scheme() == "https")
        .max_age(COOKIE_LIVES.try_into().unwrap_or_default());
    (cookies.add(cookie), leave_for(status, started.location.as_str())).into_response()
}

/// Takes Microsoft's answer, and says what came of it.
pub async fn callback(
    State(state): State<AppState>,
    cookies: CookieJar,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if let Some(response) = staff::callback(&state, &cookies, &query).await {
        return response;
    }
    // A task of its own: somebody who closes the window now has answered all the same.
    let connect = state.connect.clone();
    let settled = spawn(async move { connect.callback(&query, browser(&cookies).as_ref()).await });
    match settled.await {
        Ok(Ok(outcome)) => answer(outcome, &state.msp.name),
        Ok(Err(error)) => went_wrong(error),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// The name of the browser, if it has one.
pub fn browser(cookies: &CookieJar) -> Option<BrowserName> {
    cookies.get(COOKIE).and_then(|cookie| BrowserName::from_cookie(cookie.value()))
}

fn answer(outcome: Outcome, msp: &str) -> Response {
    match outcome {
        Outcome::Continue(location) => leave_for(StatusCode::FOUND, location.as_str()),
        // The page says which company it was, and takes the parameter out of its address.
        Outcome::Connected { company, shown: Shown::Tab, .. } => {
            Redirect::to(&format!("{COMPANIES_PATH}?connected={}", company.id)).into_response()
        }
        Outcome::Connected { company, tenant, shown } => Page {
            status: StatusCode::OK,
            good: true,
            heading: format!("{} is connected", company.name),
            text: match &shown {
                Shown::Client { .. } => format!("{msp} can now read what you agreed to, of {tenant}. Thank you."),
                Shown::Popup | Shown::Tab => format!("The tenant is {tenant}. Its data will be read from now on."),
            },
            details: None,
            company: Some(company.id.to_string()),
            place: place(shown, msp),
        }
        .into_response(),
        Outcome::Failed { company, failure, details, shown } => {
            let advice = match &shown {
                Shown::Client { .. } => advice_for_client(&failure, msp),
                Shown::Popup | Shown::Tab => failure.advice(),
            };
            Page {
                status: match failure {
                    AttemptFailure::MicrosoftUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::BAD_REQUEST,
                },
                good: false,
                heading: failure.title().to_owned(),
                text: match &company {
                    Some(company) => format!("{} was not connected. {advice}", company.name),
                    None => advice,
                },
                details,
                company: company.map(|company| company.id.to_string()),
                place: place(shown, msp),
            }
            .into_response()
        }
        Outcome::Refused { company, refusal, shown } => {
            let (heading, text) = why_refused(refusal, &company.name, matches!(shown, Shown::Client { .. }));
            Page {
                status: if matches!(refusal, Refusal::Link(_)) { StatusCode::GONE } else { StatusCode::CONFLICT },
                good: false,
                heading: heading.to_owned(),
                text: format!("{}: {text}", company.name),
                details: None,
                company: Some(company.id.to_string()),
                place: place(shown, msp),
            }
            .into_response()
        }
    }
}

fn why_refused(refusal: Refusal, company: &str, by_client: bool) -> (&'static str, String) {
    let (heading, text) = match refusal {
        Refusal::Link(dead) => return (dead.title(), dead.explanation(company)),
        Refusal::TooLate if by_client => ("This sign-in took too long", "Begin again with the link."),
        Refusal::TooLate => ("This sign-in took too long", "Begin again on the page M365 companies."),
        Refusal::AlreadyUsed if by_client => ("This sign-in has already been used", "Nothing was changed."),
        Refusal::AlreadyUsed => {
            ("This sign-in has already been used", "Nothing was changed. The page M365 companies shows how it ended.")
        }
        Refusal::Cancelled => (
            "This sign-in was cancelled",
            "Somebody cancelled it, the company was disconnected or archived, or whoever began it may not connect \
             companies any more. Nothing was changed.",
        ),
        Refusal::Overtaken => ("Somebody was faster", "The company was connected by another sign-in meanwhile."),
    };
    (heading, text.to_owned())
}

fn place(shown: Shown, msp: &str) -> Place {
    match shown {
        Shown::Popup => Place::Popup,
        Shown::Tab => Place::Tab,
        Shown::Client { again } => Place::Client { msp: msp.to_owned(), again: again.map(|token| links::path(&token)) },
    }
}

/// The page that a failure of ours ends on.
pub fn went_wrong(error: StoreError) -> Response {
    went_wrong_at(error, true)
}

/// The same, in a window of its own or in the page's tab.
pub fn went_wrong_at(error: StoreError, popup: bool) -> Response {
    let error = internal(error);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    refusal_page(status, "Something went wrong", &error.message, popup)
}

/// A page that says why not.
pub fn refusal_page(status: StatusCode, heading: &str, text: &str, popup: bool) -> Response {
    let (heading, text) = (heading.to_owned(), text.to_owned());
    let place = if popup { Place::Popup } else { Place::Tab };
    Page { status, good: false, heading, text, details: None, company: None, place }.into_response()
}

/// A redirect that is not to be kept: the address holds the attempt's `state`.
pub fn leave_for(status: StatusCode, location: &str) -> Response {
    use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];
    (status, headers).into_response()
}
