//! The pages that people see: sign in, consent, and the dead ends. Plain HTML forms, no script.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::errors::AadError;
use super::visit::Visit;
use crate::permissions::{self, Permission};

const CSS: &str = include_str!("pages.css");

/// Makes a text safe inside HTML, attributes included.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A whole page, with the headers that Microsoft's pages have.
pub fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{CSS}</style></head><body><p class=\"mark\">Sandbox, not Microsoft</p>\
         <main>{body}</main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
}

/// The beginning of a form that comes back to the same visit.
fn form(visit: &Visit, action: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/{}/{action}\">{}{}",
        escape(&visit.alias),
        hidden("flow", visit.flow.name()),
        hidden("query", &visit.query)
    )
}

/// The sign-in page, with the accounts that this browser may go on with.
pub fn sign_in(visit: &Visit, email: &str, error: Option<&AadError>, signed_in: &[String]) -> Response {
    let alert = error.map_or(String::new(), |error| {
        let line = match error.code {
            50_126 => format!("Your account or password is incorrect. {}", error.line()),
            _ => error.line(),
        };
        format!("<p class=\"alert\" role=\"alert\">{}</p>", escape(&line))
    });
    let tiles: Vec<String> = signed_in
        .iter()
        .map(|account| {
            format!(
                "{}{}<button class=\"tile\">Continue as {}</button></form>",
                form(visit, "login"),
                hidden("account", account),
                escape(account)
            )
        })
        .collect();
    let tiles = match tiles.concat() {
        none if none.is_empty() => none,
        tiles => format!("<div class=\"tiles\"><p>Signed in already:</p>{tiles}</div>"),
    };
    let (focus_email, focus_password) = if email.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let body = format!(
        "<h1>Sign in</h1>{alert}{}\
         <label for=\"email\">Email</label>\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" required value=\"{}\"{focus_email}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" role=\"textbox\" autocomplete=\"current-password\" required{focus_password}>\
         <div class=\"buttons\"><button class=\"primary\">Sign in</button></div></form>{tiles}",
        form(visit, "login"),
        escape(email)
    );
    page(StatusCode::OK, "Sign in to your account", &body)
}

/// What a consent page asks for.
pub struct ConsentPage<'a> {
    /// Who is asked.
    pub email: &'a str,
    /// Their organisation.
    pub organisation: &'a str,
    /// The app that asks.
    pub client_id: &'a str,
    /// The names of what it asks for.
    pub wanted: Vec<String>,
    /// Whether accepting grants it for everybody: always, never, or as ticked.
    pub scope: ConsentScope,
}

/// For whom a consent page asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentScope {
    /// An administrator answers for the organisation.
    Organisation,
    /// An administrator may tick that.
    Choice,
    /// The person answers for themselves.
    Person,
}

/// The consent page.
pub fn consent(visit: &Visit, asked: &ConsentPage<'_>) -> Response {
    let list: Vec<String> = asked
        .wanted
        .iter()
        .map(|name| match permissions::find(name) {
            Some(Permission { name, words, detail, .. }) => {
                format!("<li><b>{}</b><span>{}</span><code>{}</code></li>", escape(words), escape(detail), escape(name))
            }
            None => format!("<li><b>{}</b></li>", escape(name)),
        })
        .collect();
    let whom = match asked.scope {
        ConsentScope::Organisation => format!(
            "Review for your organization, {}. Accepting gives this app access for all users in it.",
            asked.organisation
        ),
        ConsentScope::Choice | ConsentScope::Person => format!("This app would like to, at {}:", asked.organisation),
    };
    let choice = if asked.scope == ConsentScope::Choice {
        "<label class=\"choice\"><input type=\"checkbox\" name=\"organization\" value=\"true\"> Consent on behalf of your organization</label>"
    } else {
        ""
    };
    let body = format!(
        "<p class=\"who\">{}</p><h1>Permissions requested</h1><p>{}</p><ul class=\"permissions\">{}</ul>{}{}{choice}\
         <p class=\"small\">App {}. You can change these permissions later.</p>\
         <div class=\"buttons\"><button name=\"decision\" value=\"cancel\">Cancel</button>\
         <button class=\"primary\" name=\"decision\" value=\"accept\">Accept</button></div></form>",
        escape(asked.email),
        escape(&whom),
        list.concat(),
        form(visit, "consent"),
        hidden("account", asked.email),
        escape(asked.client_id)
    );
    page(StatusCode::OK, "Permissions requested", &body)
}

/// Where somebody ends who may not grant what is asked.
pub fn need_admin(visit: &Visit, email: &str) -> Response {
    let body = format!(
        "<p class=\"who\">{}</p><h1>Need admin approval</h1>\
         <p>This app needs permission to access resources in your organization that only an admin can grant. \
         Please ask an admin to grant permission to this app before you can use it.</p>\
         <p class=\"small\">AADSTS90094</p>{}{}<div class=\"buttons\">\
         <button>Sign in with another account</button></div></form>",
        escape(email),
        form(visit, "login"),
        hidden("switch", "true")
    );
    page(StatusCode::OK, "Need admin approval", &body)
}

/// An error that is shown here because it can't be sent back to the app.
pub fn dead_end(error: &AadError) -> Response {
    let body = format!(
        "<h1>Sorry, but we’re having trouble signing you in.</h1><p class=\"alert\" role=\"alert\">{}</p>",
        escape(&error.line())
    );
    page(StatusCode::BAD_REQUEST, "Sign in to your account", &body)
}
