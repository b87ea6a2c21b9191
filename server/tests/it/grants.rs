//! Grants: kept alive, looked after between syncs, renewed without losing the one before, and outgrown.

use std::time::Duration;

use app::domain::{
    AttemptFailure, CompanyId, DataSet, Lack, PermissionSet, Problem, ReconnectReason, Role, Status, Timestamp,
};
use reqwest::Url;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use server::clock::Clock as _;

use crate::{
    directory::Trouble,
    harness::{App, Engine, PATIENCE, Setup, Tenant},
    on_both_databases,
    person::{Person, location},
};

const DAY: Duration = Duration::from_hours(24);

impl App {
    /// A number of a company's connection.
    async fn number(&self, column: &str, company: CompanyId) -> i64 {
        let db = self.database().await;
        let sql = format!("SELECT {column} FROM connection WHERE company_id = $1");
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        db.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    async fn sealed_refresh_token(&self, company: CompanyId) -> Vec<u8> {
        let db = self.database().await;
        let sql = "SELECT sealed_refresh_token FROM connection WHERE company_id = $1";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        db.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    async fn put_sealed_refresh_token(&self, company: CompanyId, sealed: Vec<u8>) {
        let db = self.database().await;
        let sql = "UPDATE connection SET sealed_refresh_token = $1 WHERE company_id = $2";
        let values = [sealed.into(), company.uuid().into()];
        db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await.unwrap();
        db.close().await.unwrap();
    }

    async fn former_grants(&self) -> usize {
        let db = self.database().await;
        let statement = Statement::from_string(db.get_database_backend(), "SELECT connection_id FROM former_grant");
        let rows = db.query_all_raw(statement).await.unwrap();
        db.close().await.unwrap();
        rows.len()
    }

    /// Sessions end after a day.
    pub async fn sign_in_anew(&mut self) {
        let email = format!("owner{}@msp.test", self.clock.now().as_millis());
        self.http = self.client_of(&email, Role::Owner).await;
    }

    async fn connected_and_idle(&self, tenant: &Tenant) -> CompanyId {
        self.connect(tenant).await;
        let company = self.connected(&tenant.name).await.id;
        self.idle(company).await;
        company
    }

    /// Lets the time come when the company is due, and waits until that is done. Answers how late it is then.
    async fn next_turn(&self, company: CompanyId) -> Timestamp {
        let due = self.number("due_at", company).await;
        self.clock.advance(Timestamp::from_millis(due + 1).since(self.clock.now()));
        let turn = async {
            while self.number("due_at", company).await == due {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, turn).await.expect("its turn comes");
        self.idle(company).await;
        self.clock.now()
    }

    async fn asked(&self, tenant: &Tenant, path: &str, more_than: u64) {
        let wait = async {
            while self.http_requests(tenant, path).await <= more_than {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("Microsoft is asked");
    }
}

/// Two verifications find that Graph does not take the new grant: one within the time that Microsoft may need, and one
/// after it, with two tokens.
async fn reconnect_in_vain(app: &App, tenant: &Tenant) {
    reconnect_with(app, tenant, json!({ "match": "/v1.0/$batch", "status": 401, "times": 3 })).await;
}

async fn reconnect_with(app: &App, tenant: &Tenant, mut fault: Value) {
    app.clock.stop();
    let batches = app.http_requests(tenant, "/v1.0/$batch").await;
    fault["tenant"] = tenant.id.as_str().into();
    app.fault(fault).await;
    app.connect(tenant).await;
    app.asked(tenant, "/v1.0/$batch", batches).await;
    let company = app.company(&tenant.name).await;
    app.idle(company).await;
    assert!(matches!(app.row(&tenant.name).await.status, Status::Verifying { .. }));
    app.clock.advance(Duration::from_mins(3));
    app.row_becomes(&tenant.name, |row| !matches!(row.status, Status::Verifying { .. })).await;
}

on_both_databases! {
    async fn a_reconnect_that_does_not_work_leaves_the_grant_before_it_in_use(engine) {
        for access in ["delegated", "application"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            // A reconnect is offered while the connection works but for one data set.
            let company = app.connected_and_idle(tenant).await;
            app.clock.advance(Duration::from_mins(3));
            app.fault(json!({ "match": "/v1.0/domains", "status": 403 })).await;
            app.synced(tenant).await;
            let before = app.row(&tenant.name).await;
            assert!(matches!(before.status, Status::Limited { .. }), "{before:?}");

            reconnect_in_vain(&app, tenant).await;
            // With the grant from before, everything is read at once.
            let row = app.connected(&tenant.name).await;
            app.idle(company).await;
            let told = row.last_try.map(|last| last.advice);
            assert_eq!(told, Some(AttemptFailure::GrantRefused { reason: ReconnectReason::Refused }.advice()));
            assert!(row.synced_at > before.synced_at);
            assert_eq!((row.id, row.figures), (before.id, before.figures));
            assert_eq!(app.former_grants().await, 0);
            app.clock.advance(Duration::from_secs(1));
            app.synced(tenant).await;
        }
    }

    async fn nobody_reads_with_the_token_of_a_reconnect_that_gave_less(engine) {
        let app = Setup::on(engine).access("delegated").start().await;
        let tenant = &app.tenants[0];
        let company = app.connected_and_idle(tenant).await;
        app.clock.advance(Duration::from_mins(3));
        app.fault(json!({ "match": "/v1.0/domains", "status": 403 })).await;
        app.synced(tenant).await;
        assert!(matches!(app.row(&tenant.name).await.status, Status::Limited { .. }));

        let tokens = app.http_requests(tenant, "/oauth2/v2.0/token").await;
        // The sign-in's own look at the organisation goes well.
        app.fault(json!({ "match": "/v1.0/organization", "delay_ms": 1 })).await;
        reconnect_with(&app, tenant, json!({ "match": "/v1.0/organization", "status": 403, "times": 2 })).await;
        let read = async {
            while app.number("due_at", company).await <= app.clock.now().as_millis() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("it is read with the grant from before");
        app.idle(company).await;
        let told = app.row(&tenant.name).await.last_try.map(|last| last.advice);
        assert_eq!(told, Some(AttemptFailure::GrantRefused { reason: ReconnectReason::ConsentRemoved }.advice()));
        // The code's, one for each of two verifications, and one with the grant from before.
        assert_eq!(app.http_requests(tenant, "/oauth2/v2.0/token").await, tokens + 4);
    }

    async fn a_reconnect_that_does_not_work_leaves_the_reason_that_was_there_before(engine) {
        let app = Setup::on(engine).access("delegated").start().await;
        let tenant = &app.tenants[0];
        app.connected_and_idle(tenant).await;
        app.control(&format!("tenants/{}/expire-refresh-tokens", tenant.id), json!({})).await;
        app.sync_now(tenant).await;
        let before = app.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;
        assert!(matches!(before.status, Status::NeedsReconnect { reason: ReconnectReason::SignInExpired, .. }));

        reconnect_in_vain(&app, tenant).await;
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.figures), (before.status, before.figures), "reason and since when are the same");
        assert!(row.last_try.is_some());

        app.connect(tenant).await;
        let row = app.connected(&tenant.name).await;
        assert_eq!((row.id, row.figures, row.last_try), (before.id, before.figures, None));
        assert_eq!(app.former_grants().await, 0, "it is verified");
        app.assert_in_step(tenant).await;
    }

    async fn a_reconnect_with_another_tenants_administrator_stores_nothing_and_the_old_grant_still_reads(engine) {
        let app = Setup::on(engine).access("delegated").start().await;
        let (tenant, other) = (&app.tenants[0], &app.tenants[1]);
        let company = app.connected_and_idle(tenant).await;
        app.clock.advance(Duration::from_mins(3));
        app.fault(json!({ "match": "/v1.0/domains", "status": 403 })).await;
        app.synced(tenant).await;
        let before = app.row(&tenant.name).await;

        // Microsoft refuses it, because we name the tenant; and if it did not, we would.
        let person = Person::new(&app);
        let authorize = location(&person.click(company).await).unwrap();
        assert!(authorize.path().starts_with(&format!("/{}/", tenant.id)), "{authorize}");
        assert!(authorize.query_pairs().any(|(name, value)| name == "prompt" && value == "consent"));
        app.execute("UPDATE attempt SET authority = 'organizations' WHERE company_id = $1", company).await;
        let anybodys = Url::parse(&authorize.as_str().replace(&tenant.id, "organizations")).unwrap();
        let page = person.open(anybodys).await;
        let callback = person.almost_finish(page, other.admin()).await;
        let page = person.open(callback).await;
        let failure = AttemptFailure::WrongOrganisation { signed_in: other.name.clone(), expected: tenant.name.clone() };
        assert_eq!(page.heading(), failure.title());
        assert!(page.says(&failure.advice()), "{}", page.html);

        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.tenant, row.figures), (before.status, before.tenant, before.figures));
        assert_eq!(row.last_try.map(|last| last.advice), Some(failure.advice()));
        assert_eq!(app.former_grants().await, 0);
        app.synced(tenant).await;
        app.connected(&tenant.name).await;
    }

    async fn a_release_that_needs_more_limits_and_breaks_nothing(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).setting("TENANTRY_SYNC_EVERY", "10m").start().await;
            let tenant = &app.tenants[0];
            let all: serde_json::Value = {
                let url = format!("{}/_sandbox/app", app.sandbox.base_url());
                app.http.get(url).send().await.unwrap().json().await.unwrap()
            };
            let name = format!("{access}_permissions");
            let less: Vec<_> =
                all[&name].as_array().unwrap().iter().filter(|name| *name != "SecurityEvents.Read.All").cloned().collect();
            // As it was connected by a release that did not read Secure Score.
            app.control("app", json!({ &name: less })).await;
            app.connect(tenant).await;
            app.clock.advance(Duration::from_mins(3));
            app.row_becomes(&tenant.name, |row| matches!(row.status, Status::Limited { .. }) && !row.first_sync).await;
            let company = app.company(&tenant.name).await;
            app.idle(company).await;
            app.execute("UPDATE connection SET permission_set = 0 WHERE company_id = $1", company).await;

            app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 2 })).await;
            app.next_turn(company).await;
            let row = app.row(&tenant.name).await;
            let lacks = vec![Lack { data_set: DataSet::SecureScore, problem: Problem::NewPermission }];
            assert_eq!(row.status, Status::Limited { lacks }, "{access}");
            assert_eq!(row.figures.users, Some(tenant.users + 2), "what it had permission for goes on");
            let trouble = Trouble { data_set: "secure_score".into(), problem: "new_permission".into() };
            assert_eq!(app.troubles(company).await, [trouble]);

            app.control("app", json!({ &name: all[&name] })).await;
            app.connect(tenant).await;
            let row = app.connected(&tenant.name).await;
            assert_eq!(row.figures.users, Some(tenant.users + 2));
            let current = i64::from(PermissionSet::CURRENT.number());
            assert_eq!(app.number("CAST(permission_set AS BIGINT)", company).await, current);
        }
    }

    async fn a_probe_notices_between_syncs_and_reads_nobody(engine) {
        for access in ["application", "delegated"] {
            let mut app = Setup::on(engine).access(access).setting("TENANTRY_SYNC_EVERY", "60days").start().await;
            let tenant = &app.tenants[0].clone();
            let company = app.connected_and_idle(tenant).await;
            app.clock.stop();
            let begun = app.clock.now();
            let (synced, full) = (app.row(&tenant.name).await.synced_at, app.number("full_due_at", company).await);
            let before = app.http_requests(tenant, "").await;
            for probe in 1..=3_u32 {
                // 90 days without use would end the sign-in.
                app.control("clock", json!({ "advance_ms": 40 * 24 * 3_600_000_i64 })).await;
                let now = app.next_turn(company).await;
                assert!(now.since(begun) <= DAY * probe * 11 / 10 + Duration::from_secs(1));
                assert_eq!(app.http_requests(tenant, "").await, before + 2 * u64::from(probe), "a token and a batch");
            }
            app.sign_in_anew().await;
            assert_eq!(app.row(&tenant.name).await.synced_at, synced, "nothing was read");
            assert_eq!(app.number("full_due_at", company).await, full, "and everything will be, when it was to be");

            // A permission goes and comes back.
            app.fault(json!({ "match": "/v1.0/domains", "status": 403 })).await;
            app.next_turn(company).await;
            app.sign_in_anew().await;
            let lacks = vec![Lack { data_set: DataSet::Domains, problem: Problem::PermissionMissing }];
            assert_eq!(app.row(&tenant.name).await.status, Status::Limited { lacks });
            app.next_turn(company).await;
            app.sign_in_anew().await;
            let row = app.row_becomes(&tenant.name, |row| row.synced_at > synced).await;
            assert_eq!(row.status, Status::Connected, "what can be read again is read at once");
            app.idle(company).await;

            app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
            app.next_turn(company).await;
            app.sign_in_anew().await;
            let status = app.row(&tenant.name).await.status;
            assert!(matches!(status, Status::NeedsReconnect { .. }), "within one probe: {status:?}");
        }
    }

    async fn a_tenant_that_fails_for_good_costs_at_most_ten_requests_a_day(engine) {
        for (access, how) in [
            ("application", "revoke-consent"),
            ("delegated", "revoke-consent"),
            ("delegated", "expire-refresh-tokens"),
            ("application", "401"),
            ("delegated", "401"),
        ] {
            let mut app = Setup::on(engine).access(access).setting("TENANTRY_SYNC_EVERY", "10m").start().await;
            let tenant = &app.tenants[0].clone();
            let company = app.connected_and_idle(tenant).await;
            app.clock.stop();
            // A new grant is given some time.
            app.clock.advance(Duration::from_mins(3));
            if how == "401" {
                for path in ["/v1.0/$batch", "/v1.0/users"] {
                    app.fault(json!({ "match": path, "status": 401, "times": 1_000 })).await;
                }
            } else {
                app.control(&format!("tenants/{}/{how}", tenant.id), json!({})).await;
            }
            app.clock.advance(Duration::from_secs(1));
            for day in 0..2 {
                let (midnight, before) = (app.clock.now(), app.http_requests(tenant, "").await);
                if day == 0 {
                    // Otherwise it is read with the token at hand until that ends.
                    app.sync_now(tenant).await;
                }
                while app.number("due_at", company).await < midnight.plus(DAY).as_millis() {
                    app.next_turn(company).await;
                }
                app.sign_in_anew().await;
                let status = app.row(&tenant.name).await.status;
                assert!(matches!(status, Status::NeedsReconnect { .. }), "{status:?}");
                let asked = app.http_requests(tenant, "").await - before;
                assert!((1..=10).contains(&asked), "{asked} on day {day} with {access} access and {how}");
                app.clock.advance(midnight.plus(DAY).since(app.clock.now()));
            }
        }
    }

    async fn a_crash_between_a_refresh_and_its_storage_loses_nothing(engine) {
        let mut app = Setup::on(engine).access("delegated").start().await;
        let tenant = &app.tenants[0].clone();
        let company = app.connected_and_idle(tenant).await;
        let before = app.sealed_refresh_token(company).await;
        app.synced(tenant).await;
        let after = app.sealed_refresh_token(company).await;
        assert_ne!(before, after, "each refresh brings a new one, which is kept");
        // As a crash leaves it, with nothing in memory.
        app.stop().await;
        app.put_sealed_refresh_token(company, before).await;
        app.serve().await;
        app.synced(tenant).await;
        app.connected(&tenant.name).await;
    }

    async fn fifty_syncs_at_once_share_one_token(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenants = app.tenants[..2].to_vec();
            for tenant in &tenants {
                app.connected_and_idle(tenant).await;
            }
            // The tokens at hand have ended.
            app.clock.advance(Duration::from_hours(2));
            let synced: Vec<_> = app.rows().await.into_iter().filter_map(|row| row.synced_at).collect();
            let last = synced.into_iter().max();
            let (mut before, mut companies) = (Vec::new(), Vec::new());
            for tenant in &tenants {
                // Nobody has an answer before all have asked.
                app.fault(json!({ "match": "/oauth2/v2.0/token", "delay_ms": 8_000, "tenant": tenant.id })).await;
                before.push(app.http_requests(tenant, "/oauth2/v2.0/token").await);
                companies.push(app.company(&tenant.name).await);
            }
            let sync = |company: CompanyId| app.post("connections/sync", json!({ "company": company }));
            let asked = futures::future::join_all((0..50).map(|number| sync(companies[number % 2]))).await;
            assert!(asked.iter().all(|answer| answer.status() == 200));
            for (tenant, before) in tenants.iter().zip(before) {
                let company = app.row_becomes(&tenant.name, |row| row.synced_at > last).await.id;
                let rest = async {
                    while app.number("due_at", company).await <= app.clock.now().as_millis() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                };
                tokio::time::timeout(PATIENCE, rest).await.expect("everybody was served");
                app.idle(company).await;
                assert_eq!(app.http_requests(tenant, "/oauth2/v2.0/token").await, before + 1, "{access}");
            }
        }
    }
}

/// Two servers on one PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_make_one_refresh_for_each_connection() {
    // Nobody is due by themselves within the two hours.
    let setup = Setup::on(Engine::Postgres).access("delegated").setting("TENANTRY_SYNC_EVERY", "24h");
    let app = setup.start().await;
    let tenants = app.tenants[..6].to_vec();
    for tenant in &tenants {
        app.connected_and_idle(tenant).await;
    }
    let _second = App::beside(&app, &[]).await;
    app.clock.advance(Duration::from_hours(2));
    let last = app.rows().await.into_iter().filter_map(|row| row.synced_at).max();
    let mut before = Vec::new();
    for tenant in &tenants {
        before.push(app.http_requests(tenant, "/oauth2/v2.0/token").await);
    }
    app.post("connections/sync-all", json!({})).await.error_for_status().unwrap();
    for (tenant, before) in tenants.iter().zip(before) {
        let company = app.row_becomes(&tenant.name, |row| row.synced_at > last).await.id;
        app.idle(company).await;
        assert_eq!(app.http_requests(tenant, "/oauth2/v2.0/token").await, before + 1, "{}", tenant.name);
    }
}
