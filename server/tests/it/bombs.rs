//! Files that are made to bring down who reads them.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

const WORKBOOK: &[u8] =
    br#"<workbook xmlns:r="r"><sheets><sheet name="Clients" sheetId="1" r:id="rId1"/></sheets></workbook>"#;

const RELATIONS: &[u8] =
    br#"<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>
    <Relationship Id="rId2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;

/// A zip file of these files.
pub fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
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

/// The same, where the sizes that the file claims of its parts are others.
fn lying(mut file: Vec<u8>, claimed: u32) -> Vec<u8> {
    let marks: Vec<usize> = (0..file.len() - 4).filter(|at| &file[*at..at + 4] == b"PK\x01\x02").collect();
    for at in marks {
        file[at + 24..at + 28].copy_from_slice(&claimed.to_le_bytes());
    }
    file
}

const MEGABYTE: usize = 1024 * 1024;

/// Each with a name, and what is said about it: nothing where it may be read.
pub fn all() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let begin = b"<worksheet><sheetData>".as_slice();
    let sheet = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>").into_bytes();
    let small = sheet("<row><c t=\"s\"><v>0</v></c></row><row><c t=\"s\"><v>1</v></c></row>");
    let names = b"<sst><si><t>name</t></si><si><t>Acme</t></si></sst>";
    let laughs = {
        let entity = |n: u32| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
        let entities = (1..30).map(entity).collect::<Vec<_>>().concat();
        format!("<!DOCTYPE sst [<!ENTITY l0 \"ha\">{entities}]><sst><si><t>name</t></si><si><t>&l29;</t></si></sst>")
    };
    let many: Vec<String> = (0..100_000).map(|n| format!("p{n}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let attributes = (0..2_000_000).map(|n| format!("a{n}=\"\" ")).collect::<Vec<_>>().concat();
    let long = format!("<sst><si><t>name</t></si><si><t>{}</t></si></sst>", "x".repeat(MEGABYTE));
    let often = sheet(&"<row><c t=\"s\"><v>1</v></c></row>".repeat(10_000));
    let wide = sheet(&format!("<row>{}</row>", "<c r=\"XFD1\"><v>1</v></c>".repeat(100_000)));
    let same = (0..10_000).map(|n| format!("N{n},same.test,x{n}\n")).collect::<Vec<_>>().concat();
    vec![
        (
            "blanks that unpack",
            workbook(&[begin, &vec![b' '; 300 * MEGABYTE]].concat(), b"<sst/>"),
            "unpacks to far more",
        ),
        ("a hundred thousand parts", packed(&many), "unpacks to far more"),
        ("sizes that are too small", lying(workbook(&[begin, &vec![b' '; 60 * MEGABYTE]].concat(), b"<sst/>"), 9), "."),
        ("sizes that are too large", lying(workbook(&small, names), u32::MAX - 1), ""),
        ("elements within elements", workbook(&b"<a>".repeat(16 * MEGABYTE), b"<sst/>"), "nested too deeply"),
        ("a billion laughs", workbook(&small, laughs.as_bytes()), ""),
        (
            "very many attributes",
            workbook(format!("<worksheet><sheetData><row {attributes}>").as_bytes(), b"<sst/>"),
            ".",
        ),
        ("a text that is often meant", workbook(&often, long.as_bytes()), ""),
        ("columns far to the right", workbook(&wide, b"<sst/>"), "The file is empty"),
        (
            "texts that there are not",
            workbook(&sheet("<row><c t=\"s\"><v>99999999999999999999</v></c></row>"), names),
            "is empty",
        ),
        (
            "very many ends",
            [b"PK\x03\x04".as_slice(), &b"PK\x05\x06".repeat(2 * MEGABYTE)].concat(),
            "unpacks to far more",
        ),
        ("nothing but commas", [b"name\n".as_slice(), &vec![b','; 9 * MEGABYTE]].concat(), ""),
        ("nothing but quotes", [b"name\n".as_slice(), &vec![b'"'; 9 * MEGABYTE]].concat(), ""),
        ("nothing but line breaks", vec![b'\n'; 9 * MEGABYTE], "The file is empty"),
        ("a quote without an end", [b"name,note\nAcme,\"".as_slice(), &vec![b'x'; 9 * MEGABYTE]].concat(), ""),
        ("very many tags", [b"name,tags\nAcme,\"".as_slice(), &b"a,".repeat(4 * MEGABYTE)].concat(), ""),
        ("one domain for everybody", format!("name,domain,external_id\n{same}").into_bytes(), ""),
        ("half a character", b"\xff\xfen\0a\0m\0e\0\n\0\x3d\xd8\n".to_vec(), "neither CSV nor"),
        ("a header without an end", vec![b'n'; 9 * MEGABYTE], ""),
    ]
}
