//! Server functions: their ports, and the status that fits their error.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use app::{
    domain::Right,
    error::{AppError, ErrorCode},
    ports::{
        Accounts, Activity, ApiTokens, Attempts, Campaigns, Companies, CompanyRecords, Connections, Disconnections,
        Links, Notifications, Sessions, TenantData,
    },
};
use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use leptos::prelude::provide_context;

use super::{AppState, caller::session_cookie, surface, v1::is_json};
use crate::{
    accounts, activity, api_tokens, attempts, campaigns, company_records, connections, disconnections,
    failure::with_reference,
    links, notifications,
    rate::whole_seconds,
    sessions::{self, Caller, Extras, Reply},
};

/// The largest error, in bytes.
const ERROR_LIMIT: usize = 16 * 1024;

/// Calls a server function.
pub async fn handle(
    State(state): State<AppState>,
    caller: Option<Extension<Caller>>,
    address: Option<Extension<IpAddr>>,
    mut request: Request,
) -> Response {
    if request.method() == Method::POST && !is_json(request.headers()) {
        let text = "Send the request as JSON, with the header Content-Type: application/json.";
        return surface::refusal(&state, request.uri().path(), StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    // Who takes pages would be sent back to where they came from, as after a form.
    request.headers_mut().remove(header::ACCEPT);
    let caller = caller.map(|Extension(caller)| caller);
    // Without an address all strangers count as one, and are slowed down as one.
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(address)| address);
    let reply = Reply::default();
    let provide = {
        let (state, reply) = (state.clone(), reply.clone());
        move || provide_ports(&state, caller.clone(), address, reply.clone())
    };
    let response = leptos_axum::handle_server_fns_with_context(provide, request).await.into_response();
    let mut response = if response.status().is_success() { response } else { as_app_error(response).await };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    finish(headers, &state, &reply.take());
    response
}

/// Ports are bound to who asks: there is none for what they may not do at all.
fn provide_ports(state: &AppState, caller: Option<Caller>, address: IpAddr, reply: Reply) {
    let sign_in = state.sign_in.clone();
    provide_context::<Arc<dyn Sessions>>(Arc::new(sessions::Sessions {
        sign_in,
        caller: caller.clone(),
        address,
        reply,
    }));
    let Some(caller) = caller else { return };
    let store = || state.store.clone();
    let actor = caller.actor();
    let may = |right| caller.me.role.may(right);
    if may(Right::See) {
        provide_context::<Arc<dyn Companies>>(state.companies.clone());
        provide_context::<Arc<dyn TenantData>>(state.tenant_data.clone());
        provide_context::<Arc<dyn Activity>>(Arc::new(activity::Activity::new(store(), caller.me.clone())));
    }
    if may(Right::SyncNow) {
        let connections = connections::Connections::new(store(), state.work.clone(), actor.clone());
        provide_context::<Arc<dyn Connections>>(Arc::new(connections));
    }
    if may(Right::SendLinks) {
        provide_context::<Arc<dyn Links>>(Arc::new(links::Links::new(state.links.clone(), caller.me.clone())));
        let telling = &state.telling;
        let mail_from = telling.mailer.as_ref().map(|mailer| mailer.from().to_string());
        let (links, wake, me) = (state.links.clone(), telling.wake.clone(), caller.me.clone());
        provide_context::<Arc<dyn Campaigns>>(Arc::new(campaigns::Campaigns::new(links, mail_from, wake, me)));
    }
    if may(Right::Connect) {
        provide_context::<Arc<dyn Attempts>>(Arc::new(attempts::Attempts::new(store(), actor.clone())));
        let disconnections = disconnections::Disconnections::new(state.looks.clone(), actor.clone());
        provide_context::<Arc<dyn Disconnections>>(Arc::new(disconnections));
    }
    if may(Right::ManageCompanies) {
        let records = company_records::CompanyRecords::new(store(), state.work.clone(), caller.me.clone());
        provide_context::<Arc<dyn CompanyRecords>>(Arc::new(records));
    }
    if may(Right::ManageAccounts) {
        let accounts = accounts::Accounts::new(store(), state.public_url.clone(), actor.clone());
        provide_context::<Arc<dyn Accounts>>(Arc::new(accounts));
        let tokens = api_tokens::ApiTokens::new(store(), caller.me.id, actor.clone());
        provide_context::<Arc<dyn ApiTokens>>(Arc::new(tokens));
        let notifications = notifications::Notifications::new(store(), state.telling.clone(), actor);
        provide_context::<Arc<dyn Notifications>>(Arc::new(notifications));
    }
}

fn finish(headers: &mut HeaderMap, state: &AppState, extras: &Extras) {
    let cookie = extras.cookie.as_ref().map(|change| session_cookie(state, change).to_string());
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::try_from) {
        headers.append(header::SET_COOKIE, cookie);
    }
    if let Some(wait) = extras.retry_after {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
    }
}

/// leptos 0.8 answers every error with 500 and, for an unknown function, with a text for programmers.
async fn as_app_error(response: Response) -> Response {
    let status = response.status();
    let body = to_bytes(response.into_body(), ERROR_LIMIT).await.unwrap_or_default();
    let error = serde_json::from_slice::<AppError>(&body).unwrap_or_else(|_| {
        let code = if status == StatusCode::NOT_FOUND || body.starts_with(b"Could not find a server function") {
            ErrorCode::NotFound
        } else {
            ErrorCode::BadRequest
        };
        AppError::new(code, "There is no such function, or it is called in another way.")
    });
    error_response(&match error.code {
        ErrorCode::Internal if !error.message.contains("Reference: ") => {
            tracing::error!(said = error.message, "a server function failed");
            AppError::new(error.code, with_reference(&error.message))
        }
        _ => error,
    })
}

/// An error as the response of `/api`.
pub fn error_response(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = serde_json::to_vec(error).unwrap_or_default();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, Body::from(json)).into_response()
}
