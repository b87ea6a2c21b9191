//! Companies from a file: CSV as spreadsheet programs write it, or a spreadsheet.

use std::{borrow::Cow, fmt};

use app::domain::{
    CompanyField,
    company_import::{FileRow, ImportColumn, MAX_BYTES, MAX_ROWS, Mend, Planned, guess, mended, texts_of},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use encoding_rs::{Encoding, WINDOWS_1252};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::csv_file::as_it_was;

mod spreadsheet;

/// The most columns that are looked at.
const MAX_COLUMNS: usize = 200;

/// How much of a cell is looked at, in characters: what is longer is wrong, whatever it is.
const CELL: usize = 4_096;

/// How much the cells may hold that are taken for something, in bytes: each row a note as long as it may be, and more.
const TAKEN: usize = 30 * 1024 * 1024;

/// How much of a cell is shown as a sample, in characters.
const SAMPLE: usize = 40;

/// A file with the names of the columns alone. By its mark, Excel knows it for UTF-8.
pub const TEMPLATE: &str = "\u{feff}name,domain,external_id,contact,email,note,tags\r\n";

/// Why a file can't be read. Nothing is written then.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// Too many bytes.
    #[error("The file is larger than {} MB. Split it into smaller ones.", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// A spreadsheet that is far larger than its file.
    #[error(
        "The spreadsheet unpacks to far more than a list of companies. Save the list as CSV, or as a new workbook."
    )]
    Unpacks,
    /// Too many rows.
    #[error("The file has more than {MAX_ROWS} rows. Split it into smaller ones.")]
    TooManyRows,
    /// No row at all.
    #[error("The file is empty. Its first line must name the columns.")]
    Empty,
    /// Something else than text.
    #[error("The file is neither CSV nor an Excel workbook (.xlsx). Save it as one of them.")]
    NotText,
    /// The format of Excel until 2003.
    #[error("This is a workbook of an old format, or one with a password. Save it as Excel workbook (.xlsx) or CSV.")]
    OldWorkbook,
    /// A workbook that can't be read.
    #[error("The workbook can't be read: {0}. Open it in a spreadsheet program, and save it as CSV.")]
    Workbook(String),
    /// CSV that can't be read.
    #[error("The file can't be read as CSV: {0}.")]
    Csv(String),
    /// A mapping that does not fit.
    #[error("The columns are not mapped in a way that can be understood: {0}.")]
    Mapping(String),
    /// There is no column for the name.
    #[error("The first line must name the columns, and none of them is called name, company, client or alike.")]
    NoNameColumn,
}

/// A table of texts. Its first row that is not empty names the columns.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    headers: Vec<String>,
    rows: Vec<Record>,
}

/// A line's number, from 1, and its cells.
type Record = (u32, Vec<String>);

/// As much of a cell as is looked at.
fn beginning(cell: &str) -> &str {
    let cell = cell.trim();
    cell.char_indices().nth(CELL).map_or(cell, |(end, _)| &cell[..end])
}

impl Table {
    fn new(records: impl IntoIterator<Item = Result<Record, FileError>>) -> Result<Self, FileError> {
        let mut records = records
            .into_iter()
            .filter(|record| !matches!(record, Ok((_, cells)) if cells.iter().all(String::is_empty)));
        let (_, mut headers) = records.next().ok_or(FileError::Empty)??;
        headers.truncate(MAX_COLUMNS);
        let mut rows = Vec::new();
        for record in records {
            let (line, mut cells) = record?;
            if rows.len() == MAX_ROWS {
                return Err(FileError::TooManyRows);
            }
            cells.truncate(headers.len());
            rows.push((line, cells));
        }
        Ok(Self { headers, rows })
    }
}

/// Which column is what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mapping {
    /// As the names of the columns suggest.
    #[default]
    Guessed,
    /// As somebody says, for each column in turn.
    Columns(Vec<Option<CompanyField>>),
    /// As the names suggest, but for these fields, which are in the columns of these names.
    Named(Vec<(CompanyField, String)>),
}

impl Mapping {
    /// From the stable names of fields with commas between them; an empty one leaves the column out.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let field = |key: &str| match key {
            "" => Ok(None),
            key => CompanyField::from_key(key).map(Some).ok_or_else(|| {
                FileError::Mapping(format!("there is no field “{}”", key.chars().take(40).collect::<String>()))
            }),
        };
        let columns = text.split(',').take(MAX_COLUMNS).map(field).collect::<Result<Vec<_>, _>>()?;
        for wanted in CompanyField::ALL {
            if columns.iter().filter(|column| **column == Some(wanted)).count() > 1 {
                return Err(FileError::Mapping(format!("two columns are taken for {}", wanted.label())));
            }
        }
        Ok(Self::Columns(columns))
    }

    fn of(&self, headers: &[String]) -> Result<Vec<Option<CompanyField>>, FileError> {
        let mut mapping = match self {
            Self::Columns(columns) => columns.clone(),
            Self::Guessed | Self::Named(_) => guess(headers),
        };
        mapping.resize(headers.len(), None);
        if let Self::Named(named) = self {
            for (field, header) in named {
                let same = |other: &String| other.trim().to_lowercase() == header.trim().to_lowercase();
                let column = headers.iter().position(same);
                let column = column.ok_or_else(|| FileError::Mapping(format!("there is no column “{header}”")))?;
                mapping.iter_mut().filter(|other| **other == Some(*field)).for_each(|other| *other = None);
                mapping[column] = Some(*field);
            }
        }
        Ok(mapping)
    }
}

/// Reads a file, and what it would do, and looks whether that is as it may be. See [`crate::fuzz`].
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn look(bytes: &[u8]) {
    use app::domain::{
        CompanyDraft,
        company_import::{Verdict, plan},
    };

    match CompanyFile::read(bytes, &Mapping::Guessed) {
        Err(refused) => {
            let text = refused.to_string();
            assert!(text.ends_with('.') && !text.contains("panicked"), "{text}");
        }
        Ok(file) => {
            assert!(file.columns.len() <= MAX_COLUMNS && file.rows.len() <= MAX_ROWS);
            for (line, cells) in &file.rows {
                assert!(*line > 0 && cells.len() <= MAX_COLUMNS, "{line}");
                assert!(cells.iter().all(|cell| cell.chars().count() <= CELL));
            }
            for planned in plan(&[], &file.rows().unwrap_or_default()) {
                match &planned.verdict {
                    Verdict::Wrong { reasons, fields } => assert!(!reasons.is_empty() && !fields.is_empty()),
                    // What is taken is good enough for the database.
                    _ => assert!(CompanyDraft::parse(&planned.texts).is_ok(), "{planned:?}"),
                }
            }
        }
    }
}

/// A file of companies, read but not yet understood.
#[derive(Debug, PartialEq, Eq)]
pub struct CompanyFile {
    /// Its columns, and what they are taken for.
    pub columns: Vec<ImportColumn>,
    rows: Vec<Record>,
    mends: Vec<Mend>,
    digest: [u8; 32],
}

impl CompanyFile {
    /// Reads a file. What it is, its first bytes tell.
    pub fn read(bytes: &[u8], mapping: &Mapping) -> Result<Self, FileError> {
        if bytes.len() > MAX_BYTES {
            return Err(FileError::TooLarge);
        }
        let Table { headers, rows } = if bytes.starts_with(b"PK\x03\x04") {
            Table::new(spreadsheet::records(bytes)?.into_iter().map(Ok))?
        } else if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
            return Err(FileError::OldWorkbook);
        } else {
            csv_table(&text(bytes)?)?
        };
        let fields = mapping.of(&headers)?;
        let taken = |(_, cells): &Record| -> usize {
            cells.iter().zip(&fields).filter(|(_, field)| field.is_some()).map(|(cell, _)| cell.len()).sum()
        };
        if rows.iter().map(taken).sum::<usize>() > TAKEN {
            return Err(FileError::Unpacks);
        }
        let mut hash = Sha256::new_with_prefix(bytes);
        for field in &fields {
            hash.update(field.map_or("", CompanyField::key));
            hash.update(",");
        }
        let sample = |column: usize| {
            let cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
            cells
                .map(|cell| cell.trim())
                .find(|cell| !cell.is_empty())
                .unwrap_or_default()
                .chars()
                .take(SAMPLE)
                .collect()
        };
        let columns = headers.into_iter().zip(fields).enumerate();
        let columns = columns
            .map(|(place, (header, field))| ImportColumn {
                header: header.trim().chars().take(SAMPLE).collect(),
                sample: sample(place),
                field,
            })
            .collect();
        Ok(Self { columns, rows, mends: Vec::new(), digest: hash.finalize().into() })
    }

    /// The same file with what somebody says of its wrong rows.
    #[must_use]
    pub fn mended(self, mends: Vec<Mend>) -> Self {
        let said = serde_json::to_vec(&mends).unwrap_or_default();
        let digest = Sha256::new_with_prefix(self.digest).chain_update(said).finalize().into();
        Self { mends, digest, ..self }
    }

    /// What its rows say; none if no column is the name.
    pub fn rows(&self) -> Option<Vec<FileRow>> {
        let mapping: Vec<_> = self.columns.iter().map(|column| column.field).collect();
        let row = |(line, cells): &Record| FileRow { line: *line, texts: texts_of(cells, &mapping) };
        let rows = || mended(self.rows.iter().map(row).collect(), &self.mends);
        mapping.contains(&Some(CompanyField::Name)).then(rows)
    }

    /// What stands for this file, read in this way, with this plan.
    pub fn digest(&self, planned: &[Planned]) -> String {
        let plan = serde_json::to_vec(planned).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(Sha256::new_with_prefix(self.digest).chain_update(plan).finalize())
    }
}

/// The companies of a file whose columns are named as they should be.
pub fn read_companies(bytes: &[u8]) -> Result<Vec<FileRow>, FileError> {
    CompanyFile::read(bytes, &Mapping::Guessed)?.rows().ok_or(FileError::NoNameColumn)
}

/// The text of a file: with a byte order mark as that says, else UTF-8 if it is, else as Windows writes it in the west.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, FileError> {
    let text = if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(&bytes[mark..]);
        if broken {
            return Err(FileError::NotText);
        }
        text
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        text.into()
    } else {
        WINDOWS_1252.decode_without_bom_handling(bytes).0
    };
    if text.contains('\0') { Err(FileError::NotText) } else { Ok(text) }
}

fn csv_table(text: &str) -> Result<Table, FileError> {
    // One kind of line break: of others, the reader counts the lines in another way.
    let text = &*text.replace("\r\n", "\n").replace('\r', "\n");
    // Excel's own way to say what separates the cells.
    let (lines_before, text, said) = match text.get(..5).filter(|start| start.to_lowercase().starts_with("sep=")) {
        Some(start) => (1, text.split_once('\n').map_or("", |(_, rest)| rest), start.as_bytes().get(4).copied()),
        None => (0, text, None),
    };
    let separator = said.filter(u8::is_ascii).unwrap_or_else(|| separator(text));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    Table::new(reader.records().map(|record| {
        let record = record.map_err(|error| FileError::Csv(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line) + lines_before;
        let cells = record.iter().take(MAX_COLUMNS).map(|cell| beginning(as_it_was(cell)).to_owned());
        Ok((u32::try_from(line).unwrap_or(u32::MAX), cells.collect()))
    }))
}

/// What separates the cells: what there is most of in the first line, outside of quotes.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: char| {
        let mut quoted = false;
        first
            .chars()
            .filter(|c| {
                quoted ^= *c == '"';
                *c == separator && !quoted
            })
            .count()
    };
    // Of equals the last counts.
    [(b'\t', '\t'), (b';', ';'), (b',', ',')].into_iter().max_by_key(|(_, c)| count(*c)).map_or(b',', |(byte, _)| byte)
}

/// A row of a plan in one line.
pub struct InOneLine<'a>(pub &'a Planned);

impl fmt::Display for InOneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use app::domain::{company_draft::in_words, company_import::Verdict};

        let Planned { line, texts, verdict } = self.0;
        let name = &texts.name;
        match verdict {
            Verdict::New => write!(f, "line {line}: {name} is new"),
            Verdict::Changed { changes, .. } => write!(f, "line {line}: {name} changes: {}", in_words(changes)),
            Verdict::Unchanged => write!(f, "line {line}: {name} stays as it is"),
            Verdict::Archived => write!(f, "line {line}: {name} is archived and stays as it is"),
            Verdict::Wrong { reasons, .. } => write!(f, "line {line}: {}", reasons.join("; ")),
        }
    }
}

#[cfg(test)]
pub(crate) mod fuzz;

#[cfg(test)]
mod tests {
    use app::domain::{
        CompanyTexts,
        company_import::{Counts, Verdict, plan},
    };
    use proptest::prelude::*;

    use super::*;

    fn read(file: &[u8]) -> Vec<FileRow> {
        read_companies(file).expect("it is read")
    }

    fn texts(name: &str) -> CompanyTexts {
        CompanyTexts { name: name.into(), ..CompanyTexts::default() }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let rows = read(
            "\u{feff}Contact, Domain ,NAME,External ID,Tier\nAnn,Contoso.com,Contoso,42,gold\n,,Solo,,\n\n".as_bytes(),
        );
        let contoso = CompanyTexts {
            domain: "Contoso.com".into(),
            external_id: "42".into(),
            contact: "Ann".into(),
            ..texts("Contoso")
        };
        assert_eq!(rows, [FileRow { line: 2, texts: contoso }, FileRow { line: 3, texts: texts("Solo") }]);
    }

    #[test]
    fn every_wrong_row_is_named_with_its_line() {
        let rows = read(b"name,domain,external_id\nContoso,contoso.com,1\n,x.com,2\nAcme,acme,3\nOther,,1\n");
        let planned = plan(&[], &rows);
        let lines: Vec<_> = planned.iter().map(|planned| InOneLine(planned).to_string()).collect();
        assert_eq!(
            lines,
            [
                "line 2: Contoso is new",
                "line 3: the name is empty",
                "line 4: “acme” is not a domain name such as contoso.com",
                "line 5: the same company stands in line 2",
            ]
        );
    }

    #[test]
    fn a_file_is_read_in_every_way_that_excel_writes_it() {
        let text = "Name;Note\r\nCafé Ölmühle;\"one; two\r\nthree – four\"\r\n";
        let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.replace(';', "\t").encode_utf16()).flat_map(to_bytes).collect()
        };
        let expected = [FileRow {
            line: 2,
            texts: CompanyTexts { note: "one; two\nthree – four".into(), ..texts("Café Ölmühle") },
        }];
        let with_mark = format!("\u{feff}{text}");
        for (way, file) in [
            ("UTF-8 with a mark", with_mark.as_bytes()),
            ("UTF-8 without one", text.as_bytes()),
            ("Windows-1252", &WINDOWS_1252.encode(text).0),
            ("with commas", text.replace("Name;Note", "Name,Note").replace("mühle;", "mühle,").as_bytes()),
        ] {
            assert_eq!(read(file), expected, "{way}");
        }
        let tabs = [FileRow {
            texts: CompanyTexts { note: "one\t two\nthree – four".into(), ..texts("Café Ölmühle") },
            ..expected[0].clone()
        }];
        assert_eq!(read(&utf_16(u16::to_le_bytes)), tabs);
        assert_eq!(read(&utf_16(u16::to_be_bytes)), tabs);
        assert_eq!(read(b"name\rAcme\r")[0].line, 2, "an old Macintosh");
        assert_eq!(read(b"sep=|\r\nname|domain\r\nAcme|acme.test\r\n")[0].line, 3);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (file, error) in [
            (&b""[..], FileError::Empty),
            (b"\n ,, \n", FileError::Empty),
            (b"title\nContoso\n", FileError::NoNameColumn),
            (b"n\0a\0m\0e\0", FileError::NotText),
            (b"\xff\xfen\0a", FileError::NotText),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileError::OldWorkbook),
        ] {
            assert_eq!(read_companies(file), Err(error), "{file:?}");
        }
        let long = "name\n".to_owned() + &"x\n".repeat(MAX_ROWS + 1);
        assert_eq!(read_companies(long.as_bytes()), Err(FileError::TooManyRows));
        assert_eq!(read_companies(&vec![b' '; MAX_BYTES + 1]), Err(FileError::TooLarge));
    }

    #[test]
    fn the_template_has_a_column_for_every_field() {
        let file = CompanyFile::read(TEMPLATE.as_bytes(), &Mapping::Guessed).expect("it is read");
        let fields: Vec<_> = file.columns.iter().map(|column| column.field).collect();
        assert_eq!(fields, CompanyField::ALL.map(Some));
    }

    #[test]
    fn somebody_may_say_which_column_is_what() {
        let file = b"Title,Name,Web\nAcme,Ann,acme.test\n";
        let said =
            |mapping: &str| CompanyFile::read(file, &Mapping::parse(mapping).expect("it is one")).expect("it is read");
        let rows = said("name,contact").rows().expect("there is a name");
        assert_eq!(rows[0].texts, CompanyTexts { contact: "Ann".into(), ..texts("Acme") });
        assert_eq!(said("").rows(), None);
        let named = Mapping::Named(vec![(CompanyField::Name, "title".into())]);
        let rows = CompanyFile::read(file, &named).expect("it is read").rows().expect("there is a name");
        assert_eq!(rows[0].texts, CompanyTexts { domain: "acme.test".into(), ..texts("Acme") });
        for wrong in ["nonsense", "name,name"] {
            assert!(matches!(Mapping::parse(wrong), Err(FileError::Mapping(_))), "{wrong}");
        }
        let missing = Mapping::Named(vec![(CompanyField::Name, "X".into())]);
        assert!(matches!(CompanyFile::read(file, &missing), Err(FileError::Mapping(_))));
    }

    #[test]
    fn a_digest_stands_for_file_columns_and_plan() {
        let file =
            |text: &[u8], mapping: &str| CompanyFile::read(text, &Mapping::parse(mapping).expect("one")).expect("read");
        let planned = [Planned { line: 2, texts: texts("A"), verdict: Verdict::New }];
        let digest = file(b"a,b\nA,B\n", "name").digest(&planned);
        assert_eq!(digest, file(b"a,b\nA,B\n", "name").digest(&planned));
        for other in [
            file(b"a,b\nA,C\n", "name").digest(&planned),
            file(b"a,b\nA,B\n", "name,note").digest(&planned),
            file(b"a,b\nA,B\n", "name").digest(&[]),
        ] {
            assert_ne!(digest, other);
        }
    }

    /// What a file of these bytes would do, if it can be read.
    fn planned(bytes: &[u8]) -> Option<Counts> {
        let file = CompanyFile::read(bytes, &Mapping::Guessed).ok()?;
        Some(Counts::of(&plan(&[], &file.rows()?)))
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = planned(&bytes);
        }

        #[test]
        fn any_text_under_a_header_is_read_or_refused(text in "(name|domain|[,;\"\n\r\t=é]){0,40}", start in "(name[,;]domain\n)?") {
            let _ = planned((start + &text).as_bytes());
        }

        #[test]
        fn any_bytes_within_a_workbook_are_read_or_refused(
            sheet: Vec<u8>, strings in "(<si>|</si>|<t>|</t>|<r>|&lt;|&#0;|&x;|a){0,20}",
            cells in "(<row r=\"[0-9]{0,9}\">|</row>|<c r=\"[A-Z]{0,4}[0-9]{0,9}\" t=\"[a-z]{0,3}\">|</c>|<v>[0-9]{0,12}</v>|<is>|<t>x){0,30}",
        ) {
            use spreadsheet::tests::workbook;
            let _ = planned(&workbook(&sheet, b"<sst/>"));
            let cells = format!("<worksheet><sheetData>{cells}");
            let _ = planned(&workbook(cells.as_bytes(), format!("<sst uniqueCount=\"99999999999999\">{strings}").as_bytes()));
        }

        #[test]
        fn a_workbook_with_a_changed_byte_is_read_or_refused(at: prop::sample::Index, byte: u8) {
            let mut file = spreadsheet::tests::small_workbook();
            let at = at.index(file.len());
            file[at] = byte;
            let _ = planned(&file);
        }
    }
}
