//! Keys are rotated while servers run, and one that is missing is noticed.

use std::{
    process::{Command, Output, Stdio},
    sync::Mutex,
    time::Duration,
};

use app::domain::{CompanyId, NoticeKind};
use serde_json::{Value, json};
use server::{
    clock::SystemClock,
    startup::{Application, StartupError},
    store::{
        Store,
        sealed::{PLACES, Sealed},
    },
    vault::{KeyFileError, Vault},
};

use crate::{
    directory::scale,
    harness::{App, Setup},
    on_both_databases,
};

fn tenantry(app: &App, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.args(arguments).envs(app.environment.iter().cloned()).stdin(Stdio::null());
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Everything that is sealed.
async fn all_sealed(store: &Store) -> Vec<Sealed> {
    let all = Mutex::new(Vec::new());
    for place in PLACES {
        // No key has this id, so that each is looked at; and none is changed.
        let look = |sealed: &Sealed| {
            all.lock().unwrap().push(sealed.clone());
            None
        };
        store.seal_anew(place, [0; 8], look).await.unwrap();
    }
    all.into_inner().unwrap()
}

async fn link_in_message(app: &App, company: CompanyId) -> String {
    let message = app.post("links/message", json!({ "company": company })).await;
    let message: Value = message.error_for_status().unwrap().json().await.unwrap();
    message["body"].as_str().unwrap().to_owned()
}

/// Companies with a grant of somebody's, links, and a webhook.
async fn with_secrets(setup: Setup) -> App {
    let app = setup.access("delegated").start().await;
    for tenant in &app.tenants[..2] {
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
    }
    for tenant in &app.tenants[2..5] {
        app.make_link(app.company(&tenant.name).await).await;
    }
    let webhook =
        app.post("webhooks/create", json!({ "url": "https://hooks.msp.test/", "kinds": NoticeKind::ALL })).await;
    webhook.error_for_status().unwrap();
    app
}

on_both_databases! {
    async fn every_secret_opens_however_often_a_rotation_is_killed_under_load(engine) {
        let app = with_secrets(Setup::on(engine)).await;
        let vault = Vault::read(&app.config().secret_key_file).unwrap();
        let first = vault.newest();
        for kill in 0..scale(4, 20) {
            let mut rotation = tenantry(&app, &["keys", "rotate"]).stdout(Stdio::null()).spawn().unwrap();
            // Meanwhile tokens are refreshed and links are made, by a server that read the keys before.
            for tenant in &app.tenants[..2] {
                let company = app.company(&tenant.name).await;
                app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
            }
            let tenant = &app.tenants[2 + kill as usize % 3];
            let link = app.make_link(app.company(&tenant.name).await).await;
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..400))).await;
            drop(rotation.kill());
            rotation.wait().unwrap();
            let message = link_in_message(&app, app.company(&tenant.name).await).await;
            assert!(message.contains(&link.url), "the server opens what was sealed before and after");
        }

        let done = output(tenantry(&app, &["keys", "rotate"])).await;
        assert!(done.status.success(), "{done:?}");
        let store = app.store().await;
        let sealed = all_sealed(&store).await;
        assert!(sealed.len() >= 6, "two grants, three links, a webhook: {sealed:?}");
        for Sealed { row, value } in &sealed {
            vault.open(*row, value).unwrap();
        }
        assert!(vault.newest() != first && vault.knows(&first));

        // A refresh that was under way may have sealed with the key before.
        for _ in 0..2 {
            let again = output(tenantry(&app, &["keys", "rotate", "--no-new-key"])).await;
            assert!(again.status.success(), "{again:?}");
        }
        let sealed_by = store.sealing_keys().await.unwrap();
        assert_eq!(sealed_by.iter().map(|(key, _)| key.as_slice()).collect::<Vec<_>>(), [vault.newest()]);
        let too_soon = output(tenantry(&app, &["keys", "forget-older"])).await;
        assert!(!too_soon.status.success() && String::from_utf8_lossy(&too_soon.stderr).contains("two minutes ago"));
        // As of a server that did not know of the newest key.
        vault.add_key().unwrap();
        let in_use = output(tenantry(&app, &["keys", "forget-older"])).await;
        assert!(!in_use.status.success(), "{in_use:?}");
        assert!(String::from_utf8_lossy(&in_use.stderr).contains("sealed with an older key since"), "{in_use:?}");
        store.close().await.unwrap();

        for tenant in &app.tenants[..2] {
            let company = app.company(&tenant.name).await;
            app.sync_now(tenant).await;
            app.idle(company).await;
            app.connected(&tenant.name).await;
        }
    }

    async fn a_key_file_that_is_missing_or_another_one_is_noticed(engine) {
        let mut app = with_secrets(Setup::on(engine)).await;
        app.stop().await;
        let (config, path) = (app.config(), app.config().secret_key_file);
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let start = || Application::build(&config, std::sync::Arc::new(SystemClock));
        assert!(matches!(start().await.err(), Some(StartupError::Keys(KeyFileError::Lost { .. }))));
        assert!(!path.exists(), "none is made in its place");

        // Another key: what can't be opened is counted and left as it is.
        drop(Vault::open_or_create(&path).unwrap());
        let refused = output(tenantry(&app, &["keys", "rotate"])).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("Put that key back"), "{said}");

        // Put back as a further line, it opens them.
        let other = std::fs::read(&path).unwrap();
        std::fs::write(&path, [other, kept].concat()).unwrap();
        let done = output(tenantry(&app, &["keys", "rotate", "--no-new-key"])).await;
        assert!(done.status.success(), "{done:?}");
        app.serve().await;
        for tenant in &app.tenants[2..5] {
            let company = app.company(&tenant.name).await;
            assert!(link_in_message(&app, company).await.contains("/c/"));
        }
    }
}
