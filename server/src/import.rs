//! Companies from a CSV file: name, domain, external id, contact.

use std::{collections::HashMap, io::Read};

use app::domain::{CompanyName, Domain, company::NameError};
use thiserror::Error;

use crate::store::companies::CompanyDraft;

/// The longest external id or contact, in characters.
const LONGEST: usize = 300;

/// Why a file can't be imported. Nothing is written then.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It is no CSV file, or no UTF-8.
    #[error("the file can't be read as CSV in UTF-8: {0}")]
    Csv(#[from] csv::Error),
    /// There is no column for the name.
    #[error("the first line must name the columns: name, domain, external_id, contact (only name is needed)")]
    NoNameColumn,
    /// Rows that can't be taken.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rows(Vec<RowError>),
}

/// Why a row can't be taken.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: RowProblem,
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum RowProblem {
    /// The name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The domain.
    #[error("“{0}” is not a domain name such as contoso.com")]
    Domain(String),
    /// A field that is too long.
    #[error("{0} is longer than {LONGEST} characters")]
    TooLong(&'static str),
    /// The same company again.
    #[error("the same {what} stands in line {line}")]
    Double {
        /// What is the same.
        what: &'static str,
        /// Where it stood first.
        line: u64,
    },
}

/// Reads companies. The order of the columns does not matter, nor do case and blanks in their names; columns with
/// other names are ignored, and so are empty lines.
pub fn read_companies(file: impl Read) -> Result<Vec<CompanyDraft>, ImportError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let columns = Columns::find(reader.headers()?).ok_or(ImportError::NoNameColumn)?;
    let mut drafts = Vec::new();
    let mut wrong = Vec::new();
    let mut doubles = Doubles::default();
    for record in reader.records() {
        let record = record?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        match columns.draft(&record).and_then(|draft| doubles.admit(line, draft)) {
            Ok(draft) => drafts.push(draft),
            Err(reason) => wrong.push(RowError { line, reason }),
        }
    }
    if wrong.is_empty() { Ok(drafts) } else { Err(ImportError::Rows(wrong)) }
}

struct Columns {
    name: usize,
    domain: Option<usize>,
    external_id: Option<usize>,
    contact: Option<usize>,
}

impl Columns {
    fn find(headers: &csv::StringRecord) -> Option<Self> {
        let plain = |text: &str| {
            text.trim_start_matches('\u{feff}').to_lowercase().replace([' ', '-'], "_").trim_matches('"').to_owned()
        };
        let position = |wanted: &str| headers.iter().position(|header| plain(header) == wanted);
        Some(Self {
            name: position("name")?,
            domain: position("domain"),
            external_id: position("external_id"),
            contact: position("contact"),
        })
    }

    fn draft(&self, record: &csv::StringRecord) -> Result<CompanyDraft, RowProblem> {
        let field = |column: Option<usize>| column.and_then(|at| record.get(at)).filter(|text| !text.is_empty());
        let short = |column, what| match field(column) {
            Some(text) if text.chars().count() > LONGEST => Err(RowProblem::TooLong(what)),
            text => Ok(text.map(str::to_owned)),
        };
        let domain = |text: &str| Domain::parse(text).map_err(|_| RowProblem::Domain(text.to_owned()));
        Ok(CompanyDraft {
            name: CompanyName::parse(field(Some(self.name)).unwrap_or_default())?,
            domain: field(self.domain).map(domain).transpose()?,
            external_id: short(self.external_id, "the external id")?,
            contact: short(self.contact, "the contact")?,
        })
    }
}

/// Finds rows that mean the same company.
#[derive(Default)]
struct Doubles {
    external_ids: HashMap<String, u64>,
    names_and_domains: HashMap<(String, Option<Domain>), u64>,
}

impl Doubles {
    fn admit(&mut self, line: u64, draft: CompanyDraft) -> Result<CompanyDraft, RowProblem> {
        let (what, first) = if let Some(id) = &draft.external_id {
            ("external id", *self.external_ids.entry(id.clone()).or_insert(line))
        } else {
            let key = (draft.name.as_str().to_lowercase(), draft.domain.clone());
            ("name and domain", *self.names_and_domains.entry(key).or_insert(line))
        };
        if first == line { Ok(draft) } else { Err(RowProblem::Double { what, line: first }) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<CompanyDraft>, ImportError> {
        read_companies(text.as_bytes())
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let drafts =
            read("\u{feff}Contact, Domain ,NAME,External ID,Tier\nAnn,Contoso.com,Contoso,42,gold\n,,Solo,,\n\n")
                .expect("it is read");
        assert_eq!(drafts.len(), 2);
        assert_eq!(drafts[0].name.as_str(), "Contoso");
        assert_eq!(drafts[0].domain.as_ref().map(Domain::as_str), Some("contoso.com"));
        assert_eq!(drafts[0].external_id.as_deref(), Some("42"));
        assert_eq!(drafts[0].contact.as_deref(), Some("Ann"));
        assert_eq!((drafts[1].domain.as_ref(), drafts[1].external_id.as_ref()), (None, None));
    }

    #[test]
    fn every_wrong_row_is_named_with_its_line() {
        let error = read("name,domain,external_id\nContoso,contoso.com,1\n,x.com,2\nAcme,acme,3\nOther,,1\n")
            .expect_err("it is refused");
        let text = error.to_string();
        assert!(text.contains("line 3: the name is empty"), "{text}");
        assert!(text.contains("line 4: “acme” is not a domain name"), "{text}");
        assert!(text.contains("line 5: the same external id stands in line 2"), "{text}");
    }

    #[test]
    fn a_file_without_a_name_column_is_refused() {
        assert!(matches!(read("title\nContoso\n"), Err(ImportError::NoNameColumn)));
        assert!(matches!(read(""), Err(ImportError::NoNameColumn)));
        assert!(matches!(read_companies(&b"name\n\xff\xfe\n"[..]), Err(ImportError::Csv(_))));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes: Vec<u8>) {
            let _ = read_companies(&bytes[..]);
        }
    }
}
