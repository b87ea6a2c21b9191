//! The first owner, invitations, roles, sessions and passwords.

use std::{fs::File, process::Stdio, time::Duration};

use app::domain::{AccountId, AccountRow, AccountState, Me, Role};
use futures::future::join_all;
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use server::{
    sessions::Token,
    store::{accounts::TeamChange, activity::Actor},
};

use crate::{
    harness::{App, Engine, OWNER, PASSWORD, Setup, signed_in, stranger},
    on_both_databases,
    restart::Program,
    secrets::{contains, database_content},
};

const OTHER_PASSWORD: &str = "four unlike words here";

async fn call(app: &App, client: &Client, function: &str, body: Value) -> Response {
    client.post(format!("{}/api/{function}", app.url)).json(&body).send().await.unwrap()
}

async fn who_am_i(app: &App, client: &Client) -> Response {
    client.get(format!("{}/api/sessions/me", app.url)).send().await.unwrap()
}

/// As somebody who is there, other than a page that asks by itself.
async fn look_around(app: &App, client: &Client) -> Response {
    client.get(format!("{}/api/companies/list", app.url)).send().await.unwrap()
}

async fn said(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let error: Value = response.json().await.unwrap();
    (status, error["message"].as_str().unwrap_or_default().to_owned())
}

/// The session that a response begins.
fn session_of(response: &Response) -> Option<Token> {
    let cookie = response.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    Token::parse(cookie.strip_prefix("session=")?.split(';').next().unwrap())
}

async fn sign_in(app: &App, email: &str, password: &str) -> Response {
    let credentials = json!({ "credentials": { "email": email, "password": password } });
    call(app, &stranger(), "sessions/sign-in", credentials).await
}

async fn client_signed_in(app: &App, email: &str, password: &str) -> Client {
    signed_in(&session_of(&sign_in(app, email, password).await).expect("a session"))
}

fn new_account(token: &str, email: &str, password: &str) -> Value {
    json!({ "new": { "token": token, "email": email, "name": "Kim Miller", "password": password } })
}

async fn team(app: &App) -> Vec<AccountRow> {
    let answer = app.http.get(format!("{}/api/accounts/list", app.url)).send().await.unwrap();
    answer.error_for_status().unwrap().json().await.unwrap()
}

async fn id_of(app: &App, email: &str) -> AccountId {
    team(app).await.into_iter().find(|row| row.email == email).unwrap_or_else(|| panic!("{email} is there")).id
}

/// The token of a new invitation.
async fn invite(app: &App, email: &str, role: Role) -> String {
    let answer = app.post("accounts/invite", json!({ "email": email, "role": role })).await;
    let url: String = answer.error_for_status().unwrap().json().await.unwrap();
    url.strip_prefix(&format!("{}/join/", app.url)).expect("a link of ours").to_owned()
}

async fn program_and_setup_token(app: &App) -> (Program, Option<String>) {
    let path = app.data.path().join("stdout");
    let program = Program::start(app, Stdio::from(File::create(&path).unwrap())).await;
    let output = std::fs::read_to_string(path).unwrap();
    assert!(output.contains("serving"), "it has said everything: {output}");
    let token = output.split("/join/").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    (program, token)
}

on_both_databases! {
    async fn the_first_owner_is_made_by_a_link_that_the_server_prints(engine) {
        let mut app = Setup::on(engine).without_owner().start().await;
        app.stop().await;
        let (program, first) = program_and_setup_token(&app).await;
        program.kill();
        let (program, second) = program_and_setup_token(&app).await;
        let (first, second) = (first.expect("a link"), second.expect("a new one"));
        let client = stranger();
        let accept = |token: String, password| {
            let (app, client) = (&app, &client);
            async move { call(app, client, "sessions/accept-invitation", new_account(&token, "Boss@MSP.test", password)).await }
        };
        assert_eq!(accept(first, PASSWORD).await.status(), 404, "a new start kills the link before");

        let answer = call(&app, &client, "sessions/invitation", json!({ "token": second })).await;
        let invitation: Value = answer.error_for_status().unwrap().json().await.unwrap();
        assert_eq!((invitation["email"].as_str(), &invitation["role"]), (None, &json!("owner")));
        for weak in ["short", "password1234", "tenantry2026", "boss@msp.test"] {
            assert_eq!(accept(second.clone(), weak).await.status(), 422, "{weak}");
        }
        let made = accept(second.clone(), PASSWORD).await;
        assert_eq!(made.status(), 200);
        let session = signed_in(&session_of(&made).expect("a session"));
        let me: Me = who_am_i(&app, &session).await.json().await.unwrap();
        assert_eq!((me.email.as_str(), me.name.as_str(), me.role), ("boss@msp.test", "Kim Miller", Role::Owner));
        assert_eq!(accept(second, PASSWORD).await.status(), 409);
        program.kill();
        let (program, third) = program_and_setup_token(&app).await;
        assert_eq!(third, None, "there is an owner");
        program.kill();
    }

    async fn the_link_for_the_first_owner_is_good_for_an_hour_and_for_one(engine) {
        let app = Setup::on(engine).without_owner().start().await;
        let store = app.store().await;
        let token = Token::random();
        assert!(store.make_setup_link(token.hash()).await.unwrap());
        app.clock.advance(Duration::from_mins(61));
        let accept = |email: &'static str, token: &Token| {
            let body = new_account(token.expose(), email, PASSWORD);
            let app = &app;
            async move { call(app, &stranger(), "sessions/accept-invitation", body).await.status() }
        };
        assert_eq!(accept("a@msp.test", &token).await, 409);
        let token = Token::random();
        assert!(store.make_setup_link(token.hash()).await.unwrap());
        let both = tokio::join!(accept("a@msp.test", &token), accept("b@msp.test", &token));
        let made = [both.0, both.1].iter().filter(|status| **status == StatusCode::OK).count();
        assert_eq!(made, 1, "{both:?}");
        assert!(!store.make_setup_link(Token::random().hash()).await.unwrap());
    }

    async fn somebody_is_invited_and_joins(engine) {
        let app = Setup::on(engine).start().await;
        let first = invite(&app, "Kim@MSP.test", Role::Viewer).await;
        let token = invite(&app, "kim@msp.test", Role::Technician).await;
        let row = team(&app).await.into_iter().find(|row| row.email == "kim@msp.test").unwrap();
        assert!(matches!(row.state, AccountState::Invited { .. }) && row.role == Role::Technician, "{row:?}");

        let client = stranger();
        let (status, _) = said(call(&app, &client, "sessions/invitation", json!({ "token": first })).await).await;
        assert_eq!(status, 404, "a new link replaces the one before");
        // Who was invited is who joins, whatever they say.
        let made = call(&app, &client, "sessions/accept-invitation", new_account(&token, "boss@evil.test", PASSWORD)).await;
        let session = signed_in(&session_of(&made).expect("a session"));
        let me: Me = who_am_i(&app, &session).await.json().await.unwrap();
        assert_eq!((me.email.as_str(), me.role, me.id, me.has_password), ("kim@msp.test", Role::Technician, row.id, true));
        assert_eq!(team(&app).await.len(), 2);

        let (status, text) = said(call(&app, &client, "sessions/invitation", json!({ "token": token })).await).await;
        assert_eq!((status, text.as_str()), (409, "This link has already been used. Sign in instead."));
        let again = app.post("accounts/invite", json!({ "email": "kim@msp.test", "role": "owner" })).await;
        assert_eq!(said(again).await.0, 409);
        let wrong = app.post("accounts/invite", json!({ "email": "kim", "role": "owner" })).await;
        assert_eq!(said(wrong).await.0, 422);
    }

    async fn an_invitation_expires_changes_and_is_withdrawn(engine) {
        let app = Setup::on(engine).start().await;
        let token = invite(&app, "kim@msp.test", Role::Viewer).await;
        let id = id_of(&app, "kim@msp.test").await;
        let change = app.post("accounts/change-role", json!({ "account": id, "role": "settings" })).await;
        change.error_for_status().unwrap();
        let read = || call(&app, &app.http, "sessions/invitation", json!({ "token": token }));
        let invitation: Value = read().await.json().await.unwrap();
        assert_eq!(invitation["role"], "settings");

        app.clock.advance(Duration::from_hours(7 * 24));
        assert_eq!(said(read().await).await, (409, "This link has expired. Ask an owner for a new one.".into()));
        let rows = app.store().await.team().await.unwrap();
        assert!(rows.iter().any(|row| row.state == AccountState::InvitationExpired), "{rows:?}");
        let withdrawn = app.store().await.set_account_active(id, false, &Actor::somebody()).await.unwrap();
        assert_eq!(withdrawn, TeamChange::Done);
        assert_eq!(said(read().await).await.0, 404);
    }

    async fn a_role_counts_at_once_and_deactivating_ends_sessions(engine) {
        let app = Setup::on(engine).start().await;
        let kim = app.client_of("kim@msp.test", Role::Viewer).await;
        let id = id_of(&app, "kim@msp.test").await;
        let company = app.company(&app.tenants[0].name).await;
        let cancel = || call(&app, &kim, "attempts/cancel", json!({ "company": company }));
        let refusal = "Your role may not connect companies. Ask an owner for Settings access.";
        assert_eq!(said(cancel().await).await, (403, refusal.into()));
        let role = app.post("accounts/change-role", json!({ "account": id, "role": "settings" })).await;
        role.error_for_status().unwrap();
        assert_eq!(cancel().await.status(), 200);

        let set_active = async |active: bool| {
            let set = app.post("accounts/set-active", json!({ "account": id, "active": active })).await;
            set.error_for_status().unwrap();
        };
        set_active(false).await;
        assert_eq!(who_am_i(&app, &kim).await.status(), 401);
        set_active(true).await;
        assert_eq!(who_am_i(&app, &kim).await.status(), 401, "the session is over, not asleep");
        let nobody = json!({ "account": "01890000-0000-7000-8000-000000000000", "active": false });
        assert_eq!(said(app.post("accounts/set-active", nobody).await).await.0, 404);
    }

    async fn a_deactivated_account_is_told_so_by_its_password_only(engine) {
        let app = Setup::on(engine).start().await;
        let kim = app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        app.post("accounts/set-active", json!({ "account": kim.id, "active": false })).await.error_for_status().unwrap();
        assert_eq!(said(sign_in(&app, "kim@msp.test", "something else").await).await.0, 401);
        let (status, text) = said(sign_in(&app, "kim@msp.test", PASSWORD).await).await;
        assert_eq!((status, text.as_str()), (403, "Your account is deactivated. Ask an owner."));
    }

    async fn the_last_owner_stays(engine) {
        let app = Setup::on(engine).start().await;
        let owner = id_of(&app, OWNER).await;
        for (function, body) in [
            ("accounts/change-role", json!({ "account": owner, "role": "viewer" })),
            ("accounts/set-active", json!({ "account": owner, "active": false })),
        ] {
            let (status, text) = said(app.post(function, body).await).await;
            assert_eq!((status, text.as_str()), (409, "This is the last owner. Make somebody else an owner first."));
        }
    }

    async fn of_two_owners_who_demote_each_other_one_stays(engine) {
        let app = Setup::on(engine).start().await;
        let first = id_of(&app, OWNER).await;
        let second = app.add_account("second@msp.test", Role::Owner, None).await.id;
        let store = app.store().await;
        let by = Actor::somebody();
        for round in 0..10 {
            let changes = join_all([first, second].map(|id| {
                let (store, by) = (&store, &by);
                async move {
                    if round % 2 == 0 {
                        store.change_role(id, Role::Viewer, by).await.unwrap()
                    } else {
                        store.set_account_active(id, false, by).await.unwrap()
                    }
                }
            }))
            .await;
            assert_eq!(changes.iter().filter(|change| **change == TeamChange::Done).count(), 1, "{changes:?}");
            for id in [first, second] {
                store.change_role(id, Role::Owner, &by).await.unwrap();
                store.set_account_active(id, true, &by).await.unwrap();
            }
        }
    }

    async fn a_session_ends_with_sign_out(engine) {
        let app = Setup::on(engine).start().await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let one = client_signed_in(&app, " KIM@msp.test", PASSWORD).await;
        let other = client_signed_in(&app, "kim@msp.test", PASSWORD).await;
        let out = call(&app, &one, "sessions/sign-out", json!({})).await;
        assert_eq!(out.status(), 200);
        assert!(out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(who_am_i(&app, &one).await.status(), 401, "a stolen cookie dies too");
        assert_eq!(who_am_i(&app, &other).await.status(), 200);
    }

    async fn a_new_password_ends_the_other_sessions(engine) {
        let app = Setup::on(engine).start().await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let one = client_signed_in(&app, "kim@msp.test", PASSWORD).await;
        let other = client_signed_in(&app, "kim@msp.test", PASSWORD).await;
        let change = |current: &'static str, new: &'static str| {
            call(&app, &one, "sessions/change-password", json!({ "current": current, "new": new }))
        };
        assert_eq!(said(change("not the one", OTHER_PASSWORD).await).await.0, 422);
        assert_eq!(said(change(PASSWORD, "password1234").await).await.0, 422);
        assert_eq!(change(PASSWORD, OTHER_PASSWORD).await.status(), 200);
        assert_eq!((who_am_i(&app, &one).await.status(), who_am_i(&app, &other).await.status()), (StatusCode::OK, StatusCode::UNAUTHORIZED));
        assert_eq!(sign_in(&app, "kim@msp.test", PASSWORD).await.status(), 401);
        assert_eq!(sign_in(&app, "kim@msp.test", OTHER_PASSWORD).await.status(), 200);
    }

    async fn a_session_ends_by_itself(engine) {
        let app = Setup::on(engine).start().await;
        let account = app.add_account("kim@msp.test", Role::Viewer, None).await;
        let fresh = async || {
            let token = Token::random();
            app.begin_session(&account, &token).await;
            signed_in(&token)
        };
        let idle = fresh().await;
        let events = idle.get(format!("{}/api/events", app.url)).send().await.unwrap();
        app.clock.advance(Duration::from_hours(11));
        assert_eq!(look_around(&app, &idle).await.status(), 200);
        app.clock.advance(Duration::from_hours(11));
        assert_eq!(who_am_i(&app, &idle).await.status(), 200, "its use keeps it alive");
        app.clock.advance(Duration::from_hours(1));
        assert_eq!(who_am_i(&app, &idle).await.status(), 401);
        tokio::time::timeout(Duration::from_secs(20), events.bytes()).await.expect("its events end with it").unwrap();

        let old = fresh().await;
        for _ in 0..16 {
            app.clock.advance(Duration::from_hours(10));
            assert_eq!(look_around(&app, &old).await.status(), 200);
        }
        app.clock.advance(Duration::from_hours(8));
        assert_eq!(who_am_i(&app, &old).await.status(), 401, "seven days are enough");
    }

    async fn a_stolen_database_gives_no_session_and_no_password(engine) {
        let app = Setup::on(engine).start().await;
        let link = invite(&app, "new@msp.test", Role::Viewer).await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let session = session_of(&sign_in(&app, "kim@msp.test", PASSWORD).await).unwrap();
        let database = database_content(&app, engine).await;
        assert!(contains(&database, "kim@msp.test") && contains(&database, "$argon2id$v=19$m=19456,t=2,p=1$"));
        for secret in [PASSWORD, session.expose(), app.session.expose(), &link] {
            assert!(!contains(&database, secret), "{secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_one_is_led_to_sign_in_and_back() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let client = stranger();
    let get = async |path: &str| client.get(format!("{}{path}", app.url)).send().await.unwrap();
    for (path, location) in [
        ("/", "/login"),
        ("/companies/1?tab=users&x=a/b", "/login?next=%2Fcompanies%2F1%3Ftab%3Dusers%26x%3Da%2Fb"),
        ("//evil.test/x", "/login"),
        ("/connect/start?company=1", "/login?next=%2Fconnect%2Fstart%3Fcompany%3D1"),
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status(), 303, "{path}");
        assert_eq!(answer.headers()["location"], location, "{path}");
    }
    for path in ["/login", "/login?next=%2F", "/join/abc", "/companies-1a2b.js", "/pages-1a2b.js", "/healthz"] {
        assert_eq!(get(path).await.status(), 200, "{path}");
    }
    for path in ["/api/companies/list", "/api/events", "/api/no/such", "/api/activity.csv"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_https_the_cookie_is_bound_to_the_host() {
    let app = Setup::on(Engine::Sqlite).setting("TENANTRY_PUBLIC_URL", "https://tenantry.msp.test").without_owner();
    let app = app.start().await;
    app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
    let url = app.environment.iter().find(|(name, _)| name == "TENANTRY_LISTEN").map(|(_, listen)| listen).unwrap();
    let credentials = json!({ "credentials": { "email": "kim@msp.test", "password": PASSWORD } });
    let answer = stranger().post(format!("http://{url}/api/sessions/sign-in")).json(&credentials).send().await.unwrap();
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-session=") && cookie.contains("Secure") && cookie.contains("Path=/"),
        "{cookie}"
    );
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_added_on_the_command_line() {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    let app = Setup::on(Engine::Sqlite).start().await;
    let add = |email: &str, role: &str, password: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["accounts", "add", "--email", email, "--role", role, "--password-stdin"])
            .envs(app.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended before it read anything.
        drop(writeln!(child.stdin.take().unwrap(), "{password}"));
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    assert_eq!(
        add("Owner@demo.test", "owner", "tenantry-demo"),
        (Some(0), "owner@demo.test may sign in as Owner\n".into())
    );
    let (status, text) = add("owner@demo.test", "owner", "tenantry-demo");
    assert!(status == Some(1) && text.contains("owner@demo.test has an account already"), "{text}");
    assert_eq!(add("weak@demo.test", "viewer", "password1234").0, Some(1));
    assert_eq!(add("kim", "viewer", PASSWORD).0, Some(2));
    assert_eq!(add("kim@demo.test", "boss", PASSWORD).0, Some(2));
    assert_eq!(sign_in(&app, "owner@demo.test", "tenantry-demo").await.status(), 200);
}
