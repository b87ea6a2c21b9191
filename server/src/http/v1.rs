//! The programming interface for other programs, version 1: `/api/v1`. What is in its answers stays; what is new is
//! added.
//!
//! A file per noun. Each asks the same ports as the pages do, in the name of who made the token.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::AppState;
use crate::{
    rate::{Rate, TokenRate},
    vault::Vault,
};

mod activity;
mod companies;
mod connections;
mod docs;
mod document;
mod idempotency;
mod input;
mod kept_pages;
mod licences;
mod links;
mod lookups;
mod paging;
mod problem;
mod secure_scores;
mod tenant_domains;
mod tokens;
mod users;
mod wire;

use self::problem::Problem;
pub use self::{
    input::is_json,
    kept_pages::KeptPages,
    lookups::Lookups,
    tokens::{MethodScope, Program, admit},
};

/// What programs send, as parameters or as a body. See [`crate::fuzz`].
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn look(data: &[u8]) {
    if let Ok(query) = str::from_utf8(data) {
        paging::look(query);
    }
    companies::look(data);
}

/// Where all of it is.
pub const PREFIX: &str = "/api/v1";

/// Whether a path is one of it, or would be.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A problem of this status.
pub fn problem(status: StatusCode, detail: &str) -> Response {
    Problem::of_status(status, detail).into_response()
}

/// Where its document is.
pub const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

/// Where its document is for people.
pub const DOCS_PATH: &str = "/api/v1/docs";

/// How the document for people looks.
pub const DOCS_STYLE_PATH: &str = "/api/v1/docs.css";

/// What it needs besides the rest of the server.
pub struct Api {
    /// How much each token may ask.
    pub tokens: TokenRate,
    /// How often an address may come with a token that there is not.
    pub strangers: Rate,
    /// Seals answers that are kept.
    pub vault: Arc<Vault>,
    /// Whose tokens are being looked up.
    pub lookups: Lookups,
    /// Pages of the list of companies.
    pub pages: KeptPages,
}

/// The document, as JSON and as a page.
#[derive(Clone)]
struct Document {
    json: Arc<str>,
    page: Arc<str>,
}

/// What it is about. Everything else comes from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tenantry",
        version = "1",
        description = "Companies, their connections to Microsoft 365, links, and what was read of their tenants, for \
                       PSA tools and other programs. An owner makes a token under Settings › API; it goes into the \
                       header `Authorization: Bearer tny_…`. Bodies are JSON; times are RFC 3339, in UTC; ids are \
                       UUIDs. Fields may be added to answers; what is there stays."
    ),
    tags(
        (name = "Companies", description = "The clients of the MSP, connected or not."),
        (name = "Connections", description = "How companies are connected to Microsoft 365. Connecting one needs an \
                                              administrator of it: open its page, or make a link for it."),
        (name = "Links", description = "Addresses that let somebody at the company connect it. A company has one live \
                                        link at most."),
        (name = "Activity", description = "What was done, by whom, to which company."),
        (name = "Data", description = "What was read of tenants: of one company, or of all."),
    )
)]
struct Info;

/// The routes, and the document of them as their handlers describe it.
fn described() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Info::openapi())
        .routes(routes!(companies::list, companies::create))
        .routes(routes!(companies::show, companies::change))
        .routes(routes!(companies::archive))
        .routes(routes!(companies::restore))
        .routes(routes!(connections::list))
        .routes(routes!(connections::show))
        .routes(routes!(connections::sync))
        .routes(routes!(links::list))
        .routes(routes!(links::create, links::withdraw))
        .routes(routes!(activity::list))
        .routes(routes!(users::list))
        .routes(routes!(licences::list))
        .routes(routes!(tenant_domains::list))
        .routes(routes!(secure_scores::list))
        .routes(routes!(secure_scores::show))
        .split_for_parts()
}

/// Every route of it.
pub fn routes() -> Router<AppState> {
    let (routes, described) = described();
    let json = document::finished(described);
    let document = Document { page: docs::page(&json).into(), json: json.to_string().into() };
    let public = Router::new()
        .route(DOCUMENT_PATH, axum::routing::get(json_document))
        .route(DOCS_PATH, axum::routing::get(docs_page))
        .route(DOCS_STYLE_PATH, axum::routing::get(docs::stylesheet))
        .layer(axum::Extension(document));
    routes.merge(public)
}

/// The path of every route of it.
pub fn paths() -> Vec<String> {
    let (_, described) = described();
    let public = [DOCUMENT_PATH, DOCS_PATH, DOCS_STYLE_PATH].map(str::to_owned);
    described.paths.paths.into_keys().chain(public).collect()
}

/// The document of it, as `OpenAPI` 3.1 wants it.
pub fn document() -> serde_json::Value {
    document::finished(described().1)
}

async fn json_document(axum::Extension(document): axum::Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], document.json.to_string())
        .into_response()
}

async fn docs_page(State(_): State<AppState>, axum::Extension(document): axum::Extension<Document>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (StatusCode::OK, headers, document.page.to_string()).into_response()
}
