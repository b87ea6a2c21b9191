//! The plain pages that a sign-in ends on. They need no web app, and work without scripts.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::AppState;

/// Where the page that began it all is.
pub const COMPANIES_PATH: &str = "/settings/integrations/microsoft-365/companies";

/// The icon of a page that has none: browsers would ask for one at an address of their own.
pub const NO_ICON: &str = "data:,";

/// How long what belongs to these pages may be kept. Another version of the program has other ones under the same names.
pub const FOR_A_WHILE: &str = "public, max-age=300";

/// A page with one message.
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Whether it is good news.
    pub good: bool,
    /// The heading.
    pub heading: String,
    /// What it means and what to do.
    pub text: String,
    /// For support.
    pub details: Option<String>,
    /// The company that the page's opener may ask about.
    pub company: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// Where a page stands, and so how one goes on from it.
pub enum Place {
    /// In a window of its own, which closes itself after good news.
    Popup,
    /// In the tab of the web app.
    Tab,
    /// Before somebody who is no user of ours.
    Client {
        /// The MSP's name.
        msp: String,
        /// The path of the link that they came by, if they can try again.
        again: Option<String>,
    },
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        (self.status, headers, Html(self.render().into_string())).into_response()
    }
}

impl Page {
    fn render(&self) -> Markup {
        let closes = self.good && matches!(self.place, Place::Popup);
        let whose = match &self.place {
            Place::Popup | Place::Tab => "Tenantry",
            Place::Client { msp, .. } => msp,
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.heading) " · " (whose) }
                    link rel="icon" href=(NO_ICON);
                    link rel="stylesheet" href="/connect/page.css";
                    @if !matches!(self.place, Place::Client { .. }) {
                        script src="/connect/page.js" defer {}
                    }
                }
                body data-company=[self.company.as_deref()] data-close[closes] {
                    main class=(if self.good { "good" } else { "bad" }) {
                        h1 { (self.heading) }
                        p { (self.text) }
                        @if let Some(details) = &self.details {
                            details { summary { "Details" } code { (details) } }
                        }
                        @match &self.place {
                            Place::Popup => p class="quiet" { "You can close this window." },
                            Place::Tab => p { a href=(COMPANIES_PATH) { "Back to M365 companies" } },
                            Place::Client { again, .. } => {
                                @if let Some(again) = again {
                                    p { a class="button" href=(again) { "Try again" } }
                                }
                                p class="quiet" { "You can close this window." }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The pages' looks.
pub async fn stylesheet() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOR_A_WHILE)];
    (headers, include_str!("page.css"))
}

/// The MSP's logo. An SVG is a document that could bring scripts: the policy lets none run, wherever it is opened.
pub async fn logo(State(state): State<AppState>) -> Response {
    let Some(logo) = state.msp.logo.clone() else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, logo.content_type),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    (headers, logo.bytes).into_response()
}

/// Tells the pages of this browser, and closes the window.
pub async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, FOR_A_WHILE)];
    (headers, include_str!("page.js"))
}
