//! A refusal in the form of the place where it is read: a page, JSON for the web app, a problem for programs, or a line.

use std::time::Duration;

use app::error::{AppError, ErrorCode};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    AppState,
    page::{Page, Place},
    server_functions::error_response,
    v1,
};
use crate::{failure::with_reference, rate::whole_seconds};

/// Where an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    /// By a program with a token.
    Program,
    /// By the web app.
    Api,
    /// By somebody at a client of the MSP.
    Client,
    /// By somebody of the MSP, in a browser.
    Page,
    /// By a browser that wants a file, or by a probe.
    Line,
}

impl Surface {
    fn of(path: &str) -> Self {
        match path {
            _ if v1::is_below(path) => Self::Program,
            _ if path == "/api" || path.starts_with("/api/") => Self::Api,
            _ if path.starts_with(app::domain::link::PATH) => Self::Client,
            "/healthz" | "/readyz" | "/metrics" | "/connect/logo" => Self::Line,
            _ if path.rsplit('/').next().is_some_and(|name| name.contains('.')) => Self::Line,
            _ => Self::Page,
        }
    }
}

/// When to ask again what can't be answered now, in seconds.
const ASK_AGAIN_AFTER: u64 = 5;

/// Says no, and why.
pub fn refusal(state: &AppState, path: &str, status: StatusCode, text: &str) -> Response {
    let page = |place| {
        let (heading, text) = (heading(status).to_owned(), text.to_owned());
        Page { status, good: false, heading, text, details: None, company: None, place }.into_response()
    };
    let mut response = match Surface::of(path) {
        Surface::Program => v1::problem(status, text),
        Surface::Api => {
            let mut response = error_response(&AppError::new(code(status), text));
            *response.status_mut() = status;
            response
        }
        Surface::Client => page(Place::Client { msp: state.msp.name.clone(), again: None }),
        Surface::Page => page(Place::Tab),
        Surface::Line => (status, format!("{text}\n")).into_response(),
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, ASK_AGAIN_AFTER.into());
    }
    response
}

/// Too much was asked.
pub fn wait_for(state: &AppState, path: &str, wait: Duration) -> Response {
    let seconds = whole_seconds(wait);
    let text = format!("Too many requests. Go on in {seconds} s.");
    let mut response = refusal(state, path, StatusCode::TOO_MANY_REQUESTS, &text);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// What libraries answer errors with, nothing or a line for programmers, becomes a refusal in the place's form.
pub fn with_words(state: &AppState, path: &str, response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let said = match response.headers().get(header::CONTENT_TYPE) {
        Some(kind) => !kind.as_bytes().starts_with(b"text/plain") || Surface::of(path) == Surface::Line,
        None => false,
    };
    if said {
        return response;
    }
    let text = if status.is_server_error() { with_reference(words(status)) } else { words(status).to_owned() };
    let mut refusal = refusal(state, path, status, &text);
    let ours = refusal.headers().clone();
    for (name, value) in response.headers() {
        if !ours.contains_key(name) && ![header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name) {
            refusal.headers_mut().append(name, value.clone());
        }
    }
    refusal
}

/// The code of the web app's errors that is nearest.
fn code(status: StatusCode) -> ErrorCode {
    match status {
        StatusCode::UNAUTHORIZED => ErrorCode::Unauthorized,
        StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => ErrorCode::Forbidden,
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::CONFLICT => ErrorCode::Conflict,
        StatusCode::UNPROCESSABLE_ENTITY => ErrorCode::Invalid,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
        status if status.is_server_error() => ErrorCode::Internal,
        _ => ErrorCode::BadRequest,
    }
}

const fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => "This can't be opened from elsewhere",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "This can't be done here",
        StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive",
        StatusCode::PAYLOAD_TOO_LARGE => "This is too large",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "This does not work at the moment",
        status if status.as_u16() >= 500 => "Something went wrong",
        _ => "This request can't be read",
    }
}

const fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take this method.",
        StatusCode::REQUEST_TIMEOUT => "The request did not arrive whole in time. Send it again.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request is larger than what this address takes.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The request has another content type than what this address takes.",
        StatusCode::SERVICE_UNAVAILABLE => "The server can't answer this now. Try again in a minute.",
        status if status.as_u16() >= 500 => "Something went wrong on the server. Try again.",
        _ => "The request can't be read. Check its address and what it holds.",
    }
}
