//! The end of a connection: what is forgotten, what stays, and whether the access is gone.

use std::time::Duration;

use app::{
    api::disconnections::Parting,
    domain::{
        ActivityFilter, ActivityKind, CompanyDetails, CompanyId, DataSet, ListPage, ReconnectReason, Role, Sight,
        Status, UserRow, user::UserQuery,
    },
};
use serde_json::json;

use crate::{
    harness::{App, Engine, PATIENCE, Setup, Tenant},
    on_both_databases,
    person::Person,
};

async fn start(engine: Engine) -> App {
    Setup::on(engine).start().await
}

async fn parting(app: &App, function: &str, body: serde_json::Value) -> Parting {
    let response = app.post(&format!("connections/{function}"), body).await;
    response.error_for_status().unwrap().json().await.unwrap()
}

async fn show(app: &App, company: CompanyId) -> Parting {
    parting(app, "disconnection", json!({ "company": company })).await
}

async fn disconnect(app: &App, company: CompanyId, name: &str, keep: bool) -> Parting {
    parting(app, "disconnect", json!({ "company": company, "name": name, "keep_data": keep })).await
}

async fn check(app: &App, company: CompanyId) -> Parting {
    parting(app, "check-gone", json!({ "company": company })).await
}

/// How many users are stored of a company.
async fn users(app: &App, company: CompanyId) -> u64 {
    let query = UserQuery { company: Some(company), ..UserQuery::default() };
    let response = app.post("users/list", json!({ "query": query })).await;
    let page: ListPage<UserRow> = response.error_for_status().unwrap().json().await.unwrap();
    page.total.unwrap()
}

async fn details(app: &App, company: CompanyId) -> CompanyDetails {
    let response = app.post("companies/show", json!({ "company": company })).await;
    response.error_for_status().unwrap().json().await.unwrap()
}

async fn activity(app: &App, company: CompanyId, kind: ActivityKind) -> Vec<(String, String)> {
    let filter = ActivityFilter { company: Some(company), kind: Some(kind), ..ActivityFilter::default() };
    app.activity(filter).await.into_iter().map(|row| (row.actor, row.text)).collect()
}

async fn revoke(app: &App, tenant: &Tenant) {
    app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
}

/// Connects a tenant's company and waits for its data.
async fn connected(app: &App, tenant: &Tenant) -> CompanyId {
    app.connect(tenant).await;
    app.connected(&tenant.name).await.id
}

/// A company that is no tenant's in particular, connected to this one.
async fn wanderer(app: &App, tenant: &Tenant) -> CompanyId {
    app.import("name,domain,external_id,contact\nWanderer,,,\n").await;
    let company = app.company("Wanderer").await;
    Person::new(app).connect(company, tenant.admin()).await;
    app.connected("Wanderer").await;
    company
}

on_both_databases! {
    async fn the_name_is_typed_the_grant_is_forgotten_and_what_was_read_stays(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            let company = connected(&app, tenant).await;
            let before = app.row(&tenant.name).await;
            let there = show(&app, company).await;
            assert!(there.connected && there.organisation == tenant.name && there.by == tenant.admin().email);
            assert!(there.script.contains(&tenant.id) && there.script.contains(&there.client_id));

            for wrong in ["", "another company", &tenant.name.to_uppercase()] {
                let body = json!({ "company": company, "name": wrong, "keep_data": false });
                assert_eq!(app.post("connections/disconnect", body).await.status(), 422, "{wrong}");
            }
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected);

            let ended = disconnect(&app, company, &format!(" {} ", tenant.name), true).await;
            assert!(!ended.connected && ended.data_kept && ended.by == "owner@msp.test");
            assert_eq!((ended.organisation.as_str(), &ended.script), (tenant.name.as_str(), &there.script));
            assert_eq!(ended.sight, Some(Sight::Present), "nobody has removed the app");
            assert!(ended.checked_at.is_some() && ended.next_check.is_some());

            let after = app.row(&tenant.name).await;
            assert_eq!((after.status, after.tenant), (Status::NotConnected, None));
            assert_eq!((after.figures, after.synced_at), (before.figures, before.synced_at), "as of its date");
            assert_eq!(users(&app, company).await, u64::from(tenant.users));
            let kept = details(&app, company).await.disconnection.expect("it was disconnected");
            assert!(kept.data_sets.iter().all(|set| set.as_of.is_some()) && kept.data_sets.len() == DataSet::ALL.len());
            assert_eq!(app.post("connections/sync", json!({ "company": company })).await.status(), 409);

            let again = disconnect(&app, company, &tenant.name, true).await;
            assert_eq!(again.at, ended.at, "the second click finds it done");
            let text = format!("Tenant {}, data kept", tenant.name);
            assert_eq!(
                activity(&app, company, ActivityKind::Disconnected).await,
                [("owner@msp.test".to_owned(), text)]
            );

            // Connected again, to the same tenant: everything is there at once.
            Person::new(&app).connect(company, tenant.admin()).await;
            let row = app.connected(&tenant.name).await;
            assert_eq!(row.figures, before.figures);
            assert_eq!(users(&app, company).await, u64::from(tenant.users));
            assert!(show(&app, company).await.connected);
            assert_eq!(activity(&app, company, ActivityKind::Disconnected).await.len(), 1, "history stays");
        }
    }

    async fn what_was_read_goes_if_wanted_at_once_or_later(engine) {
        let app = start(engine).await;
        let (first, second) = (&app.tenants[0], &app.tenants[1]);
        let (one, other) = (connected(&app, first).await, connected(&app, second).await);
        let ended = disconnect(&app, one, &first.name, false).await;
        assert!(!ended.data_kept);
        let row = app.row(&first.name).await;
        assert_eq!((row.figures, row.synced_at), (app::domain::Figures::default(), None));
        assert_eq!(users(&app, one).await, 0);
        assert!(details(&app, one).await.disconnection.unwrap().data_sets.is_empty());
        assert_eq!(users(&app, other).await, u64::from(second.users), "of nobody else");

        disconnect(&app, other, &second.name, true).await;
        assert_eq!(users(&app, other).await, u64::from(second.users));
        assert!(!disconnect(&app, other, &second.name, false).await.data_kept);
        assert_eq!(users(&app, other).await, 0);
        assert_eq!(activity(&app, other, ActivityKind::DataDeleted).await.len(), 1);

        // Nor do they come back with the tenant.
        for path in ["/v1.0/$batch", "/v1.0/users"] {
            app.fault(json!({ "match": path, "status": 503, "times": 100_000 })).await;
        }
        app.connect(second).await;
        let row = app.row(&second.name).await;
        assert_eq!((row.figures, row.synced_at), (app::domain::Figures::default(), None));
    }

    async fn access_that_is_gone_is_seen_by_itself_with_growing_pauses_and_told_once(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            app.clock.stop();
            let tenant = &app.tenants[0];
            let company = connected(&app, tenant).await;
            let first = disconnect(&app, company, &tenant.name, true).await;
            assert_eq!(first.next_check.unwrap().since(first.at.unwrap()), Duration::from_mins(1));

            let seen = async |wanted: &(dyn Fn(&Parting) -> bool + Sync)| {
                let wait = async {
                    loop {
                        let disconnection = show(&app, company).await;
                        if wanted(&disconnection) {
                            return disconnection;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                };
                tokio::time::timeout(PATIENCE, wait).await.expect("it is looked at by itself")
            };
            app.clock.advance(Duration::from_mins(1));
            let second = seen(&|looked| looked.checked_at > first.checked_at).await;
            assert_eq!((second.sight, second.gone_at), (Some(Sight::Present), None));
            assert_eq!(second.next_check.unwrap().since(first.at.unwrap()), Duration::from_mins(3));

            revoke(&app, tenant).await;
            app.clock.advance(Duration::from_mins(2));
            let gone = seen(&|looked| looked.gone_at.is_some()).await;
            assert_eq!((gone.sight, gone.next_check), (Some(Sight::Gone), None));
            let told = [("Tenantry".to_owned(), format!("Tenant {}", tenant.name))];
            assert_eq!(activity(&app, company, ActivityKind::AccessGone).await, told);
            app.clock.advance(Duration::from_hours(1));
            let again = check(&app, company).await;
            assert_eq!(again.gone_at, gone.gone_at, "since when, not when it was last seen");
            assert_eq!(activity(&app, company, ActivityKind::AccessGone).await, told);
        }
    }

    async fn a_look_that_proves_nothing_says_so(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let company = connected(&app, tenant).await;
        app.control("expire-client-secret", json!({ "expired": true })).await;
        let ended = disconnect(&app, company, &tenant.name, true).await;
        assert_eq!((ended.sight, ended.gone_at), (Some(Sight::Unclear), None), "our own fault is no proof");
        app.control("expire-client-secret", json!({ "expired": false })).await;
        revoke(&app, tenant).await;
        assert_eq!(check(&app, company).await.sight, Some(Sight::Gone));
    }

    async fn a_round_in_flight_writes_nothing_more(engine) {
        // One at a time: another company's round shows that this one's has ended.
        let app = Setup::on(engine).setting("TENANTRY_SYNC_CONCURRENCY", "1").start().await;
        let (tenant, next) = (&app.tenants[0], &app.tenants[1]);
        let (company, other) = (connected(&app, tenant).await, connected(&app, next).await);
        let before = app.times_asked("/users/delta").await;
        app.fault(json!({
            "match": "/v1.0/users/delta", "tenant": tenant.id, "times": 1, "delay_ms": 1_500,
        }))
        .await;
        app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
        let asked = async {
            while app.times_asked("/users/delta").await == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("the round begins");
        disconnect(&app, company, &tenant.name, false).await;
        let synced = app.row(&next.name).await.synced_at;
        app.post("connections/sync", json!({ "company": other })).await.error_for_status().unwrap();
        app.row_becomes(&next.name, |row| row.synced_at > synced).await;
        assert_eq!(users(&app, company).await, 0);
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.synced_at, row.users_so_far), (Status::NotConnected, None, None));
        assert!(details(&app, company).await.disconnection.unwrap().data_sets.is_empty());
    }

    async fn attempts_and_links_that_are_under_way_bring_nothing_back(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let company = connected(&app, tenant).await;
        revoke(&app, tenant).await;
        app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
        let lost = |row: &app::domain::CompanyRow| {
            matches!(row.status, Status::NeedsReconnect { reason: ReconnectReason::AppRemoved, .. })
        };
        app.row_becomes(&tenant.name, lost).await;
        let link = app.make_link(company).await.url;
        let (here, there) = (Person::new(&app), Person::stranger(&app));
        let callback = here.almost_connect(company, tenant.admin()).await;
        let page = there.go_on(&link).await;
        let by_link = there.almost_finish(page, tenant.admin()).await;

        disconnect(&app, company, &tenant.name, true).await;
        for (person, callback) in [(&here, callback), (&there, by_link)] {
            let page = person.open(callback).await;
            assert!(!page.heading().ends_with("is connected"), "{}", page.html);
        }
        assert_eq!(there.open(&link).await.heading(), "This link was withdrawn");
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.tenant), (Status::NotConnected, None));
    }

    async fn data_of_one_tenant_do_not_mix_with_anothers(engine) {
        let app = start(engine).await;
        let (first, second) = (&app.tenants[0], &app.tenants[1]);
        let company = wanderer(&app, first).await;
        assert_eq!(users(&app, company).await, u64::from(first.users));
        disconnect(&app, company, "Wanderer", true).await;

        // The tenant is free: its own company takes it.
        app.connect(first).await;
        app.connected(&first.name).await;
        let left = show(&app, company).await;
        assert_eq!((left.holder.as_deref(), left.next_check), (Some(first.name.as_str()), None));
        let checked = check(&app, company).await;
        assert_eq!(checked.checked_at, left.checked_at, "access is what there should be");
        assert_eq!(users(&app, company).await, u64::from(first.users), "kept all the same");

        Person::new(&app).connect(company, second.admin()).await;
        let row = app.connected("Wanderer").await;
        assert_eq!(row.tenant.as_deref(), Some(second.name.as_str()));
        assert_eq!(users(&app, company).await, u64::from(second.users));
        assert_eq!(users(&app, app.company(&first.name).await).await, u64::from(first.users));
    }

    async fn it_takes_the_right_to_connect(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let company = connected(&app, tenant).await;
        let kim = app.client_of("kim@msp.test", Role::Technician).await;
        for function in ["disconnection", "disconnect", "check-gone"] {
            let body = json!({ "company": company, "name": tenant.name, "keep_data": true });
            let url = format!("{}/api/connections/{function}", app.url);
            assert_eq!(kim.post(url).json(&body).send().await.unwrap().status(), 403, "{function}");
        }
        assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
        assert_eq!(app.post("connections/check-gone", json!({ "company": company })).await.status(), 409);
        let nobody = json!({ "company": uuid::Uuid::nil(), "name": "", "keep_data": true });
        assert_eq!(app.post("connections/disconnect", nobody).await.status(), 404);
    }
}
