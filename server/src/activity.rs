//! What was done, for the page and as CSV.

use app::{
    domain::{ActivityFilter, ActivityRow, Me, Right, activity::PAGE},
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use axum::body::Bytes;
use futures::{Stream, stream};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
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
    let mut csv = csv::Writer::from_writer(Vec::new());
    if with_header {
        csv.write_record(["time", "who", "what", "company", "company_id", "text"])?;
    }
    for row in rows {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.at.as_millis()) * 1_000_000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_default();
        let (company_id, company) =
            row.company.as_ref().map_or_else(Default::default, |(id, name)| (id.to_string(), name.clone()));
        csv.write_record([
            time,
            harmless(&row.actor),
            row.kind.key().to_owned(),
            harmless(&company),
            company_id,
            harmless(&row.text),
        ])?;
    }
    csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that a spreadsheet does not take for a formula.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn harmless(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use app::domain::{ActivityId, ActivityKind, CompanyId, Timestamp};

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_breaks_its_row() {
        let id = "01890000-0000-7000-8000-000000000000";
        let row = ActivityRow {
            id: id.parse::<ActivityId>().unwrap(),
            at: Timestamp::from_millis(1_700_000_000_123),
            actor: "@kim".into(),
            kind: ActivityKind::Connected,
            company: Some((id.parse::<CompanyId>().unwrap(), "=HYPERLINK(\"http://evil.test\")".into())),
            text: "one, two\nthree".into(),
        };
        let text = String::from_utf8(csv_text(true, &[row]).unwrap()).unwrap();
        assert_eq!(
            text,
            format!(
                "time,who,what,company,company_id,text\n2023-11-14T22:13:20.123Z,'@kim,connected,\
                 \"'=HYPERLINK(\"\"http://evil.test\"\")\",{id},\"one, two\nthree\"\n"
            )
        );
    }
}
