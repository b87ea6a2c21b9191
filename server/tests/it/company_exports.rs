//! The list of companies as a file.

use app::domain::{
    CompanyId, Role,
    company_import::{Counts, ImportPreview},
};
use reqwest::{Method, Response};
use serde_json::json;

use crate::{
    harness::{App, Engine, Setup, stranger},
    on_both_databases,
};

const HEADER: &str = "name,domain,external_id,contact,email,tags,note,status,reason,access,tenant,tenant_id,users,licences_used,\
                      licences_assignable,secure_score,last_sync";

async fn export(app: &App, kind: &str, chosen: Option<&[CompanyId]>) -> Response {
    let method = if chosen.is_some() { Method::POST } else { Method::GET };
    let request = app.http.request(method, format!("{}/api/companies.{kind}", app.url));
    let request = match chosen {
        Some(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            request.form(&[("companies", ids.join(","))])
        }
        None => request,
    };
    request.send().await.unwrap()
}

async fn file(app: &App, kind: &str, chosen: Option<&[CompanyId]>) -> Vec<u8> {
    let response = export(app, kind, chosen).await.error_for_status().unwrap();
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, format!("attachment; filename=\"companies.{kind}\""));
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.bytes().await.unwrap().to_vec()
}

async fn csv(app: &App, chosen: Option<&[CompanyId]>) -> Vec<csv::StringRecord> {
    let text = String::from_utf8(file(app, "csv", chosen).await).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("Excel takes it for UTF-8");
    assert!(text.starts_with(&format!("{HEADER}\n")), "{text}");
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

async fn preview(app: &App, file: Vec<u8>) -> ImportPreview {
    let response = app.http.post(format!("{}/api/companies/import/preview", app.url)).body(file).send().await.unwrap();
    response.error_for_status().unwrap().json().await.unwrap()
}

/// The document of the only sheet, and that of its texts.
fn documents(workbook: &[u8]) -> [String; 2] {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"]
        .map(|name| std::io::read_to_string(zip.by_name(name).unwrap()).unwrap())
}

on_both_databases! {
    async fn a_file_that_was_exported_changes_nothing_when_it_is_imported(engine) {
        let app = Setup::on(engine).start().await;
        let companies = [
            json!({ "name": "=1+1", "domain": "a.test", "external_id": "007", "contact": "@kim", "email": "kim@a.test",
                    "note": "=cmd|' /C calc'!A0\nsecond \"line\", with; all\tof it", "tags": "gold, -tag, é" }),
            json!({ "name": "'=quoted", "external_id": "'007", "note": "_x000D_ and _x005F_ and <b>&amp;" }),
            json!({ "name": "+41 44", "note": "x".repeat(2_000), "tags": "'" }),
            json!({ "name": "＝full width 😀 \u{ffff}", "contact": "'O'Neil" }),
            json!({ "name": "Twin", "external_id": "t1", "domain": "twin.test" }),
            json!({ "name": "Twin", "external_id": "t2", "domain": "twin.test" }),
        ];
        let count = companies.len();
        for texts in companies {
            app.post("companies/add", json!({ "texts": texts })).await.error_for_status().unwrap();
        }
        app.import("name\nGone\n").await;
        app.post("companies/archive", json!({ "company": app.company("Gone").await })).await.error_for_status().unwrap();
        let all = app.rows().await.len();
        for kind in ["csv", "xlsx"] {
            let shown = preview(&app, file(&app, kind, None).await).await;
            let counts = Counts::of(&shown.rows);
            // What XML can't hold is lost on the way through a workbook.
            let lost = usize::from(kind == "xlsx");
            let told: Vec<_> = shown.rows.iter().filter(|row| row.verdict != app::domain::company_import::Verdict::Unchanged).collect();
            assert_eq!((counts.unchanged, counts.new + counts.changed + counts.wrong), (all - lost, lost), "{kind}: {told:?}");
            let columns: Vec<_> = shown.columns.iter().filter(|column| column.field.is_some()).map(|c| c.header.as_str()).collect();
            assert_eq!(columns, ["name", "domain", "external_id", "contact", "email", "tags", "note"], "{kind}");
        }
        let records = csv(&app, None).await;
        assert_eq!(records.len(), all);
        assert!(records.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '@', '＝'])), "{records:?}");
        assert!(count < all && records.iter().all(|record| &record[0] != "Gone"));
    }

    async fn a_row_says_how_a_company_stands_in_the_words_of_the_page(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        app.connect(&tenant).await;
        let row = app.connected(&tenant.name).await;
        app.make_link(app.company(&app.tenants[1].name).await).await;
        let records = csv(&app, None).await;
        let of = |name: &str| records.iter().find(|record| &record[0] == name).unwrap();
        let connected: Vec<&str> = of(&tenant.name).iter().collect();
        let licences = row.figures.licences.unwrap();
        let score = row.figures.secure_score.unwrap().to_string();
        let (users, used, assignable) = (row.figures.users.unwrap(), licences.used, licences.assignable);
        assert_eq!(connected[7..10], ["Connected", "", "application"]);
        assert_eq!(connected[10..12], [row.tenant.as_deref().unwrap(), &tenant.id]);
        assert_eq!(connected[12..16], [users.to_string(), used.to_string(), assignable.to_string(), score.clone()]);
        assert!(connected[16].starts_with("20") && connected[16].ends_with('Z'), "{}", connected[16]);
        assert_eq!(&of(&app.tenants[1].name)[7], "Link sent");
        assert_eq!(of(&app.tenants[2].name).iter().skip(7).collect::<Vec<_>>(), ["Not connected", "", "", "", "", "", "", "", "", ""]);

        // In a workbook, numbers are numbers, and everything else is a text.
        let [sheet, strings] = documents(&file(&app, "xlsx", None).await);
        assert!(sheet.contains(&format!("<v>{users}</v>")) && !sheet.contains("<f>"), "{sheet}");
        assert!(strings.contains(&tenant.name) && strings.contains("Connected"), "{strings}");

        app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
        app.post("connections/sync", json!({ "company": row.id })).await.error_for_status().unwrap();
        app.row_becomes(&tenant.name, |row| row.status.word() == "Needs reconnect").await;
        let lost = csv(&app, Some(&[row.id])).await;
        assert!(lost[0][7].starts_with("Needs") && lost[0][8].contains("removed"), "{lost:?}");
    }

    async fn those_that_are_chosen_are_exported_by_name_and_no_others(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name\nbeta\nAlpha\nGamma\nGone\n").await;
        let mut ids = Vec::new();
        for name in ["Gamma", "Gone", "beta", "Alpha", "beta"] {
            ids.push(app.company(name).await);
        }
        app.post("companies/archive", json!({ "company": ids[1] })).await.error_for_status().unwrap();
        let names: Vec<String> = csv(&app, Some(&ids)).await.iter().map(|record| record[0].to_owned()).collect();
        assert_eq!(names, ["Alpha", "beta", "Gamma"]);
        let shown = preview(&app, file(&app, "xlsx", Some(&ids)).await).await;
        assert_eq!(shown.rows.iter().map(|row| row.texts.name.as_str()).collect::<Vec<_>>(), ["Alpha", "beta", "Gamma"]);
        assert_eq!(export(&app, "csv", Some(&ids[1..2])).await.status(), 404);
    }

    async fn notes_are_for_those_who_keep_companies(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,contact,note\nAlpha,Kim,Call the boss first\n").await;
        for (role, note) in [(Role::Viewer, ""), (Role::Technician, ""), (Role::Settings, "Call the boss first")] {
            let client = app.client_of(&format!("{}@roles.test", role.key()), role).await;
            let file = client.get(format!("{}/api/companies.csv", app.url)).send().await.unwrap();
            let text = file.error_for_status().unwrap().text().await.unwrap();
            let mut rows = csv::Reader::from_reader(text.as_bytes());
            let row = rows.records().map(Result::unwrap).find(|row| row[3] == *"Kim").unwrap();
            assert_eq!(&row[6], note, "{role:?}");
        }
    }

    async fn ten_thousand_companies_are_exported(engine) {
        let app = Setup::on(engine).start().await;
        let note = "note ".repeat(20);
        let rows = (0..10_000).map(|n| format!("Company {n},company{n}.test,x{n},{note}\n")).collect::<Vec<_>>().concat();
        app.import(&format!("name,domain,external_id,note\n{rows}")).await;
        let ids: Vec<CompanyId> =
            app.rows().await.into_iter().filter(|row| row.name.starts_with("Company ")).map(|row| row.id).collect();
        assert_eq!(csv(&app, Some(&ids)).await.len(), 10_000);
        let shown = preview(&app, file(&app, "xlsx", Some(&ids)).await).await;
        assert_eq!(Counts::of(&shown.rows).unchanged, 10_000);
        let one_more = [&ids[..], &ids[..1]].concat();
        assert_eq!(export(&app, "csv", Some(&one_more)).await.status(), 422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_or_without_sense_exports_nothing() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let company = app.company(&app.tenants[0].name).await.to_string();
    let url = format!("{}/api/companies.csv", app.url);
    let form = |companies: &str| app.http.post(&url).form(&[("companies", companies)]);
    assert_eq!(form(&company).send().await.unwrap().status(), 200);
    let elsewhere = form(&company).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(elsewhere.status(), 403);
    let request = stranger().post(&url).header("sec-fetch-site", "same-origin").form(&[("companies", &company)]);
    assert_eq!(request.send().await.unwrap().status(), 401);
    for (companies, status) in [("", 422), (",,", 422), ("nonsense", 400), ("1,2", 400)] {
        let response = form(companies).send().await.unwrap();
        assert_eq!(response.status(), status, "{companies}");
        let error: serde_json::Value = response.json().await.unwrap();
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{error}");
    }
    assert_eq!(app.http.post(&url).send().await.unwrap().status(), 400);
    let far_too_many = format!("{company},").repeat(20_000);
    assert_eq!(form(&far_too_many).send().await.unwrap().status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_company_there_is_a_header() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for row in app.rows().await {
        app.post("companies/archive", json!({ "company": row.id })).await.error_for_status().unwrap();
    }
    assert_eq!(csv(&app, None).await.len(), 0);
    let shown = preview(&app, file(&app, "xlsx", None).await).await;
    assert!(shown.rows.is_empty() && shown.columns.len() == 17);
}
