//! The store by itself.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement, TransactionTrait as _};
use sea_orm_migration::MigratorTrait as _;
use server::{
    clock::{Clock as _, SystemClock},
    microsoft::{
        Link,
        tenant_data::{Patch, UserChange, UserPatch},
    },
    migration::Migrator,
    store::{
        Store, StoreError, activity::Actor, company_records::Change, options_for, tenant_data::Findings, users::Users,
    },
};
use uuid::Uuid;

use crate::{
    harness::{Engine, PATIENCE, Setup},
    on_both_databases,
    person::Person,
    postgres,
};

const LEASE: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_migrate_one_after_the_other() {
    let url = postgres::new_database().await;
    let open = || Store::open(&url, Arc::new(SystemClock));
    let opened = futures::future::join_all((0..4).map(|_| open())).await;
    for store in opened {
        assert_eq!(store.unwrap().company_rows().await.unwrap(), []);
    }
}

/// As one that is cut off in the middle, a migration that fails leaves nothing behind that would keep the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_does_not_get_to_its_end_leaves_sqlite_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenantry.db");
    let db = Database::connect(options_for(&format!("sqlite://{}?mode=rwc", path.display()))).await.unwrap();
    // One of the last tables.
    db.execute_unprepared("CREATE TABLE accepted_oddity (id INTEGER)").await.unwrap();
    let url = format!("sqlite://{}", path.display());
    let open = || Store::open(&url, Arc::new(SystemClock));
    assert!(open().await.is_err());
    let tables = Statement::from_string(db.get_database_backend(), "SELECT name FROM sqlite_master");
    assert_eq!(db.query_all_raw(tables).await.unwrap().len(), 1);
    db.execute_unprepared("DROP TABLE accepted_oddity").await.unwrap();
    db.close().await.unwrap();
    open().await.unwrap().close().await.unwrap();
}

/// Waits until somebody waits for a lock in this database of PostgreSQL.
async fn somebody_waits(db: &DatabaseConnection) {
    let sql = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waits = || Statement::from_string(db.get_database_backend(), sql);
    let until = async {
        while db.query_one_raw(waits()).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("somebody waits for a lock");
}

/// Whoever settles an answer locks the company and then its attempts.
#[tokio::test(flavor = "multi_thread")]
async fn who_ends_an_attempt_waits_for_its_company_first() {
    let app = Setup::on(Engine::Postgres).start().await;
    let (db, person) = (app.database().await, Person::new(&app));
    for (tenant, cancels) in [(&app.tenants[0], true), (&app.tenants[1], false)] {
        let company = app.company(&tenant.name).await;
        let page = person.sign_in(&person.start(company).await, tenant.admin()).await;
        let settling = db.begin().await.unwrap();
        settling.execute_unprepared(&format!("SELECT 1 FROM company WHERE id = '{company}' FOR UPDATE")).await.unwrap();
        let ending = async {
            if cancels {
                app.cancel(company).await;
            } else {
                assert_eq!(person.decline(&page).await.status, 400);
            }
        };
        let settled = async {
            somebody_waits(&db).await;
            let sql = format!("UPDATE attempt SET lapsed = lapsed WHERE company_id = '{company}'");
            settling.execute_unprepared(&sql).await.expect("nobody is ended");
            settling.commit().await.unwrap();
        };
        tokio::join!(ending, settled);
        app.assert_untouched(&tenant.name).await;
    }
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_waits_for_a_round_that_is_being_settled_instead_of_ending_it() {
    let mut app = Setup::on(Engine::Postgres).start().await;
    let tenant = app.tenants[0].clone();
    app.connect(&tenant).await;
    app.connected(&tenant.name).await;
    let company = app.company(&tenant.name).await;
    app.stop().await;
    let (store, db) = (app.store().await, app.database().await);

    // A worker writes its connection, and then marks the row of the company.
    let worker = db.begin().await.unwrap();
    let locks = |table, column| {
        let sql = format!("SELECT 1 FROM {table} WHERE {column} = '{company}' FOR UPDATE");
        Statement::from_string(db.get_database_backend(), sql)
    };
    worker.query_all_raw(locks("connection", "company_id")).await.unwrap();
    let archiving = tokio::spawn(async move {
        let archived = store.archive_company(company, &Actor::command_line()).await;
        store.close().await.unwrap();
        archived
    });
    somebody_waits(&db).await;
    worker.query_all_raw(locks("company", "id")).await.expect("the worker is not ended");
    worker.commit().await.unwrap();
    assert_eq!(archiving.await.unwrap().unwrap(), Change::Done(()));
    db.close().await.unwrap();
}

on_both_databases! {
    async fn a_failure_that_is_forgotten_is_a_change_of_its_row(engine) {
        let mut app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        let (company, person) = (app.company(&tenant.name).await, Person::new(&app));
        let page = person.sign_in(&person.start(company).await, tenant.admin()).await;
        person.decline(&page).await;
        app.stop().await;
        let store = app.store().await;
        let row = async || store.company_rows_of(&[company]).await.unwrap().remove(0);
        let before = row().await;
        assert!(before.last_try.is_some());
        store.forget_old_attempts().await.unwrap();
        assert_eq!(row().await, before);
        app.clock.advance(Duration::from_hours(24 * 7));
        store.forget_old_attempts().await.unwrap();
        let after = row().await;
        assert!(after.last_try.is_none() && after.revision > before.revision);
        store.close().await.unwrap();
    }

    async fn a_notice_that_cannot_be_read_is_tried_once_an_hour(engine) {
        let mut app = Setup::on(engine).start().await;
        let company = app.company(&app.tenants[0].name).await;
        app.stop().await;
        app.clock.stop();
        let notice = "INSERT INTO notice (id, subject, company_id, kind, cause, since, noted_at, settles_at) \
                      VALUES ($1, 'a company', $1, 'needs_reconnect', 'nothing that is known', 0, 0, 0)";
        app.execute(notice, company).await;
        let (store, db) = (app.store().await, app.database().await);
        let is_due = async || {
            let (sql, now) = ("SELECT id FROM notice WHERE settles_at <= $1", app.clock.now().as_millis());
            let due = Statement::from_sql_and_values(db.get_database_backend(), sql, [now.into()]);
            db.query_one_raw(due).await.unwrap().is_some()
        };
        for _ in 0..2 {
            assert!(is_due().await);
            assert!(!store.settle_notices(false, |_| String::new()).await.unwrap());
            assert!(!is_due().await);
            app.clock.advance(Duration::from_hours(1));
        }
        store.close().await.unwrap();
        db.close().await.unwrap();
    }

    async fn every_migration_can_be_undone(engine) {
        let dir = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}?mode=rwc", dir.path().join("db").display()),
            Engine::Postgres => postgres::new_database().await,
        };
        let db = Database::connect(options_for(&url)).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        Migrator::down(&db, None).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
    }

    async fn a_database_of_a_newer_version_is_refused_and_left_alone(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        let db = app.database().await;
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_later', 0)";
        db.execute_unprepared(newer).await.unwrap();
        let refused = Store::open(app.config().database_url.expose(), Arc::new(SystemClock)).await;
        let said = refused.err().expect("it is refused").to_string();
        assert!(said.contains("m20991231_000001_later") && said.contains("newer Tenantry"), "{said}");

        db.execute_unprepared("DELETE FROM seaql_migrations WHERE version LIKE 'm2099%'").await.unwrap();
        db.close().await.unwrap();
        app.serve().await;
        assert_eq!(app.rows().await.len(), app.tenants.len());
    }

    async fn a_connection_is_held_by_one_worker_until_its_lease_ends(engine) {
        let mut app = Setup::on(engine).start().await;
        for tenant in &app.tenants[..4] {
            app.connect(tenant).await;
            app.connected(&tenant.name).await;
        }
        app.stop().await;
        app.clock.advance(Duration::from_hours(24));
        let store = app.store().await;
        let first = store.claim_due(3, LEASE).await.unwrap();
        let second = store.claim_due(3, LEASE).await.unwrap();
        assert_eq!((first.len(), second.len()), (3, 1));
        assert!(store.claim_due(3, LEASE).await.unwrap().is_empty());

        app.clock.advance(LEASE);
        let taken_over = store.claim_due(10, LEASE).await.unwrap();
        assert_eq!(taken_over.len(), 4);
        let late = store.put_findings(&first[0], &Findings::default()).await;
        assert!(matches!(late, Err(StoreError::TakenOver)), "{late:?}");
        let same = taken_over.iter().find(|connection| connection.id == first[0].id).unwrap();
        store.put_findings(same, &Findings::default()).await.unwrap();
    }

    async fn a_full_round_that_names_somebody_twice_keeps_what_was_said_first(engine) {
        let mut app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        app.connect(&tenant).await;
        app.connected(&tenant.name).await;
        app.stop().await;
        app.clock.advance(Duration::from_hours(24));
        let store = app.store().await;
        let worker = &store.claim_due(1, LEASE).await.unwrap()[0];
        let [ada, bob] = [1, 2].map(Uuid::from_u128);
        let named = |id, name: &str| {
            UserChange::Upsert(Box::new(UserPatch { id, display_name: Patch::Set(name.into()), ..UserPatch::default() }))
        };
        let mail = Patch::Set("ada@contoso.com".into());
        let next = Link::from_stored("https://graph.microsoft.com/v1.0/users/delta?$skiptoken=2");

        let Users::Complete(_, walk) = store.data_sets(worker).await.unwrap().users else { panic!("not complete") };
        let mut walk = store.anew(&walk);
        let first = vec![named(ada, "Ada \\ \"Lovelace\", {NULL}"), named(bob, "Bob")];
        store.put_users(worker, &mut walk, first, Some(&next)).await.unwrap();
        let stored = app.stored(worker.company).await;
        assert_eq!(stored.len(), tenant.users as usize + 2, "those of the round before are still there");
        let rows = store.company_rows_of(&[worker.company]).await.unwrap();
        assert_eq!(rows[0].users_so_far, Some(2));

        let patch = UserChange::Upsert(Box::new(UserPatch { id: ada, mail, ..UserPatch::default() }));
        let second = vec![patch, UserChange::Removed { id: bob }];
        store.put_last_users(worker, &walk, second, &next).await.unwrap();
        let stored = app.stored(worker.company).await;
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[&ada].display_name.as_deref(), Some("Ada \\ \"Lovelace\", {NULL}"));
        assert_eq!(stored[&ada].mail.as_deref(), Some("ada@contoso.com"));
    }

    async fn several_workers_at_once_never_get_the_same_connection(engine) {
        let mut app = Setup::on(engine).start().await;
        for tenant in &app.tenants[..6] {
            app.connect(tenant).await;
            app.connected(&tenant.name).await;
        }
        app.stop().await;
        app.clock.advance(Duration::from_hours(24));
        let store = app.store().await;
        let claims = futures::future::join_all((0..8).map(|_| store.claim_due(2, LEASE))).await;
        let mut ids: Vec<_> = claims.into_iter().flat_map(|claimed| claimed.unwrap()).map(|c| c.id).collect();
        assert_eq!(ids.len(), 6);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
