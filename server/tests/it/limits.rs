//! No route without a limit: how much is asked for, how large it is, how long it takes, and what is no request at all.

use std::{net::Ipv4Addr, time::Duration};

use app::domain::{Role, Scope};
use futures::{StreamExt as _, stream};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use server::sessions::Token;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    access::everything,
    harness::{App, Engine, PASSWORD, PATIENCE, Setup, make_token, signed_in, stranger},
};

/// What somebody at this address asks for.
async fn ask(app: &App, client: &Client, method: &Method, path: &str, address: &str) -> Response {
    let request = client.request(method.clone(), format!("{}{path}", app.url)).header("x-forwarded-for", address);
    let request = request.header("sec-fetch-site", "same-origin");
    let request = if *method == Method::POST { request.json(&json!({})) } else { request };
    request.send().await.unwrap()
}

/// It says to wait, for how long, and in the form of the place.
async fn assert_has_to_wait(answer: Response, path: &str) -> u64 {
    assert_eq!(answer.status(), 429, "{path}");
    let seconds = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    assert!(text.contains("Too many requests"), "{path}: {text}");
    let expected = match path {
        _ if path.starts_with("/api/v1/") => "application/problem+json",
        _ if path.starts_with("/api/") => "application/json",
        "/healthz" | "/readyz" | "/metrics" | "/connect/logo" => "text/plain; charset=utf-8",
        _ if path.rsplit('/').next().unwrap().contains('.') && path != "/index.html" => "text/plain; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    if path != "/index.html" {
        assert_eq!(kind, expected, "{path}");
    }
    if kind == "application/json" {
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["code"], "too_many_requests", "{path}");
    }
    seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_counted_by_address() {
    let app = Setup::on(Engine::Sqlite)
        .setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1")
        .setting("TENANTRY_ADDRESS_REQUESTS", "2")
        .start()
        .await;
    app.clock.stop();
    let client = stranger();
    let mut routes = everything();
    routes.extend(
        ["/companies-1a2b.js", "/no-such-file.js", "/api/nothing", "/api/v1/nothing"]
            .map(|path| (Method::GET, path.into())),
    );
    for (number, (method, path)) in routes.iter().enumerate() {
        let address = format!("203.0.{}.{}", number / 250, number % 250);
        let mut answers = 0;
        let last = loop {
            let answer = ask(&app, &client, method, path, &address).await;
            answers += 1;
            if answer.status() == 429 || answers > 3 {
                break answer;
            }
        };
        let wait = assert_has_to_wait(last, path).await;
        assert!((1..=900).contains(&wait), "{path}: {wait}");
    }
    // Each address for itself, and again after a while.
    let first = async || ask(&app, &client, &Method::GET, "/login", "203.0.0.0").await.status();
    assert_eq!(first().await, 429);
    app.clock.advance(Duration::from_mins(15));
    assert_eq!(first().await, 200);
    // A token that there is not is counted where it shows that there is not.
    let wrong = async || {
        let request = client.get(format!("{}/api/v1/companies", app.url)).bearer_auth("tny_no-such-token");
        request.header("x-forwarded-for", "198.51.100.1").send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(wrong().await.status(), 401);
    }
    assert_has_to_wait(wrong().await, "/api/v1/companies").await;
    // One that there is has a rate of its own.
    let token = make_token(&app.url, &app.http, "one", &[Scope::CompaniesRead]).await;
    for _ in 0..10 {
        let request = client.get(format!("{}/api/v1/companies", app.url)).bearer_auth(&token);
        assert_eq!(request.header("x-forwarded-for", "198.51.100.1").send().await.unwrap().status(), 200);
    }
    // Probes from nearby are answered always.
    for path in ["/healthz", "/readyz", "/metrics"] {
        for _ in 0..5 {
            assert_eq!(ask(&app, &client, &Method::GET, path, "10.0.0.1").await.status(), 200, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_for_people_is_counted_by_account_wherever_they_are() {
    let app = Setup::on(Engine::Sqlite)
        .setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1")
        .setting("TENANTRY_ACCOUNT_REQUESTS", "2")
        .start()
        .await;
    let owner = app.add_account("kim@msp.test", Role::Owner, None).await;
    let session = Token::random();
    app.begin_session(&owner, &session).await;
    app.clock.stop();
    let client = signed_in(&session);
    let public = |path: &str| {
        let access = server::http::caller::access(path);
        let is_of_programs = matches!(access, Some(server::http::caller::Access::Token(_)));
        is_of_programs || access == Some(server::http::caller::Access::Public)
    };
    for (number, (method, path)) in everything().iter().filter(|(_, path)| !public(path)).enumerate() {
        let mut answers = 0;
        let last = loop {
            let address = format!("198.51.100.{}", (number + answers) % 250);
            let answer = ask(&app, &client, method, path, &address).await;
            answers += 1;
            if answer.status() == 429 || answers > 3 || path == "/api/sessions/sign-out" {
                break answer;
            }
        };
        if path != "/api/sessions/sign-out" {
            assert_has_to_wait(last, path).await;
        }
        app.clock.advance(Duration::from_mins(15));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_with_thirty_technicians_whose_pages_poll_is_not_held_up() {
    let app = Setup::on(Engine::Sqlite).limited().start().await;
    app.clock.stop();
    let kim = app.add_account("kim@msp.test", Role::Technician, Some(PASSWORD)).await;
    let session = Token::random();
    app.begin_session(&kim, &session).await;
    let client = signed_in(&session);
    // Within one minute: one of them with ten open pages, each without its event stream, and some work.
    let polls =
        stream::iter(0..10 * 20 + 100).map(|_| ask(&app, &client, &Method::GET, "/api/companies/changes?since=0", ""));
    let statuses: Vec<_> = polls.buffer_unordered(16).map(|answer| answer.status()).collect().await;
    assert!(statuses.iter().all(|status| *status != 429), "{statuses:?}");
    // All thirty of them do the same.
    assert!(app.config().address_requests as usize >= 30 * statuses.len());
}

/// What the server says to these bytes until it closes: the status, and all of it. It is listened to while it is told.
async fn said_to(app: &App, bytes: Vec<u8>) -> (u16, String) {
    let port = reqwest::Url::parse(&app.url).unwrap().port().unwrap();
    let (mut ours, mut theirs) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap().into_split();
    let telling = tokio::spawn(async move {
        // It may close before all is written. It is not told that this is all.
        drop(theirs.write_all(&bytes).await);
        theirs
    });
    let mut answer = Vec::new();
    let heard = tokio::time::timeout(PATIENCE, async {
        let mut piece = [0; 4096];
        loop {
            match ours.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(read) => answer.extend_from_slice(&piece[..read]),
            }
            // An event stream goes on.
            if answer.windows(19).any(|text| text == b"text/event-stream\r\n") {
                break;
            }
        }
    });
    heard.await.expect("an answer, and its end");
    telling.abort();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, text)
}

/// The head of a request of an owner, who has a token too.
fn head(session: &Token, token: &str, method: &Method, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncookie: session={}\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\nsec-fetch-site: same-origin\r\n{more}\r\n",
        session.expose()
    )
}

async fn start() -> (App, Token, String) {
    let app = Setup::on(Engine::Sqlite).setting("TENANTRY_API_REQUESTS", "1000000").start().await;
    let token = app.make_token("all", &Scope::ALL).await;
    let session = Token::random();
    let owner = app.add_account("kim@msp.test", Role::Owner, None).await;
    app.begin_session(&owner, &session).await;
    (app, session, token)
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A problem says in its body what status it has.
fn assert_says_its_status(answer: &str, status: u16) {
    if answer.contains("content-type: application/problem+json") {
        let problem: Value = serde_json::from_str(body_of(answer)).unwrap();
        assert_eq!(problem["status"], status, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_everywhere() {
    let (app, session, token) = start().await;
    let functions: Vec<_> = server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    for (method, path) in everything() {
        // It says so, and sends nothing.
        let json = "content-type: application/json\r\n";
        let declared = head(&session, &token, &method, &path, &format!("{json}content-length: 99999999\r\n"));
        let (status, answer) = said_to(&app, declared.into_bytes()).await;
        assert_eq!(status, 413, "{method} {path}: {answer}");
        assert!(body_of(&answer).contains("larger") || body_of(&answer).contains("too_large"), "{path}: {answer}");

        // It does not say so, and does not end.
        let is_import = path.contains("/import/") && method == Method::POST;
        let mut endless =
            head(&session, &token, &method, &path, &format!("{json}transfer-encoding: chunked\r\n")).into_bytes();
        let piece = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        endless.extend(piece.repeat(if is_import { 11 * 16 + 17 } else { 9 }).into_bytes());
        let (status, answer) = said_to(&app, endless).await;
        if functions.contains(&path.as_str()) && method == Method::POST || is_import {
            assert_eq!(status, 413, "{method} {path}: {answer}");
        } else {
            assert!((200..500).contains(&status), "{method} {path}: {answer}");
        }
    }
    let neighbour = stranger().get(format!("{}/healthz", app.url)).send().await.unwrap();
    assert_eq!(neighbour.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_in_words_everywhere() {
    let (app, session, token) = start().await;
    for (method, path) in everything() {
        let with_body = |kind: &str, body: &[u8]| {
            let more = format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len());
            [head(&session, &token, &method, &path, &more).as_bytes(), body].concat()
        };
        let plain = |method: &str, path: &str, more: &str| {
            head(&session, &token, &Method::from_bytes(method.as_bytes()).unwrap(), path, more).into_bytes()
        };
        let takes_json = method == Method::POST
            && !path.starts_with("/c/")
            && !path.contains("/import/")
            && !path.contains("companies.")
            && !path.contains("/api/v1/");
        for (what, bytes) in
            [("JSON", &b"{\"a\":"[..]), ("UTF-8", b"{\"\xff\xfe\":1}"), ("depth", &b"[".repeat(100_000)[..])]
        {
            let (status, answer) = said_to(&app, with_body("application/json", bytes)).await;
            assert!((200..500).contains(&status), "{what} {method} {path}: {answer}");
            if takes_json {
                assert!((400..500).contains(&status), "{what} {method} {path}: {answer}");
                assert!(body_of(&answer).contains("message"), "{what} {method} {path}: {answer}");
            }
        }
        let (status, answer) = said_to(&app, with_body("text/xml", b"<a/>")).await;
        assert!((200..500).contains(&status) && (!takes_json || status == 415), "{method} {path}: {answer}");

        let flood = "x-many: y\r\n".repeat(300);
        let method = method.as_str();
        for (what, bytes, expected) in [
            ("percent", plain(method, &format!("{path}?a=%ff%zz&%=%&company=%00"), ""), 200..500),
            ("path", plain(method, &format!("{path}/%ff%zz%00"), ""), 200..500),
            ("method", plain("BREW", &path, ""), 400..500),
            ("trace", plain("TRACE", &path, ""), 400..500),
            ("long", plain(method, &format!("{path}?{}", "x".repeat(70_000)), ""), 400..500),
            ("flood", plain(method, &path, &flood), 400..500),
            ("lengths", plain(method, &path, "content-length: 1\r\ncontent-length: 2\r\n"), 400..500),
            ("both", plain(method, &path, "content-length: 4\r\ntransfer-encoding: gzip\r\n"), 400..500),
            ("elsewhere", plain(method, &format!("http://evil.test{path}"), ""), 421..422),
            ("absolute", plain(method, &format!("http://localhost{path}"), ""), 200..500),
        ] {
            let (status, answer) = said_to(&app, bytes).await;
            assert!(expected.contains(&status), "{what} {method} {path}: {answer}");
            // What can't be read at all is refused before it comes to us.
            let is_ours = answer.contains("x-request-id");
            if is_ours && status >= 400 && method != "HEAD" {
                assert_says_its_status(&answer, status);
                assert!(!body_of(&answer).is_empty(), "{what} {method} {path}: {answer}");
            }
        }
    }
    let neighbour = stranger().get(format!("{}/healthz", app.url)).send().await.unwrap();
    assert_eq!(neighbour.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let (app, session, token) = start().await;
    let begin = |path: &str| {
        let more = "content-type: application/json\r\ncontent-length: 100\r\n";
        format!("{}{{\"texts\":", head(&session, &token, &Method::POST, path, more)).into_bytes()
    };
    let paths = ["/api/companies/add", "/api/v1/companies", "/api/companies/import/preview", "/api/sessions/sign-in"];
    let waiting = paths.map(|path| said_to(&app, begin(path)));
    for ((status, answer), path) in futures::future::join_all(waiting).await.into_iter().zip(paths) {
        assert_eq!(status, 408, "{path}: {answer}");
        assert!(body_of(&answer).contains("did not arrive whole in time"), "{path}: {answer}");
        assert_says_its_status(&answer, status);
    }
}
