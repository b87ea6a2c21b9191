//! Who reads what when there are several workers, when one dies, and when one is slow.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;
use server::store::tenant_data::LEASE;

use crate::{
    directory::scale,
    harness::{App, Engine, PATIENCE, Setup},
    on_both_databases,
    restart::Program,
};

/// Waits until the sandbox was asked that often for paths with this in them.
pub async fn asked(app: &App, path: &str, times: u64) {
    let wait = async {
        while app.times_asked(path).await < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the sandbox is asked");
}

on_both_databases! {
    async fn a_server_that_stops_hands_back_what_it_reads(engine) {
        let mut app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        app.fault(json!({ "match": "/v1.0/users/delta", "delay_ms": 60_000 })).await;
        app.connect(&tenant).await;
        asked(&app, "/v1.0/users/delta", 1).await;
        app.stop().await;
        let stopped = Instant::now();
        app.serve().await;
        app.connected(&tenant.name).await;
        assert!(stopped.elapsed() < LEASE / 2, "nobody waited for the lease to end");
        app.assert_in_step(&tenant).await;
    }

    async fn a_large_tenant_gives_up_its_turn_for_small_ones(engine) {
        let app = Setup::on(engine).setting("TENANTRY_SYNC_CONCURRENCY", "1").start().await;
        let large = app.new_tenant("Large", 1_600).await;
        let small = app.new_tenant("Small", 10).await;
        app.control("graph", json!({ "page_size": 20, "latency_ms": 40 })).await;
        app.connect(&large).await;
        asked(&app, "/v1.0/users/delta", 2).await;
        app.connect(&small).await;
        app.connected("Small").await;
        let row = app.row("Large").await;
        assert!(row.first_sync && row.users_so_far > Some(0), "the small one did not wait for the end of {row:?}");
        app.control("graph", json!({})).await;
        app.connected("Large").await;
        app.assert_in_step(&large).await;
    }

    async fn killed_at_random_moments_of_a_large_sync(engine) {
        let mut app = Setup::on(engine).start().await;
        let users = scale(1_500, 50_000);
        let tenant = app.new_tenant("Mortal", users).await;
        app.connect(&tenant).await;
        app.connected("Mortal").await;
        let company = app.company("Mortal").await;
        app.idle(company).await;
        app.stop().await;
        let more = users / 10;
        app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": more, "update": more })).await;
        app.control("graph", json!({ "page_size": users / 100, "latency_ms": 5 })).await;
        app.fault(json!({ "match": "/v1.0/users/delta", "status": 410, "code": "resyncRequired" })).await;
        let kills = scale(4, 20);
        for kill in 0..kills {
            let pages = app.times_asked("/v1.0/users/delta").await;
            let program = Program::start(&app, Stdio::null()).await;
            app.sync_now(&tenant).await;
            // There are 110 pages, and what was stored is not asked for again: the last kill comes before the end, as
            // long as each comes in time. On a busy machine the end may be first.
            let moment = rand::random_range(1..=100 / kills);
            let asked = asked(&app, "/v1.0/users/delta", pages + u64::from(moment));
            let complete = app.row_becomes("Mortal", |row| {
                row.figures.users == Some(users + more) && row.users_so_far.is_none()
            });
            tokio::select! {
                () = asked => {}
                _ = complete => {}
            }
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..20))).await;
            program.kill();
            let stored = app.stored(company).await.len();
            assert!(stored >= users as usize, "{stored} after kill {kill}, and {users} were complete");
            // As if a minute had passed: this program goes by the machine's clock.
            app.execute("UPDATE connection SET lease_until = 0 WHERE company_id = $1", company).await;
        }
        app.control("graph", json!({})).await;
        let program = Program::start(&app, Stdio::null()).await;
        app.sync_now(&tenant).await;
        app.row_becomes("Mortal", |row| row.figures.users == Some(users + more) && row.users_so_far.is_none()).await;
        app.idle(company).await;
        app.assert_in_step(&tenant).await;
        program.kill();
    }

    async fn workers_alone_read_for_a_server_that_does_not(engine) {
        let app = Setup::on(engine).setting("TENANTRY_SYNC_IN_SERVER", "false").start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        assert!(app.row(&tenant.name).await.first_sync);
        assert_eq!(app.http_requests(tenant, "/v1.0/users/delta").await, 0);
        let worker = Program::worker(&app);
        app.connected(&tenant.name).await;
        app.assert_in_step(tenant).await;
        worker.kill();
    }
}

/// Two servers on one PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn each_round_is_one_servers_and_another_takes_over_from_one_that_is_killed() {
    let mut app = Setup::on(Engine::Postgres).setting("TENANTRY_SYNC_CONCURRENCY", "3").start().await;
    let tenants = app.tenants[..6].to_vec();
    for tenant in &tenants {
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.idle(app.company(&tenant.name).await).await;
    }
    app.stop().await;

    // The first one takes three, and the second the rest; none of them gets an answer.
    let mortal = Program::start(&app, Stdio::null()).await;
    app.fault(json!({ "match": "/v1.0/$batch", "delay_ms": 60_000, "times": 6 })).await;
    let batches = app.times_asked("/v1.0/$batch").await;
    let made_due = app.post("connections/sync-all", json!({})).await.error_for_status().unwrap();
    assert_eq!(made_due.json::<u64>().await.unwrap(), 6);
    asked(&app, "/v1.0/$batch", batches + 3).await;
    let second = App::beside(&app, &[("TENANTRY_SYNC_CONCURRENCY", "16")]).await;
    asked(&app, "/v1.0/$batch", batches + 6).await;
    assert_eq!(app.times_asked("/v1.0/$batch").await, batches + 6, "each is read once");

    let synced: Vec<_> = app.rows().await.into_iter().filter_map(|row| row.synced_at).collect();
    let latest = synced.into_iter().max();
    mortal.kill();
    app.clock.advance(LEASE);
    app.url = second.url.trim_end_matches('/').to_owned();
    for tenant in &tenants {
        app.row_becomes(&tenant.name, |row| row.synced_at > latest).await;
        app.assert_in_step(tenant).await;
    }
}
