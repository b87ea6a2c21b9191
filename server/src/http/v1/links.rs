//! Links that let somebody at a company connect it.

use app::{
    domain::{LinkId, LinkNote, LinkRow},
    ports::Links as _,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::AppState,
    input::{self, Body, parsed},
    paging::{Listing, Page, PageParams},
    problem::{FieldProblem, Problem},
    tokens::Program,
    wire::Moment,
};
use crate::links::Links;

/// A live link. Its address is in the answer that made it only.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// Which one.
    id: Uuid,
    /// The company that it connects.
    company_id: Uuid,
    /// Its name.
    company_name: String,
    /// Who made it.
    made_by: String,
    /// When.
    made_at: Moment,
    /// From when on it is dead.
    expires_at: Moment,
    /// How often people opened it.
    opens: u32,
    /// When somebody opened it last.
    opened_at: Option<Moment>,
    /// What its maker wanted to remember.
    note: Option<String>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeLink {
    /// Its address. Whoever has it can use it, and it is told only now.
    #[schema(format = "uri")]
    url: String,
    /// From when on it is dead.
    expires_at: Moment,
    /// The company that it connects.
    company_id: Uuid,
}

/// What a new link has.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// What to remember with it, such as a ticket's number. Never shown to the company.
    #[schema(max_length = 100)]
    note: Option<String>,
}

/// Which links to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkParams {
    /// That of this company.
    #[param(value_type = Option<Uuid>)]
    company: Option<String>,
}

impl Link {
    fn of(id: LinkId, row: LinkRow) -> Self {
        Self {
            id: id.uuid(),
            company_id: row.company.uuid(),
            company_name: row.company_name,
            made_by: row.made_by,
            made_at: Moment(row.made_at),
            expires_at: Moment(row.link.expires),
            opens: row.link.opens,
            opened_at: row.link.opened_at.map(Moment),
            note: row.link.note,
        }
    }
}

fn links(state: &AppState, program: &Program) -> Links {
    Links::by(state.links.clone(), program.me.clone(), program.actor())
}

/// List live links
///
/// In the order in which they were made.
#[utoipa::path(
    get,
    path = "/api/v1/links",
    operation_id = "list_links",
    tag = "Links",
    params(LinkParams, PageParams),
    responses((status = 200, description = "A page of live links.", body = Page<Link>))
)]
pub async fn list(State(state): State<AppState>, listing: Listing<LinkParams>) -> Result<Response, Problem> {
    let company = parsed("company", listing.params.company.as_deref(), "the id of a company")?;
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(|_| Problem::cursor())?;
    let mut found = state.store.live_links_after(after, company, u64::from(listing.limit) + 1).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|(id, _)| id.to_string());
    let links: Vec<Link> = found.into_iter().map(|(id, row)| Link::of(id, row)).collect();
    Ok(listing.page(links, next.as_deref()))
}

/// Make a link
///
/// It takes the place of the company's live one. 409 if the company is connected already, and there is nothing to send
/// a link for.
#[utoipa::path(
    post,
    path = "/api/v1/companies/{company}/link",
    operation_id = "make_link",
    tag = "Links",
    params(("company" = Uuid, Path, description = "Which company.")),
    request_body = NewLink,
    responses((status = 201, description = "The link was made.", body = MadeLink))
)]
pub async fn create(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
    Body(new): Body<NewLink>,
) -> Result<Response, Problem> {
    let id = company.0;
    let text = new.note.unwrap_or_default();
    let wrong = |detail: String| Problem::fields(vec![FieldProblem { field: "note".to_owned(), detail }]);
    if text.chars().count() > LinkNote::MAX {
        return Err(wrong(app::domain::link::NoteError::TooLong.to_string()));
    }
    let note = LinkNote::parse(&text).map_err(|error| wrong(error.to_string()))?;
    state.store.company(id).await?.ok_or_else(Problem::no_company_in_use)?;
    let made = links(&state, &program).create(id, note).await?;
    let made = MadeLink { url: made.url, expires_at: Moment(made.expires), company_id: id.uuid() };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Withdraw a company's live link
///
/// There being none is no failure: it is as was wished.
#[utoipa::path(
    delete,
    path = "/api/v1/companies/{company}/link",
    operation_id = "withdraw_link",
    tag = "Links",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 204, description = "The company has no live link."))
)]
pub async fn withdraw(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
) -> Result<StatusCode, Problem> {
    state.store.company(company.0).await?.ok_or_else(Problem::no_company_in_use)?;
    links(&state, &program).withdraw(company.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
