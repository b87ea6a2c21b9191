//! The list of companies as a file, a thousand at a time. The columns that an import knows are named as it names them: a
//! file can be changed and imported again.

use app::domain::{CompanyField, CompanyId, Status};
use axum::body::Bytes;
use futures::{Stream, stream};
use rust_xlsxwriter::XlsxError;

use super::ROWS_AT_ONCE;
use crate::{
    csv_file::{self, Cell},
    store::{Store, StoreError, company_exports::ExportedCompany},
    xlsx_file::WorkbookFile,
};

/// The names of the columns.
const HEADER: [&str; 17] = [
    CompanyField::Name.key(),
    CompanyField::Domain.key(),
    CompanyField::ExternalId.key(),
    CompanyField::Contact.key(),
    CompanyField::Email.key(),
    CompanyField::Tags.key(),
    CompanyField::Note.key(),
    "status",
    "reason",
    "access",
    "tenant",
    "tenant_id",
    "users",
    "licences_used",
    "licences_assignable",
    "secure_score",
    "last_sync",
];

/// By its mark, Excel knows a file for UTF-8, and saves it as that again.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Companies that are about to be taken away.
pub struct CompanyExport {
    store: Store,
    ids: Vec<CompanyId>,
    with_notes: bool,
}

impl CompanyExport {
    /// All that are in use, or those of `among` that are. Notes are for those who keep companies: for others that column is
    /// empty.
    pub async fn of(store: Store, among: Option<&[CompanyId]>, with_notes: bool) -> Result<Self, StoreError> {
        let ids = store.companies_by_name(among).await?;
        Ok(Self { store, ids, with_notes })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// As comma-separated values, read as they are sent.
    pub fn csv(self) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::try_unfold((self, Some(0)), |(export, at)| async move {
            let Some(at) = at else { return Ok(None) };
            let companies = export.read(at).await?;
            let is_first = at == 0;
            let lines = csv_file::lines(is_first.then_some(HEADER.as_slice()), companies.iter().map(cells))
                .map_err(|error| StoreError::Unexpected(error.to_string()))?;
            let bytes = if is_first { [MARK, &lines].concat() } else { lines };
            // Where there is no company, there is a header all the same.
            let next = Some(at + ROWS_AT_ONCE as usize).filter(|next| *next < export.ids.len());
            Ok(Some((Bytes::from(bytes), (export, next))))
        })
    }

    /// As a workbook, made in memory: at most as many companies as an import takes, as a rule.
    pub async fn workbook(self) -> Result<Vec<u8>, StoreError> {
        let unexpected = |error: XlsxError| StoreError::Unexpected(error.to_string());
        let mut workbook = WorkbookFile::new("Companies", &HEADER).map_err(unexpected)?;
        let mut at = 0;
        while at < self.ids.len() {
            for company in &self.read(at).await? {
                workbook.add(cells(company)).map_err(unexpected)?;
            }
            at += ROWS_AT_ONCE as usize;
        }
        let packed = tokio::task::spawn_blocking(|| workbook.bytes()).await;
        packed.map_err(|error| StoreError::Unexpected(error.to_string()))?.map_err(unexpected)
    }

    async fn read(&self, at: usize) -> Result<Vec<ExportedCompany>, StoreError> {
        let end = self.ids.len().min(at + ROWS_AT_ONCE as usize);
        let mut companies = self.store.exported_companies(&self.ids[at..end]).await?;
        if !self.with_notes {
            for company in &mut companies {
                company.texts.note.clear();
            }
        }
        Ok(companies)
    }
}

fn cells(company: &ExportedCompany) -> Vec<Cell<'_>> {
    let ExportedCompany { row, texts, tenant } = company;
    let none = || Cell::Key(String::new());
    let count = |number: Option<u32>| number.map_or_else(none, |number| Cell::Count(number.into()));
    let licences = row.figures.licences;
    vec![
        Cell::Words(&texts.name),
        Cell::Words(&texts.domain),
        Cell::Words(&texts.external_id),
        Cell::Words(&texts.contact),
        Cell::Words(&texts.email),
        Cell::Words(&texts.tags),
        Cell::Words(&texts.note),
        Cell::Key(row.status.word().to_owned()),
        // Names of companies are in it, but never first.
        Cell::Key(reason(company)),
        Cell::Key(tenant.map(|(_, access)| access.key().to_owned()).unwrap_or_default()),
        Cell::Words(row.tenant.as_deref().unwrap_or_default()),
        Cell::Key(tenant.map(|(tenant, _)| tenant.to_string()).unwrap_or_default()),
        count(row.figures.users),
        count(licences.map(|licences| licences.used)),
        count(licences.map(|licences| licences.assignable)),
        count(row.figures.secure_score.map(u32::from)),
        Cell::Time(row.synced_at),
    ]
}

/// Why a company stands as it does, and what is odd about it.
fn reason(company: &ExportedCompany) -> String {
    let row = &company.row;
    let why = match &row.status {
        Status::NeedsReconnect { reason, .. } => Some(reason.label().to_owned()),
        Status::Limited { lacks } => {
            let names: Vec<_> = lacks.iter().map(|lack| lack.data_set.label()).collect();
            Some(format!("No {}", names.join(", ")))
        }
        _ => row.last_try.as_ref().map(|last_try| last_try.title.clone()),
    };
    let odd = row.oddity.as_ref().and_then(|oddity| oddity.lines().next()).map(str::to_owned);
    why.into_iter().chain(odd).collect::<Vec<_>>().join("; ")
}
