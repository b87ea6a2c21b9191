//! A disk that is full, a clock that jumps, a database or Microsoft that is away: the server says so, does what it can, and
//! goes on by itself.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use app::domain::{Role, Status};
use reqwest::{Client, Response, header::HeaderValue};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use server::{clock::Clock as _, sessions::Token};

use crate::{
    directory::Trouble,
    faults::{FULL, Faults, READ_ONLY},
    harness::{App, Engine, PATIENCE, Setup, signed_in, stranger},
    person::Person,
    postgres::{Cluster, programs},
    restart::Program,
};

const DAY: Duration = Duration::from_hours(24);

/// Waits until what is asked again and again is as wanted.
async fn until<T: std::fmt::Debug>(ask: impl AsyncFn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let mut last = None;
    let wait = async {
        loop {
            let now = ask().await;
            if wanted(&now) {
                return now;
            }
            last = Some(now);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, wait).await.ok();
    found.unwrap_or_else(|| panic!("it stayed at {last:?}"))
}

async fn readiness(app: &App) -> (u16, String) {
    let answer = stranger().get(format!("{}/readyz", app.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn add(app: &App, name: &str) -> Response {
    app.post("companies/add", json!({ "texts": { "name": name } })).await
}

/// How many companies say that they change later than now.
async fn changed_later(app: &App) -> usize {
    let db = app.database().await;
    let (sql, now) = ("SELECT id FROM company WHERE changed_at > $1", app.clock.now().as_millis());
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [now.into()]);
    let found = db.query_all_raw(statement).await.unwrap().len();
    db.close().await.unwrap();
    found
}

/// What a refusal says, which is JSON with a code.
async fn words(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let error: Value = answer.json().await.unwrap();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_is_said_and_what_is_there_is_shown() {
    let mut app = Setup::on(Engine::Sqlite).start().await;
    app.stop().await;
    let faults = Faults::new();
    let program = faults.start(&app).await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    app.connected(&tenant.name).await;
    app.idle(app.company(&tenant.name).await).await;
    for (number, (error, says)) in [(FULL, "disk is full"), (READ_ONLY, "disk fails")].into_iter().enumerate() {
        faults.writes_fail(error);
        let (status, code, message) = words(add(&app, "Too much").await).await;
        assert_eq!((status, code.as_str()), (503, "unavailable"));
        assert!(message.contains(says), "{message}");
        let ready = until(async || readiness(&app).await, |(_, text)| text.contains(says)).await;
        assert_eq!(ready.0, 200, "it can be read: {ready:?}");
        assert!(faults.log().contains(says), "{}", faults.log());
        // Reading goes on, and who wants to connect is told why not.
        assert_eq!(app.row(&tenant.name).await.figures.users, Some(tenant.users));
        let person = Person::new(&app);
        assert_eq!(person.open(format!("{}/", app.url)).await.status, 200);
        let page = person.start(app.company(&app.tenants[1].name).await).await;
        assert!(page.status == 503 && page.says(says), "{page:?}");

        faults.writes_fail(0);
        until(async || readiness(&app).await, |(_, text)| text == "ready").await;
        let added = add(&app, &format!("Enough {number}")).await;
        assert_eq!(added.status(), 200, "{added:?}");
        app.synced(&tenant).await;
    }
    assert!(app.rows().await.iter().all(|row| row.name != "Too much"));
    program.stop().await;

    // Nor does it start without a word.
    for error in [FULL, READ_ONLY] {
        faults.writes_fail(error);
        let refused = faults.command(&app).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("The database's disk"), "{said}");
        assert!(said.contains("then start again"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_a_day_ahead_keeps_nothing_waiting_for_a_day() {
    let mut app = Setup::on(Engine::Sqlite).start().await;
    app.stop().await;
    let faults = Faults::new();
    let program = faults.start(&app).await;
    let [read, begun, other] = [0, 1, 2].map(|number| app.tenants[number].clone());
    for tenant in [&read, &other] {
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
    }
    let before = app.row(&other.name).await.synced_at;

    faults.clock_ahead(DAY);
    app.clock.advance(DAY);
    // Everybody has been idle for a day.
    until(
        async || app.http.get(format!("{}/api/companies/list", app.url)).send().await.unwrap().status().as_u16(),
        |status| *status == 401,
    )
    .await;
    let owner = app.add_account("tomorrow@msp.test", Role::Owner, None).await;
    let session = Token::random();
    app.begin_session(&owner, &session).await;
    let yesterday = std::mem::replace(&mut app.http, signed_in(&session));
    for tenant in [&read, &other] {
        app.row_becomes(&tenant.name, |row| row.synced_at > before.map(|at| at.plus(DAY / 2))).await;
    }
    assert_eq!(add(&app, "Of tomorrow").await.status(), 200);
    let start = format!("{}/connect/start?company={}", app.url, app.company(&begun.name).await);
    let attempt = app.http.get(start).header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(attempt.status(), 302);
    app.idle(app.company(&read.name).await).await;
    // As if whoever read it had been killed.
    let company = app.company(&read.name).await;
    app.execute(
        "UPDATE connection SET lease_until = due_at, due_at = due_at - 86400000 WHERE company_id = $1",
        company,
    )
    .await;

    for tenant in [&read, &other] {
        app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 3 })).await;
    }

    faults.clock_ahead(Duration::ZERO);
    app.clock.put_back(DAY);
    app.http = yesterday;
    app.row_becomes(&begun.name, |row| row.status == Status::NotConnected).await;
    until(async || changed_later(&app).await, |companies| *companies == 0).await;
    // It was due tomorrow.
    app.row_becomes(&other.name, |row| row.figures.users == Some(other.users + 3)).await;
    app.sync_now(&read).await;
    app.row_becomes(&read.name, |row| row.figures.users == Some(read.users + 3)).await;
    app.connect(&begun).await;
    app.connected(&begun.name).await;
    assert!(faults.log().contains("clock was changed"), "{}", faults.log());
    assert_eq!(app.troubles(company).await, Vec::<Trouble>::new());
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_was_a_day_ahead_reads_again_when_it_is_right() {
    let app = Setup::on(Engine::Sqlite).setting("TENANTRY_SYNC_IN_SERVER", "false").start().await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    let faults = Faults::new();
    faults.clock_ahead(DAY);
    let worker = Program::run(faults.command(&app).arg("worker").stdout(Stdio::null()));
    app.connected(&tenant.name).await;
    app.row_becomes(&tenant.name, |row| row.synced_at > Some(app.clock.now().plus(DAY / 2))).await;
    app.idle(app.company(&tenant.name).await).await;
    app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 3 })).await;
    faults.clock_ahead(Duration::ZERO);
    app.row_becomes(&tenant.name, |row| row.figures.users == Some(tenant.users + 3)).await;
    worker.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_microsoft_is_away_what_was_read_is_shown_and_then_it_is_read_again() {
    let mut app = Setup::on(Engine::Sqlite).start().await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    let before = app.connected(&tenant.name).await.synced_at;
    let company = app.company(&tenant.name).await;
    app.idle(company).await;

    app.sandbox.go_away().await;
    app.sync_now(&tenant).await;
    // Some failures, each of which is waited for longer.
    for _ in 0..3 {
        until(async || app.is_due(company).await, |due| !due).await;
        app.clock.advance(Duration::from_mins(10));
    }
    let row = app.row(&tenant.name).await;
    assert_eq!((row.figures.users, row.synced_at), (Some(tenant.users), before));
    assert_eq!(readiness(&app).await, (200, "ready".to_owned()), "it is not ours to mend");

    app.sandbox.come_back().unwrap();
    app.clock.advance(Duration::from_hours(2));
    app.row_becomes(&tenant.name, |row| row.synced_at > before).await;
    app.idle(company).await;
    app.assert_in_step(&tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_is_said_and_work_goes_on_when_it_is_back() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let app = Setup::on(Engine::Postgres).setting("TENANTRY_DATABASE_URL", cluster.new_database().await).start().await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    app.connected(&tenant.name).await;
    app.idle(app.company(&tenant.name).await).await;
    let link = app.make_link(app.company(&app.tenants[1].name).await).await.url;
    let folder = cluster.data_folder().await;

    pg_ctl(&folder, "stop").await;
    until(async || readiness(&app).await.0, |status| *status == 503).await;
    let (status, code, message) = words(add(&app, "Nobody").await).await;
    assert_eq!((status, code.as_str()), (503, "unavailable"));
    assert!(message.contains("database does not answer"), "{message}");
    let page = Person::new(&app).open(format!("{}/", app.url)).await;
    assert!(page.status == 503 && page.says("database does not answer"), "{page:?}");
    // Clients are told nothing of ours.
    let answer = stranger().get(&link).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &HeaderValue::from_static("5")));
    let text = answer.text().await.unwrap();
    assert!(text.contains("load this page again") && !text.contains("atabase") && !text.contains("M365"), "{text}");
    let healthy = async |path: &str| Client::new().get(format!("{}{path}", app.url)).send().await.unwrap().status();
    assert_eq!(healthy("/healthz").await, 200);
    assert_eq!(healthy("/companies-1a2b.js").await, 200, "files need no database");
    let metrics = stranger().get(format!("{}/metrics", app.url)).send().await.unwrap().error_for_status().unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("tenantry_tokens_total{") && !metrics.contains("tenantry_connections"), "{metrics}");

    pg_ctl(&folder, "restart").await;
    until(async || readiness(&app).await.0, |status| *status == 200).await;
    assert_eq!(add(&app, "Somebody").await.status(), 200);
    app.synced(&tenant).await;
    app.assert_in_step(&tenant).await;
}

/// As the user whose database it is.
async fn pg_ctl(folder: &str, what: &str) {
    let script = r#"
        as=
        [ "$(id -u)" != 0 ] || as="setpriv --reuid=$(stat -c %u "$1") --regid=$(stat -c %g "$1") --clear-groups"
        cd "$1" && exec $as "$3" -D "$1" -l "$1/log.txt" -s -w -m fast "$2"
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", folder, what]).arg(programs().join("pg_ctl"));
    let done = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
    assert!(done.success(), "pg_ctl {what}");
}
