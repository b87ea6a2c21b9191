//! Backup and restore, as README.md says them, while people work.

use std::{
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use app::domain::Status;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use server::{
    clock::SystemClock,
    startup::{Application, StartupError},
    store::tenant_data::LEASE,
    vault::KeyFileError,
};
use url::Url;

use crate::{
    harness::{App, Engine, PATIENCE, Setup},
    on_both_databases, postgres,
};

/// Runs a program to its end, while others work.
async fn run(mut command: Command) {
    let said = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output().expect("it can be run")).await.unwrap();
    assert!(output.status.success(), "{said}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes a backup of the database, and answers its file.
async fn back_up(app: &App, engine: Engine) -> String {
    let path = |name: &str| app.data.path().join(name).display().to_string();
    if engine == Engine::Sqlite {
        let file = path("backup.db");
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg(path("tenantry.db")).arg(format!(".backup '{file}'"));
        run(sqlite).await;
        return file;
    }
    let file = path("backup.dump");
    let url = app.config().database_url.expose().to_owned();
    let mut pg_dump = Command::new(postgres::programs().join("pg_dump"));
    pg_dump.args(["-Fc", "-d", &url, "-f", &file]);
    run(pg_dump).await;
    file
}

/// Puts it back, whatever is there.
async fn restore(app: &App, engine: Engine, backup: &str) {
    if engine == Engine::Sqlite {
        let database = app.data.path().join("tenantry.db");
        fs::copy(backup, &database).unwrap();
        for beside in ["-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{beside}", database.display())));
        }
        return;
    }
    let url = app.config().database_url.expose().to_owned();
    let mut any: Url = url.parse().unwrap();
    let name = any.path().trim_start_matches('/').to_owned();
    any.set_path("postgres");
    for program in ["dropdb", "createdb"] {
        let mut command = Command::new(postgres::programs().join(program));
        command.args(["--maintenance-db", any.as_str(), &name]);
        run(command).await;
    }
    let mut pg_restore = Command::new(postgres::programs().join("pg_restore"));
    pg_restore.args(["-d", &url, backup]);
    run(pg_restore).await;
}

async fn message(app: &App, company: &str) -> String {
    let body = json!({ "company": app.company(company).await });
    let message = app.post("links/message", body).await.error_for_status().unwrap();
    message.json::<Value>().await.unwrap()["body"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_backup_made_while_people_work_is_restored_with_its_key_file(engine) {
        let mut app = Setup::on(engine).access("delegated").start().await;
        let [connected, linked, later] = [0, 1, 2].map(|number| app.tenants[number].clone());
        app.connect(&connected).await;
        app.connected(&connected.name).await;
        app.idle(app.company(&connected.name).await).await;
        let link = app.make_link(app.company(&linked.name).await).await;

        let add = async |number: u32| {
            let body = json!({ "texts": { "name": format!("While it was backed up {number}") } });
            app.post("companies/add", body).await.error_for_status().unwrap();
            app.sync_now(&connected).await;
        };
        add(0).await;
        let meanwhile = AtomicU32::new(0);
        let working = async {
            for number in 1.. {
                add(number).await;
                meanwhile.store(number, Ordering::SeqCst);
            }
        };
        let backing_up = async {
            loop {
                let before = meanwhile.load(Ordering::SeqCst);
                let backup = back_up(&app, engine).await;
                // One that was over before somebody was answered shows nothing.
                if meanwhile.load(Ordering::SeqCst) > before {
                    return backup;
                }
            }
        };
        let backup = tokio::select! {
            () = working => unreachable!("people work until the backup is done"),
            backup = tokio::time::timeout(PATIENCE, backing_up) => backup.expect("people work meanwhile"),
        };
        let key_file = app.config().secret_key_file;
        let key = fs::read(&key_file).unwrap();

        // What comes after it is lost with the disk.
        app.connect(&later).await;
        app.stop().await;
        fs::remove_file(&key_file).unwrap();
        if engine == Engine::Sqlite {
            fs::write(app.data.path().join("tenantry.db"), "not a database any more").unwrap();
        } else {
            // A newer version has been there.
            let db = app.database().await;
            let newer = "CREATE TABLE newer (company_id uuid REFERENCES company (id))";
            db.execute_unprepared(newer).await.unwrap();
            db.close().await.unwrap();
        }
        restore(&app, engine, &backup).await;
        let refused = Application::build(&app.config(), Arc::new(SystemClock)).await.err();
        let Some(StartupError::Keys(error @ KeyFileError::Lost { .. })) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("secret.key"), "{error}");

        fs::write(&key_file, key).unwrap();
        app.serve().await;
        // What was being read when the backup was made is free again.
        app.clock.advance(LEASE);
        let row = app.connected(&connected.name).await;
        assert_eq!(row.figures.users, Some(connected.users));
        assert_eq!(app.row(&later.name).await.status, Status::NotConnected);
        app.row("While it was backed up 0").await;
        assert!(message(&app, &linked.name).await.contains(&link.url), "what was sealed opens");
        app.control(&format!("tenants/{}/change-users", connected.id), json!({ "add": 3 })).await;
        app.synced(&connected).await;
        app.assert_in_step(&connected).await;
    }
}
