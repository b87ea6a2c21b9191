//! Who may ask for what: every route and every server function, with every role and with none.

use std::collections::BTreeSet;

use app::domain::{Right, Role, Scope};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{App, Engine, Setup, stranger},
    on_both_databases,
};

/// The least that one has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    Nobody,
    SignedIn,
    With(Right),
}

use Least::{Nobody, SignedIn, With};

/// Written down once more, so that a slip in the server's own table shows.
const EXPECTED: &[(&str, Least)] = &[
    ("/connect/start", With(Right::Connect)),
    ("/connect/staff", Nobody),
    ("/connect/callback", Nobody),
    ("/connect/page.css", Nobody),
    ("/connect/page.js", Nobody),
    ("/connect/logo", Nobody),
    ("/c/{token}", Nobody),
    ("/healthz", Nobody),
    ("/readyz", Nobody),
    ("/metrics", Nobody),
    ("/api/events", With(Right::See)),
    ("/api/activity.csv", With(Right::ManageAccounts)),
    ("/api/companies/list", With(Right::See)),
    ("/api/companies/folded", With(Right::See)),
    ("/api/companies/first", With(Right::See)),
    ("/api/companies/changes", With(Right::See)),
    ("/api/companies/of-tenant", With(Right::See)),
    ("/api/companies/show", With(Right::See)),
    ("/api/companies/card", With(Right::ManageCompanies)),
    ("/api/companies/add", With(Right::ManageCompanies)),
    ("/api/companies/edit", With(Right::ManageCompanies)),
    ("/api/companies/archive", With(Right::ManageCompanies)),
    ("/api/companies/restore", With(Right::ManageCompanies)),
    ("/api/companies/accept-oddity", With(Right::ManageCompanies)),
    ("/api/companies/archived", With(Right::ManageCompanies)),
    ("/api/companies/delete", With(Right::DeleteCompanies)),
    ("/api/companies/selected/tags", With(Right::ManageCompanies)),
    ("/api/companies/selected/retag", With(Right::ManageCompanies)),
    ("/api/companies/selected/farewell", With(Right::ManageCompanies)),
    ("/api/companies/selected/archive", With(Right::ManageCompanies)),
    ("/api/companies/import/preview", With(Right::ManageCompanies)),
    ("/api/companies/import/confirm", With(Right::ManageCompanies)),
    ("/api/companies/import/template.csv", With(Right::ManageCompanies)),
    ("/api/companies.csv", With(Right::See)),
    ("/api/companies.xlsx", With(Right::See)),
    ("/api/users/list", With(Right::See)),
    ("/api/users.csv", With(Right::See)),
    ("/api/licences/list", With(Right::See)),
    ("/api/licences.csv", With(Right::See)),
    ("/api/domains/list", With(Right::See)),
    ("/api/domains.csv", With(Right::See)),
    ("/api/secure-score/list", With(Right::See)),
    ("/api/secure-score/show", With(Right::See)),
    ("/api/secure-score.csv", With(Right::See)),
    ("/api/connections/sync", With(Right::SyncNow)),
    ("/api/connections/sync-many", With(Right::SyncNow)),
    ("/api/connections/sync-all", With(Right::SyncNow)),
    ("/api/connections/disconnection", With(Right::Connect)),
    ("/api/connections/disconnect", With(Right::Connect)),
    ("/api/connections/check-gone", With(Right::Connect)),
    ("/api/attempts/cancel", With(Right::Connect)),
    ("/api/links/create", With(Right::SendLinks)),
    ("/api/links/withdraw", With(Right::SendLinks)),
    ("/api/links/list", With(Right::SendLinks)),
    ("/api/links/message", With(Right::SendLinks)),
    ("/api/campaigns/recipients", With(Right::SendLinks)),
    ("/api/campaigns/make", With(Right::SendLinks)),
    ("/api/campaigns/list", With(Right::SendLinks)),
    ("/api/campaigns/show", With(Right::SendLinks)),
    ("/api/campaigns/preview", With(Right::SendLinks)),
    ("/api/campaigns/send", With(Right::SendLinks)),
    ("/api/campaigns/mark-sent", With(Right::SendLinks)),
    ("/api/campaigns/renew", With(Right::SendLinks)),
    ("/api/activity/list", With(Right::See)),
    ("/api/accounts/list", With(Right::ManageAccounts)),
    ("/api/accounts/invite", With(Right::ManageAccounts)),
    ("/api/accounts/change-role", With(Right::ManageAccounts)),
    ("/api/accounts/set-active", With(Right::ManageAccounts)),
    ("/api/notifications/show", With(Right::ManageAccounts)),
    ("/api/webhooks/create", With(Right::ManageAccounts)),
    ("/api/webhooks/change", With(Right::ManageAccounts)),
    ("/api/webhooks/set-active", With(Right::ManageAccounts)),
    ("/api/webhooks/delete", With(Right::ManageAccounts)),
    ("/api/webhooks/replace-secret", With(Right::ManageAccounts)),
    ("/api/webhooks/test", With(Right::ManageAccounts)),
    ("/api/webhooks/deliveries", With(Right::ManageAccounts)),
    ("/api/webhooks/retry", With(Right::ManageAccounts)),
    ("/api/mail/save", With(Right::ManageAccounts)),
    ("/api/mail/test", With(Right::ManageAccounts)),
    ("/api/sessions/options", Nobody),
    ("/api/sessions/sign-in", Nobody),
    ("/api/sessions/invitation", Nobody),
    ("/api/sessions/accept-invitation", Nobody),
    ("/api/sessions/me", SignedIn),
    ("/api/sessions/change-password", SignedIn),
    ("/api/api-tokens/list", With(Right::ManageAccounts)),
    ("/api/api-tokens/create", With(Right::ManageAccounts)),
    ("/api/api-tokens/revoke", With(Right::ManageAccounts)),
    ("/api/v1/openapi.json", Nobody),
    ("/api/v1/docs", Nobody),
    ("/api/v1/docs.css", Nobody),
    // The last one: it works.
    ("/api/sessions/sign-out", SignedIn),
];

/// What programs with a token may ask for, by the scope that each takes.
const PROGRAMS: &[(&str, &str, Scope)] = &[
    ("GET", "/api/v1/companies", Scope::CompaniesRead),
    ("POST", "/api/v1/companies", Scope::CompaniesWrite),
    ("GET", "/api/v1/companies/{company}", Scope::CompaniesRead),
    ("PATCH", "/api/v1/companies/{company}", Scope::CompaniesWrite),
    ("POST", "/api/v1/companies/{company}/archive", Scope::CompaniesWrite),
    ("POST", "/api/v1/companies/{company}/restore", Scope::CompaniesWrite),
    ("GET", "/api/v1/companies/{company}/connection", Scope::ConnectionsRead),
    ("POST", "/api/v1/companies/{company}/connection/sync", Scope::ConnectionsSync),
    ("POST", "/api/v1/companies/{company}/link", Scope::LinksWrite),
    ("DELETE", "/api/v1/companies/{company}/link", Scope::LinksWrite),
    ("GET", "/api/v1/companies/{company}/secure-score", Scope::DataRead),
    ("GET", "/api/v1/connections", Scope::ConnectionsRead),
    ("GET", "/api/v1/links", Scope::LinksRead),
    ("GET", "/api/v1/activity", Scope::ActivityRead),
    ("GET", "/api/v1/users", Scope::DataRead),
    ("GET", "/api/v1/licences", Scope::DataRead),
    ("GET", "/api/v1/domains", Scope::DataRead),
    ("GET", "/api/v1/secure-scores", Scope::DataRead),
];

const PAGES: &[(&str, Least)] = &[
    ("/login", Nobody),
    ("/join/some-token", Nobody),
    ("/", SignedIn),
    ("/index.html", SignedIn),
    ("/account", SignedIn),
    ("/no/such/page", SignedIn),
    ("/companies/01890000-0000-7000-8000-000000000000", With(Right::See)),
    ("/companies/01890000-0000-7000-8000-000000000000/users", With(Right::See)),
    ("/companies/01890000-0000-7000-8000-000000000000/disconnect", With(Right::Connect)),
    ("/microsoft-365/users", With(Right::See)),
    ("/settings/links/new", With(Right::SendLinks)),
    ("/settings/campaigns", With(Right::SendLinks)),
    ("/settings/campaigns/01890000-0000-7000-8000-000000000000", With(Right::SendLinks)),
    ("/settings/companies/tags", With(Right::ManageCompanies)),
    ("/settings/companies/archive", With(Right::ManageCompanies)),
    ("/settings/integrations/microsoft-365/companies", With(Right::See)),
    ("/settings/companies/new", With(Right::ManageCompanies)),
    ("/settings/companies/import", With(Right::ManageCompanies)),
    ("/settings/companies/archived", With(Right::ManageCompanies)),
    ("/companies/01890000-0000-7000-8000-000000000000/edit", With(Right::ManageCompanies)),
    ("/companies/01890000-0000-7000-8000-000000000000/archive", With(Right::ManageCompanies)),
    ("/settings/team", With(Right::ManageAccounts)),
    ("/settings/activity", With(Right::ManageAccounts)),
    ("/settings/notifications", With(Right::ManageAccounts)),
    ("/settings/api", With(Right::ManageAccounts)),
    ("/settings/password", SignedIn),
    ("/companies/01890000-0000-7000-8000-000000000000/message", With(Right::SendLinks)),
];

/// Everything that can be asked for, as methods and paths that lead to nothing that there is. Signing out comes last.
pub fn everything() -> Vec<(Method, String)> {
    let functions: Vec<_> = server_fn::axum::server_fn_paths().collect();
    let method = |path: &str| match functions.iter().find(|(name, _)| *name == path) {
        Some((_, method)) => method.clone(),
        None if ["/api/companies/import/preview", "/api/companies/import/confirm"].contains(&path) => Method::POST,
        None => Method::GET,
    };
    let more =
        [(Method::POST, "/c/{token}"), (Method::POST, "/api/companies.csv"), (Method::POST, "/api/companies.xlsx")];
    let pages = PAGES.iter().map(|(path, _)| (Method::GET, *path));
    let programs = PROGRAMS.iter().map(|(method, path, _)| (method.parse().unwrap(), *path));
    let ours = EXPECTED.iter().map(|(path, _)| (method(path), *path));
    let all = more.into_iter().chain(pages).chain(programs).chain(ours);
    all.map(|(method, path)| {
        let path = path.replace("{company}", &Uuid::nil().to_string()).replace("{token}", "no-such-token");
        (method, path)
    })
    .collect()
}

async fn ask(app: &App, client: &Client, path: &str) -> Response {
    let functions = server_fn::axum::server_fn_paths().collect::<Vec<_>>();
    let method = functions.iter().find(|(name, _)| *name == path).map_or(Method::GET, |(_, method)| method.clone());
    let request = client.request(method.clone(), format!("{}{path}", app.url)).header("sec-fetch-site", "same-origin");
    let request = if method == Method::POST { request.json(&json!({})) } else { request };
    request.send().await.unwrap()
}

#[test]
fn nothing_is_missing_in_the_table() {
    let programs = PROGRAMS.iter().map(|(_, path, _)| (*path).to_owned());
    let expected: BTreeSet<_> = EXPECTED.iter().map(|(path, _)| (*path).to_owned()).chain(programs).collect();
    let there: BTreeSet<_> = server::http::paths().into_iter().collect();
    assert_eq!(there, expected, "a route or a server function without a row here, or a row without one");
    for path in there {
        assert!(server::http::caller::access(&path).is_some(), "{path} has no row in the server's table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_reaches_what_it_may_and_nothing_else() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for role in Role::ALL {
        let client = app.client_of(&format!("{}@roles.test", role.key()), role).await;
        for (path, least) in PAGES.iter().chain(EXPECTED) {
            let response = ask(&app, &client, path).await;
            let status = response.status();
            let With(right) = least else {
                assert!(![401, 403, 303, 500].contains(&status.as_u16()), "{role:?} {path}: {status}");
                continue;
            };
            if role.may(*right) {
                assert!(![401, 403, 303, 500].contains(&status.as_u16()), "{role:?} {path}: {status}");
                continue;
            }
            assert_eq!(status, 403, "{role:?} {path}");
            if path.starts_with("/api/") {
                let error: Value = response.json().await.unwrap();
                assert_eq!(error, json!({ "code": "forbidden", "message": right.refusal() }), "{role:?} {path}");
            } else if path.starts_with("/connect/") {
                assert!(response.text().await.unwrap().contains(right.refusal()), "{role:?} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_nothing_is_reached_but_what_is_for_everybody() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let client = stranger();
    for (path, least) in PAGES.iter().chain(EXPECTED) {
        let response = ask(&app, &client, path).await;
        let status = response.status().as_u16();
        match least {
            Nobody => assert!(![401, 403, 303, 500].contains(&status), "{path}: {status}"),
            _ if path.starts_with("/api/") => {
                assert_eq!(status, 401, "{path}");
                assert_eq!(response.json::<Value>().await.unwrap()["code"], "unauthorized", "{path}");
            }
            _ => {
                assert_eq!(status, 303, "{path}");
                assert!(response.headers()["location"].to_str().unwrap().starts_with("/login"), "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_only_looks_like_one_is_not_one() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let viewer = app.client_of("viewer@roles.test", Role::Viewer).await;
    for path in
        ["/api/accounts/list/", "/api//accounts/list", "/api/accounts%2Flist", "/api/Accounts/list", "/api/x.js"]
    {
        assert_eq!(ask(&app, &viewer, path).await.status(), 404, "{path}");
        assert_eq!(ask(&app, &stranger(), path).await.status(), 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_asked_for_by_our_own_pages_only() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for function in ["sessions/sign-in", "sessions/accept-invitation", "sessions/sign-out", "accounts/invite"] {
        let request = app.http.post(format!("{}/api/{function}", app.url)).json(&json!({}));
        let answer = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(answer.status(), 403, "{function}");
    }
}

/// A request of a program. The company is none that there is, so that nothing is done.
async fn program_asks(app: &App, client: &Client, method: &str, path: &str, token: Option<&str>) -> Response {
    let path = path.replace("{company}", &Uuid::nil().to_string());
    let mut request = client.request(method.parse().unwrap(), format!("{}{path}", app.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if method == "POST" || method == "PATCH" {
        request = request.json(&json!({}));
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_scope_can_not_do_anothers_work() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for scope in Scope::ALL {
        let token = app.make_token("one scope", &[scope]).await;
        for (method, path, needed) in PROGRAMS {
            let answer = program_asks(&app, &stranger(), method, path, Some(&token)).await;
            let status = answer.status().as_u16();
            if *needed == scope {
                assert!(![401, 403, 405, 500].contains(&status), "{scope:?} {method} {path}: {status}");
                continue;
            }
            assert_eq!(status, 403, "{scope:?} {method} {path}");
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
            assert!(challenge.contains(needed.key()), "{challenge}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], "scope_missing", "{scope:?} {method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_do_no_more_than_the_role_of_who_made_it() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let maker = app.add_account("maker@roles.test", Role::Owner, None).await;
    let session = server::sessions::Token::random();
    app.begin_session(&maker, &session).await;
    let token = crate::harness::make_token(&app.url, &crate::harness::signed_in(&session), "all", &Scope::ALL).await;
    for role in Role::ALL.into_iter().rev() {
        app.post("accounts/change-role", json!({ "account": maker.id, "role": role }))
            .await
            .error_for_status()
            .unwrap();
        for (method, path, scope) in PROGRAMS {
            let answer = program_asks(&app, &stranger(), method, path, Some(&token)).await;
            let status = answer.status().as_u16();
            if role.may(scope.right()) {
                assert!(![401, 403, 500].contains(&status), "{role:?} {method} {path}: {status}");
            } else {
                assert_eq!(status, 403, "{role:?} {method} {path}");
                assert_eq!(answer.json::<Value>().await.unwrap()["code"], "role_missing", "{role:?} {method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_reaches_what_is_for_programs_and_no_token_anything_else() {
    let app = Setup::on(Engine::Sqlite).start().await;
    for (method, path, _) in PROGRAMS {
        for client in [&app.http, &stranger()] {
            let answer = program_asks(&app, client, method, path, None).await;
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{method} {path}");
        }
    }
    let token = app.make_token("all", &Scope::ALL).await;
    for (path, least) in EXPECTED.iter().filter(|(_, least)| *least != Nobody) {
        let functions = server_fn::axum::server_fn_paths().collect::<Vec<_>>();
        let method = functions.iter().find(|(name, _)| name == path).map_or(Method::GET, |(_, method)| method.clone());
        let request = stranger().request(method, format!("{}{path}", app.url)).bearer_auth(&token);
        let status = request.send().await.unwrap().status();
        assert!([401, 303].contains(&status.as_u16()), "{path} {least:?}: {status}");
    }
}

on_both_databases! {
/// Also one that was used a moment ago, and is known from that.
async fn a_token_that_ended_is_refused_everywhere(engine) {
    let app = Setup::on(engine).start().await;
    let maker = app.add_account("maker@roles.test", Role::Owner, None).await;
    let session = server::sessions::Token::random();
    app.begin_session(&maker, &session).await;
    let theirs =
        crate::harness::make_token(&app.url, &crate::harness::signed_in(&session), "theirs", &Scope::ALL).await;
    let revoked = app.make_token("revoked", &Scope::ALL).await;
    let list = "/api/v1/companies?limit=1";
    let use_often = async |token: &str| {
        for path in [list, list, list, "/api/v1/links"] {
            assert_eq!(program_asks(&app, &stranger(), "GET", path, Some(token)).await.status(), 200, "{path}");
        }
    };
    let tokens: Value =
        app.http.get(format!("{}/api/api-tokens/list", app.url)).send().await.unwrap().json().await.unwrap();
    let id = &tokens.as_array().unwrap().iter().find(|row| row["name"] == "revoked").unwrap()["id"];
    use_often(&revoked).await;
    app.post("api-tokens/revoke", json!({ "token": id })).await.error_for_status().unwrap();
    assert_eq!(program_asks(&app, &stranger(), "GET", list, Some(&revoked)).await.status(), 401);
    use_often(&theirs).await;
    for active in [false, true] {
        let set = json!({ "account": maker.id, "active": active });
        app.post("accounts/set-active", set).await.error_for_status().unwrap();
        assert_eq!(program_asks(&app, &stranger(), "GET", list, Some(&theirs)).await.status(), 401);
        // What ended with their account does not come back with it.
        for token in [theirs.as_str(), revoked.as_str()] {
            // Each of them in turn, or the guesses would be too many.
            for (method, path, _) in &PROGRAMS[..4] {
                let answer = program_asks(&app, &stranger(), method, path, Some(token)).await;
                assert_eq!(answer.status(), 401, "{method} {path}");
                let challenge = &answer.headers()["www-authenticate"];
                assert_eq!(challenge, "Bearer error=\"invalid_token\"", "{method} {path}");
            }
        }
    }
    let mortal = app.make_token("mortal", &Scope::ALL).await;
    use_often(&mortal).await;
    app.clock.advance(std::time::Duration::from_hours(24 * 90));
    for path in [list, "/api/v1/links"] {
        assert_eq!(program_asks(&app, &stranger(), "GET", path, Some(&mortal)).await.status(), 401, "{path}");
    }
}
}
