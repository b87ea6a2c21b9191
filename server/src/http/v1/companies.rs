//! Companies: what is written down about them.

use app::{
    domain::{
        CompanyDraft, CompanyName, CompanyTexts,
        company_draft::{CompanyNote, Line, Tag},
    },
    ports::CompanyRecords as _,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::{AppState, site::names},
    PREFIX,
    input::{self, Body, words},
    paging::{Listing, Page, PageParams, TakesGzip},
    problem::{self, Code, FieldProblem, Problem},
    tokens::Program,
    wire::Moment,
};
use crate::{
    company_records::CompanyRecords,
    store::{company_records::CompanyRecord, lists::companies::CompanyQuery},
};

/// Where the list of them is.
pub const PATH: &str = "/api/v1/companies";

/// The longest domain that is looked at: the address of a website may be written as one.
const DOMAIN_MAX: usize = 300;

/// The longest e-mail address.
const EMAIL_MAX: usize = 320;

/// A company.
#[derive(Serialize, ToSchema)]
pub struct Company {
    /// Which one.
    id: Uuid,
    /// Its name.
    name: String,
    /// Its primary domain.
    domain: Option<String>,
    /// Its id in another program, such as a PSA. No two companies share one.
    external_id: Option<String>,
    /// Whom to ask there.
    contact: Option<String>,
    /// Where they read mail.
    email: Option<String>,
    /// What else is worth knowing.
    note: Option<String>,
    /// What it is grouped by.
    tags: Vec<String>,
    /// When it was added.
    created_at: Moment,
    /// Since when it is archived. null: it is in use.
    archived_at: Option<Moment>,
}

/// What is written down about a new company.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompany {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, examples("Contoso"))]
    name: String,
    /// Its primary domain, such as `contoso.com`. It decides which tenant the company is connected to.
    #[schema(max_length = 300, examples("contoso.com"))]
    domain: Option<String>,
    /// Its id in another program, such as a PSA. No two companies share one.
    #[schema(max_length = 300, examples("C-1042"))]
    external_id: Option<String>,
    /// Whom to ask there.
    #[schema(max_length = 300, examples("Kim Abel"))]
    contact: Option<String>,
    /// Where they read mail.
    #[schema(max_length = 320, examples("kim@contoso.com"))]
    email: Option<String>,
    /// What else is worth knowing.
    #[schema(max_length = 2000, examples("Call before noon."))]
    note: Option<String>,
    /// What it is grouped by, without commas. Upper and lower case are the same.
    #[schema(max_items = 50, examples(json!(["gold", "Berlin"])))]
    tags: Option<Vec<TagText>>,
}

/// What a company is grouped by.
#[derive(Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 40)]
pub struct TagText(String);

/// What is to be changed of a company: what is not there stays, and null empties.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompanyChange {
    /// Its name.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(min_length = 1, max_length = 200, nullable = false, examples("Contoso"))]
    name: Option<String>,
    /// Its primary domain.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, examples("contoso.com"))]
    domain: Change<String>,
    /// Its id in another program.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, examples("C-1042"))]
    external_id: Change<String>,
    /// Whom to ask there.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, examples("Kim Abel"))]
    contact: Change<String>,
    /// Where they read mail.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 320, examples("kim@contoso.com"))]
    email: Change<String>,
    /// What else is worth knowing.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, examples("Call before noon."))]
    note: Change<String>,
    /// What it is grouped by: all of it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<TagText>>, max_items = 50, examples(json!(["gold", "Berlin"])))]
    tags: Change<Vec<TagText>>,
}

/// What becomes of a field.
#[derive(Default)]
enum Change<T> {
    /// It is not there: it stays.
    #[default]
    Stays,
    /// It becomes this, or, being null, empty.
    To(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::To)
    }
}

/// What is there is not null.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Which companies to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompanyParams {
    /// Each word is in the name, the domain, the external id, the contact or the e-mail address.
    search: Option<String>,
    /// The one with this id in another program.
    external_id: Option<String>,
    /// Those of this primary domain.
    domain: Option<String>,
    /// Those with this tag.
    tag: Option<String>,
    /// Those that are archived instead of those that are in use.
    #[serde(default)]
    #[param(default = false)]
    archived: bool,
}

impl From<CompanyRecord> for Company {
    fn from(record: CompanyRecord) -> Self {
        let CompanyTexts { name, domain, external_id, contact, email, note, tags } = record.texts;
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: record.id.uuid(),
            name,
            domain: text(domain),
            external_id: text(external_id),
            contact: text(contact),
            email: text(email),
            note: text(note),
            tags: tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            created_at: Moment(record.created_at),
            archived_at: record.archived_at.map(Moment),
        }
    }
}

impl Company {
    /// A name for this state of it: another one for each other state.
    fn etag(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(&json);
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12]))
    }

    fn answer(self, status: StatusCode) -> Response {
        let etag = self.etag();
        let location = HeaderValue::try_from(format!("{PREFIX}/companies/{}", self.id));
        let mut response = (status, [(header::ETAG, etag)], Json(self)).into_response();
        if let (StatusCode::CREATED, Ok(location)) = (status, location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl NewCompany {
    fn texts(self) -> Result<CompanyTexts, Problem> {
        let text = Option::unwrap_or_default;
        let mut texts = Texts::default();
        texts.put("name", CompanyName::MAX, self.name, |texts| &mut texts.name);
        texts.put("domain", DOMAIN_MAX, text(self.domain), |texts| &mut texts.domain);
        texts.put("external_id", Line::MAX, text(self.external_id), |texts| &mut texts.external_id);
        texts.put("contact", Line::MAX, text(self.contact), |texts| &mut texts.contact);
        texts.put("email", EMAIL_MAX, text(self.email), |texts| &mut texts.email);
        texts.put("note", CompanyNote::MAX, text(self.note), |texts| &mut texts.note);
        texts.put_tags(self.tags.unwrap_or_default());
        texts.done()
    }
}

impl CompanyChange {
    fn texts(self, before: &CompanyTexts) -> Result<CompanyTexts, Problem> {
        let mut texts = Texts { texts: before.clone(), errors: Vec::new() };
        if let Some(name) = self.name {
            texts.put("name", CompanyName::MAX, name, |texts| &mut texts.name);
        }
        let mut put = |field, most, text: Change<String>, place: fn(&mut CompanyTexts) -> &mut String| {
            if let Change::To(text) = text {
                texts.put(field, most, text.unwrap_or_default(), place);
            }
        };
        put("domain", DOMAIN_MAX, self.domain, |texts| &mut texts.domain);
        put("external_id", Line::MAX, self.external_id, |texts| &mut texts.external_id);
        put("contact", Line::MAX, self.contact, |texts| &mut texts.contact);
        put("email", EMAIL_MAX, self.email, |texts| &mut texts.email);
        put("note", CompanyNote::MAX, self.note, |texts| &mut texts.note);
        if let Change::To(tags) = self.tags {
            texts.put_tags(tags.unwrap_or_default());
        }
        texts.done()
    }
}

/// What is taken is understood, and is stored as it was understood. See [`crate::fuzz`].
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn look(body: &[u8]) {
    let new = serde_json::from_slice::<NewCompany>(body).ok().and_then(|new| new.texts().ok());
    let change = serde_json::from_slice::<CompanyChange>(body).ok();
    let changed = change.and_then(|change| change.texts(&CompanyTexts::default()).ok());
    for texts in new.into_iter().chain(changed) {
        if let Ok(draft) = CompanyDraft::parse(&texts) {
            assert_eq!(CompanyDraft::parse(&draft.texts()).as_ref(), Ok(&draft));
        }
    }
}

/// Texts as a body has them, each within the length that the document gives. What they must be besides, the one set of
/// rules for companies says.
#[derive(Default)]
struct Texts {
    texts: CompanyTexts,
    errors: Vec<FieldProblem>,
}

impl Texts {
    fn put(
        &mut self,
        field: &'static str,
        most: usize,
        text: String,
        place: impl FnOnce(&mut CompanyTexts) -> &mut String,
    ) {
        if text.chars().count() > most {
            self.wrong(field, format!("It has more than {most} characters."));
        }
        *place(&mut self.texts) = text;
    }

    fn put_tags(&mut self, tags: Vec<TagText>) {
        if tags.len() > CompanyDraft::MAX_TAGS {
            self.wrong("tags", format!("There are more than {} tags.", CompanyDraft::MAX_TAGS));
        }
        let between = |text: &str| text.contains([',', ';', '\n']);
        if tags.iter().any(|TagText(tag)| tag.is_empty() || tag.chars().count() > Tag::MAX || between(tag)) {
            self.wrong("tags", format!("A tag has 1 to {} characters, and no comma.", Tag::MAX));
        }
        self.texts.tags = tags.into_iter().map(|TagText(tag)| tag).collect::<Vec<_>>().join(",");
    }

    fn wrong(&mut self, field: &str, detail: String) {
        self.errors.push(FieldProblem { field: field.to_owned(), detail });
    }

    fn done(self) -> Result<CompanyTexts, Problem> {
        if self.errors.is_empty() { Ok(self.texts) } else { Err(Problem::fields(self.errors)) }
    }
}

fn records(state: &AppState, program: &Program) -> CompanyRecords {
    CompanyRecords::by(state.store.clone(), state.work.clone(), program.me.clone(), program.actor())
}

/// A company, archived or not.
async fn record(state: &AppState, company: input::Company) -> Result<CompanyRecord, Problem> {
    state.store.company_record(company.0).await?.ok_or_else(Problem::no_company)
}

async fn found(state: &AppState, company: input::Company) -> Result<Company, Problem> {
    record(state, company).await.map(Company::from)
}

/// List companies
///
/// In the order in which they were added, so that nothing that happens meanwhile moves one to another page.
#[utoipa::path(
    get,
    path = "/api/v1/companies",
    operation_id = "list_companies",
    tag = "Companies",
    params(CompanyParams, PageParams),
    responses((status = 200, description = "A page of companies.", body = Page<Company>))
)]
pub async fn list(
    State(state): State<AppState>,
    program: Program,
    takes_gzip: TakesGzip,
    uri: Uri,
) -> Result<Response, Problem> {
    // What was answered once need not be understood again.
    let (kept, question) = (&state.api.pages, uri.query().unwrap_or_default());
    if let Some(page) = program.companies.and_then(|version| kept.page(version, question)) {
        return Ok(page.answer(takes_gzip));
    }
    let listing = Listing::<CompanyParams>::read(&uri)?;
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(|_| Problem::cursor())?;
    let CompanyParams { search, external_id, domain, tag, archived } = &listing.params;
    let text = |text: &Option<String>| text.clone().map(|text| words(Some(text)));
    let query = CompanyQuery {
        archived: Some(*archived),
        search: words(search.clone()),
        external_id: text(external_id),
        domain: text(domain),
        tag: text(tag),
        changed_since: None,
        after,
    };
    let (records, next) = Box::pin(state.store.list_companies(&query, listing.limit)).await?;
    let companies: Vec<Company> = records.into_iter().map(Company::from).collect();
    let page = listing.render(companies, next.map(|id| id.to_string()).as_deref())?;
    if let Some(version) = program.companies {
        kept.keep(version, question.to_owned(), page.clone());
    }
    Ok(page.answer(takes_gzip))
}

/// Add a company
#[utoipa::path(
    post,
    path = "/api/v1/companies",
    operation_id = "add_company",
    tag = "Companies",
    request_body = NewCompany,
    responses((status = 201, description = "The company was added.", body = Company, headers(
        ("ETag" = String, description = "The name of this state of it, for If-Match."),
        ("Location" = String, description = "Where it is.")
    )))
)]
pub async fn create(
    State(state): State<AppState>,
    program: Program,
    Body(new): Body<NewCompany>,
) -> Result<Response, Problem> {
    let draft = problem::draft(&new.texts()?)?;
    let id = records(&state, &program).add(draft).await?;
    Ok(found(&state, input::Company(id)).await?.answer(StatusCode::CREATED))
}

/// Show a company
#[utoipa::path(
    get,
    path = "/api/v1/companies/{company}",
    operation_id = "show_company",
    tag = "Companies",
    params(
        ("company" = Uuid, Path, description = "Which company."),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of before: 304 if it is as it was.")
    ),
    responses(
        (status = 200, description = "The company.", body = Company, headers(
            ("ETag" = String, description = "The name of this state of it, for If-Match and If-None-Match.")
        )),
        (status = 304, description = "It is as it was.")
    )
)]
pub async fn show(
    State(state): State<AppState>,
    company: input::Company,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let company = found(&state, company).await?;
    let etag = company.etag();
    if names(&headers, &header::IF_NONE_MATCH, &etag) == Some(true) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(company.answer(StatusCode::OK))
}

/// Change a company
///
/// What is not in the body stays as it is. Whoever sends the `ETag` of what they read changes nothing that somebody
/// else changed since.
#[utoipa::path(
    patch,
    path = "/api/v1/companies/{company}",
    operation_id = "change_company",
    tag = "Companies",
    params(
        ("company" = Uuid, Path, description = "Which company."),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be changed: 412 if it was changed.")
    ),
    request_body = CompanyChange,
    responses((status = 200, description = "The company as it is now.", body = Company, headers(
        ("ETag" = String, description = "The name of this state of it, for If-Match.")
    )))
)]
pub async fn change(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
    headers: HeaderMap,
    Body(change): Body<CompanyChange>,
) -> Result<Response, Problem> {
    let id = company.0;
    let before = record(&state, company).await?;
    let changed = |etag: String| {
        let text = "Somebody changed the company since it was read. Read it again.";
        Problem::new(Code::PreconditionFailed, text).with(header::ETAG, etag)
    };
    let etag = Company::from(before.clone()).etag();
    let named = names(&headers, &header::IF_MATCH, &etag);
    if named == Some(false) {
        return Err(changed(etag));
    }
    let draft = problem::draft(&change.texts(&before.texts)?)?;
    if let Err(error) = records(&state, &program).edit(id, before.texts, draft).await {
        let now = Company::from(record(&state, input::Company(id)).await?).etag();
        // Somebody was faster in between.
        return Err(if named == Some(true) && now != etag { changed(now) } else { error.into() });
    }
    Ok(found(&state, input::Company(id)).await?.answer(StatusCode::OK))
}

/// Archive a company
///
/// It leaves lists and counts, its live link is withdrawn, and its tenant is not read any more. What is known of it is
/// kept. One that is archived already stays so.
#[utoipa::path(
    post,
    path = "/api/v1/companies/{company}/archive",
    operation_id = "archive_company",
    tag = "Companies",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 200, description = "The company, archived.", body = Company, headers(
        ("ETag" = String, description = "The name of this state of it, for If-Match.")
    )))
)]
pub async fn archive(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
) -> Result<Response, Problem> {
    let id = record(&state, company).await?.id;
    records(&state, &program).archive(id).await?;
    Ok(found(&state, input::Company(id)).await?.answer(StatusCode::OK))
}

/// Restore a company
///
/// It comes back as it was. One that is in use stays so.
#[utoipa::path(
    post,
    path = "/api/v1/companies/{company}/restore",
    operation_id = "restore_company",
    tag = "Companies",
    params(("company" = Uuid, Path, description = "Which company.")),
    responses((status = 200, description = "The company, in use.", body = Company, headers(
        ("ETag" = String, description = "The name of this state of it, for If-Match.")
    )))
)]
pub async fn restore(
    State(state): State<AppState>,
    program: Program,
    company: input::Company,
) -> Result<Response, Problem> {
    let id = record(&state, company).await?.id;
    records(&state, &program).restore(id).await?;
    Ok(found(&state, input::Company(id)).await?.answer(StatusCode::OK))
}
