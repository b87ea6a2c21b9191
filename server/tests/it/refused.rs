//! Sign-ins that must not connect anything.

use std::time::Duration;

use app::domain::{AttemptFailure, Status};
use reqwest::Url;
use serde_json::json;

use crate::{
    harness::{App, Setup},
    on_both_databases,
    person::{Page, Person, location},
};

/// The row went back, says why, and nothing else is stored; and the way is free for the right person.
async fn assert_refused(app: &App, name: &str, page: &Page, failure: AttemptFailure) {
    assert!(page.status.is_client_error(), "{}", page.status);
    assert_eq!(page.heading(), failure.title());
    assert!(page.says(&failure.advice()), "{}", page.html);
    assert!(page.says("You can close this window."));
    app.assert_untouched(name).await;
    let told = app.row(name).await.last_try.map(|last| (last.title, last.advice));
    assert_eq!(told, Some((failure.title().to_owned(), failure.advice())));
}

/// The same address with one parameter of its query changed, or taken out.
fn with(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut changed = url.clone();
    let pairs: Vec<_> = url.query_pairs().filter(|(key, _)| key != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(value.map(|value| (name, value)));
    changed
}

on_both_databases! {
    async fn declined_consent(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            let person = Person::new(&app);
            let page = person.start(app.company(&tenant.name).await).await;
            let page = person.sign_in(&page, tenant.admin()).await;
            let page = person.decline(&page).await;
            assert!(page.says("AADSTS65004"), "the details are for support");
            assert_refused(&app, &tenant.name, &page, AttemptFailure::Declined).await;
            app.connect(tenant).await;
        }
    }

    async fn somebody_who_is_no_administrator_stays_at_microsoft(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            let company = app.company(&tenant.name).await;
            let person = Person::new(&app);
            let page = person.start(company).await;
            let page = person.sign_in(&page, tenant.ordinary_user()).await;
            assert!(page.says("Need admin approval"), "{access}: {}", page.html);
            assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { .. }));
            app.cancel(company).await;
            app.assert_untouched(&tenant.name).await;
        }
    }

    async fn a_forged_consent_does_not_make_an_ordinary_user_an_administrator(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let person = Person::new(&app);
        let consent = location(&person.click(company).await).unwrap();
        let state = consent.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let forged = format!("{}/connect/callback?admin_consent=True&tenant={}&state={state}", app.url, tenant.id);

        // The forged answer leads to a sign-in, and stores nothing.
        let page = person.open(forged).await;
        app.control("tenants", json!({ "name": "x", "domain": "x-forged.test", "users": 3 })).await;
        assert!(page.url.as_str().starts_with(app.sandbox.base_url()));
        assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { .. }));
        assert_eq!(app.row(&tenant.name).await.tenant, None);

        let page = person.sign_in(&page, tenant.ordinary_user()).await;
        let page = if page.heading().starts_with("Permissions") { person.accept(&page).await } else { page };
        let account = tenant.ordinary_user().email.clone();
        assert_refused(&app, &tenant.name, &page, AttemptFailure::NotAdministrator { account }).await;
    }

    async fn a_forged_consent_for_another_tenant_does_not_move_the_sign_in(engine) {
        let app = Setup::on(engine).start().await;
        let (tenant, other) = (&app.tenants[0], &app.tenants[1]);
        let person = Person::new(&app);
        let consent = location(&person.click(app.company(&tenant.name).await).await).unwrap();
        let state = consent.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let forged = format!("{}/connect/callback?admin_consent=True&tenant={}&state={state}", app.url, other.id);
        let authorize = location(&person.open_only(forged).await).unwrap();
        assert_eq!(authorize.path(), format!("/{}/oauth2/v2.0/authorize", tenant.id));
    }

    async fn a_wrong_password_stays_at_microsoft(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let page = person.start(app.company(&tenant.name).await).await;
        let page = person.sign_in_with(&page, &tenant.admin().email, "wrong").await;
        assert!(page.says("AADSTS50126"));
        assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { .. }));
        // The right one goes on from there.
        let page = person.sign_in(&page, tenant.admin()).await;
        assert_eq!(person.accept(&page).await.heading(), format!("{} is connected", tenant.name));
    }

    async fn a_personal_account(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.fault(json!({ "kind": "id_token", "tamper": "personal" })).await;
        let page = Person::new(&app).connect(app.company(&tenant.name).await, tenant.admin()).await;
        assert_refused(&app, &tenant.name, &page, AttemptFailure::PersonalAccount).await;
    }

    async fn another_companys_tenant(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.import("name\nNewcomer\n").await;
        let page = Person::new(&app).connect(app.company("Newcomer").await, tenant.admin()).await;
        let failure =
            AttemptFailure::TenantTaken { signed_in: tenant.name.clone(), company: tenant.name.clone() };
        assert_refused(&app, "Newcomer", &page, failure).await;
        app.connected(&tenant.name).await;
    }

    async fn a_tenant_other_than_the_one_that_the_domain_resolves_to(engine) {
        let app = Setup::on(engine).start().await;
        let (expected, other) = (&app.tenants[0], &app.tenants[1]);
        app.import("name,external_id\nNewcomer,n1\n").await;
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company("Newcomer").await, other.admin()).await;
        // What the company is known by changes while somebody signs in.
        app.control("tenants", json!({ "name": "Newcomer", "domain": "newcomer.test", "users": 3 })).await;
        app.import("name,domain,external_id\nNewcomer,newcomer.test,n1\n").await;
        let page = person.open(&callback).await;
        let failure = AttemptFailure::WrongOrganisation {
            signed_in: other.name.clone(),
            expected: "newcomer.test".into(),
        };
        assert_refused(&app, "Newcomer", &page, failure).await;

        // Where the domain is known from the beginning, Microsoft itself refuses.
        let page = person.start(app.company(&expected.name).await).await;
        let page = Person::new(&app).sign_in(&page, other.admin()).await;
        assert!(page.says("AADSTS50020"), "{}", page.html);
    }

    async fn a_replayed_answer(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        assert_eq!(person.open(&callback).await.heading(), format!("{} is connected", tenant.name));
        let connected = app.connected(&tenant.name).await;

        let again = person.open(&callback).await;
        assert_eq!((again.status.as_u16(), again.heading().as_str()), (409, "This sign-in has already been used"));
        assert_eq!(Person::new(&app).open(&callback).await.status, 400, "nor in another browser");
        assert_eq!(app.row(&tenant.name).await, connected);
    }

    async fn a_changed_state(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        for value in [Some("forged"), None] {
            let person = Person::new(&app);
            let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
            let page = person.open(with(&callback, "state", value)).await;
            assert_refused(&app, &tenant.name, &page, AttemptFailure::Mismatch).await;
            // The true answer comes too late.
            assert_eq!(person.open(&callback).await.heading(), "This sign-in has already been used");
            app.assert_untouched(&tenant.name).await;
        }
    }

    async fn a_forged_answer_does_not_end_one_of_two_attempts(engine) {
        let app = Setup::on(engine).start().await;
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&app.tenants[0].name).await, app.tenants[0].admin()).await;
        person.start(app.company(&app.tenants[1].name).await).await;
        assert_eq!(person.open(with(&callback, "state", Some("forged"))).await.status, 400);
        assert_eq!(person.open(&callback).await.heading(), format!("{} is connected", app.tenants[0].name));
    }

    async fn an_answer_in_another_browser(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        let page = Person::new(&app).open(&callback).await;
        assert_refused(&app, &tenant.name, &page, AttemptFailure::OtherBrowser).await;
    }

    async fn an_answer_with_another_code(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        let page = person.open(with(&callback, "code", Some("forged"))).await;
        assert!(page.status.is_client_error());
        app.assert_untouched(&tenant.name).await;
    }

    async fn an_id_token_that_does_not_hold(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            for tamper in ["signature", "audience", "issuer", "nonce", "expiry", "kid"] {
                app.fault(json!({ "kind": "id_token", "tamper": tamper })).await;
                let person = Person::new(&app);
                let page = person.connect(app.company(&tenant.name).await, tenant.admin()).await;
                assert_refused(&app, &tenant.name, &page, AttemptFailure::ProofInvalid).await;
            }
        }
    }

    async fn microsoft_being_out_of_order(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        app.fault(json!({ "match": "/oauth2/v2.0/token", "status": 503 })).await;
        let page = person.open(&callback).await;
        assert_eq!(page.status, 503);
        assert_eq!(page.heading(), AttemptFailure::MicrosoftUnavailable.title());
        app.assert_untouched(&tenant.name).await;
        app.connect(tenant).await;
    }

    async fn an_app_secret_that_has_expired_is_our_fault_and_says_so(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.control("expire-client-secret", json!({ "expired": true })).await;
        let page = Person::new(&app).connect(app.company(&tenant.name).await, tenant.admin()).await;
        assert!(page.says("AADSTS7000222"));
        assert_refused(&app, &tenant.name, &page, AttemptFailure::AppRegistration).await;
    }

    async fn an_answer_that_the_server_did_not_finish(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        // As a server does that is killed after it took the answer.
        let store = app.store().await;
        let attempt = store.attempt_by_state(sha256(&state)).await.unwrap().unwrap();
        assert!(store.claim_attempt(attempt.id).await.unwrap());
        assert!(!store.claim_attempt(attempt.id).await.unwrap(), "an attempt is claimed once");
        app.clock.advance(Duration::from_mins(3));
        let row = app.row_becomes(&tenant.name, |row| row.status == Status::NotConnected).await;
        assert_eq!(row.last_try.map(|last| last.title).as_deref(), Some(AttemptFailure::Interrupted.title()));
        assert_eq!(person.open(&callback).await.heading(), "This sign-in has already been used");
    }
}

fn sha256(text: &str) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text.as_bytes()).into()
}
