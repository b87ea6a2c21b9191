//! Where people of the MSP leave for Microsoft to sign in, and where they come back.

use axum::{
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
    caller::session_cookie,
    connect::{leave_for, refusal_page, went_wrong},
    page::COMPANIES_PATH,
    security::is_same_origin_navigation,
};
use crate::{
    sessions::CookieChange,
    staff::{PATIENCE, StaffOutcome},
};

/// The cookie that keeps the sign-in, sealed, while its person is at Microsoft.
const COOKIE: &str = "staff";

/// The query of `/connect/staff`.
#[derive(Debug, Deserialize)]
pub struct Begin {
    next: Option<String>,
}

/// Sends the window to Microsoft.
pub async fn begin(
    State(state): State<AppState>,
    headers: HeaderMap,
    cookies: CookieJar,
    Query(query): Query<Begin>,
) -> Response {
    let Some(staff) = &state.staff else {
        let text = "Sign in with your e-mail address and password.";
        return refusal_page(StatusCode::NOT_FOUND, "Signing in with Microsoft is not set up", text, false);
    };
    if !is_same_origin_navigation(&headers) {
        let text = "Signing in begins with a click on the page Sign in.";
        return refusal_page(StatusCode::FORBIDDEN, "This link can't be opened from elsewhere", text, false);
    }
    match staff.begin(query.next.as_deref()) {
        Ok(begun) => (cookies.add(cookie(&state, begun.sealed)), leave_for(StatusCode::FOUND, begun.location.as_str()))
            .into_response(),
        Err(error) => went_wrong(error),
    }
}

/// Takes Microsoft's answer, if it belongs to a sign-in of this browser.
pub async fn callback(state: &AppState, cookies: &CookieJar, query: &[(String, String)]) -> Option<Response> {
    let staff = state.staff.as_ref()?;
    let (_, returned) = query.iter().find(|(name, _)| name == "state")?;
    let pending = staff.pending(cookies.get(COOKIE)?.value(), returned)?;
    let over = cookies.clone().add(cookie(state, String::new()));
    Some(match staff.finish(pending, query).await {
        Ok(StaffOutcome::SignedIn { token, next }) => {
            let cookies = over.add(session_cookie(state, &CookieChange::Set(token)));
            // What begins with a click on our page does not begin here.
            let next = if next.starts_with("/connect/") { COMPANIES_PATH } else { &next };
            (cookies, Redirect::to(next)).into_response()
        }
        Ok(StaffOutcome::Refused(refusal)) => {
            let page = refusal_page(StatusCode::FORBIDDEN, "You are not signed in", &refusal.to_string(), false);
            (over, page).into_response()
        }
        Err(error) => went_wrong(error),
    })
}

fn cookie(state: &AppState, sealed: String) -> Cookie<'static> {
    let lives = if sealed.is_empty() { std::time::Duration::ZERO } else { PATIENCE };
    Cookie::build((COOKIE, sealed))
        .path("/connect")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.public_url.scheme() == "https")
        .max_age(lives.try_into().unwrap_or_default())
        .build()
}
