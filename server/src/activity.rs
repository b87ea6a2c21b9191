//! What was done, for the page and as CSV.

use app::{
    domain::{ActivityFilter, ActivityRow, Me, Right, activity::PAGE},
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use axum::body::Bytes;
use futures::{Stream, stream};

use crate::{
    csv_file::{self, Cell},
    failure::internal,
    store::{Store, StoreError},
};

/// How many rows of an export are read at once.
const EXPORT_PAGE: u64 = 1_000;

/// Shows what was done to somebody.
pub struct Activity {
    store: Store,
    me: Me,
}

impl Activity {
    /// For who is signed in.
    pub const fn new(store: Store, me: Me) -> Self {
        Self { store, me }
    }
}

#[async_trait]
impl ports::Activity for Activity {
    async fn list(&self, filter: ActivityFilter) -> Result<Vec<ActivityRow>, AppError> {
        // What was done to a company is no secret to who sees the company; who signed in when is.
        let right = if filter.company.is_some() { Right::See } else { Right::ManageAccounts };
        if !self.me.role.may(right) {
            return Err(AppError::new(ErrorCode::Forbidden, "Only an owner may see everything that was done."));
        }
        self.store.activity(&filter, PAGE).await.map_err(internal)
    }
}

/// Everything that was done, as CSV, page by page.
pub fn export(store: Store, filter: ActivityFilter) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let start = Some((filter, true));
    stream::try_unfold(start, move |state| {
        let store = store.clone();
        async move {
            let Some((filter, is_first)) = state else { return Ok(None) };
            let rows = store.activity(&filter, EXPORT_PAGE).await?;
            let text = csv_text(is_first, &rows).map_err(|error| StoreError::Unexpected(error.to_string()))?;
            let next = rows.last().map(|last| (ActivityFilter { before: Some(last.id), ..filter }, false));
            Ok((is_first || !rows.is_empty()).then(|| (Bytes::from(text), next)))
        }
    })
}

fn csv_text(with_header: bool, rows: &[ActivityRow]) -> Result<Vec<u8>, csv::Error> {
    let header = ["time", "who", "what", "company", "company_id", "text"];
    csv_file::lines(with_header.then_some(&header), rows.iter().map(cells))
}

fn cells(row: &ActivityRow) -> Vec<Cell<'_>> {
    let (id, name) = row.company.as_ref().map_or_else(Default::default, |(id, name)| (id.to_string(), name.as_str()));
    vec![
        Cell::Time(Some(row.at)),
        Cell::Words(&row.actor),
        Cell::Key(row.kind.key().to_owned()),
        Cell::Words(name),
        Cell::Key(id),
        Cell::Words(&row.text),
    ]
}
