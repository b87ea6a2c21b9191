//! What one round asks for, and what it makes of the answers.

use std::time::Duration;

use app::domain::Status;
use serde_json::json;

use crate::{
    directory::{Trouble, scale},
    harness::{App, Setup, Tenant},
    on_both_databases,
};

async fn change(app: &App, tenant: &Tenant, changes: serde_json::Value) {
    app.control(&format!("tenants/{}/change-users", tenant.id), changes).await;
}

/// Lets the period of ten minutes pass, and waits until the company was read.
async fn due_again(app: &App, tenant: &Tenant) {
    let before = app.row(&tenant.name).await.synced_at;
    app.clock.advance(Duration::from_mins(13));
    app.row_becomes(&tenant.name, |row| row.synced_at > before).await;
    app.idle(app.company(&tenant.name).await).await;
}

fn trouble(data_set: &str, problem: &str) -> Vec<Trouble> {
    vec![Trouble { data_set: data_set.into(), problem: problem.into() }]
}

on_both_databases! {
    async fn a_small_tenant_takes_three_requests_and_two_when_the_token_is_at_hand(engine) {
        let app = Setup::on(engine).setting("TENANTRY_SYNC_EVERY", "10m").start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.idle(app.company(&tenant.name).await).await;
        assert_eq!(app.http_requests(tenant, "/v1.0/$batch").await, 1);
        assert_eq!(app.http_requests(tenant, "/v1.0/users/delta").await, 1);
        for part in ["/v1.0/subscribedSkus", "/v1.0/domains", "/v1.0/security"] {
            assert_eq!(app.http_requests(tenant, part).await, 0, "{part} is in the batch");
        }
        // With the code of the person who signed in, and as ourselves.
        let tokens = app.http_requests(tenant, "/oauth2/v2.0/token").await;
        assert_eq!(tokens, 2);

        // Whoever asks for a sync wants to know how things are now, with a new token.
        let before = app.http_requests(tenant, "").await;
        app.synced(tenant).await;
        assert_eq!(app.http_requests(tenant, "").await, before + 3, "a token, a batch and a delta");
        due_again(&app, tenant).await;
        assert_eq!(app.http_requests(tenant, "").await, before + 5, "a batch and a delta");
    }

    async fn the_first_sync_shows_how_far_it_is_and_later_ones_read_what_changed(engine) {
        let app = Setup::on(engine).start().await;
        let users = scale(600, 2_500);
        let tenant = app.new_tenant("Gradual", users).await;
        app.control("graph", json!({ "page_size": users / 6, "latency_ms": 200 })).await;
        app.connect(&tenant).await;
        let row = app.row_becomes("Gradual", |row| row.users_so_far.is_some_and(|users| users > 0)).await;
        assert!(row.first_sync && row.users_so_far < Some(users), "{row:?}");
        let row = app.connected("Gradual").await;
        assert_eq!((row.figures.users, row.users_so_far), (Some(users), None));
        app.assert_in_step(&tenant).await;

        app.control("graph", json!({})).await;
        let pages = app.http_requests(&tenant, "/v1.0/users/delta").await;
        change(&app, &tenant, json!({ "add": 3, "update": 4, "delete": 2 })).await;
        app.synced(&tenant).await;
        app.row_becomes("Gradual", |row| row.figures.users == Some(users + 1)).await;
        app.assert_in_step(&tenant).await;
        assert_eq!(app.http_requests(&tenant, "/v1.0/users/delta").await, pages + 1, "by what changed");
    }

    async fn one_data_set_that_fails_leaves_the_others_fresh_and_mends_itself(engine) {
        let app = Setup::on(engine).start().await;
        for (place, (fault, problem)) in [
            (json!({ "status": 403 }), "permission_missing"),
            (json!({ "status": 429, "retry_after": 600 }), "temporary"),
            (json!({ "malformed_body": true, "times": 2 }), "unreadable"),
            (json!({ "cut_body": true, "times": 4 }), "temporary"),
        ].into_iter().enumerate() {
            let tenant = &app.tenants[place];
            app.connect(tenant).await;
            app.connected(&tenant.name).await;
            let company = app.company(&tenant.name).await;
            app.idle(company).await;
            let mut fault = fault;
            fault["match"] = "/v1.0/subscribedSkus".into();
            fault["tenant"] = tenant.id.as_str().into();
            app.fault(fault).await;
            change(&app, tenant, json!({ "add": 1 })).await;
            app.synced(tenant).await;
            assert_eq!(app.troubles(company).await, trouble("licences", problem));
            app.row_becomes(&tenant.name, |row| row.figures.users == Some(tenant.users + 1)).await;

            if problem == "permission_missing" {
                assert!(matches!(app.row(&tenant.name).await.status, Status::Limited { .. }));
                app.synced(tenant).await;
            } else {
                // Not a person, time mends it.
                let mended = async {
                    while !app.troubles(company).await.is_empty() {
                        app.idle(company).await;
                        app.clock.advance(Duration::from_mins(11));
                        tokio::time::sleep(Duration::from_millis(600)).await;
                    }
                };
                tokio::time::timeout(crate::harness::PATIENCE, mended).await.expect(problem);
            }
            assert_eq!(app.troubles(company).await, []);
        }
    }

    async fn links_that_lead_away_or_in_a_circle_end_the_walk_and_nothing_more(engine) {
        let app = Setup::on(engine).start().await;
        let circle = format!("{}/v1.0/users/delta?$select=displayName", app.sandbox.base_url());
        for (place, link) in ["http://evil.test/v1.0/users/delta", &circle].into_iter().enumerate() {
            let tenant = &app.tenants[place];
            app.fault(json!({ "match": "/v1.0/users/delta", "next_link": link, "times": 8, "tenant": tenant.id })).await;
            app.connect(tenant).await;
            let row = app.row_becomes(&tenant.name, |row| !row.first_sync).await;
            assert_eq!((row.status, row.figures.users), (Status::Connected, None));
            assert!(row.figures.licences.is_some());
            let company = app.company(&tenant.name).await;
            app.idle(company).await;
            assert_eq!(app.troubles(company).await, trouble("users", "unreadable"));
            assert!(app.http_requests(tenant, "/v1.0/users/delta").await <= 4);
        }
    }

    async fn everybody_is_read_again_when_the_delta_link_is_forgotten_and_nobody_is_missing_meanwhile(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.new_tenant("Forgetful", 300).await;
        app.connect(&tenant).await;
        app.connected("Forgetful").await;
        let company = app.company("Forgetful").await;
        for code in ["syncStateNotFound", "SyncStateNotFound", "resyncrequired"] {
            app.idle(company).await;
            change(&app, &tenant, json!({ "add": 5, "delete": 5 })).await;
            app.control("graph", json!({ "page_size": 60 })).await;
            let status = if code == "SyncStateNotFound" { 400 } else { 410 };
            app.fault(json!({ "match": "/v1.0/users/delta", "status": status, "code": code })).await;
            // The full round breaks off after two pages, with those gone who are gone.
            app.fault(json!({ "match": "/v1.0/users/delta", "delay_ms": 0, "times": 2 })).await;
            app.fault(json!({ "match": "/v1.0/users/delta", "status": 503 })).await;
            app.sync_now(&tenant).await;
            app.row_becomes("Forgetful", |row| row.users_so_far == Some(120)).await;
            assert!(app.stored(company).await.len() >= 300, "{code}");
            app.clock.advance(Duration::from_secs(6));
            app.row_becomes("Forgetful", |row| row.users_so_far.is_none()).await;
            app.assert_in_step(&tenant).await;
        }
    }

    async fn microsofts_budget_is_kept_and_used(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.new_tenant("Busy", scale(750, 20_000)).await;
        let budget = json!({ "units": 20, "window_ms": scale(5_000, 1_000) });
        app.control("graph", json!({ "page_size": 25, "budget": budget })).await;
        app.connect(&tenant).await;
        app.connected("Busy").await;
        app.assert_in_step(&tenant).await;
        let kept = app.throttling().await;
        assert!(kept["throttled"].as_u64() > Some(0), "{kept}");
        assert_eq!(kept["early"], 0, "{kept}");
        let (units, of) = (&kept["until_last_refusal"]["units"], &kept["until_last_refusal"]["of"]);
        // A few refusals on a busy machine say little about how well the budget is used.
        let least = f64::from(scale(50, 90)) / 100.0;
        assert!(units.as_f64().unwrap() >= least * of.as_f64().unwrap(), "{kept}");
    }

    async fn a_token_that_graph_refuses_is_replaced_within_the_round(engine) {
        let app = Setup::on(engine).setting("TENANTRY_SYNC_EVERY", "10m").start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.idle(app.company(&tenant.name).await).await;
        let tokens = app.http_requests(tenant, "/oauth2/v2.0/token").await;
        // Graph's clock moves on further than ours: the token has ended without our knowing.
        app.control("clock", json!({ "advance_ms": 4_000_000 })).await;
        change(&app, tenant, json!({ "add": 2 })).await;
        due_again(&app, tenant).await;
        app.row_becomes(&tenant.name, |row| row.figures.users == Some(tenant.users + 2)).await;
        assert_eq!(app.http_requests(tenant, "/oauth2/v2.0/token").await, tokens + 1);
        assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
    }
}
