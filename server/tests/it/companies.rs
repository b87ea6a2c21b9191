//! The list of companies, its import, and the events that keep it live.

use std::{
    process::{Command, Output},
    time::Duration,
};

use app::{
    api::companies::{CompanyChanges, CompanyList},
    domain::{Access, CompanyId, CompanyRow, Progress, Status},
};
use futures::StreamExt as _;
use serde_json::json;

use crate::{
    harness::{App, Engine, PATIENCE, Setup},
    on_both_databases,
    person::Person,
};

/// Runs the program.
pub fn tenantry(app: &App, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(arguments)
        .envs(app.environment.iter().cloned())
        .output()
        .expect("the program runs")
}

/// Imports a file with the program. Answers how it ended, and what it said.
pub fn import(app: &App, csv: &str) -> (Option<i32>, String) {
    let file = app.data.path().join("companies.csv");
    std::fs::write(&file, csv).unwrap();
    let output = tenantry(app, &["companies", "import", file.to_str().unwrap()]);
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(said).unwrap())
}

async fn changes(app: &App, since: i64) -> CompanyChanges {
    let url = format!("{}/api/companies/changes?since={since}", app.url);
    app.http.get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

/// The whole list, to who knows it by this name.
async fn folded(app: &App, known: Option<&str>) -> reqwest::Response {
    let request = app.http.get(format!("{}/api/companies/folded", app.url));
    let known = known.into_iter().fold(request, |request, etag| request.header("if-none-match", etag));
    known.send().await.unwrap().error_for_status().unwrap()
}

/// What the browser makes of it.
fn unfold(text: &str) -> CompanyList {
    fn fill(text: &str, row: usize, columns: &[Vec<&str>]) -> String {
        let fill = |c: char| if c < ' ' { fill(columns[c as usize][row], row, columns) } else { c.into() };
        text.chars().map(fill).collect()
    }
    let mut lines = text.split('\n').map(|line| line.split('\t').collect::<Vec<_>>());
    let (before, shapes) = (lines.next().unwrap()[0], lines.next().unwrap());
    let columns: Vec<_> = lines.collect();
    let shape = |place: &str| shapes[place.parse::<usize>().unwrap()];
    let rows = columns[0].iter().enumerate().map(|(row, place)| fill(shape(place), row, &columns));
    serde_json::from_str(&format!("{before}{}]}}", rows.collect::<Vec<_>>().join(","))).unwrap()
}

/// Listens to the event stream until a row is as wanted.
async fn heard(app: &App, url: &str, wanted: impl Fn(&CompanyRow) -> bool, then: impl Future<Output = ()>) {
    let response = app.http.get(format!("{url}/api/events")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let listen = async {
        let mut text = String::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.strip_prefix("event: company\ndata: ").map(serde_json::from_str::<CompanyRow>);
                if data.is_some_and(|row| wanted(&row.unwrap())) {
                    return;
                }
                text = rest.to_owned();
            }
        }
        panic!("the stream ended");
    };
    let both = async { tokio::join!(listen, then) };
    tokio::time::timeout(PATIENCE, both).await.expect("the event comes");
}

on_both_databases! {
    async fn an_import_adds_changes_and_repeats_itself_without_effect(engine) {
        let app = Setup::on(engine).start().await;
        let before = app.rows().await.len();
        let csv = "name,domain,external_id,contact\nAcme,acme.test,a1,Ann\nBeta,,b1,\nGamma,gamma.test,,\n";
        assert_eq!(import(&app, csv), (Some(0), "3 added, 0 changed, 0 unchanged\n".into()));
        assert_eq!(import(&app, csv), (Some(0), "0 added, 0 changed, 3 unchanged\n".into()));
        // Found again by external id, by domain, and by name.
        let csv = "name,domain,external_id\nAcme Ltd,acme.test,a1\nGamma Inc,gamma.test,\nBETA,beta.test,\n";
        assert_eq!(import(&app, csv), (Some(0), "0 added, 3 changed, 0 unchanged\n".into()));
        let names: Vec<_> = app.rows().await.into_iter().map(|row| row.name).collect();
        assert_eq!(names.len(), before + 3);
        for name in ["Acme Ltd", "Gamma Inc", "BETA"] {
            assert!(names.iter().any(|n| n == name), "{names:?}");
        }
    }

    async fn an_import_with_a_wrong_row_writes_nothing(engine) {
        let app = Setup::on(engine).start().await;
        let before = app.rows().await;
        let (status, text) = import(&app, "name,domain\nAcme,acme.test\nBeta,not a domain\n");
        assert_eq!(status, Some(1));
        assert!(text.contains("line 3: “not a domain” is not a domain name"), "{text}");
        assert_eq!(app.rows().await, before);
    }

    async fn ten_thousand_companies_are_imported_and_listed(engine) {
        let app = Setup::on(engine).start().await;
        let rows: String = (0..10_000).map(|n| ["Company ", &n.to_string(), ",company", &n.to_string(), ".test\n"].concat()).collect();
        let (status, text) = import(&app, &format!("name,domain\n{rows}"));
        assert_eq!((status, text.as_str()), (Some(0), "10000 added, 0 changed, 0 unchanged\n"));
        assert_eq!(app.rows().await.len(), 10_000 + app.tenants.len());
    }

    async fn a_row_holds_what_it_is_found_by_and_a_tenants_id_is_asked_for(engine) {
        let app = Setup::on(engine).start().await;
        let (tenant, other) = (&app.tenants[0], &app.tenants[1]);
        let known = app.row(&tenant.name).await.external_id.unwrap_or_else(|| "A-17".to_owned());
        let (name, domain) = (&tenant.name, &tenant.domain);
        let line = format!("\"{name}\",{domain},{known},Kim King,kim@{domain},\"VIP, north\"\n");
        let (status, said) = import(&app, &("name,domain,external_id,contact,email,tags\n".to_owned() + &line));
        assert_eq!((status, said.as_str()), (Some(0), "0 added, 1 changed, 0 unchanged\n"));
        let row = app.row(name).await;
        assert_eq!(row.external_id, Some(known));
        assert_eq!((row.contact.as_deref(), row.email.clone()), (Some("Kim King"), Some(format!("kim@{domain}"))));
        let mut tags: Vec<_> = row.tags().collect();
        tags.sort_unstable();
        assert_eq!((tags, row.access), (vec!["VIP", "north"], None));
        app.connect(tenant).await;
        app.connect(other).await;
        assert_eq!(app.connected(&tenant.name).await.access, Some(Access::Application));

        let found = async |beginning: &str| {
            let answer = app.post("companies/of-tenant", json!({ "beginning": beginning })).await;
            answer.error_for_status().unwrap().json::<Vec<CompanyId>>().await.unwrap()
        };
        for beginning in [&*tenant.id, &tenant.id[..8], &tenant.id[..20]] {
            assert_eq!(found(beginning).await, [row.id], "{beginning}");
        }
        assert_eq!(found("00000000").await, []);
        let words = app.post("companies/of-tenant", json!({ "beginning": "contoso" })).await;
        assert_eq!(words.status(), 422);
    }

    async fn changes_are_told_from_a_cursor_on(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        // The import lies back further than a cursor does.
        app.clock.advance(Duration::from_mins(2));
        let start = changes(&app, i64::MAX).await;
        assert_eq!(start.rows, []);
        assert_eq!(changes(&app, start.cursor).await.rows, []);
        Person::new(&app).start(company).await;
        let changed = changes(&app, start.cursor).await;
        assert_eq!(changed.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [company]);
        assert!(matches!(changed.rows[0].status, Status::SigningIn { .. }));
    }

    async fn every_change_of_a_row_is_an_event(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let signing_in = |row: &CompanyRow| row.id == company && matches!(row.status, Status::SigningIn { .. });
        heard(&app, &app.url, signing_in, async { drop(Person::new(&app).start(company).await) }).await;
        let back = |row: &CompanyRow| row.id == company && row.status == Status::NotConnected;
        heard(&app, &app.url, back, app.cancel(company)).await;
        let done = |row: &CompanyRow| row.id == company && row.figures.users == Some(tenant.users);
        heard(&app, &app.url, done, app.connect(tenant)).await;
    }

    async fn what_another_process_changes_is_an_event_too(engine) {
        let app = Setup::on(engine).start().await;
        let imported = |row: &CompanyRow| row.name == "From elsewhere";
        heard(&app, &app.url, imported, async { assert_eq!(import(&app, "name\nFrom elsewhere\n").0, Some(0)) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_server_is_an_event_at_another() {
    let app = Setup::on(Engine::Postgres).start().await;
    let other = App::beside(&app, &[]).await;
    let tenant = &app.tenants[0];
    let done = |row: &CompanyRow| row.name == tenant.name && row.status == Status::Connected;
    heard(&app, &other.url, done, app.connect(tenant)).await;
    // Each company is read once, whoever does it.
    app.connected(&tenant.name).await;
    assert_eq!(app.times_asked("/v1.0/subscribedSkus").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_make_no_sense_are_refused_in_words() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let company = app.company(&app.tenants[0].name).await;
    for (function, body, status, code) in [
        ("connections/sync", json!({ "company": company }), 409, "conflict"),
        ("attempts/cancel", json!({ "company": "01890000-0000-7000-8000-000000000000" }), 404, "not_found"),
        ("attempts/cancel", json!({ "company": "nonsense" }), 400, "bad_request"),
        ("attempts/cancel", json!({}), 400, "bad_request"),
        ("no/such/function", json!({}), 404, "not_found"),
    ] {
        let response = app.post(function, body).await;
        assert_eq!(response.status(), status, "{function}");
        let error: serde_json::Value = response.json().await.unwrap();
        assert_eq!(error["code"], code, "{function}");
        assert!(error["message"].as_str().is_some_and(|message| message.ends_with('.')), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_what_is_wrong_with_its_settings_and_files() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let output = Command::new(env!("CARGO_BIN_EXE_tenantry")).env("TENANTRY_LISTEM", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("TENANTRY_LISTEM") && text.lines().count() == 1, "{text}");

    let output = tenantry(&app, &["companies", "import", "/no/such/file.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(tenantry(&app, &["dance"]).status.code(), Some(2));
    assert_eq!(tenantry(&app, &["--help"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_whether_a_tenant_can_be_connected() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let said = |output: Output| (output.status.code(), String::from_utf8(output.stdout).unwrap());
    let (status, text) = said(tenantry(&app, &["check"]));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("/connect/callback"), "{text}");

    app.connect(&app.tenants[0]).await;
    app.connected(&app.tenants[0].name).await;
    let (status, text) = said(tenantry(&app, &["check"]));
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("FAILED"), "{text}");

    app.control("expire-client-secret", json!({ "expired": true })).await;
    let (status, text) = said(tenantry(&app, &["check", "--tenant", &app.tenants[0].domain]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("FAILED"), "{text}");
}

on_both_databases! {
    async fn the_first_companies_come_with_how_many_there_are(engine) {
        let app = Setup::on(engine).start().await;
        let first = async || {
            let response = app.http.get(format!("{}/api/companies/first", app.url)).send().await.unwrap();
            response.error_for_status().unwrap().json::<CompanyList>().await.unwrap()
        };
        let few = first().await;
        assert_eq!((few.rows.len(), few.part_of), (app.tenants.len(), None), "that is all of them");

        let names: Vec<_> = (0..100).map(|number| format!("company {number:03}")).collect();
        app.import(&format!("name\nAardvark\n{}\n", names.join("\n"))).await;
        app.connect(&app.tenants[0]).await;
        app.connected(&app.tenants[0].name).await;
        let many = first().await;
        assert_eq!(many.part_of, Some(Progress { connected: 1, total: app.tenants.len() + 101 }));
        assert_eq!((many.rows.len(), many.rows[0].name.as_str()), (40, "Aardvark"));
        let mut all: Vec<_> = app.rows().await.into_iter().map(|row| row.name).collect();
        all.sort_by_key(|name| name.to_lowercase());
        assert_eq!(many.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>(), all[..40]);
    }
}

on_both_databases! {
    /// Which server changed something does not matter: the database is asked each time.
    async fn the_whole_list_is_sent_again_only_when_something_changed(engine) {
        let app = Setup::on(engine).start().await;
        let other = App::beside(&app, &[]).await;
        let change = async |function: &str, body: serde_json::Value| {
            let response = app.http.post(format!("{}/api/companies/{function}", other.url)).json(&body).send().await;
            response.unwrap().error_for_status().unwrap();
        };
        let mut known: Option<String> = None;
        let mut seen = async |what: &str| {
            let answer = folded(&app, known.as_deref()).await;
            assert_eq!(answer.status(), 200, "{what}");
            assert_eq!(answer.headers()["cache-control"], "private, no-cache");
            assert_eq!(answer.headers()["vary"], "accept-encoding, cookie");
            let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
            let mut list = unfold(&answer.text().await.unwrap());
            list.rows.sort_by_key(|row| row.id);
            let mut rows = app.rows().await;
            rows.sort_by_key(|row| row.id);
            assert_eq!(list.rows, rows, "{what}");
            let again = folded(&app, Some(&etag)).await;
            assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, &*etag), "{what}");
            known = Some(etag);
        };
        seen("at first").await;
        let row = app.row(&app.tenants[0].name).await;
        let texts = json!({ "name": row.name, "domain": row.domain, "external_id": "", "contact": "", "email": "", "note": "", "tags": "" });
        let mut renamed = texts.clone();
        renamed["name"] = "Renamed \"Company\"".into();
        renamed["tags"] = "a, b".into();
        let card = app.post("companies/card", json!({ "company": row.id })).await;
        let card: serde_json::Value = card.error_for_status().unwrap().json().await.unwrap();
        change("edit", json!({ "company": row.id, "before": card["texts"], "texts": renamed })).await;
        seen("renamed").await;
        change("archive", json!({ "company": row.id })).await;
        seen("archived").await;
        change("restore", json!({ "company": row.id })).await;
        seen("restored").await;
        app.connect(&app.tenants[1]).await;
        app.connected(&app.tenants[1].name).await;
        app.idle(app.company(&app.tenants[1].name).await).await;
        seen("connected").await;
    }
}

#[tokio::test]
async fn the_whole_list_is_compressed_for_browsers() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let plain = folded(&app, None).await.text().await.unwrap();
    let url = format!("{}/api/companies/folded", app.url);
    let compressed = app.http.get(url).header("accept-encoding", "gzip, deflate, br").send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "br");
    let mut text = Vec::new();
    brotli::BrotliDecompress(&mut &*compressed.bytes().await.unwrap(), &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), plain);
}
