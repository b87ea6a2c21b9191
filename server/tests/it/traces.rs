//! What the program logs of a request, and what it sends to a collector.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
};

use app::domain::Scope;
use serde_json::{Value, json};

use crate::{
    harness::{App, Engine, PATIENCE, Setup, stranger},
    receiver::Receiver,
    restart::Program,
};

/// The program, and the lines that it logs.
async fn start(app: &App) -> (Program, Arc<Mutex<Vec<Value>>>) {
    let mut program = Program::start(app, Stdio::piped()).await;
    let (lines, output) = (Arc::new(Mutex::new(Vec::new())), program.output());
    let all = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Ok(line) = serde_json::from_str(&line) {
                all.lock().unwrap().push(line);
            }
        }
    });
    (program, lines)
}

async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_in_the_log_by_its_name_and_none_of_its_secrets_is_there() {
    let mut app = Setup::on(Engine::Sqlite).setting("TENANTRY_LOG", "debug,sqlx=off").start().await;
    let token = app.make_token("all", &Scope::ALL).await;
    let link = app.make_link(app.company(&app.tenants[0].name).await).await;
    app.stop().await;
    let (mut program, lines) = start(&app).await;
    let secret = link.url.rsplit('/').next().unwrap().to_owned();
    let mut names = Vec::new();
    for (url, route) in [
        (link.url.clone(), "/c/{token}"),
        (format!("{}/join/{secret}", app.url), "pages and files"),
        (format!("{}/connect/callback?code={secret}&state={secret}", app.url), "/connect/callback"),
        (format!("{}/api/v1/companies?cursor={secret}", app.url), "/api/v1/companies"),
    ] {
        let answer = stranger().get(url).bearer_auth(&token).send().await.unwrap();
        let (id, status) = (answer.headers()["x-request-id"].to_str().unwrap().to_owned(), answer.status().as_u16());
        names.push((id, route, status));
    }
    for (id, route, status) in names {
        let found = until("the line of the request", || {
            let lines = lines.lock().unwrap();
            lines
                .iter()
                .find(|line| line["message"] == "answered" && line["span"]["request_id"] == id.as_str())
                .cloned()
        });
        let said = found.await;
        let seen = json!([said["span"]["route"], said["status"], said["span"]["method"]]);
        assert_eq!(seen, json!([route, status, "GET"]), "{said}");
        assert!(said["took_ms"].is_u64(), "{said}");
    }
    program.terminate();
    let text = format!("{:?}", lines.lock().unwrap());
    assert!(!text.contains(&secret) && !text.contains(&token), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_sent_spans_of_requests_and_rounds() {
    let collector = Receiver::start().await;
    let mut app = Setup::on(Engine::Sqlite)
        .setting("TENANTRY_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port))
        .start()
        .await;
    app.stop().await;
    let (mut program, _) = start(&app).await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    app.connected(&tenant.name).await;
    let company = app.company(&tenant.name).await.to_string();
    // What is left is sent when it ends.
    program.terminate();
    let sent: Vec<u8> = collector.received().iter().flat_map(|sent| sent.body.clone().into_bytes()).collect();
    let has = |text: &str| sent.windows(text.len()).any(|window| window == text.as_bytes());
    for text in
        ["tenantry", "GET /connect/callback", "request_id", "/api/companies/list", "round", "job", company.as_str()]
    {
        assert!(has(text), "{text} is in what was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_delays_nobody() {
    let mut app = Setup::on(Engine::Sqlite).setting("TENANTRY_OTLP_ENDPOINT", "http://127.0.0.1:9").start().await;
    app.stop().await;
    let (mut program, lines) = start(&app).await;
    for _ in 0..50 {
        assert_eq!(app.rows().await.len(), app.tenants.len());
    }
    until("it says so", || {
        let lines = lines.lock().unwrap();
        lines
            .iter()
            .any(|line| line["message"].as_str().is_some_and(|text| text.contains("takes no traces")))
            .then_some(())
    })
    .await;
    program.terminate();
    let count = lines.lock().unwrap().iter().filter(|line| line.to_string().contains("takes no traces")).count();
    assert_eq!(count, 1, "once");
}
