//! What is read from tenants, and what happens when it can't be.

use std::time::Duration;

use app::domain::{DataSet, Lack, LicenceUse, Problem, ReconnectReason, Status};
use serde_json::json;

use crate::{
    harness::{App, Setup, Tenant},
    on_both_databases,
    person::Person,
};

async fn sync_now(app: &App, tenant: &Tenant) {
    let company = app.company(&tenant.name).await;
    app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
}

on_both_databases! {
    async fn users_are_read_once_and_then_by_what_changed(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants.iter().max_by_key(|tenant| tenant.users).unwrap();
        app.connect(tenant).await;
        assert_eq!(app.connected(&tenant.name).await.figures.users, Some(tenant.users));
        let pages = app.times_asked("/v1.0/users/delta").await;
        assert!(pages > 1);

        app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 5, "update": 3, "delete": 2 })).await;
        sync_now(&app, tenant).await;
        app.row_becomes(&tenant.name, |row| row.figures.users == Some(tenant.users + 3)).await;
        assert_eq!(app.times_asked("/v1.0/users/delta").await, pages + 1, "by what changed, in one page");
    }

    async fn licences_domains_and_score_are_those_of_the_tenant(engine) {
        let app = Setup::on(engine).start().await;
        let licences = json!([
            { "sku": "SPB", "enabled": 25, "consumed": 14 },
            { "sku": "ENTERPRISEPACK", "enabled": 10, "consumed": 12 },
        ]);
        let new = json!({ "name": "Exact", "domain": "exact.test", "users": 30, "licences": licences, "secure_score": false });
        app.control("tenants", new).await;
        app.import("name,domain\nExact,exact.test\n").await;
        let tenants: Vec<Tenant> =
            app.http.get(format!("{}/_sandbox/tenants", app.sandbox.base_url())).send().await.unwrap().json().await.unwrap();
        app.connect(tenants.iter().find(|tenant| tenant.name == "Exact").unwrap()).await;
        let row = app.connected("Exact").await;
        assert_eq!(row.figures.users, Some(30));
        assert_eq!(row.figures.licences, Some(LicenceUse { used: 26, assignable: 35 }));
        assert_eq!(row.figures.secure_score, None, "a new tenant has no score");
    }

    async fn a_data_set_that_fails_leaves_the_others_fresh_and_mends_itself(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        for fault in [
            json!({ "match": "/v1.0/subscribedSkus", "status": 429, "retry_after": 2 }),
            json!({ "match": "/v1.0/subscribedSkus", "status": 503 }),
            json!({ "match": "/v1.0/subscribedSkus", "status": 200, "cut_body": true }),
        ] {
            app.fault(fault).await;
        }
        app.connect(tenant).await;
        let row = app.row_becomes(&tenant.name, |row| row.figures.users.is_some() && !row.first_sync).await;
        assert_eq!((row.status.clone(), row.figures.licences), (Status::Connected, None));
        for _ in 0..3 {
            app.clock.advance(Duration::from_mins(1));
            app.row_becomes(&tenant.name, |_| true).await;
        }
        sync_now(&app, tenant).await;
        app.row_becomes(&tenant.name, |row| row.figures.licences.is_some()).await;
    }

    async fn a_missing_permission_limits_and_names_the_data_set(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let permissions = ["Organization.Read.All", "User.Read.All", "LicenseAssignment.Read.All", "Domain.Read.All"];
        app.control("app", json!({ "application_permissions": permissions })).await;
        app.connect(tenant).await;
        assert!(matches!(app.row(&tenant.name).await.status, Status::Verifying { .. }), "it may still come");
        app.clock.advance(Duration::from_mins(3));
        let lacks = vec![Lack { data_set: DataSet::SecureScore, problem: Problem::PermissionMissing }];
        let row = app.row_becomes(&tenant.name, |row| matches!(row.status, Status::Limited { .. }) && !row.first_sync).await;
        assert_eq!(row.status, Status::Limited { lacks });
        assert_eq!(row.figures.users, Some(tenant.users));
    }

    async fn many_are_synced_at_once_and_those_that_are_not_connected_are_left_out(engine) {
        let app = Setup::on(engine).start().await;
        let [first, second, third, unconnected] = [0, 1, 2, 3].map(|place| &app.tenants[place]);
        let mut before = Vec::new();
        for tenant in [first, second, third] {
            app.connect(tenant).await;
            before.push(app.connected(&tenant.name).await.synced_at);
        }
        // What is read from now on is read later than before.
        app.clock.advance(Duration::from_secs(1));
        let ids = [app.company(&first.name).await, app.company(&second.name).await, app.company(&unconnected.name).await];
        let companies = [ids[0], ids[1], ids[2], ids[0]];
        let answer = app.post("connections/sync-many", json!({ "companies": companies })).await;
        assert_eq!(answer.error_for_status().unwrap().json::<u64>().await.unwrap(), 2);
        for (tenant, before) in [first, second].into_iter().zip(&before) {
            app.row_becomes(&tenant.name, |row| row.synced_at > *before).await;
        }
        assert_eq!(app.row(&third.name).await.synced_at, before[2], "nobody asked for it");
        let done = app.activity(app::domain::ActivityFilter::default()).await;
        assert!(done.iter().any(|row| row.text == "2 companies"), "{done:?}");

        let too_many = vec![ids[0]; app::api::connections::MANY + 1];
        let refused = app.post("connections/sync-many", json!({ "companies": too_many })).await;
        assert_eq!(refused.status(), 422);
    }

    async fn a_grant_that_is_gone_is_noticed_and_a_new_one_mends_it(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        let before = app.connected(&tenant.name).await;
        app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
        sync_now(&app, tenant).await;
        let row = app.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;
        assert!(matches!(row.status, Status::NeedsReconnect { reason: ReconnectReason::AppRemoved, .. }), "{row:?}");
        assert_eq!(row.figures, before.figures, "the data stay");

        // Not with another tenant's administrator.
        let other = &app.tenants[1];
        let page = Person::new(&app).start(row.id).await;
        let page = Person::new(&app).sign_in(&page, other.admin()).await;
        assert!(page.says("AADSTS50020"));
        app.cancel(row.id).await;

        app.connect(tenant).await;
        assert_eq!(app.connected(&tenant.name).await.figures, before.figures);
    }

    async fn an_expired_sign_in_is_noticed_with_delegated_access(engine) {
        let app = Setup::on(engine).access("delegated").start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.control(&format!("tenants/{}/expire-refresh-tokens", tenant.id), json!({})).await;
        sync_now(&app, tenant).await;
        let row = app.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;
        assert!(matches!(row.status, Status::NeedsReconnect { reason: ReconnectReason::SignInExpired, .. }), "{row:?}");
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
    }

    async fn our_own_expired_secret_marks_no_company(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.control("expire-client-secret", json!({ "expired": true })).await;
        let asked = app.times_asked("/oauth2/v2.0/token").await;
        sync_now(&app, tenant).await;
        while app.times_asked("/oauth2/v2.0/token").await == asked {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        app.control("expire-client-secret", json!({ "expired": false })).await;
        let synced = app.row(&tenant.name).await.synced_at;
        assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
        app.clock.advance(Duration::from_mins(1));
        app.row_becomes(&tenant.name, |row| row.synced_at > synced && row.status == Status::Connected).await;
    }

    async fn microsoft_forgetting_its_delta_link_means_everybody_again(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let mut users = tenant.users;
        // After 30 days it says that a delta link of that age is not supported.
        for (status, code) in [(410, "syncStateNotFound"), (400, "Request_UnsupportedQuery"), (404, "Request_ResourceNotFound")] {
            let change = json!({ "add": 1, "update": 0, "delete": 3 });
            app.control(&format!("tenants/{}/change-users", tenant.id), change).await;
            app.fault(json!({ "match": "/v1.0/users/delta", "status": status, "code": code })).await;
            app.clock.advance(Duration::from_secs(1));
            sync_now(&app, tenant).await;
            users -= 2;
            app.row_becomes(&tenant.name, |row| row.figures.users == Some(users)).await;
            app.idle(app.company(&tenant.name).await).await;
        }
    }

    async fn a_refusal_within_a_walk_through_users_ends_the_round(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants.iter().max_by_key(|tenant| tenant.users).unwrap();
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let company = app.company(&tenant.name).await;
        app.idle(company).await;
        // A permission that is missing right after connecting may still come.
        app.clock.advance(Duration::from_mins(3));
        let pages = app.times_asked("/v1.0/users/delta").await;
        // Everybody is read again; the second page of them is refused.
        for fault in [json!({ "status": 410 }), json!({ "delay_ms": 1 }), json!({ "status": 403 })] {
            let mut fault = fault;
            fault["match"] = "/v1.0/users/delta".into();
            app.fault(fault).await;
        }
        sync_now(&app, tenant).await;
        let lacks = vec![Lack { data_set: DataSet::Users, problem: Problem::PermissionMissing }];
        let row = app.row_becomes(&tenant.name, |row| matches!(row.status, Status::Limited { .. })).await;
        assert_eq!(row.status, Status::Limited { lacks });
        app.idle(company).await;
        let row = app.row(&tenant.name).await;
        assert_eq!((row.users_so_far, row.figures.users), (None, Some(tenant.users)));
        assert_eq!(app.times_asked("/v1.0/users/delta").await, pages + 3);

        app.clock.advance(Duration::from_secs(1));
        app.synced(tenant).await;
        assert_eq!(app.connected(&tenant.name).await.figures.users, Some(tenant.users));
    }
}
