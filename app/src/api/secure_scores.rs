//! Secure Scores. As CSV at `/api/secure-score.csv`, with the same query.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::protocol::Shared;
use crate::{
    domain::{CompanyId, ListPage, ScoreReport, ScoreRow, secure_score::ScoreQuery},
    error::AppError,
};

/// A page of the scores of all connected companies.
#[server(prefix = "/api", endpoint = "secure-score/list", protocol = Shared<Json>)]
pub async fn list_scores(query: ScoreQuery) -> Result<ListPage<ScoreRow>, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.scores(query).await
}

/// What is known of a company's score.
#[server(prefix = "/api", endpoint = "secure-score/show", protocol = Shared<Json>)]
pub async fn show_score(company: CompanyId) -> Result<ScoreReport, AppError> {
    super::port::<dyn crate::ports::TenantData>()?.score_report(company).await
}
