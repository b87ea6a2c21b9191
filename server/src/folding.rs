//! A list as text that is short on the wire: each row's JSON is a *shape* with holes, and what the holes hold stands
//! together, a line for each field. Like stands beside like, and what many rows have in common is there once.
//!
//! `frontend/companies.html` unfolds it again.
//!
//! Lines are separated by line feeds, what is in one by tabs; neither stands in JSON. A hole is a control character, which
//! JSON does not have either. The first line is what stands before the rows, the second has the shapes, the third each
//! row's shape, by its place in the second. The line of the hole U+0001 follows, then that of U+0002, and so on: it has
//! what each row has there, up to the last row that has anything. That may hold holes itself.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use uuid::Uuid;

/// Texts of which there are few different ones, or that can be told by others: they stand in the shapes.
const IN_SHAPES: [&str; 10] =
    ["", "access", "advice", "data_set", "end", "in_words", "problem", "reason", "status", "title"];

/// What other texts of a row often repeat.
const REPEATED: [&str; 3] = ["name", "domain", "tenant"];

/// A repeated text of fewer bytes saves nothing.
const REPEATED_MIN: usize = 4;

/// So many digits of a time stand by themselves: those before them are the same in many rows.
const LAST_DIGITS: usize = 6;

/// How much of an id tells when it was made. The rest is random.
const ID_BEGINNING: usize = 13;

/// The control characters that are holes.
fn holes() -> impl Iterator<Item = char> {
    ('\u{1}'..'\u{20}').filter(|hole| !['\t', '\n'].contains(hole))
}

/// Folds rows. `before`: what stands before them, without line feeds.
pub fn fold<Row: Serialize>(before: &str, rows: &[Row]) -> serde_json::Result<String> {
    let mut folder = Folder::default();
    for row in rows {
        let mut serializer = Serializer::with_formatter(Vec::new(), Folding(&mut folder));
        row.serialize(&mut serializer)?;
        let shape = serializer.into_inner();
        folder.end_row(shape);
    }
    Ok(folder.finish(before))
}

#[derive(Default)]
struct Folder {
    /// Where each shape stands.
    shapes: HashMap<Vec<u8>, usize>,
    all_shapes: Vec<Vec<u8>>,
    places: String,
    columns: Vec<Column>,
    /// Where the next cell is likely to go.
    next: usize,
    row: usize,
    /// The key of the value that is written.
    key: String,
    in_key: bool,
    /// What has been written of a text.
    text: String,
    /// What this row's other texts may repeat, and the hole that stands for it.
    repeated: Vec<(char, String)>,
}

struct Column {
    key: String,
    part: Part,
    hole: char,
    cells: String,
    /// How many rows have a cell.
    filled: usize,
}

/// What of a value a column has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Beginning,
    End,
}

impl Folder {
    /// Puts something into the line of this key, and answers its hole. None: there is no more room.
    fn put(&mut self, part: Part, cell: &str) -> Option<char> {
        let row = self.row;
        let is_it = |column: &Column| column.part == part && column.key == self.key;
        // Rows have their fields in one order, as a rule.
        let next = Some(self.next).filter(|next| self.columns.get(*next).is_some_and(is_it));
        let place = if let Some(place) = next.or_else(|| self.columns.iter().position(is_it)) {
            place
        } else {
            let hole = holes().nth(self.columns.len())?;
            self.columns.push(Column { key: self.key.clone(), part, hole, cells: String::new(), filled: 0 });
            self.columns.len() - 1
        };
        self.next = place + 1;
        let column = &mut self.columns[place];
        if column.filled > row {
            // One row has the key twice.
            return None;
        }
        // The first cell has no tab before it.
        for _ in column.filled.max(1)..=row {
            column.cells.push('\t');
        }
        column.cells.push_str(cell);
        column.filled = row + 1;
        Some(column.hole)
    }

    fn put_in_two(&mut self, beginning: &str, end: &str) -> Option<String> {
        Some([self.put(Part::Beginning, beginning)?, self.put(Part::End, end)?].into_iter().collect())
    }

    fn number(&mut self, digits: &str) -> String {
        let parts =
            digits.len().checked_sub(LAST_DIGITS).filter(|place| *place > 3).map(|place| digits.split_at(place));
        let holes = match parts {
            Some((beginning, end)) => self.put_in_two(beginning, end),
            None => self.put(Part::Whole, digits).map(String::from),
        };
        holes.unwrap_or_else(|| digits.to_owned())
    }

    /// What stands for a text, which is escaped already.
    fn string(&mut self, text: &str) -> String {
        if self.key == "id" && Uuid::try_parse(text).is_ok() {
            let id = text.replace('-', "");
            let parts = id.split_at_checked(ID_BEGINNING);
            return parts.and_then(|(beginning, end)| self.put_in_two(beginning, end)).unwrap_or(id);
        }
        let mut folded = text.to_owned();
        for (hole, repeated) in &self.repeated {
            if folded.contains(repeated.as_str()) {
                folded = folded.replace(repeated.as_str(), hole.encode_utf8(&mut [0; 4]));
            }
        }
        let is_hole = folded.len() == 1 && folded.starts_with(|c: char| c < ' ');
        if is_hole || IN_SHAPES.contains(&self.key.as_str()) {
            return folded;
        }
        let Some(hole) = self.put(Part::Whole, &folded) else { return folded };
        if text.len() >= REPEATED_MIN && REPEATED.contains(&self.key.as_str()) {
            self.repeated.push((hole, text.to_owned()));
        }
        hole.into()
    }

    fn end_row(&mut self, shape: Vec<u8>) {
        let next = self.all_shapes.len();
        let place = *self.shapes.entry(shape).or_insert_with_key(|shape| {
            self.all_shapes.push(shape.clone());
            next
        });
        let tab = if self.row == 0 { "" } else { "\t" };
        // Writing into a text does not fail.
        let _ = write!(self.places, "{tab}{place}");
        self.repeated.clear();
        self.key.clear();
        self.next = 0;
        self.row += 1;
    }

    fn finish(mut self, before: &str) -> String {
        if self.row == 0 {
            // One that is nothing, so that what unfolds it needs no other way.
            self.end_row(Vec::new());
        }
        let shapes: Vec<_> = self.all_shapes.iter().map(|shape| String::from_utf8_lossy(shape)).collect();
        let mut text = [before, &shapes.join("\t"), &self.places].join("\n");
        let mut columns = self.columns.iter().peekable();
        for line in '\u{1}'..'\u{20}' {
            if columns.peek().is_none() {
                break;
            }
            text.push('\n');
            // Tab and line feed are no holes: their lines are empty.
            if let Some(column) = columns.next_if(|column| column.hole == line) {
                text.push_str(&column.cells);
            }
        }
        text
    }
}

/// What the serializer writes to. The writer gets the shape.
struct Folding<'a>(&'a mut Folder);

macro_rules! numbers {
    ($($name:ident: $number:ty),+) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W, value: $number) -> io::Result<()> {
            writer.write_all(self.0.number(&value.to_string()).as_bytes())
        })+
    };
}

impl Formatter for Folding<'_> {
    numbers!(
        write_i8: i8,
        write_i16: i16,
        write_i32: i32,
        write_i64: i64,
        write_u8: u8,
        write_u16: u16,
        write_u32: u32,
        write_u64: u64
    );

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.text.clear();
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        self.0.text.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        // As JSON has it, whoever writes it.
        let mut escaped = Vec::new();
        serde_json::ser::CompactFormatter.write_char_escape(&mut escaped, escape)?;
        self.0.text.push_str(&String::from_utf8_lossy(&escaped));
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let text = std::mem::take(&mut self.0.text);
        let written = if self.0.in_key {
            self.0.key.clone_from(&text);
            text
        } else {
            self.0.string(&text)
        };
        write!(writer, "\"{written}\"")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.in_key = true;
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.in_key = false;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What the browser makes of it.
    fn unfold(text: &str) -> String {
        let mut lines = text.split('\n').map(|line| line.split('\t').collect::<Vec<_>>());
        let before = lines.next().unwrap()[0];
        let shapes = lines.next().unwrap();
        let columns: Vec<_> = lines.collect();
        let shape = |place: &str| shapes[place.parse::<usize>().unwrap()];
        let rows: Vec<_> =
            columns[0].iter().enumerate().map(|(row, place)| fill(shape(place), row, &columns)).collect();
        format!("{before}{}]}}", rows.join(","))
    }

    fn fill(text: &str, row: usize, columns: &[Vec<&str>]) -> String {
        let filled = |c: char| if c < ' ' { fill(columns[c as usize][row], row, columns) } else { c.to_string() };
        text.chars().map(filled).collect()
    }

    fn round_trip(rows: &[Value]) -> (String, Value) {
        let folded = fold("{\"a\":1,\"rows\":[", rows).unwrap();
        let unfolded: Value = serde_json::from_str(&unfold(&folded)).unwrap();
        assert_eq!(unfolded["a"], 1);
        (folded, unfolded["rows"].clone())
    }

    #[test]
    fn what_rows_have_in_common_is_there_once() {
        let row = |name: &str, at: u64| {
            json!({
                "id": "0193b5c2-1a2b-7c3d-8e4f-0123456789ab", "name": name, "status": { "verifying": { "since": at } },
                "oddity": format!("Tenant was renamed\nThe tenant was called {name}."), "tags": null
            })
        };
        let rows = [row("Contoso \"Dental\"", 1_796_029_500_000), row("Fabrikam", 1_796_029_500_017)];
        let (folded, mut back) = round_trip(&rows);
        assert_eq!(folded.matches("verifying").count(), 1);
        assert_eq!(folded.matches("Fabrikam").count(), 1);
        // Any form of an id is read.
        for row in back.as_array_mut().unwrap() {
            assert_eq!(row["id"], "0193b5c21a2b7c3d8e4f0123456789ab");
            row["id"] = rows[0]["id"].clone();
        }
        assert_eq!(back, Value::from(rows.to_vec()));
        assert_eq!(round_trip(&[]).1, json!([]));
    }

    /// Anything that JSON can say but decimals, with keys that are used again at other places.
    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["\\PC{0,12}", "[\u{0}-\u{1f}\"\\\\a]{0,6}", "(name|Contoso|contoso\\.com ?){0,3}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from)
        ];
        let key = prop_oneof!["name", "domain", "status", "tenant", "in_words", "[a-z]{1,2}", "\\PC{1,3}"];
        leaf.prop_recursive(3, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn whatever_is_folded_can_be_unfolded(rows in prop::collection::vec(any_value(), 0..6)) {
            let (_, back) = round_trip(&rows);
            prop_assert_eq!(back, Value::from(rows));
        }
    }
}
