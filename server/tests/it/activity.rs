//! What was done leaves its row, with who did it.

use app::domain::{ActivityFilter, ActivityKind, ActivityRow, Role};
use reqwest::Client;
use serde_json::json;

use crate::{
    harness::{App, Engine, OWNER, PASSWORD, Setup, stranger},
    on_both_databases,
    person::Person,
};

async fn of_kind(app: &App, kind: ActivityKind) -> Vec<ActivityRow> {
    app.activity(ActivityFilter { kind: Some(kind), ..ActivityFilter::default() }).await
}

/// The one row of this kind: who, company, text.
async fn the_one(app: &App, kind: ActivityKind) -> (String, Option<String>, String) {
    let rows = of_kind(app, kind).await;
    assert_eq!(rows.len(), 1, "{kind:?}: {rows:?}");
    let row = rows.into_iter().next().unwrap();
    (row.actor, row.company.map(|(_, name)| name), row.text)
}

async fn csv(app: &App, client: &Client, query: &str) -> String {
    let answer = client.get(format!("{}/api/activity.csv{query}", app.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    answer.error_for_status().unwrap().text().await.unwrap()
}

on_both_databases! {
    async fn what_happens_to_a_company_is_written_down(engine) {
        let app = Setup::on(engine).start().await;
        let (tenant, other) = (&app.tenants[0], &app.tenants[1]);
        let named = |tenant: &crate::harness::Tenant| Some(tenant.name.clone());
        let person = Person::new(&app);

        let page = person.start(app.company(&other.name).await).await;
        assert_eq!(the_one(&app, ActivityKind::AttemptBegun).await, (OWNER.into(), named(other), String::new()));
        app.cancel(app.company(&other.name).await).await;
        assert_eq!(the_one(&app, ActivityKind::AttemptCancelled).await, (OWNER.into(), named(other), String::new()));
        drop(page);

        let page = person.start(app.company(&other.name).await).await;
        let page = person.sign_in(&page, other.admin()).await;
        person.decline(&page).await;
        let (actor, company, text) = the_one(&app, ActivityKind::AttemptFailed).await;
        assert_eq!((actor.as_str(), company, text.is_empty()), (OWNER, named(other), false));

        app.connect(tenant).await;
        let (actor, company, text) = the_one(&app, ActivityKind::Connected).await;
        assert_eq!((actor.as_str(), company), (OWNER, named(tenant)));
        assert_eq!(text, format!("Tenant {}, by {}", tenant.name, tenant.admin().email));
        app.connected(&tenant.name).await;

        let kim = app.client_of("kim@msp.test", Role::Technician).await;
        let company = app.company(&tenant.name).await;
        let sync = kim.post(format!("{}/api/connections/sync", app.url)).json(&json!({ "company": company }));
        sync.send().await.unwrap().error_for_status().unwrap();
        assert_eq!(the_one(&app, ActivityKind::SyncStarted).await, ("kim@msp.test".into(), named(tenant), String::new()));

        let csv = "name,domain\nNew Ltd,new.test\n";
        app.import(csv).await;
        app.import(csv).await;
        let imports = of_kind(&app, ActivityKind::Imported).await;
        assert_eq!((imports[0].actor.as_str(), imports[0].text.as_str()), ("the command line", "1 added, 0 changed"));
        assert_eq!(imports.len(), 2, "the harness imported too; nothing changed the third time");

        // A company's own, for everybody who sees companies; all of it for owners.
        let list = async |client: &Client, filter: ActivityFilter| {
            let request = client.post(format!("{}/api/activity/list", app.url)).json(&json!({ "filter": filter }));
            request.send().await.unwrap()
        };
        let of_company = ActivityFilter { company: Some(company), ..ActivityFilter::default() };
        let rows: Vec<ActivityRow> = list(&kim, of_company).await.error_for_status().unwrap().json().await.unwrap();
        let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [ActivityKind::SyncStarted, ActivityKind::Connected, ActivityKind::AttemptBegun]);
        assert_eq!(list(&kim, ActivityFilter::default()).await.status(), 403);
    }

    async fn what_happens_to_accounts_is_written_down(engine) {
        let app = Setup::on(engine).start().await;
        let invited = app.post("accounts/invite", json!({ "email": "kim@msp.test", "role": "viewer" })).await;
        let link: String = invited.error_for_status().unwrap().json().await.unwrap();
        let token = link.rsplit('/').next().unwrap();
        assert_eq!(the_one(&app, ActivityKind::Invited).await, (OWNER.into(), None, "kim@msp.test as Viewer".into()));
        let new = json!({ "new": { "token": token, "email": "", "name": "Kim", "password": PASSWORD } });
        let post = async |function: &str, body: serde_json::Value| {
            stranger().post(format!("{}/api/{function}", app.url)).json(&body).send().await.unwrap()
        };
        post("sessions/accept-invitation", new).await.error_for_status().unwrap();
        let made = of_kind(&app, ActivityKind::AccountMade).await;
        assert_eq!((made[0].actor.as_str(), made[0].text.as_str()), ("kim@msp.test", "kim@msp.test as Viewer"));
        assert_eq!(made[1].actor, "the command line");
        let signed_in = of_kind(&app, ActivityKind::SignedIn).await;
        assert_eq!((signed_in[0].actor.as_str(), signed_in[0].text.as_str()), ("kim@msp.test", "With a one-time link"));

        post("sessions/sign-in", json!({ "credentials": { "email": "kim@msp.test", "password": "something else" } })).await;
        let (actor, _, text) = the_one(&app, ActivityKind::SignInRefused).await;
        assert_eq!(actor, "somebody");
        assert!(text.starts_with("A wrong password for kim@msp.test, from "), "{text}");

        let kim = app.store().await.team().await.unwrap().into_iter().find(|row| row.email == "kim@msp.test").unwrap().id;
        app.post("accounts/change-role", json!({ "account": kim, "role": "settings" })).await.error_for_status().unwrap();
        let changed = "kim@msp.test: Viewer is now Settings access";
        assert_eq!(the_one(&app, ActivityKind::RoleChanged).await, (OWNER.into(), None, changed.into()));
        for (active, kind) in [(false, ActivityKind::Deactivated), (true, ActivityKind::Reactivated)] {
            app.post("accounts/set-active", json!({ "account": kim, "active": active })).await.error_for_status().unwrap();
            assert_eq!(the_one(&app, kind).await, (OWNER.into(), None, "kim@msp.test".into()));
        }

        let lee = app.client_of("lee@msp.test", Role::Viewer).await;
        for _ in 0..5 {
            let refused = lee.get(format!("{}/api/accounts/list", app.url)).send().await.unwrap();
            assert_eq!(refused.status(), 403);
        }
        let refused = ("lee@msp.test".to_owned(), None, "GET /api/accounts/list".to_owned());
        assert_eq!(the_one(&app, ActivityKind::Refused).await, refused, "once, however often");
        app.store().await.refused(&server::store::activity::Actor::somebody(), "x".repeat(5_000)).await.unwrap();
        let longest = app.activity(ActivityFilter::default()).await.iter().map(|row| row.text.len()).max();
        assert_eq!(longest, Some(200));
        lee.post(format!("{}/api/sessions/sign-out", app.url)).json(&json!({})).send().await.unwrap();
        assert_eq!(the_one(&app, ActivityKind::SignedOut).await.0, "lee@msp.test");

        let everything = csv(&app, &app.http, "").await;
        assert!(everything.starts_with("time,who,what,company,company_id,text\n"), "{everything}");
        for secret in [token, PASSWORD, app.session.expose()] {
            assert!(!everything.contains(secret), "{secret}");
        }
        let filtered = csv(&app, &app.http, "?kind=role_changed&actor=OWNER%40&company=").await;
        assert_eq!(filtered.lines().count(), 2, "{filtered}");
        assert!(filtered.contains(changed));
        let nonsense = app.http.get(format!("{}/api/activity.csv?kind=nonsense", app.url)).send().await.unwrap();
        assert_eq!(nonsense.status(), 400);
    }

    async fn it_is_read_page_by_page(engine) {
        let app = Setup::on(engine).start().await;
        let store = app.store().await;
        for n in 0..130 {
            app.clock.advance(std::time::Duration::from_mins(1));
            // The owner's session would end by itself.
            store.use_session(app.session.hash()).await.unwrap();
            store.refused(&server::store::activity::Actor::somebody(), format!("try {n}")).await.unwrap();
        }
        let filter = ActivityFilter { actor: Some("SOMEBODY".into()), ..ActivityFilter::default() };
        let first = app.activity(filter.clone()).await;
        assert_eq!((first.len(), first[0].text.as_str()), (100, "try 129"), "sixty an hour at most");
        let rest = app.activity(ActivityFilter { before: first.last().map(|row| row.id), ..filter }).await;
        assert_eq!(rest.last().map(|row| row.text.as_str()), Some("try 0"));
        let ids: Vec<_> = first.iter().chain(&rest).map(|row| row.id).collect();
        assert!(ids.is_sorted_by(|one, next| one > next));
        for pattern in ["%", "_omebody", "\\"] {
            let none = app.activity(ActivityFilter { actor: Some(pattern.into()), ..ActivityFilter::default() }).await;
            assert!(none.is_empty(), "{pattern} is a text, not a pattern");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_a_formula_is_defused_in_the_export() {
    let app = Setup::on(Engine::Sqlite).start().await;
    app.import("name\n\"=cmd|' /C calc'!A0\"\n").await;
    let company = app.company("=cmd|' /C calc'!A0").await;
    Person::new(&app).start(company).await;
    let text = csv(&app, &app.http, &format!("?company={company}")).await;
    assert!(text.contains(",'=cmd|' /C calc'!A0,"), "{text}");
}
