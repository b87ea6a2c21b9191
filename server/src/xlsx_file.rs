//! Workbooks that Excel opens. What people wrote is stored as text, which no spreadsheet works out as a formula.

use std::borrow::Cow;

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::csv_file::{Cell, may_be_formula, time};

/// The most that a cell holds, in UTF-16 units.
/// <https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3>
const CELL: usize = 32_767;

/// How wide a column is, in characters.
const WIDTH: f64 = 22.0;

/// A workbook with one sheet, row by row.
pub struct WorkbookFile {
    workbook: Workbook,
    /// The next row, from 0.
    row: u32,
    /// Of a text that would become a formula if somebody edited its cell.
    quoted: Format,
}

impl WorkbookFile {
    /// With a first row that names the columns.
    pub fn new(sheet_name: &str, header: &[&str]) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.set_name(sheet_name)?;
        sheet.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold();
        for (column, name) in (0_u16..).zip(header) {
            sheet.set_column_width(column, WIDTH)?;
            sheet.write_string_with_format(0, column, *name, &bold)?;
        }
        Ok(Self { workbook, row: 1, quoted: Format::new().set_quote_prefix() })
    }

    /// Adds a row.
    pub fn add(&mut self, cells: Vec<Cell<'_>>) -> Result<(), XlsxError> {
        let (row, quoted) = (self.row, &self.quoted);
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (column, cell) in (0_u16..).zip(cells) {
            let text = match cell {
                Cell::Number(number) => {
                    sheet.write_number(row, column, number)?;
                    continue;
                }
                Cell::Count(count) => {
                    #[expect(clippy::cast_precision_loss, reason = "Excel has no other numbers")]
                    sheet.write_number(row, column, count as f64)?;
                    continue;
                }
                Cell::Words(words) => Cow::Borrowed(words),
                Cell::Key(key) => key.into(),
                Cell::Flag(flag) => if flag { "yes" } else { "no" }.into(),
                Cell::Time(at) => at.map(time).unwrap_or_default().into(),
            };
            let text = fitting(&text);
            if may_be_formula(&text) {
                sheet.write_string_with_format(row, column, text, quoted)?;
            } else if !text.is_empty() {
                sheet.write_string(row, column, text)?;
            }
        }
        self.row += 1;
        Ok(())
    }

    /// The file.
    pub fn bytes(mut self) -> Result<Vec<u8>, XlsxError> {
        self.workbook.save_to_buffer()
    }
}

/// As much of a text as a cell holds, without what XML has no way to write.
fn fitting(text: &str) -> String {
    let mut left = CELL;
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{CompanyFile, Mapping};

    #[test]
    fn what_was_written_is_read_again_whatever_it_looks_like() {
        let mut file = WorkbookFile::new("Companies", &["name", "note", "users"]).expect("it begins");
        let long = "x".repeat(40_000);
        let texts =
            [("=1+1", "bell\u{7} and _x0007_"), ("-2", "one\ntwo\tthree"), ("@a", "'=1"), ("+1", long.as_str())];
        for (name, note) in texts {
            file.add(vec![Cell::Words(name), Cell::Words(note), Cell::Count(1)]).expect("it is added");
        }
        let bytes = file.bytes().expect("it is finished");
        let rows = CompanyFile::read(&bytes, &Mapping::Guessed).expect("it is read").rows().expect("there is a name");
        for (row, (name, note)) in rows.iter().zip(texts) {
            assert_eq!(row.texts.name, name);
            assert!(!row.texts.note.is_empty() && note.starts_with(&row.texts.note), "{note}");
        }
        assert_eq!(rows[0].texts.note, texts[0].1);
    }

    #[test]
    fn a_text_is_cut_where_a_cell_ends() {
        assert_eq!(fitting("a\u{ffff}b"), "ab");
        assert_eq!(fitting(&"x".repeat(CELL)).len(), CELL);
        assert_eq!(fitting(&"x".repeat(CELL + 1)).len(), CELL);
        assert_eq!(fitting(&"😀".repeat(CELL)).chars().count(), CELL / 2, "each takes two units");
        assert_eq!(fitting(&format!("{}😀x", "x".repeat(CELL - 1))).len(), CELL - 1, "and none is cut in two");
    }
}
