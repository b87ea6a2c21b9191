//! Lists as files.

use app::{
    domain::{
        CompanyId, Right, company_import::MAX_ROWS, licence::LicenceQuery, secure_score::ScoreQuery,
        tenant_domain::TenantDomainQuery, user::UserQuery,
    },
    error::{AppError, ErrorCode},
};
use axum::{
    Extension,
    body::Body,
    extract::{DefaultBodyLimit, Form, Query, State, rejection::FormRejection},
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use serde::Deserialize;

use super::{AppState, server_functions::error_response};
use crate::{
    exports::{Export, companies::CompanyExport, export},
    failure::internal,
    sessions::Caller,
    store::lists::ListError,
};

type Pairs = Query<Vec<(String, String)>>;

/// Users, with the page's search, choices and order as its query.
pub async fn users(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "users", UserQuery::from_url_query(&pairs)).await
}

/// Licences.
pub async fn licences(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "licences", LicenceQuery::from_url_query(&pairs)).await
}

/// Domains.
pub async fn tenant_domains(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "domains", TenantDomainQuery::from_url_query(&pairs)).await
}

/// Secure Scores.
pub async fn scores(state: State<AppState>, Query(pairs): Pairs) -> Response {
    file(state, "secure-score", ScoreQuery::from_url_query(&pairs)).await
}

/// Which companies a form chose.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    /// Their ids, with commas between them.
    companies: String,
}

/// How the list of companies is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// An Excel workbook.
    Xlsx,
}

/// The list of companies with how they stand: all that are in use, or those that a form chose.
pub fn companies(format: Format) -> MethodRouter<AppState> {
    let all = move |State(state): State<AppState>, Extension(caller): Extension<Caller>| {
        company_file(state, format, None, caller)
    };
    let some = move |State(state): State<AppState>,
                     Extension(caller): Extension<Caller>,
                     form: Result<Form<Chosen>, FormRejection>| async move {
        match chosen(form) {
            Ok(chosen) => company_file(state, format, Some(chosen), caller).await,
            Err(error) => error_response(&error),
        }
    };
    // An id and its comma, which a form writes as %2C.
    get(all).post(some).layer(DefaultBodyLimit::max(MAX_ROWS * 40))
}

fn chosen(form: Result<Form<Chosen>, FormRejection>) -> Result<Vec<CompanyId>, AppError> {
    let too_many =
        || AppError::new(ErrorCode::Invalid, format!("These are more than {MAX_ROWS} companies. Choose fewer."));
    let Form(Chosen { companies }) = form.map_err(|rejection| {
        if rejection.status().as_u16() == 413 {
            return too_many();
        }
        AppError::new(ErrorCode::BadRequest, "The companies to export did not arrive. Try again.")
    })?;
    let ids: Result<Vec<CompanyId>, _> = companies.split(',').filter(|id| !id.is_empty()).map(str::parse).collect();
    let ids = ids.map_err(|_| AppError::new(ErrorCode::BadRequest, "The companies to export could not be read."))?;
    match ids.len() {
        0 => Err(AppError::new(ErrorCode::Invalid, "No company is chosen.")),
        count if count > MAX_ROWS => Err(too_many()),
        _ => Ok(ids),
    }
}

async fn company_file(state: AppState, format: Format, among: Option<Vec<CompanyId>>, caller: Caller) -> Response {
    let file = async {
        let with_notes = caller.me.role.may(Right::ManageCompanies);
        let export = CompanyExport::of(state.store.clone(), among.as_deref(), with_notes).await.map_err(internal)?;
        if among.is_some() && export.is_empty() {
            let text = "None of these companies is in the list any more.";
            return Err(AppError::new(ErrorCode::NotFound, text));
        }
        Ok(match format {
            Format::Csv => (headers("companies.csv", CSV), Body::from_stream(export.csv())).into_response(),
            Format::Xlsx => {
                let workbook = export.workbook().await.map_err(internal)?;
                (headers("companies.xlsx", XLSX), workbook).into_response()
            }
        })
    };
    file.await.unwrap_or_else(|error| error_response(&error))
}

const CSV: &str = "text/csv; charset=utf-8";

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn headers(name: &str, kind: &str) -> [(HeaderName, String); 3] {
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
}

async fn file<List: Export>(State(state): State<AppState>, name: &str, list: Option<List>) -> Response {
    let not_understood = || {
        error_response(&AppError::new(ErrorCode::BadRequest, "The search or the order of the list could not be read."))
    };
    let Some(list) = list else { return not_understood() };
    let headers = headers(&format!("{name}.csv"), CSV);
    match export(state.tenant_data.as_ref().clone(), list).await {
        Ok(lines) => (headers, Body::from_stream(lines)).into_response(),
        Err(ListError::Store(error)) => error_response(&internal(error)),
        Err(ListError::Cursor | ListError::Order) => not_understood(),
    }
}
