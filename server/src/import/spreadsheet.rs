//! The first sheet of an Excel workbook, as texts. A workbook is a zip file of XML documents; whatever it claims about
//! their size is not believed. <https://ecma-international.org/publications-and-standards/standards/ecma-376/>

use std::{
    borrow::Cow,
    io::{Cursor, Read as _},
};

use app::domain::company_import::MAX_ROWS;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::{FileError, MAX_COLUMNS, Record, beginning};

/// How much the documents that are looked at may unpack to, and the cells hold, in bytes.
const UNPACKED: usize = 50 * 1024 * 1024;

/// The most different texts.
const MAX_STRINGS: usize = 500_000;

/// The most parts of a workbook, and the most places where its table of contents may end. Whoever looks for the right one
/// reads each of them.
const MAX_PARTS: usize = 5_000;
const MAX_ENDS: usize = 8;

/// How deep the elements of a document lie, at most.
const MAX_DEPTH: usize = 64;

/// The rows of the first sheet that can be seen, those apart that are empty.
pub fn records(bytes: &[u8]) -> Result<Vec<Record>, FileError> {
    let (mut parts, mut ends) = (0_usize, 0_usize);
    for mark in bytes.windows(4) {
        match mark {
            b"PK\x01\x02" => parts += 1,
            b"PK\x05\x06" | b"PK\x06\x06" => ends += 1,
            _ => {}
        }
    }
    if parts > MAX_PARTS || ends > MAX_ENDS {
        return Err(FileError::Unpacks);
    }
    let zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut package = Package { zip, left: UNPACKED };
    let workbook = package.document("xl/workbook.xml")?.ok_or_else(|| broken("it has no workbook"))?;
    let sheet = first_sheet(&workbook)?.ok_or_else(|| broken("it has no sheet"))?;
    let relations = package.document("xl/_rels/workbook.xml.rels")?.ok_or_else(|| broken("its parts are not tied"))?;
    let (mut sheet_path, mut strings_path) = (None, None);
    each_start(&relations, |tag| {
        let target = attribute(tag, "Target")?.map(|target| match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("xl/{target}"),
        });
        if attribute(tag, "Id")?.as_deref() == Some(&*sheet) {
            sheet_path = target;
        } else if attribute(tag, "Type")?.is_some_and(|kind| kind.ends_with("/sharedStrings")) {
            strings_path = target;
        }
        Ok(true)
    })?;
    let strings = match strings_path {
        Some(path) => shared_strings(&package.document(&path)?.unwrap_or_default())?,
        None => Vec::new(),
    };
    let sheet = match sheet_path {
        Some(path) => package.document(&path)?,
        None => None,
    };
    read_sheet(&sheet.ok_or_else(|| broken("its first sheet is missing"))?, &strings)
}

#[expect(clippy::needless_pass_by_value, reason = "it is used as `map_err(broken)`")]
fn broken(why: impl ToString) -> FileError {
    FileError::Workbook(why.to_string().trim_end_matches('.').to_owned())
}

struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: usize,
}

impl Package<'_> {
    /// A document of the package, whatever case its name is written in.
    fn document(&mut self, path: &str) -> Result<Option<String>, FileError> {
        let is_it = |index: &usize| match self.zip.name_for_index(*index) {
            Some(Ok(name)) => name.replace('\\', "/").eq_ignore_ascii_case(path),
            _ => false,
        };
        let Some(index) = (0..self.zip.len()).find(is_it) else { return Ok(None) };
        let file = self.zip.by_index(index).map_err(broken)?;
        let mut bytes = Vec::new();
        // One byte more than there may be tells that there is more.
        file.take(self.left as u64 + 1).read_to_end(&mut bytes).map_err(broken)?;
        self.left = self.left.checked_sub(bytes.len()).ok_or(FileError::Unpacks)?;
        String::from_utf8(bytes).map(Some).map_err(|_| broken("it is not in UTF-8"))
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, FileError> {
    let found = tag.try_get_attribute(name).map_err(broken)?;
    found.map(|found| quick_xml::escape::unescape(&found.value).map(Into::into).map_err(broken)).transpose()
}

/// The events of a document, which may not be nested without end: the reader remembers what is open.
struct Document<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

impl<'a> Document<'a> {
    fn new(document: &'a str) -> Self {
        Self { reader: Reader::from_str(document), depth: 0 }
    }

    fn next(&mut self) -> Result<Event<'a>, FileError> {
        let event = self.reader.read_event().map_err(broken)?;
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH { Err(broken("its elements are nested too deeply")) } else { Ok(event) }
    }
}

/// Looks at each tag that begins, until it is told to stop.
fn each_start(
    document: &str,
    mut look: impl FnMut(&BytesStart<'_>) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let mut reader = Document::new(document);
    loop {
        match reader.next()? {
            Event::Start(tag) | Event::Empty(tag) if !look(&tag)? => return Ok(()),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// What ties the first sheet that is not hidden to the workbook.
fn first_sheet(workbook: &str) -> Result<Option<String>, FileError> {
    let mut found = None;
    each_start(workbook, |tag| {
        if tag.local_name().as_ref() == "sheet" && attribute(tag, "state")?.is_none_or(|state| state == "visible") {
            // Without looking whether one is there twice: each would be compared with all before it.
            let mut attributes = tag.attributes();
            let id = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref().ends_with(":id"));
            found = id.map(|id| id.value.into_owned());
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}

/// The text that the reader stands at, added to others.
fn add_text(text: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(part) => text.push_str(&part.xml10_content()),
        Event::CData(part) => text.push_str(&part.xml10_content()),
        Event::GeneralRef(name) => match name.resolve_char_ref() {
            Ok(Some(c)) => text.push(c),
            Ok(None) => text.push_str(match &*name.xml10_content() {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                _ => "",
            }),
            Err(_) => {}
        },
        _ => {}
    }
}

/// The texts that cells refer to by their number.
fn shared_strings(document: &str) -> Result<Vec<String>, FileError> {
    let mut strings = Vec::new();
    let mut reader = Document::new(document);
    let (mut text, mut in_text, mut in_reading_aid) = (String::new(), false, false);
    loop {
        let event = reader.next()?;
        match &event {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "t" => in_text = true,
                // How Japanese is read aloud.
                "rPh" => in_reading_aid = true,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_reading_aid = false,
                "si" => strings.push(told(&std::mem::take(&mut text))),
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "si" => strings.push(String::new()),
            Event::Eof => return Ok(strings),
            event if in_text && !in_reading_aid => add_text(&mut text, event),
            _ => {}
        }
        if strings.len() > MAX_STRINGS {
            return Err(FileError::Unpacks);
        }
    }
}

/// How the value of a cell is to be read.
#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Number,
    Shared,
    Text,
    Flag,
    Error,
}

#[derive(Default)]
struct Cell {
    kind: Kind,
    column: usize,
    value: String,
}

impl Cell {
    fn text(self, strings: &[String]) -> String {
        match self.kind {
            Kind::Number => number(&self.value),
            Kind::Shared => self
                .value
                .trim()
                .parse::<usize>()
                .ok()
                .and_then(|number| strings.get(number))
                .cloned()
                .unwrap_or_default(),
            Kind::Text => told(&self.value),
            Kind::Flag => if self.value == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            // `#N/A` and the like are no value.
            Kind::Error => String::new(),
        }
    }
}

/// As much of a text as is looked at, as it was written.
fn told(text: &str) -> String {
    beginning(&as_written(text)).to_owned()
}

/// A text without what stands for characters in it that XML can't hold: `_x0007_` is one, and `_x005F_` a line that looks as if
/// such a thing began. Excel writes a carriage return so, beside the line break that counts.
fn as_written(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let (mut written, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        written.push_str(before);
        let digits = escape.get(2..6).filter(|_| escape.get(6..7) == Some("_"));
        let code = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(c) = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            if c != '\r' {
                written.push(c);
            }
            rest = &escape[7..];
        } else {
            written.push_str("_x");
            rest = &escape[2..];
        }
    }
    written.push_str(rest);
    written.into()
}

/// A number as people write it: an id such as 1042 may be stored as `1042.0` or `1.042E3`.
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        _ => told(text),
    }
}

fn read_sheet(document: &str, strings: &[String]) -> Result<Vec<Record>, FileError> {
    let mut records: Vec<Record> = Vec::new();
    let mut reader = Document::new(document);
    let (mut line, mut cells, mut cell, mut reads) = (0_u32, Vec::<String>::new(), None::<Cell>, false);
    let (mut next_column, mut left) = (0, UNPACKED);
    loop {
        let event = reader.next()?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "row" => {
                    let said = attribute(tag, "r")?.and_then(|number| number.parse().ok()).filter(|line| *line > 0);
                    line = said.unwrap_or_else(|| line.saturating_add(1));
                    next_column = 0;
                }
                "c" => {
                    let column = attribute(tag, "r")?.and_then(|place| column(&place)).unwrap_or(next_column);
                    next_column = column + 1;
                    let kind = match attribute(tag, "t")?.as_deref() {
                        Some("s") => Kind::Shared,
                        Some("str" | "inlineStr" | "d") => Kind::Text,
                        Some("b") => Kind::Flag,
                        Some("e") => Kind::Error,
                        _ => Kind::Number,
                    };
                    let is_open = matches!(event, Event::Start(_));
                    cell = is_open.then(|| Cell { kind, column, value: String::new() });
                }
                "v" | "t" => reads = matches!(event, Event::Start(_)),
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "v" | "t" => reads = false,
                "c" => {
                    if let Some(cell) = cell.take()
                        && cell.column < MAX_COLUMNS
                    {
                        let column = cell.column;
                        // Many cells may refer to one long text.
                        let text = cell.text(strings);
                        left = left.checked_sub(text.len()).ok_or(FileError::Unpacks)?;
                        if !text.is_empty() {
                            cells.resize(cells.len().max(column + 1), String::new());
                            cells[column] = text;
                        }
                    }
                }
                "row" => {
                    let cells = std::mem::take(&mut cells);
                    if !cells.is_empty() {
                        records.push((line, cells));
                    }
                    // The first names the columns.
                    if records.len() > MAX_ROWS + 1 {
                        return Err(FileError::TooManyRows);
                    }
                }
                "sheetData" => return Ok(records),
                _ => {}
            },
            Event::Eof => return Ok(records),
            event if reads => {
                if let Some(cell) = &mut cell {
                    add_text(&mut cell.value, event);
                }
            }
            _ => {}
        }
    }
}

/// The column of a place such as `B3`, from 0.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let column = letters.fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1)
}

#[cfg(test)]
pub mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    const WORKBOOK: &[u8] =
        br#"<workbook xmlns:r="r"><sheets><sheet name="Old" sheetId="1" state="hidden" r:id="rId9"/>
        <sheet name="Clients" sheetId="2" r:id="rId1"/></sheets></workbook>"#;

    const RELATIONS: &[u8] = br#"<Relationships>
        <Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>
        <Relationship Id="rId2" Type="http://x/sharedStrings" Target="/xl/SharedStrings.xml"/></Relationships>"#;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).expect("a file begins");
            zip.write_all(content).expect("it is written");
        }
        zip.finish().expect("it is finished").into_inner()
    }

    /// A workbook with this sheet and these texts.
    pub fn workbook(sheet: &[u8], strings: &[u8]) -> Vec<u8> {
        packed(&[
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", RELATIONS),
            ("xl/worksheets/sheet1.xml", sheet),
            ("xl/sharedStrings.xml", strings),
        ])
    }

    /// One that can be read.
    pub fn small_workbook() -> Vec<u8> {
        let sheet = br#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>External id</t></is></c></row>
            <row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" t="e"><v>#N/A</v></c><c r="C3"><v>1042.0</v></c></row>
            <row r="4"/><row><c t="str"><f>A1&amp;""</f><v>B&amp;B</v></c><c t="b"><v>1</v></c><c><v>1.5</v></c></row></sheetData></worksheet>"#;
        let strings = "<sst uniqueCount=\"2\"><si><t>Name</t></si><si><r><t>Caf</t></r><r><t xml:space=\"preserve\">\u{e9} &#214;</t></r>\
                       <rPh><t>aloud</t></rPh></si></sst>";
        workbook(sheet, strings.as_bytes())
    }

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn the_first_sheet_that_can_be_seen_is_read_as_texts() {
        let expected = [
            (1, cells(&["Name", "", "External id"])),
            (3, cells(&["Café Ö", "", "1042"])),
            (5, cells(&["B&B", "TRUE", "1.5"])),
        ];
        assert_eq!(records(&small_workbook()), Ok(expected.into()));
    }

    #[test]
    fn a_place_has_a_column() {
        for (place, found) in [("A1", Some(0)), ("z9", Some(25)), ("AA10", Some(26)), ("1", None), ("", None)] {
            assert_eq!(column(place), found, "{place}");
        }
    }

    #[test]
    fn a_workbook_that_unpacks_to_too_much_is_refused() {
        let bomb = [b"<worksheet><sheetData>".as_slice(), &vec![b' '; UNPACKED]].concat();
        let file = workbook(&bomb, b"<sst/>");
        assert!(file.len() < 200_000);
        assert_eq!(records(&file), Err(FileError::Unpacks));
    }

    #[test]
    fn what_xml_can_not_hold_is_read_as_it_was() {
        for (stored, read) in [
            ("a_x000D_\nb", "a\nb"),
            ("bell_x0007_", "bell\u{7}"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x00e9_t_x00E9_", "été"),
            ("_x_x00_x00zz_", "_x_x00_x00zz_"),
            ("_xD800_", "_xD800_"),
            ("_xé€_", "_xé€_"),
            ("plain_x", "plain_x"),
        ] {
            assert_eq!(as_written(stored), read, "{stored}");
        }
    }

    #[test]
    fn a_text_that_is_referred_to_very_often_is_refused() {
        let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1024 * 1024));
        let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(60));
        let sheet = format!("<worksheet><sheetData>{}</sheetData></worksheet>", row.repeat(300));
        assert_eq!(records(&workbook(sheet.as_bytes(), strings.as_bytes())), Err(FileError::Unpacks));
    }

    #[test]
    fn a_sheet_with_too_many_rows_is_refused() {
        let rows = "<row><c><v>1</v></c></row>".repeat(MAX_ROWS + 2);
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        assert_eq!(records(&workbook(sheet.as_bytes(), b"<sst/>")), Err(FileError::TooManyRows));
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        for file in [b"PK\x03\x04".to_vec(), packed(&[]), packed(&[("word/document.xml", b"<x/>")])] {
            assert!(matches!(records(&file), Err(FileError::Workbook(_))));
        }
        assert!(matches!(records(&workbook(b"<worksheet><row></c>", b"")), Err(FileError::Workbook(_))));
    }
}
