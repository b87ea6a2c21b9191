//! The programming interface as a program sees it: tokens, problems, how much it may ask, and how lists are walked.

use std::{collections::BTreeSet, time::Duration};

use app::domain::{ActivityFilter, ActivityKind, ActivityRow, Role, Scope};
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::{Value, json};
use server::clock::Clock as _;

use crate::{
    harness::{App, Engine, OWNER, Setup, stranger},
    on_both_databases,
};

/// A program with a token.
pub struct Program {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Program {
    /// With all scopes.
    pub async fn of(app: &App) -> Self {
        Self::with(app, "PSA", &Scope::ALL).await
    }

    pub async fn with(app: &App, name: &str, scopes: &[Scope]) -> Self {
        Self { http: stranger(), url: app.url.clone(), token: app.make_token(name, scopes).await }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1/{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        let status = answer.status();
        let json: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.ask(Method::POST, path).json(&body).send().await.unwrap()
    }

    pub async fn patch(&self, path: &str, body: Value) -> Response {
        self.ask(Method::PATCH, path).json(&body).send().await.unwrap()
    }

    pub async fn add_company(&self, name: &str) -> String {
        let answer = self.post("companies", json!({ "name": name })).await;
        assert_eq!(answer.status(), 201, "{name}");
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Walks a list to its end, and does something after each page. Answers what was on the pages.
    pub async fn walk(&self, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<Value> {
        let mut rows = Vec::new();
        let (mut next, mut pages) = (Some(path.to_owned()), 0);
        while let Some(path) = next {
            let answer = self.get(&path).await;
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let page: Value = answer.error_for_status().unwrap().json().await.unwrap();
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            let cursor = page["next_cursor"].as_str();
            assert_eq!(link.is_some(), cursor.is_some(), "{path}");
            next = link.map(|link| {
                let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
                assert!(target.contains(cursor.unwrap()), "{link}");
                target.strip_prefix("/api/v1/").unwrap().to_owned()
            });
            pages += 1;
            between(pages).await;
        }
        rows
    }
}

/// What went wrong, after it was seen to be told as a problem.
pub async fn problem(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["type"], format!("/api/v1/docs#{}", problem["code"].as_str().unwrap()), "{problem}");
    for text in ["title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    (status, problem)
}

async fn code(answer: Response) -> (u16, String) {
    let (status, problem) = problem(answer).await;
    (status, problem["code"].as_str().unwrap().to_owned())
}

/// What was done of this kind, the latest first.
pub async fn of_kind(app: &App, kind: ActivityKind) -> Vec<ActivityRow> {
    app.activity(ActivityFilter { kind: Some(kind), ..ActivityFilter::default() }).await
}

fn names(rows: &[Value], field: &str) -> Vec<String> {
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    /// Pages are kept, but never longer than companies are as they were, whichever server changed them.
    async fn a_page_is_as_companies_are_when_it_is_asked_for(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let beside = App::beside(&app, &[]).await;
        let other = Program { http: stranger(), url: beside.url.clone(), token: program.token.clone() };
        let id = program.add_company("Kept").await;
        let listed = async || {
            let page = program.read("companies?search=kept&limit=1").await;
            page["data"][0]["name"].as_str().map(str::to_owned)
        };
        for name in ["Kept A", "Kept B", "Kept C"] {
            other.patch(&format!("companies/{id}"), json!({ "name": name })).await.error_for_status().unwrap();
            for _ in 0..2 {
                assert_eq!(listed().await.as_deref(), Some(name));
            }
        }
        other.post(&format!("companies/{id}/archive"), json!({})).await.error_for_status().unwrap();
        assert_eq!(listed().await, None);
        let archived = program.read("companies?archived=true&search=kept").await;
        assert_eq!(names(archived["data"].as_array().unwrap(), "name"), ["Kept C"]);
        app.post("companies/delete", json!({ "company": id, "name": "Kept C" })).await.error_for_status().unwrap();
        assert_eq!(program.read("companies?archived=true&search=kept").await["data"], json!([]));
    }

    /// Nothing comes twice and nothing is missed that was there all the time, whatever happens between the pages.
    async fn a_list_is_walked_to_its_end_while_it_changes(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let mut lasting = BTreeSet::new();
        for number in 0..9 {
            lasting.insert(program.add_company(&format!("Lasting {number}")).await);
        }
        let doomed = program.add_company("Doomed").await;
        let mut added = 0;
        let rows = program.walk("companies?search=lasting&limit=2", async |page| {
            if page <= 5 {
                added += 1;
                program.add_company(&format!("Lasting, added later {page}")).await;
            }
            if page == 1 {
                program.post(&format!("companies/{doomed}/archive"), json!({})).await.error_for_status().unwrap();
            }
            if page <= 2 {
                let id = lasting.iter().nth(page * 3).unwrap();
                let change = json!({ "name": format!("AAA lasting {page}") });
                let renamed = program.patch(&format!("companies/{id}"), change).await;
                assert_eq!(renamed.status(), 200);
            }
        }).await;
        let ids = names(&rows, "id");
        let different: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
        assert!(different.is_superset(&lasting));
        assert_eq!(ids.len(), lasting.len() + added);
    }

    async fn each_list_is_walked_page_by_page(engine) {
        let app = Setup::on(engine).start().await;
        app.connect(&app.tenants[0]).await;
        app.connected(&app.tenants[0].name).await;
        let program = Program::of(&app).await;
        for tenant in &app.tenants[1..4] {
            app.make_link(app.company(&tenant.name).await).await;
        }
        for (path, field, limit) in [
            ("companies", "id", 1),
            ("connections", "company_id", 1),
            ("connections?status=not_connected", "company_id", 1),
            ("links", "id", 1),
            ("activity", "id", 1),
            ("users", "id", 25),
            ("domains", "name", 1),
        ] {
            let sign = if path.contains('?') { '&' } else { '?' };
            let whole = program.read(&format!("{path}{sign}limit=200")).await;
            let whole = names(whole["data"].as_array().unwrap(), field);
            assert!(whole.len() >= 2, "{path}: {whole:?}");
            let walked = program.walk(&format!("{path}{sign}limit={limit}"), async |_| {}).await;
            assert!(names(&walked, field).starts_with(&whole), "{path}");
        }
    }

    async fn who_used_which_token_when_is_known(engine) {
        let app = Setup::on(engine).start().await;
        app.clock.stop();
        let program = Program::with(&app, "PSA", &[Scope::CompaniesWrite]).await;
        let made = of_kind(&app, ActivityKind::ApiTokenMade).await;
        assert_eq!((made[0].actor.as_str(), made[0].text.as_str()), (OWNER, "PSA: companies:write"));
        let last_used = async || {
            let rows: Value =
                app.http.get(format!("{}/api/api-tokens/list", app.url)).send().await.unwrap().json().await.unwrap();
            rows[0]["last_used"].as_i64()
        };
        assert_eq!(last_used().await, None);
        program.add_company("Added by a program").await;
        // It is written beside the request, and at most once a minute.
        let used = becomes(&last_used, Option::is_some).await.unwrap();
        app.clock.advance(Duration::from_secs(59));
        program.add_company("Another").await;
        assert_eq!(last_used().await, Some(used));
        app.clock.advance(Duration::from_secs(1));
        program.add_company("A third").await;
        becomes(&last_used, |now| *now == Some(used + 60_000)).await;

        let added = of_kind(&app, ActivityKind::CompanyAdded).await;
        assert_eq!(added[0].actor, format!("{OWNER}, by the token PSA"));
        assert_eq!(added[0].company.as_ref().unwrap().1, "A third");
    }

    async fn how_much_a_token_may_ask_is_told_and_kept(engine) {
        let app = Setup::on(engine).setting("TENANTRY_API_REQUESTS", "3").start().await;
        app.clock.stop();
        let (program, other) = (Program::of(&app).await, Program::with(&app, "other", &[Scope::LinksRead]).await);
        for remaining in ["2", "1", "0"] {
            let answer = program.get("links").await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["ratelimit-limit"], "3");
            assert_eq!(answer.headers()["ratelimit-remaining"], remaining);
        }
        let refused = program.get("links").await;
        assert_eq!(refused.headers()["retry-after"], "20");
        assert_eq!(refused.headers()["ratelimit-reset"], "60");
        assert_eq!(code(refused).await, (429, "too_many_requests".to_owned()));
        // What is refused for another reason counts, and says how much is left too.
        let forbidden = other.get("companies").await;
        assert_eq!(forbidden.headers()["ratelimit-remaining"], "2");
        assert_eq!(code(forbidden).await, (403, "scope_missing".to_owned()));
        app.clock.advance(Duration::from_secs(20));
        assert_eq!(program.get("links").await.status(), 200);
        assert_eq!(program.get("links").await.status(), 429);
    }
}

async fn becomes<T: std::fmt::Debug>(read: &impl AsyncFn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let deadline = tokio::time::Instant::now() + crate::harness::PATIENCE;
    loop {
        let value = read().await;
        if wanted(&value) {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "it stayed at {value:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_in_one_form() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let program = Program::of(&app).await;
    let id = program.add_company("Contoso").await;
    let at = |method: Method, path: &str| program.ask(method, path);
    let json = "application/json";
    for (request, expected) in [
        (at(Method::GET, "nothing"), (404, "not_found")),
        (at(Method::GET, ""), (404, "not_found")),
        (at(Method::GET, "companies/"), (404, "not_found")),
        (at(Method::GET, "companies/7"), (404, "not_found")),
        (at(Method::GET, "companies/01890000-0000-7000-8000-000000000000"), (404, "not_found")),
        (at(Method::GET, "companies/01890000-0000-7000-8000-000000000000/connection"), (404, "not_found")),
        (at(Method::DELETE, "companies/01890000-0000-7000-8000-000000000000/link"), (404, "not_found")),
        (at(Method::DELETE, "companies"), (405, "method_not_allowed")),
        (at(Method::POST, "openapi.json"), (405, "method_not_allowed")),
        (at(Method::GET, "companies").header("accept", "text/html"), (406, "not_acceptable")),
        (at(Method::GET, "companies?limit=0"), (400, "bad_request")),
        (at(Method::GET, "companies?colour=red"), (400, "bad_request")),
        (at(Method::GET, "companies?cursor=nonsense"), (422, "invalid_cursor")),
        (at(Method::GET, "connections?status=happy"), (400, "bad_request")),
        (at(Method::GET, "connections?changed_since=yesterday"), (400, "bad_request")),
        (at(Method::GET, "users?company=7"), (400, "bad_request")),
        (at(Method::POST, "companies").body("{}"), (415, "unsupported_media_type")),
        (at(Method::POST, "companies").header("content-type", json).body("{"), (400, "bad_request")),
        (at(Method::POST, "companies").json(&json!({ "name": "A", "colour": "red" })), (400, "bad_request")),
        (at(Method::POST, "companies").json(&json!({ "name": 7 })), (400, "bad_request")),
        (at(Method::POST, "companies").json(&json!({ "name": " " })), (422, "invalid")),
        (at(Method::POST, "companies").header("content-type", json).body(" ".repeat(600_000)), (413, "body_too_large")),
        (at(Method::PATCH, &format!("companies/{id}")).json(&json!({ "name": null })), (400, "bad_request")),
        (at(Method::POST, &format!("companies/{id}/connection/sync")), (409, "conflict")),
        (at(Method::POST, "companies").header("idempotency-key", "two words").json(&json!({})), (400, "bad_request")),
    ] {
        let request = request.build().unwrap();
        let what = format!("{} {}", request.method(), request.url());
        let answer = program.http.execute(request).await.unwrap();
        if expected.0 == 405 {
            assert!(answer.headers()["allow"].to_str().unwrap().starts_with("GET, HEAD"), "{what}");
        }
        assert_eq!(code(answer).await, (expected.0, expected.1.to_owned()), "{what}");
    }
    let wrong = json!({ "name": "B", "domain": "no domain", "email": "x", "tags": ["a,b"] });
    let (_, told) = problem(program.post("companies", wrong).await).await;
    assert_eq!(
        told["errors"].as_array().unwrap().iter().map(|one| &one["field"]).collect::<Vec<_>>(),
        ["tags"],
        "{told}"
    );
    let (_, told) =
        problem(program.post("companies", json!({ "name": "B", "domain": "no domain", "email": "x" })).await).await;
    assert_eq!(names(told["errors"].as_array().unwrap(), "field"), ["domain", "email"], "{told}");
}

/// What is written shows once it can be seen, however long ago it was begun, and whatever was done meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_was_begun_before_and_is_committed_now() {
    let app = Setup::on(Engine::Postgres).start().await;
    let (program, db) = (Program::of(&app).await, app.database().await);
    let id = program.add_company("Slow").await;
    // Somebody who takes longer still: it is not always the oldest one that ends.
    let slowest = db.begin().await.unwrap();
    slowest.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
    let listed = async || {
        let page = program.read("companies?search=slow").await;
        page["data"][0]["name"].as_str().map(str::to_owned)
    };
    for (number, name) in ["Slow A", "Slow B"].into_iter().enumerate() {
        let (before, now) = (listed().await, app.clock.now().as_millis());
        let slow = db.begin().await.unwrap();
        let sql = format!(
            "UPDATE company SET name = '{name}', revision = revision + 1, changed_at = {now} WHERE id = '{id}'"
        );
        slow.execute_unprepared(&sql).await.unwrap();
        program.add_company(&format!("Quick {number}")).await;
        for _ in 0..5 {
            assert_eq!(listed().await, before);
        }
        slow.commit().await.unwrap();
        assert_eq!(listed().await.as_deref(), Some(name));
    }
    slowest.rollback().await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_tokens_has_to_wait_and_nobody_else_does() {
    let app = Setup::on(Engine::Sqlite).start().await;
    app.clock.stop();
    let program = Program::of(&app).await;
    let guess = async || {
        let request = program.http.get(format!("{}/api/v1/links", app.url));
        request.bearer_auth(format!("tny_{}", server::sessions::Token::random().expose())).send().await.unwrap()
    };
    let mut guesses = 0;
    let refused = loop {
        let answer = guess().await;
        if answer.status() != 401 {
            break answer;
        }
        guesses += 1;
        assert!(guesses < 100);
    };
    assert_eq!(guesses, 31);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(code(refused).await, (429, "too_many_requests".to_owned()));
    assert_eq!(program.get("links").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_and_cookies_change_nothing() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let program = Program::of(&app).await;
    // No browser adds a token by itself, so where a request comes from does not matter.
    for (name, value) in [("origin", "https://psa.example"), ("sec-fetch-site", "cross-site")] {
        let answer =
            program.ask(Method::POST, "companies").header(name, value).json(&json!({ "name": "A" })).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 201, "{name}");
        assert!(!answer.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
    }
    let preflight =
        program.ask(Method::OPTIONS, "companies").header("origin", "https://psa.example").send().await.unwrap();
    assert_eq!(preflight.status(), 405);
    // A cookie gives nothing, and takes nothing.
    let viewer = app.client_of("viewer@roles.test", Role::Viewer).await;
    let both = viewer.get(format!("{}/api/v1/companies", app.url)).bearer_auth(&program.token).send().await.unwrap();
    assert_eq!(both.status(), 200);
    assert!(!both.headers().contains_key("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_for_everybody() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let get = async |path: &str| stranger().get(format!("{}/api/v1/{path}", app.url)).send().await.unwrap();
    let document = get("openapi.json").await;
    assert_eq!(document.headers()["content-type"], "application/json");
    let document: Value = document.json().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = get("docs").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("Make a link"));
    assert_eq!(get("docs.css").await.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_with_a_name_a_purpose_and_an_end() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for (body, text) in [
        (json!({ "name": " ", "scopes": ["links:read"], "days": 90 }), "Name the program"),
        (json!({ "name": "A", "scopes": [], "days": 90 }), "Choose at least one"),
        (json!({ "name": "A", "scopes": ["links:read"], "days": 3650 }), "365 days"),
    ] {
        let answer = app.post("api-tokens/create", body).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains(text), "{text}");
    }
    let token = app.make_token("A", &[Scope::LinksRead]).await;
    let list = app.http.get(format!("{}/api/api-tokens/list", app.url)).send().await.unwrap().text().await.unwrap();
    assert!(list.contains("links:read") && !list.contains(&token), "{list}");
}
