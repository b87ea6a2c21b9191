//! How companies are connected to Microsoft 365.

use app::{
    domain::{CompanyDetails, CompanyId, CompanyRow, DataSetStatus, Status, Timestamp},
    ports::{Connections as _, TenantData as _},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{self, named},
    paging::{Listing, Page, PageParams},
    problem::Problem,
    tokens::Program,
    wire::{ConnectionStatus, DataSetName, DataSetProblem, LostReason, Moment, STATUSES, status},
};
use crate::{
    connections::Connections,
    notices::words::company_url,
    store::{SEEN_WITHIN, lists::companies::CompanyQuery},
};

/// How many companies are looked at in one go where only some of them are wanted.
const BATCH: u32 = 1_000;

/// How a company is connected.
#[derive(Serialize, ToSchema)]
pub struct ConnectionSummary {
    /// Which company.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// Where it stands.
    status: ConnectionStatus,
    /// Whether somebody should do something about it.
    needs_somebody: bool,
    /// Why nothing can be read any more.
    reason: Option<LostReason>,
    /// Since when it stands there, where that is known.
    since: Option<Moment>,
    /// What a person can do, in words.
    advice: Option<String>,
    /// Where a person does it. Connecting needs one: an administrator of the company signs in at Microsoft.
    #[schema(format = "uri")]
    url: String,
    /// What the tenant calls itself.
    organisation: Option<String>,
    /// When a sync last succeeded, at least in part.
    synced_at: Option<Moment>,
    /// People and guests in the directory.
    users: Option<u32>,
    /// Licences that are assigned.
    licences_used: Option<u32>,
    /// Licences that can be assigned.
    licences_assignable: Option<u32>,
    /// Secure Score, in whole percent.
    #[schema(maximum = 100)]
    secure_score: Option<u8>,
    /// What can't be read, and why.
    lacks: Vec<DataSetLack>,
}

/// Something that can't be read.
#[derive(Serialize, ToSchema)]
pub struct DataSetLack {
    /// What.
    data_set: DataSetName,
    /// Why not.
    problem: DataSetProblem,
}

/// How a company is connected, with all that is known of it.
#[derive(Serialize, ToSchema)]
pub struct Connection {
    #[serde(flatten)]
    summary: ConnectionSummary,
    /// The tenant.
    tenant_id: Option<Uuid>,
    /// The domain that new accounts in the tenant get.
    default_domain: Option<String>,
    /// How it is read: application or delegated.
    access: Option<&'static str>,
    /// Who granted the access, as their organisation calls them.
    connected_by: Option<String>,
    /// When.
    connected_at: Option<Moment>,
    /// When it is read next.
    next_sync_at: Option<Moment>,
    /// Whether it is being read now.
    syncing: bool,
    /// How old each data set is.
    data_sets: Vec<DataSetAge>,
}

/// How old a data set is, and what is wrong with it.
#[derive(Serialize, ToSchema)]
pub struct DataSetAge {
    /// Which.
    data_set: DataSetName,
    /// When it was last read. null: never.
    as_of: Option<Moment>,
    /// Whether it should have been read again since.
    stale: bool,
    /// Microsoft's own date of the data, where there is one.
    measured_at: Option<Moment>,
    /// What is wrong.
    problem: Option<DataSetProblem>,
    /// Since when.
    problem_since: Option<Moment>,
}

/// A sync that was asked for.
#[derive(Serialize, ToSchema)]
pub struct SyncAsked {
    /// Of which company.
    company_id: Uuid,
    /// Where to see how it goes.
    #[schema(format = "uri-reference")]
    connection: String,
}

/// Which connections to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConnectionParams {
    /// Those that stand there.
    #[param(value_type = Option<ConnectionStatus>)]
    status: Option<String>,
    /// Those that need somebody, or those that do not.
    needs_somebody: Option<bool>,
    /// Those of which something changed then or later. Some that changed in the seconds before come too, so that none
    /// is missed that was being changed at the time.
    #[param(format = DateTime)]
    changed_since: Option<String>,
}

impl ConnectionSummary {
    fn of(row: &CompanyRow, now: Timestamp, public_url: &Url) -> Self {
        let state = row.status_at(now);
        let licences = row.figures.licences;
        let (reason, since) = match state {
            Status::NeedsReconnect { reason, since } => (Some(LostReason(reason.key())), Some(*since)),
            Status::Verifying { since, .. } => (None, Some(*since)),
            _ => (None, None),
        };
        let lacks = match state {
            Status::Limited { lacks } => lacks.as_slice(),
            _ => &[],
        };
        let lacks = lacks.iter().map(|lack| DataSetLack {
            data_set: DataSetName(lack.data_set.key()),
            problem: DataSetProblem(lack.problem.key()),
        });
        Self {
            company_id: row.id.uuid(),
            company_name: row.name.clone(),
            status: status(state),
            needs_somebody: state.needs_attention(),
            reason,
            since: since.map(Moment),
            advice: advice(state).map(str::to_owned),
            url: company_url(public_url, row.id).into(),
            organisation: row.tenant.clone(),
            synced_at: row.synced_at.map(Moment),
            users: row.figures.users,
            licences_used: licences.map(|licences| licences.used),
            licences_assignable: licences.map(|licences| licences.assignable),
            secure_score: row.figures.secure_score,
            lacks: lacks.collect(),
        }
    }
}

/// What a person can do about a state.
const fn advice(state: &Status) -> Option<&'static str> {
    match state {
        Status::NotConnected => {
            Some("An administrator of the company signs in at Microsoft: open its page, or make a link for them.")
        }
        Status::LinkSent => Some("Somebody at the company opens the link, and signs in at Microsoft."),
        Status::SigningIn { .. } => Some("Somebody is signing in at Microsoft."),
        Status::Verifying { slow: true, .. } => Some("It takes longer than usual. Connect it again from its page."),
        Status::NeedsReconnect { reason, .. } => Some(reason.advice()),
        Status::Limited { .. } => Some("Reconnect it from its page, or make a link, to grant what is missing."),
        Status::Verifying { slow: false, .. } | Status::Connected => None,
    }
}

impl Connection {
    fn of(details: CompanyDetails, now: Timestamp, public_url: &Url) -> Self {
        let data_sets = details.data_sets().iter().map(DataSetAge::of).collect();
        let summary = ConnectionSummary::of(&details.row, now, public_url);
        let connection = details.connection;
        let of = connection.as_ref();
        Self {
            summary,
            tenant_id: of.map(|of| of.tenant.uuid()),
            default_domain: of.and_then(|of| of.default_domain.clone()),
            access: of.map(|of| of.access.key()),
            connected_by: of.map(|of| of.connected_by.clone()),
            connected_at: of.map(|of| Moment(of.connected_at)),
            next_sync_at: of.map(|of| Moment(of.next_sync)),
            syncing: of.is_some_and(|of| of.syncing),
            data_sets,
        }
    }
}

impl DataSetAge {
    fn of(status: &DataSetStatus) -> Self {
        Self {
            data_set: DataSetName(status.data_set.key()),
            as_of: status.as_of.map(Moment),
            stale: status.stale,
            measured_at: status.measured_at.map(Moment),
            problem: status.problem.map(|(problem, _)| DataSetProblem(problem.key())),
            problem_since: status.problem.map(|(_, since)| Moment(since)),
        }
    }
}

fn time_of(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let read = |text: &str| {
        let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        i64::try_from(nanos / 1_000_000).ok().map(Timestamp::from_millis)
    };
    let wrong = || Problem::parameter(name, "It is a time such as 2026-11-26T09:05:00Z.");
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// List connections
///
/// Of all companies that are in use, connected or not, in the order in which they were added.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    operation_id = "list_connections",
    tag = "Connections",
    params(ConnectionParams, PageParams),
    responses((status = 200, description = "A page of connections.", body = Page<ConnectionSummary>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<ConnectionParams>) -> Result<Response, Problem> {
    let params = &listing.params;
    let known = |text: &str| STATUSES.into_iter().find(|name| *name == text);
    let wanted = named("status", params.status.as_deref(), known)?;
    let needs = params.needs_somebody;
    let changed_since = time_of("changed_since", params.changed_since.as_deref())?;
    let changed_since = changed_since.map(|since| since.minus(SEEN_WITHIN));
    let mut after: Option<CompanyId> =
        listing.after.as_deref().map(str::parse).transpose().map_err(|_| Problem::cursor())?;
    // A state is stored nowhere: it is worked out for each, and those that are wanted are taken.
    let batch = if wanted.is_none() && needs.is_none() { listing.limit } else { BATCH };
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let now = state.store.now();
    let mut found: Vec<ConnectionSummary> = Vec::new();
    loop {
        let query = CompanyQuery { archived: Some(false), changed_since, after, ..CompanyQuery::default() };
        let (records, next) = state.store.list_companies(&query, batch).await?;
        let ids: Vec<CompanyId> = records.into_iter().map(|record| record.id).collect();
        let mut rows = state.store.company_rows_of(&ids).await?;
        rows.sort_by_key(|row| row.id);
        for row in &rows {
            let summary = ConnectionSummary::of(row, now, &state.public_url);
            if wanted.is_some_and(|wanted| wanted != summary.status.0)
                || needs.is_some_and(|needs| needs != summary.needs_somebody)
            {
                continue;
            }
            if found.len() == limit {
                // There is one more: the next page begins after the last of this one.
                let last = found.last().map(|last| last.company_id.to_string());
                return Ok(listing.page(found, last.as_deref()));
            }
            found.push(summary);
        }
        match next {
            // A page is full, and all that it looked at is on it.
            Some(next) if batch == listing.limit => {
                return Ok(listing.page(found, Some(next.to_string().as_str())));
            }
            Some(next) => after = Some(next),
            None => return Ok(listing.page(found, None)),
        }
    }
}

/// Show a connection
#[utoipa::path(
    get,
    path = "/api/v1/companies/{company}/connection",
    operation_id = "show_connection",
    tag = "Connections",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 200, description = "How the company is connected.", body = Connection))
)]
pub async fn show(State(state): State<AppState>, company: input::Company) -> Result<Response, Problem> {
    let details = state.tenant_data.company(company.0).await?;
    Ok(Json(Connection::of(details, state.store.now(), &state.public_url)).into_response())
}

/// Sync a company now
///
/// It is read as soon as there is room. 409 if it is not connected.
#[utoipa::path(
    post,
    path = "/api/v1/companies/{company}/connection/sync",
    operation_id = "sync_connection",
    tag = "Connections",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 202, description = "The sync is due.", body = SyncAsked))
)]
pub async fn sync(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
) -> Result<Response, Problem> {
    let id = company.0;
    state.store.company(id).await?.ok_or_else(Problem::no_company_in_use)?;
    Connections::new(state.store.clone(), state.work.clone(), program.actor()).sync_now(id).await?;
    let connection = format!("{}/companies/{id}/connection", super::PREFIX);
    Ok((StatusCode::ACCEPTED, Json(SyncAsked { company_id: id.uuid(), connection })).into_response())
}
