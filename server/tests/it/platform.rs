//! Our own app registration is refused: told once, nobody's fault, and over by itself.

use std::time::Duration;

use app::{
    api::companies::CompanyList,
    domain::{AttemptFailure, PlatformFault, PlatformNotice, Status},
};
use futures::StreamExt as _;
use serde_json::json;
use server::{clock::Clock as _, microsoft::ClientCertificate};

use crate::{
    harness::{App, Engine, PATIENCE, Setup, Tenant},
    on_both_databases,
    person::Person,
};

const CERTIFICATE: &str = include_str!("../fixtures/certificates/rsa.pem");

/// What everybody is told.
pub async fn banner(app: &App) -> Option<PlatformNotice> {
    let response = app.http.get(format!("{}/api/companies/list", app.url)).send().await.unwrap();
    let list: CompanyList = response.error_for_status().unwrap().json().await.unwrap();
    list.platform.into_iter().next()
}

/// Waits until there is a banner, or none.
async fn banner_becomes(app: &App, wanted: bool) -> Option<PlatformNotice> {
    let wait = async {
        loop {
            let banner = banner(app).await;
            if banner.is_some() == wanted {
                return banner;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a banner, or none")
}

async fn tokens(app: &App, tenants: &[Tenant]) -> u64 {
    let mut asked = 0;
    for tenant in tenants {
        asked += app.http_requests(tenant, "/oauth2/v2.0/token").await;
    }
    asked
}

on_both_databases! {
    async fn an_expired_secret_is_a_banner_and_all_is_well_by_itself_after_it_is_mended(engine) {
        let app = Setup::on(engine).start().await;
        let tenants = app.tenants[..4].to_vec();
        for tenant in &tenants {
            app.connect(tenant).await;
            app.connected(&tenant.name).await;
            app.idle(app.company(&tenant.name).await).await;
        }
        let synced: Vec<_> = app.rows().await.into_iter().filter_map(|row| row.synced_at).collect();
        let last = synced.into_iter().max();
        let _second = if engine == Engine::Postgres { Some(App::beside(&app, &[]).await) } else { None };
        app.clock.stop();
        let mut events = app.http.get(format!("{}/api/events", app.url)).send().await.unwrap().bytes_stream();

        app.control("expire-client-secret", json!({ "expired": true })).await;
        // The tokens at hand have ended. Until then nobody notices, and nobody has to.
        app.clock.advance(Duration::from_hours(2));
        app.post("connections/sync-all", json!({})).await.error_for_status().unwrap();
        let notice = banner_becomes(&app, true).await.unwrap();
        assert_eq!(notice.title, PlatformFault::SecretExpired.title());
        assert!(notice.details.unwrap().contains("AADSTS7000222"));
        assert!(notice.since.is_some());
        let told = async {
            let mut text = String::new();
            while !text.contains("event: platform") {
                text.push_str(&String::from_utf8_lossy(&events.next().await.unwrap().unwrap()));
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("open pages are told");

        for tenant in &tenants {
            app.idle(app.company(&tenant.name).await).await;
        }
        // One company in a minute, over all servers; no company is marked.
        for _ in 0..3 {
            let before = tokens(&app, &tenants).await;
            app.clock.advance(Duration::from_mins(1));
            let wait = async {
                while tokens(&app, &tenants).await == before {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(PATIENCE, wait).await.expect("one is tried");
            // Long enough for another look of each worker.
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            assert_eq!(tokens(&app, &tenants).await, before + 1);
        }
        for tenant in &tenants {
            let row = app.row(&tenant.name).await;
            assert_eq!((row.status, row.synced_at <= last), (Status::Connected, true));
        }

        app.control("expire-client-secret", json!({ "expired": false })).await;
        app.clock.advance(Duration::from_mins(1));
        for tenant in &tenants {
            app.row_becomes(&tenant.name, |row| row.synced_at > last && row.status == Status::Connected).await;
        }
        banner_becomes(&app, false).await;
    }

    async fn a_fault_that_is_over_at_once_stays_on_no_open_page(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        app.connect(&tenant).await;
        let company = app.connected(&tenant.name).await.id;
        app.idle(company).await;
        let mut events = app.http.get(format!("{}/api/events", app.url)).send().await.unwrap().bytes_stream();
        let mut heard = String::new();
        for _ in 0..4 {
            // Shorter than it takes to look at what nobody announced; an open page that asks for changes hears of it all
            // the same.
            for expired in [true, false] {
                app.control("expire-client-secret", json!({ "expired": expired })).await;
                app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
                banner_becomes(&app, expired).await;
            }
            let told = async {
                let over = "event: platform\ndata: []";
                let begun = "AADSTS7000222";
                while heard.rfind(over) <= heard.rfind(begun) {
                    heard.push_str(&String::from_utf8_lossy(&events.next().await.unwrap().unwrap()));
                }
                heard.clear();
            };
            tokio::time::timeout(PATIENCE, told).await.expect("open pages are told that it is over");
        }
    }

    async fn a_secret_is_mended_in_its_file_without_a_restart(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        let file = app.data.path().join("client-secret");
        let place = app.environment.iter().position(|(name, _)| name == "TENANTRY_M365_CLIENT_SECRET").unwrap();
        let (_, right) = app.environment.remove(place);
        app.environment.push(("TENANTRY_M365_CLIENT_SECRET_FILE".into(), file.display().to_string()));
        std::fs::write(&file, "wrong").unwrap();
        app.serve().await;
        let tenant = app.tenants[0].clone();

        let page = Person::new(&app).connect(app.company(&tenant.name).await, tenant.admin()).await;
        assert_eq!(page.heading(), AttemptFailure::AppRegistration.title());
        assert_eq!(banner(&app).await.map(|notice| notice.title), Some(PlatformFault::SecretWrong.title().to_owned()));
        std::fs::write(&file, right.as_bytes()).unwrap();
        app.connect(&tenant).await;
        assert_eq!(banner(&app).await, None);
        app.connected(&tenant.name).await;

        // While it serves, the secret is replaced at Microsoft, and then in the file.
        app.control("expire-client-secret", json!({ "expired": true })).await;
        app.sync_now(&tenant).await;
        banner_becomes(&app, true).await;
        app.control("expire-client-secret", json!({ "expired": false })).await;
        app.clock.advance(Duration::from_mins(1));
        banner_becomes(&app, false).await;
    }

    async fn the_end_of_our_certificate_is_told_thirty_days_ahead(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        let file = app.data.path().join("certificate.pem");
        std::fs::write(&file, CERTIFICATE).unwrap();
        app.environment.retain(|(name, _)| name != "TENANTRY_M365_CLIENT_SECRET");
        app.environment.push(("TENANTRY_M365_CERTIFICATE_FILE".into(), file.display().to_string()));
        app.serve().await;
        assert_eq!(banner(&app).await, None);
        let end = ClientCertificate::from_pem(&CERTIFICATE.into()).unwrap().not_after();
        app.clock.advance(end.since(app.clock.now()).saturating_sub(Duration::from_hours(24 * 12 + 1)));
        app.sign_in_anew().await;
        let title = banner(&app).await.map(|notice| notice.title);
        assert_eq!(title.as_deref(), Some("The certificate of Tenantry’s app registration expires in 12 days"));
    }

    async fn a_forged_code_tells_nothing_about_us(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        app.fault(json!({ "match": "/oauth2/v2.0/token", "code": 9_002_313, "error": "invalid_request" })).await;
        let page = person.open(callback).await;
        assert_eq!(page.heading(), AttemptFailure::AppRegistration.title());
        assert_eq!(banner(&app).await, None);
    }
}
