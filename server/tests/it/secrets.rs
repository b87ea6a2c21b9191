//! No token, secret, code or verifier in what a browser receives, in the log at `trace`, or in plain text in the
//! database.

use std::{fs::File, process::Stdio};

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::json;
use server::store::options_for;

use crate::{
    harness::{App, Engine, Setup, Tenant},
    on_both_databases,
    person::Person,
    restart::Program,
};

/// Everything in the database, as text and as bytes.
pub async fn database_content(app: &App, engine: Engine) -> Vec<u8> {
    if engine == Engine::Sqlite {
        let mut content = Vec::new();
        for entry in std::fs::read_dir(app.data.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("tenantry.db") {
                content.extend(std::fs::read(path).unwrap());
            }
        }
        return content;
    }
    let db = Database::connect(options_for(app.config().database_url.expose())).await.unwrap();
    let tables = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'";
    let mut content = Vec::new();
    for table in db.query_all_raw(Statement::from_string(DbBackend::Postgres, tables)).await.unwrap() {
        let table: String = table.try_get("", "name").unwrap();
        let rows = format!("SELECT t::text AS row FROM {table} t");
        for row in db.query_all_raw(Statement::from_string(DbBackend::Postgres, rows)).await.unwrap() {
            content.extend(row.try_get::<String>("", "row").unwrap().into_bytes());
        }
        // Bytes are shown as hexadecimal digits; a secret in them would be one in hexadecimal digits.
    }
    content
}

pub fn contains(content: &[u8], secret: &str) -> bool {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    [secret.as_bytes(), hex.as_bytes()].iter().any(|needle| content.windows(needle.len()).any(|w| w == *needle))
}

/// Connects, waits for the first sync, fails once, and keeps every body that our server sent.
async fn seen_by_a_browser(app: &App, tenant: &Tenant, other: &Tenant) -> Vec<u8> {
    let mut seen = Vec::new();
    let person = Person::new(app);
    let page = person.connect(app.company(&tenant.name).await, tenant.admin()).await;
    seen.extend(page.html.into_bytes());
    app.connected(&tenant.name).await;

    let stranger = Person::new(app);
    let callback = stranger.almost_connect(app.company(&other.name).await, other.admin()).await;
    seen.extend(Person::new(app).open(&callback).await.html.into_bytes());
    seen.extend(stranger.open(&callback).await.html.into_bytes());
    for path in ["/api/companies/list", "/api/companies/changes?since=0", "/", "/readyz"] {
        let response = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        seen.extend(format!("{:?}", response.headers()).into_bytes());
        seen.extend(response.bytes().await.unwrap());
    }
    seen
}

/// Connects with a link, leaves another live, and asks for one that there is not. Answers the tokens.
async fn used_link(app: &App, tenant: &Tenant, other: &Tenant) -> [String; 3] {
    let used = app.make_link(app.company(&tenant.name).await).await.url;
    let page = Person::stranger(app).connect_with(&used, tenant.admin()).await;
    assert_eq!(page.heading(), format!("{} is connected", tenant.name));
    let live = app.make_link(app.company(&other.name).await).await.url;
    assert_eq!(Person::stranger(app).open(&live).await.status, 200);
    let message = app.post("links/message", json!({ "company": app.company(&other.name).await })).await;
    assert!(message.text().await.unwrap().contains(&live));
    let unknown = server::sessions::Token::random().expose().to_owned();
    for path in [unknown.clone(), format!("{unknown}/")] {
        let answer = Person::stranger(app).open_only(format!("{}/c/{path}", app.url)).await;
        assert!(answer.status() == 404 || answer.status() == 303);
    }
    let token = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    [token(&used), token(&live), unknown]
}

on_both_databases! {
    async fn nothing_secret_gets_out(engine) {
        for access in ["application", "delegated"] {
            let mut app = Setup::on(engine).access(access).setting("TENANTRY_LOG", "trace").start().await;
            app.stop().await;
            let log_path = app.data.path().join("log");
            let program = Program::start(&app, Stdio::from(File::create(&log_path).unwrap())).await;
            let link = used_link(&app, &app.tenants[2], &app.tenants[3]).await;
            let seen = seen_by_a_browser(&app, &app.tenants[0], &app.tenants[1]).await;
            let database = database_content(&app, engine).await;
            program.kill();
            let log = std::fs::read(log_path).unwrap();
            assert!(contains(&log, "a company was connected"), "the log is the right one");
            assert!(contains(&log, "/c/{token}"), "it shows that links were opened");
            assert!(contains(&database, &app.tenants[0].name), "the database is the right one");

            let mut secrets = app.sandbox.issued_secrets();
            assert!(secrets.len() > 4, "codes and tokens were handed out");
            secrets.push(m365_sandbox::DEFAULT_CLIENT_SECRET.to_owned());
            secrets.push(app.session.expose().to_owned());
            let key = std::fs::read_to_string(app.data.path().join("secret.key")).unwrap();
            secrets.push(key.trim().to_owned());
            let content_of_links = [("the log", &log), ("the database", &database)];
            for (token, (name, content)) in link.iter().flat_map(|token| content_of_links.map(|place| (token, place))) {
                assert!(!contains(content, token), "{access}: {name} has the token of a link");
            }
            for (name, content) in [("the browser", &seen), ("the log", &log), ("the database", &database)] {
                for secret in &secrets {
                    assert!(!contains(content, secret), "{access}: {name} has {}…", &secret[..secret.len().min(24)]);
                }
            }
            assert!(!contains(&log, "code_verifier"), "not even the form that carries it");
        }
    }
}
