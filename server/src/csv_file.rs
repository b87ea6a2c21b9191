//! Files of comma-separated values that a spreadsheet opens.

use app::domain::Timestamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Lines as text. `header`: the names of the columns, on the first line of a file.
pub fn lines<'a>(
    header: Option<&[&str]>,
    rows: impl IntoIterator<Item = Vec<Cell<'a>>>,
) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if let Some(header) = header {
        csv.write_record(header)?;
    }
    for row in rows {
        csv.write_record(row.into_iter().map(Cell::text))?;
    }
    csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// What one cell holds.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// What people or Microsoft wrote: it is never taken for a formula.
    Words(&'a str),
    /// What we wrote: a stable name, an id.
    Key(String),
    /// A number.
    Number(f64),
    /// A whole number.
    Count(i64),
    /// "yes" or "no".
    Flag(bool),
    /// A point in time, in UTC.
    Time(Option<Timestamp>),
}

impl Cell<'_> {
    fn text(self) -> String {
        match self {
            Self::Words(words) => harmless(words),
            Self::Key(key) => key,
            Self::Number(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => if flag { "yes" } else { "no" }.to_owned(),
            Self::Time(at) => at.map(time).unwrap_or_default(),
        }
    }
}

/// A point in time as files have it, in UTC. <https://www.rfc-editor.org/rfc/rfc3339>
pub fn time(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.as_millis()) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A cell that a spreadsheet does not take for a formula.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn harmless(cell: &str) -> String {
    if may_be_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// What a cell held before it was made harmless: an exported file says the same when it is imported again.
pub fn as_it_was(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|cell| may_be_formula(cell)).unwrap_or(cell)
}

/// Whether a spreadsheet may take it for a formula, or it was made harmless before: then it is made so once more, and what
/// it was can be told.
pub fn may_be_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_breaks_its_row() {
        let row = vec![
            Cell::Time(Some(Timestamp::from_millis(1_700_000_000_123))),
            Cell::Words("@kim"),
            Cell::Words("=HYPERLINK(\"http://evil.test\")"),
            Cell::Words("one, two\nthree"),
            Cell::Count(-2),
            Cell::Flag(true),
            Cell::Time(None),
        ];
        let header = ["time", "who", "link", "text", "free", "enabled", "never"];
        let text = String::from_utf8(lines(Some(&header), [row]).unwrap()).unwrap();
        assert_eq!(
            text,
            "time,who,link,text,free,enabled,never\n2023-11-14T22:13:20.123Z,'@kim,\
             \"'=HYPERLINK(\"\"http://evil.test\"\")\",\"one, two\nthree\",-2,yes,\n"
        );
    }

    #[test]
    fn what_was_made_harmless_can_be_told_again() {
        for cell in ["=1", "'=1", "''@kim", "'", "", "O'Neil", "'Neil", "-1", "plain", "＝1"] {
            assert_eq!(as_it_was(&harmless(cell)), cell);
            assert!(!harmless(cell).starts_with(['=', '@', '-', '＝']), "{cell}");
        }
        assert_eq!(as_it_was("'Neil"), "'Neil", "nobody made this harmless");
    }
}
