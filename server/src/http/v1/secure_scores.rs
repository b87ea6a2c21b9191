//! Secure Score: of all companies, and everything that is known of one.

use app::{
    domain::{
        Cursor, Order, ScoreReport, ScoreRow,
        secure_score::{Control, ScoreQuery, ScoreSort},
    },
    ports::TenantData as _,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{self, words},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    wire::Moment,
};

/// The score of a company.
#[derive(Serialize, ToSchema)]
pub struct SecureScore {
    /// Of which company.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// Points that were reached. null: Microsoft has measured nothing yet.
    current: Option<f64>,
    /// Points that could be reached.
    max: Option<f64>,
    /// When Microsoft measured.
    measured_at: Option<Moment>,
    /// When that was read.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
}

/// What is known of a company's score.
#[derive(Serialize, ToSchema)]
pub struct SecureScoreReport {
    /// Of which company.
    company_id: Uuid,
    /// A day each, the earliest first: 90 at most.
    days: Vec<SecureScoreDay>,
    /// What others reach on average, as of the last day.
    comparisons: Vec<SecureScoreComparison>,
    /// What can be done, the most points to gain first.
    controls: Vec<SecureScoreControl>,
    /// When it was read.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
}

/// The score of a day.
#[derive(Serialize, ToSchema)]
pub struct SecureScoreDay {
    /// When Microsoft measured.
    measured_at: Moment,
    /// Points that were reached.
    current: f64,
    /// Points that could be reached.
    max: f64,
}

/// What others reach on average.
#[derive(Serialize, ToSchema)]
pub struct SecureScoreComparison {
    /// Who the others are.
    with: String,
    /// Their average in percent.
    percent: f64,
}

/// Something that can be done, and what it is worth.
#[derive(Serialize, ToSchema)]
pub struct SecureScoreControl {
    /// Its name.
    title: String,
    /// Its group, such as `Identity`.
    category: String,
    /// The product that it belongs to.
    service: String,
    /// Points that were reached.
    current: f64,
    /// Points that could be reached.
    max: f64,
    /// How much people notice it.
    user_impact: String,
    /// How much work it is.
    cost: String,
    /// What to do, as plain text.
    remediation: String,
    /// Where to do it.
    #[schema(format = "uri")]
    url: Option<String>,
}

/// Which scores to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SecureScoreParams {
    /// Each word is in the company's name.
    search: Option<String>,
}

impl From<ScoreRow> for SecureScore {
    fn from(row: ScoreRow) -> Self {
        Self {
            company_id: row.origin.company.uuid(),
            company_name: row.origin.name,
            current: row.points.map(|points| points.current),
            max: row.points.map(|points| points.max),
            measured_at: row.measured_at.map(Moment),
            as_of: row.origin.as_of.map(Moment),
            stale: row.origin.stale,
        }
    }
}

impl From<Control> for SecureScoreControl {
    fn from(control: Control) -> Self {
        Self {
            title: control.title,
            category: control.category,
            service: control.service,
            current: control.points.current,
            max: control.points.max,
            user_impact: control.user_impact,
            cost: control.cost,
            remediation: control.remediation,
            url: control.link,
        }
    }
}

impl SecureScoreReport {
    fn of(company_id: Uuid, report: ScoreReport) -> Self {
        let day = |day: app::domain::secure_score::ScoreDay| SecureScoreDay {
            measured_at: Moment(day.measured_at),
            current: day.points.current,
            max: day.points.max,
        };
        let comparison = |other: app::domain::secure_score::Comparison| SecureScoreComparison {
            with: other.with,
            percent: other.percent,
        };
        Self {
            company_id,
            days: report.days.into_iter().map(day).collect(),
            comparisons: report.comparisons.into_iter().map(comparison).collect(),
            controls: report.controls.into_iter().map(SecureScoreControl::from).collect(),
            as_of: report.status.as_ref().and_then(|status| status.as_of).map(Moment),
            stale: report.status.is_some_and(|status| status.stale),
        }
    }
}

/// List Secure Scores
///
/// Of all connected companies, by company.
#[utoipa::path(
    get,
    path = "/api/v1/secure-scores",
    operation_id = "list_secure_scores",
    tag = "Data",
    params(SecureScoreParams, PageParams),
    responses((status = 200, description = "A page of scores.", body = Page<SecureScore>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<SecureScoreParams>) -> Result<Response, Problem> {
    let query = ScoreQuery {
        search: words(listing.params.search.clone()),
        order: Order { by: ScoreSort::Company, descending: false },
        after: listing.after.clone().map(Cursor::new),
        ..ScoreQuery::default()
    };
    let page = state.tenant_data.list_scores(&query, listing.limit).await?;
    let scores: Vec<SecureScore> = page.rows.into_iter().map(SecureScore::from).collect();
    Ok(listing.page(scores, page.next.as_ref().map(Cursor::as_str)))
}

/// Show a company's Secure Score
#[utoipa::path(
    get,
    path = "/api/v1/companies/{company}/secure-score",
    operation_id = "show_secure_score",
    tag = "Data",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 200, description = "What is known of the company's score.", body = SecureScoreReport))
)]
pub async fn show(State(state): State<AppState>, company: input::Company) -> Result<Response, Problem> {
    state.store.company(company.0).await?.ok_or_else(Problem::no_company_in_use)?;
    let report = state.tenant_data.score_report(company.0).await?;
    Ok(Json(SecureScoreReport::of(company.0.uuid(), report)).into_response())
}
