//! Companies are added, changed, put away, brought back and deleted.

use std::time::Duration;

use app::{
    api::companies::CompanyChanges,
    domain::{ActivityFilter, ActivityKind, ArchivedCompany, CompanyCard, CompanyId, CompanyTexts, Role, Status},
    error::{AppError, ErrorCode},
};
use reqwest::{Client, StatusCode};
use sea_orm::{ConnectionTrait as _, Database};
use sea_orm_migration::MigratorTrait as _;
use serde_json::{Value, json};
use server::{
    migration::Migrator,
    store::{Store, options_for},
};

use crate::{
    harness::{App, Engine, Setup},
    on_both_databases,
    person::Person,
    postgres,
};

const LEASE: Duration = Duration::from_mins(5);

fn texts(name: &str, external_id: &str) -> CompanyTexts {
    CompanyTexts { name: name.into(), external_id: external_id.into(), ..CompanyTexts::default() }
}

async fn refused(app: &App, function: &str, body: Value) -> (ErrorCode, String) {
    let response = app.post(function, body).await;
    assert!(!response.status().is_success(), "{function} is refused");
    let error: AppError = response.json().await.unwrap();
    (error.code, error.message)
}

async fn done(app: &App, function: &str, body: Value) -> reqwest::Response {
    let response = app.post(function, body).await;
    assert_eq!(response.status(), StatusCode::OK, "{function}: {}", response.text().await.unwrap());
    response
}

async fn add(app: &App, texts: &CompanyTexts) -> CompanyId {
    done(app, "companies/add", json!({ "texts": texts })).await.json().await.unwrap()
}

async fn card(app: &App, company: CompanyId) -> CompanyCard {
    done(app, "companies/card", json!({ "company": company })).await.json().await.unwrap()
}

async fn archive(app: &App, company: CompanyId) {
    done(app, "companies/archive", json!({ "company": company })).await;
}

async fn restore(app: &App, company: CompanyId) {
    done(app, "companies/restore", json!({ "company": company })).await;
}

async fn archived(app: &App) -> Vec<ArchivedCompany> {
    let url = format!("{}/api/companies/archived", app.url);
    app.http.get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

async fn changes(app: &App, since: i64) -> CompanyChanges {
    let url = format!("{}/api/companies/changes?since={since}", app.url);
    app.http.get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

/// What was done to the company, the first first.
async fn deeds(app: &App, company: CompanyId) -> Vec<(ActivityKind, String)> {
    let mut rows = app.activity(ActivityFilter { company: Some(company), ..ActivityFilter::default() }).await;
    rows.reverse();
    rows.into_iter().map(|row| (row.kind, row.text)).collect()
}

on_both_databases! {
    async fn a_company_is_added_and_changed_and_the_log_says_how(engine) {
        let app = Setup::on(engine).start().await;
        let new = CompanyTexts {
            domain: "https://www.Acme.test/".into(),
            contact: "Kim Abel <Kim@Acme.test>".into(),
            note: "Calls on Mondays".into(),
            tags: "gold; Dental".into(),
            ..texts(" Acme ", "a1")
        };
        let company = add(&app, &new).await;
        let before = card(&app, company).await.texts;
        let stored = CompanyTexts {
            domain: "acme.test".into(),
            contact: "Kim Abel".into(),
            email: "kim@acme.test".into(),
            tags: "Dental, gold".into(),
            ..CompanyTexts { name: "Acme".into(), ..new }
        };
        assert_eq!(before, stored);
        let row = app.row("Acme").await;
        assert_eq!((row.id, row.domain.as_deref(), &row.status), (company, Some("acme.test"), &Status::NotConnected));

        let after = CompanyTexts { name: "Acme Ltd".into(), note: String::new(), tags: "dental, gold".into(), ..before.clone() };
        done(&app, "companies/edit", json!({ "company": company, "before": before, "texts": after })).await;
        let now = card(&app, company).await.texts;
        assert_eq!((now.name.as_str(), now.note.as_str()), ("Acme Ltd", ""));
        assert!(app.row("Acme Ltd").await.revision > row.revision);
        // The same once more says nothing new.
        done(&app, "companies/edit", json!({ "company": company, "before": now, "texts": now })).await;
        assert_eq!(
            deeds(&app, company).await,
            [
                (ActivityKind::CompanyAdded, String::new()),
                (ActivityKind::CompanyEdited, "Name: Acme → Acme Ltd; Note changed".into()),
            ]
        );
    }

    async fn a_form_that_is_out_of_date_overwrites_nothing(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let before = card(&app, company).await.texts;
        // What the row shows changes meanwhile, and nothing of what the form shows.
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let first = CompanyTexts { note: "one".into(), name: "Renamed".into(), ..before.clone() };
        let second = CompanyTexts { note: "two".into(), ..before.clone() };
        done(&app, "companies/edit", json!({ "company": company, "before": before, "texts": first })).await;
        let (code, message) =
            refused(&app, "companies/edit", json!({ "company": company, "before": before, "texts": second })).await;
        assert_eq!(code, ErrorCode::Conflict);
        assert!(message.contains(&format!("Name: {} → Renamed; Note changed", tenant.name)), "{message}");
        assert_eq!(card(&app, company).await.texts, first);
        done(&app, "companies/edit", json!({ "company": company, "before": first, "texts": second })).await;
        assert_eq!(card(&app, company).await.texts, second);
    }

    async fn an_external_id_is_one_companys(engine) {
        let app = Setup::on(engine).start().await;
        let acme = add(&app, &texts("Acme", "a1")).await;
        let beta = add(&app, &texts("Beta", "")).await;
        let taken = (ErrorCode::Conflict, "Acme has this external id already. Two companies can't share one.".to_owned());
        assert_eq!(refused(&app, "companies/add", json!({ "texts": texts("Gamma", "a1") })).await, taken);
        let edit = json!({ "company": beta, "before": texts("Beta", ""), "texts": texts("Beta", "a1") });
        assert_eq!(refused(&app, "companies/edit", edit.clone()).await, taken);
        archive(&app, acme).await;
        let (_, message) = refused(&app, "companies/edit", edit).await;
        assert!(message.starts_with("Acme, which is archived, has"), "{message}");
    }

    async fn what_breaks_a_rule_is_refused_in_words(engine) {
        let app = Setup::on(engine).start().await;
        let before = app.rows().await;
        let wrong = CompanyTexts { domain: "acme".into(), email: "kim".into(), ..texts("", "") };
        let (code, message) = refused(&app, "companies/add", json!({ "texts": wrong })).await;
        assert_eq!(code, ErrorCode::Invalid);
        assert_eq!(
            message,
            "The name is empty. “acme” is not a domain name such as contoso.com. “kim” is not an e-mail address such as \
             kim@contoso.com."
        );
        let nobody = "01890000-0000-7000-8000-000000000000";
        for (function, body) in [
            ("companies/card", json!({ "company": nobody })),
            ("companies/edit", json!({ "company": nobody, "before": texts("A", ""), "texts": texts("A", "") })),
            ("companies/archive", json!({ "company": nobody })),
            ("companies/restore", json!({ "company": nobody })),
            ("companies/delete", json!({ "company": nobody, "name": "A" })),
        ] {
            assert_eq!(refused(&app, function, body).await.0, ErrorCode::NotFound, "{function}");
        }
        assert_eq!(app.rows().await, before);
    }

    async fn a_company_that_is_put_away_rests_and_comes_back_as_it_was(engine) {
        let mut app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        let company = app.company(&tenant.name).await;
        app.connect(&tenant).await;
        let before = app.connected(&tenant.name).await;
        app.clock.advance(Duration::from_mins(1));
        let start = changes(&app, i64::MAX).await;
        archive(&app, company).await;
        archive(&app, company).await;

        assert!(app.rows().await.iter().all(|row| row.id != company));
        let told = changes(&app, start.cursor).await;
        assert!(told.rows.iter().all(|row| row.id != company));
        assert_eq!(told.gone.iter().map(|gone| gone.id).collect::<Vec<_>>(), [company]);
        assert!(told.gone[0].revision > before.revision);
        let list = archived(&app).await;
        assert_eq!((list.len(), list[0].name.as_str(), list[0].tenant.as_deref()), (1, &*tenant.name, Some(&*tenant.name)));
        assert_eq!(refused(&app, "connections/sync", json!({ "company": company })).await.0, ErrorCode::Conflict);
        assert_eq!(refused(&app, "companies/show", json!({ "company": company })).await.0, ErrorCode::NotFound);
        let edit = json!({ "company": company, "before": texts("A", ""), "texts": texts("A", "") });
        assert_eq!(refused(&app, "companies/edit", edit).await.0, ErrorCode::Conflict);

        app.stop().await;
        app.clock.advance(Duration::from_hours(10));
        let store = app.store().await;
        assert!(store.claim_due(10, LEASE).await.unwrap().is_empty(), "it is not read");
        store.close().await.unwrap();
        app.serve().await;
        restore(&app, company).await;
        let back = app.row_becomes(&tenant.name, |row| row.synced_at > before.synced_at).await;
        assert_eq!(
            app::domain::CompanyRow { revision: 0, synced_at: None, ..back },
            app::domain::CompanyRow { revision: 0, synced_at: None, ..before }
        );
        let kinds: Vec<_> = deeds(&app, company).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds[kinds.len() - 2..], [ActivityKind::CompanyArchived, ActivityKind::CompanyRestored]);
    }

    async fn links_and_attempts_of_a_company_end_when_it_is_put_away(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let link = app.make_link(company).await.url;
        let (client, colleague) = (Person::stranger(&app), Person::new(&app));
        let at_microsoft = client.go_on(&link).await;
        let callback = colleague.almost_connect(company, tenant.admin()).await;
        archive(&app, company).await;

        let page = client.open(&link).await;
        assert_eq!((page.status, page.heading().as_str()), (StatusCode::GONE, "This link was withdrawn"));
        assert_ne!(colleague.open(callback).await.heading(), format!("{} is connected", tenant.name));
        let page = client.sign_in(&at_microsoft, tenant.admin()).await;
        let page = client.accept(&page).await;
        assert_eq!((page.status, page.heading().as_str()), (StatusCode::GONE, "This link was withdrawn"));
        assert_eq!(colleague.click(company).await.status(), StatusCode::NOT_FOUND);

        restore(&app, company).await;
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.tenant), (Status::NotConnected, None));
        let page = client.open(&link).await;
        assert_eq!(page.status, StatusCode::GONE, "a link does not come back");
        app.connect(tenant).await;
    }

    async fn only_what_is_put_away_and_not_connected_is_deleted(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let (connected, other) = (app.company(&tenant.name).await, app.company(&app.tenants[1].name).await);
        let name = &app.tenants[1].name;
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let delete = |company, name: &str| json!({ "company": company, "name": name });
        assert_eq!(refused(&app, "companies/delete", delete(other, name)).await.0, ErrorCode::Conflict);
        app.make_link(other).await;
        archive(&app, connected).await;
        archive(&app, other).await;
        let (code, message) = refused(&app, "companies/delete", delete(connected, &tenant.name)).await;
        assert_eq!(code, ErrorCode::Conflict);
        assert!(message.starts_with(&format!("The company is connected to {}.", tenant.name)), "{message}");
        assert_eq!(refused(&app, "companies/delete", delete(other, "Another")).await.0, ErrorCode::Invalid);
        let kim = app.client_of("kim@msp.test", Role::Settings).await;
        let response = post(&kim, &app, "companies/delete", delete(other, name)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);

        app.clock.advance(Duration::from_mins(1));
        let start = changes(&app, i64::MAX).await;
        done(&app, "companies/delete", delete(other, name)).await;
        assert_eq!(archived(&app).await.iter().map(|company| company.id).collect::<Vec<_>>(), [connected]);
        // A page that slept through all of it learns of it too.
        let told = changes(&app, start.cursor).await;
        assert!(told.gone.iter().any(|gone| gone.id == other && gone.revision == i64::MAX), "{told:?}");
        let last = deeds(&app, other).await.pop().unwrap();
        assert_eq!(last.0, ActivityKind::CompanyDeleted);
    }

    async fn another_domain_is_another_tenant_to_sign_in_to(engine) {
        let app = Setup::on(engine).start().await;
        let [first, second] = [&app.tenants[0], &app.tenants[1]];
        let company = app.company(&first.name).await;
        archive(&app, app.company(&second.name).await).await;
        let before = card(&app, company).await.texts;
        let after = CompanyTexts { domain: second.domain.clone(), ..before.clone() };
        done(&app, "companies/edit", json!({ "company": company, "before": before, "texts": after })).await;
        let page = Person::new(&app).start(company).await;
        assert!(page.url.path().contains(&second.id), "{}", page.url);
        // Begun for the tenant of the domain before: it is not the company's any more.
        let page = Person::new(&app).connect(company, second.admin()).await;
        assert_eq!(page.heading(), format!("{} is connected", first.name));
    }

    async fn contacts_are_split_into_name_and_address(engine) {
        let dir = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}?mode=rwc", dir.path().join("db").display()),
            Engine::Postgres => postgres::new_database().await,
        };
        let db = Database::connect(options_for(&url)).await.unwrap();
        let before = Migrator::migrations().iter().position(|migration| migration.name().ends_with("000005_companies"));
        let before = u32::try_from(before.unwrap()).unwrap();
        Migrator::up(&db, Some(before)).await.unwrap();
        let contacts = [
            ("Kim Abel <Kim@a.test>", "Kim Abel", "kim@a.test"),
            ("kim@b.test", "", "kim@b.test"),
            ("Ann, ann@c.test; +1 555 0100", "Ann, ann@c.test; +1 555 0100", "ann@c.test"),
            ("Front desk", "Front desk", ""),
        ];
        for (place, (contact, ..)) in contacts.iter().enumerate() {
            let id = format!("0189000000007000800000000000000{place}");
            let id = if engine == Engine::Sqlite { format!("X'{id}'") } else { format!("'{id}'") };
            db.execute_unprepared(&format!(
                "INSERT INTO company (id, name, contact, created_at, changed_at) VALUES ({id}, '{place}', '{contact}', 1, 1)"
            ))
            .await
            .unwrap();
        }
        Migrator::up(&db, None).await.unwrap();
        let read = || async {
            let store = Store::open(&url, std::sync::Arc::new(server::clock::SystemClock)).await.unwrap();
            let mut present = store.present_companies().await.unwrap();
            store.close().await.unwrap();
            present.sort_by(|a, b| a.texts.name.cmp(&b.texts.name));
            present.into_iter().map(|company| (company.texts.contact, company.texts.email)).collect::<Vec<_>>()
        };
        let expected = contacts.map(|(_, name, email)| (name.to_owned(), email.to_owned()));
        assert_eq!(read().await, expected);
        // There and back again.
        let after = u32::try_from(Migrator::migrations().len()).unwrap() - before;
        Migrator::down(&db, Some(after)).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        assert_eq!(read().await, expected);
    }
}

async fn post(client: &Client, app: &App, function: &str, body: Value) -> reqwest::Response {
    client.post(format!("{}/api/{function}", app.url)).json(&body).send().await.unwrap()
}
