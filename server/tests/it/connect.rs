//! Connecting companies.

use std::time::Duration;

use app::domain::{
    Role, Status,
    attempt::{DEADLINE, LATE_ANSWER},
};
use serde_json::json;
use server::sessions::Token;

use crate::{
    harness::Setup,
    on_both_databases,
    person::{Person, location},
    workers::asked,
};

on_both_databases! {
    async fn an_administrator_connects_a_company(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            let person = Person::new(&app);
            let company = app.company(&tenant.name).await;

            let page = person.start(company).await;
            assert!(page.url.as_str().starts_with(app.sandbox.base_url()), "{}", page.url);
            assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { connected: false, .. }));

            let page = person.sign_in(&page, tenant.admin()).await;
            let page = person.accept(&page).await;
            assert_eq!(page.heading(), format!("{} is connected", tenant.name));
            assert!(page.says("You can close this window."));

            let row = app.connected(&tenant.name).await;
            assert_eq!(row.tenant.as_deref(), Some(tenant.name.as_str()));
            assert_eq!(row.figures.users, Some(tenant.users), "{access}");
            assert!(row.figures.licences.is_some_and(|licences| licences.assignable > 0));
            assert!(row.synced_at.is_some());
        }
    }

    async fn the_second_step_is_pinned_to_the_tenant_that_the_domain_resolves_to(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let response = person.click(app.company(&tenant.name).await).await;
        assert_eq!(response.status(), 302);
        let consent = location(&response).unwrap();
        assert_eq!(consent.path(), format!("/{}/v2.0/adminconsent", tenant.id));
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("attempt=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        assert!(!cookie.contains("Secure"), "plain http on localhost");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }

    async fn a_company_without_a_domain_connects_to_whatever_tenant_signs_in(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name\nNo Domain Ltd\n").await;
        let tenant = &app.tenants[2];
        let person = Person::new(&app);
        let page = person.connect(app.company("No Domain Ltd").await, tenant.admin()).await;
        assert_eq!(page.heading(), "No Domain Ltd is connected");
        assert_eq!(app.connected("No Domain Ltd").await.tenant.as_deref(), Some(tenant.name.as_str()));
    }

    async fn two_windows_of_one_browser_at_once_connect_two_companies(engine) {
        let app = Setup::on(engine).start().await;
        let person = Person::new(&app);
        let (first, second) = (&app.tenants[0], &app.tenants[1]);
        let pages = (
            person.start(app.company(&first.name).await).await,
            person.start(app.company(&second.name).await).await,
        );
        let page = person.sign_in(&pages.1, second.admin()).await;
        assert_eq!(person.accept(&page).await.heading(), format!("{} is connected", second.name));
        let page = person.sign_in(&pages.0, first.admin()).await;
        assert_eq!(person.accept(&page).await.heading(), format!("{} is connected", first.name));
        app.connected(&first.name).await;
        app.connected(&second.name).await;
    }

    /// Two clicks before the first answer came.
    async fn two_first_windows_at_once_are_of_one_browser(engine) {
        let app = Setup::on(engine).start().await;
        let mut names = Vec::new();
        for tenant in &app.tenants[..2] {
            // Which knows of no cookie but that of the session.
            let response = Person::new(&app).click(app.company(&tenant.name).await).await;
            let cookie = response.headers()["set-cookie"].to_str().unwrap();
            names.push(cookie.split(';').next().unwrap().to_owned());
        }
        assert!(names[0].starts_with("attempt=") && names[0] == names[1], "{names:?}");
        assert!(!names[0].contains(app.session.expose()));
    }

    async fn under_another_name_than_the_public_one_no_sign_in_begins(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let url = Person::new(&app).start_url(app.company(&tenant.name).await);
        let page = "http://elsewhere.test/settings/integrations/microsoft-365/companies";
        let click = app.http.get(url).header("sec-fetch-site", "same-origin").header("referer", page);
        let response = click.send().await.unwrap();
        assert_eq!(response.status(), 409);
        assert!(response.text().await.unwrap().contains(&app.url));
        app.assert_untouched(&tenant.name).await;
    }

    async fn what_changes_while_microsoft_is_asked_is_seen_before_an_attempt_begins(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        app.fault(json!({ "match": "/*/v2.0/.well-known/openid-configuration", "delay_ms": 2_000 })).await;
        let asked = app.times_asked("openid-configuration").await;
        let archived = async {
            while app.times_asked("openid-configuration").await == asked {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            app.post("companies/archive", json!({ "company": company })).await.error_for_status().unwrap();
        };
        let person = Person::new(&app);
        let (response, ()) = tokio::join!(person.click(company), archived);
        assert_eq!(response.status(), 409);
        app.post("companies/restore", json!({ "company": company })).await.error_for_status().unwrap();
        app.assert_untouched(&tenant.name).await;
    }

    async fn whoever_may_not_connect_any_more_connects_nothing(engine) {
        let app = Setup::on(engine).start().await;
        for (number, change) in [("accounts/set-active", json!({ "active": false })), ("accounts/change-role", json!({ "role": "viewer" }))].into_iter().enumerate() {
            let tenant = &app.tenants[number];
            let account = app.add_account(&format!("sam{number}@msp.test"), Role::Settings, None).await;
            let session = Token::random();
            app.begin_session(&account, &session).await;
            let person = Person::of_session(&app, &session);
            let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
            let (function, mut body) = change;
            body["account"] = json!(account.id);
            app.post(function, body).await.error_for_status().unwrap();
            assert_eq!(person.open(&callback).await.heading(), "This sign-in was cancelled");
            app.assert_untouched(&tenant.name).await;
        }
    }

    async fn a_cancelled_attempt_puts_the_row_back_and_its_answer_is_refused(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let person = Person::new(&app);
        let callback = person.almost_connect(company, tenant.admin()).await;
        app.cancel(company).await;
        assert_eq!(app.row(&tenant.name).await.status, Status::NotConnected);
        app.cancel(company).await;

        let page = person.open(&callback).await;
        assert_eq!(page.heading(), "This sign-in was cancelled");
        app.assert_untouched(&tenant.name).await;
        // Another try is possible at once.
        app.connect(tenant).await;
    }

    async fn the_row_goes_back_at_the_deadline_and_a_late_answer_still_counts(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        let before = app.row(&tenant.name).await;
        app.clock.advance(DEADLINE + Duration::from_secs(1));
        let lapsed = app.row_becomes(&tenant.name, |row| row.revision > before.revision).await;
        assert_eq!(lapsed.status, Status::NotConnected);

        let page = person.open(&callback).await;
        assert_eq!(page.heading(), format!("{} is connected", tenant.name));
    }

    async fn an_answer_after_an_hour_does_not_count(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        app.clock.advance(LATE_ANSWER + Duration::from_secs(1));
        let page = person.open(&callback).await;
        assert_eq!(page.heading(), "This sign-in took too long");
        app.assert_untouched(&tenant.name).await;
    }

    async fn of_two_answers_to_one_attempt_one_connects(engine) {
        let app = Setup::on(engine).start().await;
        for tenant in &app.tenants[..5] {
            let person = Person::new(&app);
            let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
            let pages = tokio::join!(person.open(&callback), person.open(&callback));
            let headings = [pages.0.heading(), pages.1.heading()];
            assert!(headings.contains(&format!("{} is connected", tenant.name)), "{headings:?}");
            assert!(headings.contains(&"This sign-in has already been used".to_owned()), "{headings:?}");
            app.connected(&tenant.name).await;
        }
    }

    async fn of_two_people_who_finish_at_once_one_connects_and_the_other_is_told(engine) {
        let app = Setup::on(engine).start().await;
        for tenant in &app.tenants[..5] {
            let company = app.company(&tenant.name).await;
            let (ann, bob) = (Person::new(&app), Person::new(&app));
            let callbacks = (
                ann.almost_connect(company, tenant.admin()).await,
                bob.almost_connect(company, tenant.admin()).await,
            );
            let pages = tokio::join!(ann.open(&callbacks.0), bob.open(&callbacks.1));
            let connected = [&pages.0, &pages.1].iter().filter(|page| page.heading().ends_with("is connected")).count();
            let told = [&pages.0, &pages.1].iter().filter(|page| page.heading() == "Somebody was faster").count();
            assert_eq!((connected, told), (1, 1), "{pages:?}");
            app.connected(&tenant.name).await;
        }
    }

    async fn a_connected_company_is_not_connected_again(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let page = Person::new(&app).start(app.company(&tenant.name).await).await;
        assert_eq!(page.status, 409);
        assert!(page.says(&format!("{} is connected already.", tenant.name)));
        assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
    }

    async fn consent_that_does_not_take_effect_is_asked_about_and_can_be_given_again(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.fault(json!({ "kind": "consent_delay", "delay_ms": 3_600_000, "code": 700_016 })).await;
        app.connect(tenant).await;
        let row = app.row(&tenant.name).await;
        assert!(matches!(row.status, Status::Verifying { slow: false, .. }));
        assert_eq!(Person::new(&app).start(row.id).await.status, 409, "it only takes a moment, as a rule");

        app.clock.advance(Duration::from_mins(3));
        app.row_becomes(&tenant.name, |row| matches!(row.status, Status::Verifying { slow: true, .. })).await;
        app.fault(json!({ "kind": "consent_delay", "delay_ms": 0 })).await;
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
    }

    async fn consent_that_takes_effect_late_is_waited_for(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.fault(json!({ "kind": "consent_delay", "delay_ms": 4_000 })).await;
        app.connect(tenant).await;
        assert!(matches!(app.row(&tenant.name).await.status, Status::Verifying { .. }));
        let row = app.connected(&tenant.name).await;
        assert_eq!(row.figures.users, Some(tenant.users));
    }

    async fn a_round_in_which_the_time_for_consent_to_come_ends_decides_nothing(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let not_yet = json!({ "match": "/v1.0/$batch", "status": 401, "tenant": tenant.id });
        app.fault(not_yet.clone()).await;
        let mut slowly = not_yet;
        slowly["delay_ms"] = json!(1_500);
        app.fault(slowly).await;
        app.connect(tenant).await;
        asked(&app, "/v1.0/$batch", 1).await;
        app.clock.advance(Duration::from_secs(100));
        asked(&app, "/v1.0/$batch", 2).await;
        app.clock.advance(Duration::from_secs(30));
        let row = app.connected(&tenant.name).await;
        assert_eq!(row.figures.users, Some(tenant.users));
    }

    async fn a_window_that_is_closed_while_its_answer_is_settled_connects_all_the_same(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let person = Person::new(&app);
        let callback = person.almost_connect(app.company(&tenant.name).await, tenant.admin()).await;
        app.fault(json!({ "match": "/oauth2/v2.0/token", "delay_ms": 1_000 })).await;
        let asked = app.times_asked("/oauth2/v2.0/token").await;
        let closed = async {
            while app.times_asked("/oauth2/v2.0/token").await == asked {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            _ = person.open_only(&callback) => panic!("the answer is held back"),
            () = closed => {}
        }
        app.connected(&tenant.name).await;
    }

    async fn the_flow_begins_on_our_page_only(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let url = Person::new(&app).start_url(company);
        for site in ["cross-site", "same-site", "none"] {
            let response = app.http.get(&url).header("sec-fetch-site", site).send().await.unwrap();
            assert_eq!(response.status(), 403, "{site}");
        }
        assert_eq!(app.http.get(&url).send().await.unwrap().status(), 403);
        app.assert_untouched(&tenant.name).await;

        let unknown = url.replace(&company.to_string(), "01890000-0000-7000-8000-000000000000");
        for url in [unknown, url.replace(&company.to_string(), "nonsense")] {
            let response = app.http.get(url).header("sec-fetch-site", "same-origin").send().await.unwrap();
            assert_eq!(response.status(), 404);
        }
    }

    async fn in_the_pages_own_tab_the_flow_comes_back_to_the_page(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let person = Person::new(&app);
        let page = person.start_in_tab(company).await;
        let page = person.sign_in(&page, tenant.admin()).await;
        let page = person.accept(&page).await;
        assert_eq!(page.url.path(), "/settings/integrations/microsoft-365/companies");
        assert_eq!(page.url.query(), Some(format!("connected={company}").as_str()));
    }
}
