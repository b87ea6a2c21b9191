//! Files that somebody broke, on purpose or not. Whatever they hold, they are read or refused in words, soon, and no more is
//! taken from them than there may be. `SOAK=1` tries many more.

use std::time::{Duration, Instant};

use proptest::{prelude::*, sample::Index};

use super::{CompanyFile, Mapping, WINDOWS_1252, spreadsheet::tests as sheets};

/// Longer than reading a small file takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// How many files each test tries.
fn tries() -> ProptestConfig {
    let cases = if std::env::var_os("SOAK").is_some() { 20_000 } else { 96 };
    ProptestConfig { cases, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

/// Reads a file, and looks whether what comes of it is as it may be.
fn look(bytes: &[u8]) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    super::look(bytes);
    prop_assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    Ok(())
}

/// What happens to a file on its way.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    /// A piece of it comes once more, somewhere.
    Again(Index, Index, u8),
    /// A piece of it is gone.
    Gap(Index, u8),
    /// Four bytes are a number that is too large, or none.
    Number(Index, u32),
}

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        1 => any::<Index>().prop_map(Damage::Cut),
        4 => (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        1 => (any::<Index>(), any::<Vec<u8>>()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (any::<Index>(), any::<Index>(), any::<u8>()).prop_map(|(from, to, len)| Damage::Again(from, to, len)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, len)| Damage::Gap(at, len)),
        2 => (any::<Index>(), prop_oneof![Just(0), Just(u32::MAX), Just(0x7fff_ffff), any::<u32>()])
            .prop_map(|(at, number)| Damage::Number(at, number)),
    ];
    proptest::collection::vec(one, 0..6)
}

pub(crate) fn damaged(mut bytes: Vec<u8>, damage: &[Damage]) -> Vec<u8> {
    for damage in damage {
        if bytes.is_empty() {
            return bytes;
        }
        let place = |at: &Index| at.index(bytes.len());
        match damage {
            Damage::Cut(at) => bytes.truncate(place(at)),
            Damage::Flip(at, bit) => {
                let at = place(at);
                bytes[at] ^= bit;
            }
            Damage::Insert(at, more) => {
                let at = place(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Again(from, to, len) => {
                let (from, to) = (place(from), place(to));
                let piece = bytes[from..bytes.len().min(from + usize::from(*len))].to_vec();
                bytes.splice(to..to, piece);
            }
            Damage::Gap(at, len) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + usize::from(*len)));
            }
            Damage::Number(at, number) => {
                let at = place(at);
                let end = bytes.len().min(at + 4);
                bytes.splice(at..end, number.to_le_bytes());
            }
        }
    }
    bytes
}

/// Lists as programs write them, with cells that are none.
fn csv_text() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        4 => "[A-Za-z]{1,12}",
        1 => "[a-z]{1,8}\\.test",
        1 => "\"[^\"]{0,12}\"",
        1 => "[=@+'-]{1,2}[A-Z0-9()!]{0,8}",
        1 => ".{0,20}",
        1 => Just("x".repeat(5_000)),
    ];
    let row = proptest::collection::vec(cell, 0..9);
    (proptest::collection::vec(row, 0..12), prop_oneof![Just(","), Just(";"), Just("\t"), Just("|")], "(\r\n|\n|\r)")
        .prop_map(|(rows, separator, end)| {
            let sep = if separator == "|" { "sep=|\n" } else { "" };
            let header = ["name", "domain", "external_id", "contact", "email", "note", "tags"].join(separator);
            let rows: Vec<String> = rows.into_iter().map(|row| row.join(separator)).collect();
            format!("{sep}{header}{end}{}", rows.join(&end))
        })
}

/// A text in the way that somebody believes to be right.
fn encoded(text: &str, way: u8) -> Vec<u8> {
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    match way {
        0 => text.as_bytes().to_vec(),
        1 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        2 => WINDOWS_1252.encode(text).0.into_owned(),
        3 => [b"\xff\xfe".to_vec(), utf_16(u16::to_le_bytes)].concat(),
        4 => [b"\xfe\xff".to_vec(), utf_16(u16::to_be_bytes)].concat(),
        // The mark says something else than the bytes.
        5 => [b"\xff\xfe", text.as_bytes()].concat(),
        6 => [b"\xef\xbb\xbf".to_vec(), utf_16(u16::to_le_bytes)].concat(),
        _ => utf_16(u16::to_le_bytes),
    }
}

/// Rows of a sheet, and what is none.
fn sheet_xml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "<row( r=\"[0-9]{0,12}\")?>",
        4 => Just("</row>".to_owned()),
        6 => "<c( r=\"[A-Za-z]{0,7}[0-9]{0,12}\")?( t=\"(s|str|inlineStr|b|e|n|d|x)\")?>",
        6 => Just("</c>".to_owned()),
        6 => "<v>(-?[0-9]{0,20}(\\.[0-9]{0,4})?(E[+-]?[0-9]{1,4})?|NaN|inf|text|&lt;|&#0;|&#x110000;|&big;)</v>",
        3 => "<is><t>[A-Za-z ]{0,20}(_x[0-9A-F]{0,4}_)?</t></is>",
        1 => "<[a-z]{1,3}( [a-z]{1,2}=\"[^<\"]{0,5}\")?/?>",
        1 => "<!(--|\\[CDATA\\[|DOCTYPE x \\[<!ENTITY big \"&big;&big;\">\\])[^>]{0,9}(-->|\\]\\]>|>)?",
        1 => ".{0,10}",
        1 => Just("</sheetData>".to_owned()),
        1 => (1_usize..200).prop_map(|deep| "<a>".repeat(deep)),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| format!("<worksheet><sheetData>{}", pieces.concat()))
}

fn strings_xml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<si>".to_owned()),
        Just("</si>".to_owned()),
        Just("<si/>".to_owned()),
        "<t>(name|domain|[a-z]{1,9})</t>",
        "<rPh><t>x</t></rPh>",
        "<!DOCTYPE sst \\[<!ENTITY a \"&a;\">\\]>",
        "&[a-z]{1,3};",
    ];
    proptest::collection::vec(piece, 0..30)
        .prop_map(|pieces| format!("<sst uniqueCount=\"4294967295\">{}", pieces.concat()))
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn a_list_that_was_damaged_is_read_or_refused(text in csv_text(), way in 0_u8..8, damage in damage()) {
        look(&damaged(encoded(&text, way), &damage))?;
    }

    #[test]
    fn a_sheet_of_any_pieces_is_read_or_refused(sheet in sheet_xml(), strings in strings_xml(), damage in damage()) {
        look(&sheets::workbook(sheet.as_bytes(), strings.as_bytes()))?;
        // Broken before it was packed, so that the checksums are right.
        let (sheet, strings) = (damaged(sheet.into(), &damage), damaged(strings.into(), &damage));
        look(&sheets::workbook(&sheet, &strings))?;
    }

    #[test]
    fn a_workbook_that_was_damaged_is_read_or_refused(damage in damage(), sheet in sheet_xml()) {
        look(&damaged(sheets::small_workbook(), &damage))?;
        look(&damaged(sheets::workbook(sheet.as_bytes(), b"<sst/>"), &damage))?;
    }
}

#[test]
fn a_list_that_is_whole_is_read_in_every_way_that_is_right() {
    let text = "name;domain\r\nCafé Ölmühle;oel.test\r\n";
    for way in 0..5 {
        let file = CompanyFile::read(&encoded(text, way), &Mapping::Guessed).expect("it is read");
        let rows = file.rows().expect("there is a name");
        assert_eq!((rows[0].texts.name.as_str(), rows[0].line), ("Café Ölmühle", 2), "{way}");
    }
}
