//! The plain pages that a popup ends on. They need no web app, and work without scripts.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// Where the page that began it all is.
pub const COMPANIES_PATH: &str = "/settings/integrations/microsoft-365/companies";

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
    /// Whether it stands in a window of its own, which may close itself (after good news at once).
    pub popup: bool,
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
        let closes = self.popup && self.good;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.heading) " · Tenantry" }
                    link rel="stylesheet" href="/connect/page.css";
                    script src="/connect/page.js" defer {}
                }
                body data-company=[self.company.as_deref()] data-close[closes] {
                    main class=(if self.good { "good" } else { "bad" }) {
                        h1 { (self.heading) }
                        p { (self.text) }
                        @if let Some(details) = &self.details {
                            details { summary { "Details" } code { (details) } }
                        }
                        @if self.popup {
                            p class="quiet" { "You can close this window." }
                        } @else {
                            p { a href=(COMPANIES_PATH) { "Back to M365 companies" } }
                        }
                    }
                }
            }
        }
    }
}

/// The pages' looks.
pub async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page.css"))
}

/// Tells the pages of this browser, and closes the window.
pub async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("page.js"))
}
