//! Companies from a file, over HTTP and on the command line.

use app::{
    domain::{
        ActivityFilter, ActivityKind, CompanyField, CompanyRow, CompanyTexts,
        company_import::{Counts, ImportPreview, MAX_BYTES, Mend, Verdict},
    },
    error::{AppError, ErrorCode},
};
use serde_json::json;

use crate::{
    bombs,
    companies::{import, tenantry},
    harness::{App, Engine, Setup},
    on_both_databases,
};

async fn ask(app: &App, path: &str, file: impl Into<Vec<u8>>) -> Result<String, AppError> {
    let request = app.http.post(format!("{}/api/companies/import/{path}", app.url)).body(file.into());
    let response = request.send().await.unwrap();
    let success = response.status().is_success();
    let body = response.text().await.unwrap();
    if success { Ok(body) } else { Err(serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"))) }
}

async fn preview(app: &App, file: impl Into<Vec<u8>>) -> ImportPreview {
    serde_json::from_str(&ask(app, "preview", file).await.unwrap()).unwrap()
}

async fn confirm(app: &App, file: &str, digest: &str) -> Result<Counts, AppError> {
    let body = ask(app, &format!("confirm?digest={digest}"), file).await?;
    Ok(serde_json::from_str(&body).unwrap())
}

/// Rows without what says when they were written.
fn lasting(rows: Vec<CompanyRow>) -> Vec<(String, Option<String>)> {
    rows.into_iter().map(|row| (row.name, row.domain)).collect()
}

on_both_databases! {
    async fn what_is_shown_is_what_is_done_and_nothing_before(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,domain,external_id,contact\nAcme,acme.test,a1,Ann <ann@acme.test>\nBeta,,b1,\nGone,,g1,\n").await;
        let gone = app.company("Gone").await;
        app.post("companies/archive", json!({ "company": gone })).await.error_for_status().unwrap();
        let before = app.rows().await;
        // As Excel writes it in Germany, with the names of another program.
        let file = "Account #;Company;Website;E-Mail;Tags\r\na1;Acme Ltd;https://acme.test;;gold\r\nb1;Beta;;;\r\n\
                    g1;Gone again;;;\r\nn1;Café Ölmühle;oel.test;kim@oel.test;\r\n";
        let windows = encoding_rs::WINDOWS_1252.encode(file).0;
        let shown = preview(&app, windows.as_ref()).await;
        let fields: Vec<_> = shown.columns.iter().map(|column| column.field.unwrap()).collect();
        assert_eq!(
            fields,
            [CompanyField::ExternalId, CompanyField::Name, CompanyField::Domain, CompanyField::Email, CompanyField::Tags]
        );
        let verdicts: Vec<_> = shown.rows.iter().map(|row| (row.line, row.texts.name.as_str(), &row.verdict)).collect();
        let Verdict::Changed { changes, .. } = verdicts[0].2 else { panic!("{verdicts:?}") };
        assert_eq!(app::domain::company_draft::in_words(changes), "Name: Acme → Acme Ltd; Tags: gold");
        assert_eq!(
            verdicts[1..],
            [(3, "Beta", &Verdict::Unchanged), (4, "Gone", &Verdict::Archived), (5, "Café Ölmühle", &Verdict::New)]
        );
        assert_eq!(app.rows().await, before);

        let counts = Counts { new: 1, changed: 1, unchanged: 1, archived: 1, wrong: 0 };
        assert_eq!(confirm(&app, file, &shown.digest).await.unwrap_err().code, ErrorCode::Conflict, "other bytes");
        let body = ask(&app, &format!("confirm?digest={}", shown.digest), windows.as_ref()).await.unwrap();
        assert_eq!(serde_json::from_str::<Counts>(&body).unwrap(), counts);
        let acme = app.company("Acme Ltd").await;
        let card = app.post("companies/card", json!({ "company": acme })).await;
        let card: app::domain::CompanyCard = card.json().await.unwrap();
        let texts = CompanyTexts {
            name: "Acme Ltd".into(),
            domain: "acme.test".into(),
            external_id: "a1".into(),
            contact: "Ann".into(),
            email: "ann@acme.test".into(),
            tags: "gold".into(),
            ..CompanyTexts::default()
        };
        assert_eq!(card.texts, texts, "what is empty in the file stays");
        assert_eq!(app.row("Café Ölmühle").await.domain.as_deref(), Some("oel.test"));
        assert!(app.rows().await.iter().all(|row| row.id != gone));

        let again = preview(&app, windows.as_ref()).await;
        let counts = Counts::of(&again.rows);
        assert_eq!((counts.unchanged, counts.archived), (3, 1), "nothing is left to do");
        let told = app.activity(ActivityFilter { kind: Some(ActivityKind::Imported), ..ActivityFilter::default() }).await;
        assert_eq!((told[0].text.as_str(), told[0].actor.as_str()), ("1 added, 1 changed", crate::harness::OWNER));
        let changed = app.activity(ActivityFilter { company: Some(acme), ..ActivityFilter::default() }).await;
        assert_eq!(changed[0].text, "By an import: Name: Acme → Acme Ltd; Tags: gold");
    }

    async fn what_changed_since_it_was_shown_is_looked_at_again(engine) {
        let app = Setup::on(engine).start().await;
        let file = "name,domain\nAcme,acme.test\n";
        let shown = preview(&app, file).await;
        app.import("name,domain\nAcme,other.test\n").await;
        let before = lasting(app.rows().await);
        let error = confirm(&app, file, &shown.digest).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Conflict);
        assert!(error.message.contains("have changed meanwhile"), "{error}");
        assert_eq!(lasting(app.rows().await), before);
        let shown = preview(&app, file).await;
        confirm(&app, file, &shown.digest).await.unwrap();
        assert_eq!(app.row("Acme").await.domain.as_deref(), Some("acme.test"));
    }

    async fn of_two_who_confirm_at_once_one_does_it(engine) {
        let app = Setup::on(engine).start().await;
        let file = "name\nAcme\nBeta\n";
        let shown = preview(&app, file).await;
        let both = futures::future::join(confirm(&app, file, &shown.digest), confirm(&app, file, &shown.digest)).await;
        let done = [both.0, both.1];
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
        assert!(done.iter().filter_map(|done| done.as_ref().err()).all(|error| error.code == ErrorCode::Conflict), "{done:?}");
        assert_eq!(app.rows().await.iter().filter(|row| row.name == "Acme").count(), 1);
    }

    async fn with_a_wrong_row_nothing_is_written(engine) {
        let app = Setup::on(engine).start().await;
        let before = app.rows().await;
        let file = "name,domain,email\nAcme,acme.test,\nBeta,not a domain,kim\n,gamma.test,\nDelta,delta.test,\nDELTA,,\n";
        let shown = preview(&app, file).await;
        assert_eq!(Counts::of(&shown.rows), Counts { new: 2, wrong: 3, ..Counts::default() });
        let reasons: Vec<_> = shown
            .rows
            .iter()
            .filter_map(|row| match &row.verdict {
                Verdict::Wrong { reasons, .. } => Some((row.line, reasons.join("; "))),
                _ => None,
            })
            .collect();
        assert_eq!(
            reasons,
            [
                (3, "“not a domain” is not a domain name such as contoso.com; “kim” is not an e-mail address such as \
                     kim@contoso.com".to_owned()),
                (4, "the name is empty".to_owned()),
                (6, "the same company stands in line 5".to_owned()),
            ]
        );
        let error = confirm(&app, file, &shown.digest).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::Invalid, "3 rows are wrong. Nothing was written: mend them first."));
        assert_eq!(app.rows().await, before);
    }

    async fn a_dry_run_says_what_would_be_done(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,domain\nAcme,acme.test\nBeta,beta.test\n").await;
        let before = app.rows().await;
        let file = app.data.path().join("clients.csv");
        let run = |csv: &str, more: &[&str]| {
            std::fs::write(&file, csv).unwrap();
            let output = tenantry(&app, &[&["companies", "import", file.to_str().unwrap(), "--dry-run"], more].concat());
            (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
        };
        let (code, said, _) = run("name,domain\nAcme Ltd,acme.test\nBeta,\nNew,\n", &[]);
        let expected = "line 2: Acme Ltd changes: Name: Acme → Acme Ltd\nline 4: New is new\n\
                        1 new, 1 changed, 1 unchanged, 0 archived, 0 wrong\n";
        assert_eq!((code, said.as_str()), (Some(0), expected));
        let (code, said, _) = run("name\nNew\nnew\n", &[]);
        assert_eq!((code, said.lines().last()), (Some(1), Some("1 new, 0 changed, 0 unchanged, 0 archived, 1 wrong")));
        let (code, said, _) = run("Titel,Name\nNew,Kim\n", &["--column", "name=titel", "--column", "contact=name"]);
        assert_eq!((code, said.lines().next()), (Some(0), Some("line 2: New is new")));
        let (code, _, said) = run("x\nNew\n", &[]);
        assert!(code == Some(1) && said.contains("none of them is called name"), "{said}");
        assert_eq!(run("x\nNew\n", &["--column", "y"]).0, Some(2));
        assert_eq!(app.rows().await, before);
        assert_eq!(import(&app, "name,domain\nAcme Ltd,acme.test\n").1, "0 added, 1 changed, 0 unchanged\n");
    }

    async fn ten_thousand_rows_are_shown_and_done(engine) {
        let app = Setup::on(engine).start().await;
        let rows: Vec<String> = (0..10_000).map(|n| format!("Company {n},company{n}.test,x{n},gold\n")).collect();
        let file = format!("name,domain,external_id,tags\n{}", rows.concat());
        let shown = preview(&app, file.clone()).await;
        assert_eq!(Counts::of(&shown.rows).new, 10_000);
        assert_eq!(confirm(&app, &file, &shown.digest).await.unwrap().new, 10_000);
        let file = file.replace("gold", "silver");
        let shown = preview(&app, file.clone()).await;
        assert_eq!(confirm(&app, &file, &shown.digest).await.unwrap().changed, 10_000);
        let again = preview(&app, file).await;
        assert_eq!(Counts::of(&again.rows).unchanged, 10_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_refused_in_words_and_nothing_is_written() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let before = app.rows().await;
    let many = "name\n".to_owned() + &"x\n".repeat(10_001);
    for (file, words) in [
        (vec![], "The file is empty"),
        (vec![b'a'; MAX_BYTES + 1], "larger than 10 MB"),
        (b"\x89PNG\r\n\x1a\n\0\0\0".to_vec(), "neither CSV nor an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "of an old format"),
        (b"PK\x03\x04nonsense".to_vec(), "The workbook can't be read"),
        (many.into_bytes(), "more than 10000 rows"),
    ] {
        for path in ["preview", "confirm?digest=x"] {
            let error = ask(&app, path, file.clone()).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::Invalid);
            assert!(error.message.contains(words) && error.message.ends_with('.'), "{error}");
        }
    }
    for path in ["preview?mapping=name,name", "preview?mapping=nonsense"] {
        let error = ask(&app, path, "name\nAcme\n").await.unwrap_err();
        assert!(error.code == ErrorCode::Invalid && error.message.contains("columns"), "{error}");
    }
    // Not yet: somebody has to say which column is the name.
    let shown = preview(&app, "Titel,x\nAcme,1\n").await;
    assert_eq!((shown.columns.len(), shown.columns[0].sample.as_str(), shown.rows.len()), (2, "Acme", 0));
    let said = ask(&app, "preview?mapping=name,", "Titel,x\nAcme,1\n").await.unwrap();
    let said: ImportPreview = serde_json::from_str(&said).unwrap();
    assert_eq!((said.rows[0].texts.name.as_str(), &said.rows[0].verdict), ("Acme", &Verdict::New));
    assert_eq!(app.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_is_a_file_that_adds_nothing() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let response = app.http.get(format!("{}/api/companies/import/template.csv", app.url)).send().await.unwrap();
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("companies.csv"));
    let shown = preview(&app, response.bytes().await.unwrap().to_vec()).await;
    assert!(shown.rows.is_empty() && shown.columns.iter().all(|column| column.field.is_some()));
}

/// What a file can take at most, in kB of address space: the program by itself takes a third of it.
const MEMORY: u32 = 1_500_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_made_to_bring_the_reader_down_is_read_or_refused() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let before = app.rows().await;
    let path = app.data.path().join("bomb");
    for (name, file, words) in bombs::all() {
        std::fs::write(&path, &file).unwrap();
        // Where it would take more, the program is ended by a signal.
        let begun = std::time::Instant::now();
        let limited = format!("ulimit -v {MEMORY}; exec \"$0\" companies import --dry-run \"$1\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_tenantry")])
            .arg(&path)
            .envs(app.environment.iter().cloned())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {:?}: {said}", output.status);
        assert!(said.contains(words), "{name}: {said}");
        assert!(begun.elapsed() < crate::harness::PATIENCE, "{name}: {:?}", begun.elapsed());
        if file.len() > MAX_BYTES {
            continue;
        }
        for path in ["preview", "confirm?digest=x"] {
            match ask(&app, path, file.clone()).await {
                Ok(preview) => {
                    assert!(path == "preview" && preview.len() < 30 * 1024 * 1024, "{name}: {}", preview.len());
                }
                Err(error) => {
                    assert!(matches!(error.code, ErrorCode::Invalid | ErrorCode::Conflict), "{name}: {error}");
                    assert!(
                        error.message.ends_with('.') && !error.message.contains("Save it as CSV, and try"),
                        "{name}: {error}"
                    );
                }
            }
        }
        assert_eq!(app.rows().await, before, "{name}");
    }
}

on_both_databases! {
    async fn wrong_rows_are_mended_beside_the_file(engine) {
        let app = Setup::on(engine).start().await;
        let file = "name,domain\nAcme,no domain\nBeta,beta.test\nBETA,\n";
        let shown = preview(&app, file).await;
        assert_eq!(Counts::of(&shown.rows), Counts { new: 1, wrong: 2, ..Counts::default() });
        let mends = [
            Mend { line: 2, field: Some(CompanyField::Domain), text: "acme.test".into() },
            Mend { line: 4, field: None, text: "yes".into() },
        ];
        let said = serde_json::to_string(&mends).unwrap();
        let both = format!("{file}{said}");
        let shown = ask(&app, &format!("preview?mended={}", said.len()), both.clone()).await.unwrap();
        let shown: ImportPreview = serde_json::from_str(&shown).unwrap();
        assert_eq!(Counts::of(&shown.rows), Counts { new: 2, ..Counts::default() });
        // What was confirmed is what was shown: the mended rows, and no others.
        let error = confirm(&app, file, &shown.digest).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Conflict);
        let path = format!("confirm?mended={}&digest={}", said.len(), shown.digest);
        let other = both.replace("acme.test", "acme.tess");
        assert_eq!(ask(&app, &path, other).await.unwrap_err().code, ErrorCode::Conflict);
        let done: Counts = serde_json::from_str(&ask(&app, &path, both.clone()).await.unwrap()).unwrap();
        assert_eq!(done.new, 2);
        assert_eq!(app.row("Acme").await.domain.as_deref(), Some("acme.test"));
        let again = ask(&app, &format!("preview?mended={}", said.len()), both).await.unwrap();
        let again: ImportPreview = serde_json::from_str(&again).unwrap();
        assert_eq!(Counts::of(&again.rows), Counts { unchanged: 2, ..Counts::default() });
        for wrong in ["preview?mended=9999999", "preview?mended=3"] {
            assert!(ask(&app, wrong, file).await.is_err(), "{wrong}");
        }
    }
}
