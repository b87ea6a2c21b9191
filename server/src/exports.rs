//! Lists as files, read and sent page by page: a file of a million rows takes no more memory than one of a thousand.

use app::domain::{
    Cursor, LicenceRow, ListPage, ScoreRow, TenantDomainRow, UserRow, licence::LicenceQuery, secure_score::ScoreQuery,
    tenant_domain::TenantDomainQuery, user::UserQuery,
};
use axum::body::Bytes;
use futures::{Stream, stream};

use crate::{
    csv_file::{self, Cell},
    store::{StoreError, lists::ListError},
    tenant_data::TenantData,
};

pub mod companies;

/// How many rows are read at once.
const ROWS_AT_ONCE: u32 = 1_000;

/// A list that there is as a file.
pub trait Export: Send + Sync + 'static {
    /// What a line is about.
    type Row: Send;

    /// The names of the columns.
    const HEADER: &'static [&'static str];

    /// Reads a page that begins after this row.
    fn page(
        &self,
        data: &TenantData,
        after: Option<Cursor>,
        limit: u32,
    ) -> impl Future<Output = Result<ListPage<Self::Row>, ListError>> + Send;

    /// What stands in the columns.
    fn cells(row: &Self::Row) -> Vec<Cell<'_>>;
}

/// The whole list as a file. The first page is read at once, so that a list that can't be read is an error and no file.
pub async fn export<List: Export>(
    data: TenantData,
    list: List,
) -> Result<impl Stream<Item = Result<Bytes, ListError>>, ListError> {
    let first = list.page(&data, None, ROWS_AT_ONCE).await?;
    Ok(stream::try_unfold((data, list, Some((first, true))), |(data, list, page)| async move {
        let Some((ListPage { rows, next, .. }, is_first)) = page else { return Ok(None) };
        let lines = csv_file::lines(is_first.then_some(List::HEADER), rows.iter().map(List::cells))
            .map_err(|error| StoreError::Unexpected(error.to_string()))?;
        let page = match next {
            Some(after) => Some((list.page(&data, Some(after), ROWS_AT_ONCE).await?, false)),
            None => None,
        };
        Ok(Some((Bytes::from(lines), (data, list, page))))
    }))
}

impl Export for UserQuery {
    type Row = UserRow;

    const HEADER: &'static [&'static str] = &[
        "company",
        "name",
        "sign_in",
        "type",
        "sign_in_allowed",
        "department",
        "title",
        "licences",
        "as_of",
        "company_id",
        "id",
    ];

    async fn page(&self, data: &TenantData, after: Option<Cursor>, limit: u32) -> Result<ListPage<UserRow>, ListError> {
        data.list_users(&Self { after, ..self.clone() }, limit).await
    }

    fn cells(row: &UserRow) -> Vec<Cell<'_>> {
        vec![
            Cell::Words(&row.origin.name),
            Cell::Words(&row.name),
            Cell::Words(&row.address),
            Cell::Key(row.kind.key().to_owned()),
            Cell::Flag(row.enabled),
            Cell::Words(row.department.as_deref().unwrap_or_default()),
            Cell::Words(row.title.as_deref().unwrap_or_default()),
            // Names of products, joined: none of them begins like a formula.
            Cell::Key(row.licences.join("; ")),
            Cell::Time(row.origin.as_of),
            Cell::Key(row.origin.company.to_string()),
            Cell::Key(row.id.to_string()),
        ]
    }
}

impl Export for LicenceQuery {
    type Row = LicenceRow;

    const HEADER: &'static [&'static str] = &[
        "company",
        "product",
        "part_number",
        "used",
        "assignable",
        "free",
        "state",
        "for_users",
        "as_of",
        "company_id",
    ];

    async fn page(
        &self,
        data: &TenantData,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<ListPage<LicenceRow>, ListError> {
        data.list_licences(&Self { after, ..self.clone() }, limit).await
    }

    fn cells(row: &LicenceRow) -> Vec<Cell<'_>> {
        vec![
            Cell::Words(&row.origin.name),
            Cell::Words(&row.product),
            Cell::Words(&row.part_number),
            Cell::Count(row.used.into()),
            Cell::Count(row.assignable.into()),
            Cell::Count(row.free()),
            Cell::Key(row.state.key().to_owned()),
            Cell::Flag(row.for_users),
            Cell::Time(row.origin.as_of),
            Cell::Key(row.origin.company.to_string()),
        ]
    }
}

impl Export for TenantDomainQuery {
    type Row = TenantDomainRow;

    const HEADER: &'static [&'static str] =
        &["company", "domain", "default", "initial", "verified", "sign_in", "services", "as_of", "company_id"];

    async fn page(
        &self,
        data: &TenantData,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<ListPage<TenantDomainRow>, ListError> {
        data.list_tenant_domains(&Self { after, ..self.clone() }, limit).await
    }

    fn cells(row: &TenantDomainRow) -> Vec<Cell<'_>> {
        vec![
            Cell::Words(&row.origin.name),
            Cell::Words(&row.name),
            Cell::Flag(row.is_default),
            Cell::Flag(row.is_initial),
            Cell::Flag(row.is_verified),
            Cell::Key(if row.federated { "federated" } else { "managed" }.to_owned()),
            Cell::Key(row.services.join("; ")),
            Cell::Time(row.origin.as_of),
            Cell::Key(row.origin.company.to_string()),
        ]
    }
}

impl Export for ScoreQuery {
    type Row = ScoreRow;

    const HEADER: &'static [&'static str] =
        &["company", "percent", "points", "of_points", "measured_at", "as_of", "company_id"];

    async fn page(
        &self,
        data: &TenantData,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<ListPage<ScoreRow>, ListError> {
        data.list_scores(&Self { after, ..self.clone() }, limit).await
    }

    fn cells(row: &ScoreRow) -> Vec<Cell<'_>> {
        let none = || Cell::Key(String::new());
        let percent = row.points.and_then(app::domain::secure_score::Points::percent);
        vec![
            Cell::Words(&row.origin.name),
            percent.map_or_else(none, |percent| Cell::Count(percent.into())),
            row.points.map_or_else(none, |points| Cell::Number(points.current)),
            row.points.map_or_else(none, |points| Cell::Number(points.max)),
            Cell::Time(row.measured_at),
            Cell::Time(row.origin.as_of),
            Cell::Key(row.origin.company.to_string()),
        ]
    }
}
