//! Who may ask for what: every route and every server function, with every role and with none.

use std::collections::BTreeSet;

use app::domain::{Right, Role};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::harness::{App, Engine, Setup, stranger};

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
    ("/api/events", With(Right::See)),
    ("/api/activity.csv", With(Right::ManageAccounts)),
    ("/api/companies/list", With(Right::See)),
    ("/api/companies/changes", With(Right::See)),
    ("/api/companies/show", With(Right::See)),
    ("/api/companies/card", With(Right::ManageCompanies)),
    ("/api/companies/add", With(Right::ManageCompanies)),
    ("/api/companies/edit", With(Right::ManageCompanies)),
    ("/api/companies/archive", With(Right::ManageCompanies)),
    ("/api/companies/restore", With(Right::ManageCompanies)),
    ("/api/companies/accept-oddity", With(Right::ManageCompanies)),
    ("/api/companies/archived", With(Right::ManageCompanies)),
    ("/api/companies/delete", With(Right::DeleteCompanies)),
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
    ("/api/connections/sync-all", With(Right::SyncNow)),
    ("/api/connections/disconnection", With(Right::Connect)),
    ("/api/connections/disconnect", With(Right::Connect)),
    ("/api/connections/check-gone", With(Right::Connect)),
    ("/api/attempts/cancel", With(Right::Connect)),
    ("/api/links/create", With(Right::SendLinks)),
    ("/api/links/create-many", With(Right::SendLinks)),
    ("/api/links/recipients", With(Right::SendLinks)),
    ("/api/links/withdraw", With(Right::SendLinks)),
    ("/api/links/list", With(Right::SendLinks)),
    ("/api/links/message", With(Right::SendLinks)),
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
    // The last one: it works.
    ("/api/sessions/sign-out", SignedIn),
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
    ("/settings/integrations/microsoft-365/companies", With(Right::See)),
    ("/settings/companies/new", With(Right::ManageCompanies)),
    ("/settings/companies/import", With(Right::ManageCompanies)),
    ("/settings/companies/archived", With(Right::ManageCompanies)),
    ("/companies/01890000-0000-7000-8000-000000000000/edit", With(Right::ManageCompanies)),
    ("/companies/01890000-0000-7000-8000-000000000000/archive", With(Right::ManageCompanies)),
    ("/settings/team", With(Right::ManageAccounts)),
    ("/settings/activity", With(Right::ManageAccounts)),
    ("/settings/notifications", With(Right::ManageAccounts)),
    ("/settings/password", SignedIn),
    ("/companies/01890000-0000-7000-8000-000000000000/message", With(Right::SendLinks)),
];

async fn ask(app: &App, client: &Client, path: &str) -> Response {
    let functions = server_fn::axum::server_fn_paths().collect::<Vec<_>>();
    let method = functions.iter().find(|(name, _)| *name == path).map_or(Method::GET, |(_, method)| method.clone());
    let request = client.request(method.clone(), format!("{}{path}", app.url)).header("sec-fetch-site", "same-origin");
    let request = if method == Method::POST { request.json(&json!({})) } else { request };
    request.send().await.unwrap()
}

#[test]
fn nothing_is_missing_in_the_table() {
    let expected: BTreeSet<_> = EXPECTED.iter().map(|(path, _)| *path).collect();
    let there: BTreeSet<_> = server::http::paths().into_iter().collect();
    assert_eq!(there, expected, "a route or a server function without a row here, or a row without one");
    for path in there {
        assert!(server::http::caller::access(path).is_some(), "{path} has no row in the server's table");
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
