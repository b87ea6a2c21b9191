//! Links that let somebody else connect a company: another browser, another profile, another person.

use std::time::Duration;

use app::{
    api::{
        campaigns::{MadeLinks, Recipients},
        links::{LinkOutcome, NewLink},
    },
    domain::{
        ActivityFilter, ActivityKind, AttemptFailure, CompanyId, CompanyRow, DataSet, LinkEnd, LinkMessage, LinkRow,
        Role, Status,
    },
};
use futures::{StreamExt as _, future::join_all, stream};
use reqwest::{Client, Method, StatusCode};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;
use server::{clock::Clock as _, store::options_for};

use crate::{
    harness::{App, Engine, Setup, Tenant, stranger},
    on_both_databases,
    person::{BROWSER, Page, Person, location},
};

const MSP: &str = "Acme IT & Co";

async fn start(engine: Engine) -> App {
    with_msp(engine).start().await
}

fn with_msp(engine: Engine) -> Setup {
    Setup::on(engine).setting("TENANTRY_MSP_NAME", MSP).setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1")
}

async fn link_for(app: &App, tenant: &Tenant) -> String {
    app.make_link(app.company(&tenant.name).await).await.url
}

async fn withdraw(app: &App, company: CompanyId) {
    app.post("links/withdraw", json!({ "company": company })).await.error_for_status().unwrap();
}

/// Changes what is stored, as time or another part of the program would.
async fn change(app: &App, sql: &str) {
    let db = Database::connect(options_for(app.config().database_url.expose())).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

/// The row, when the owner's session has long ended.
async fn stored_row(app: &App, name: &str) -> CompanyRow {
    let store = app.store().await;
    let rows = store.company_rows().await.unwrap();
    store.close().await.unwrap();
    rows.into_iter().find(|row| row.name == name).unwrap()
}

async fn activity(app: &App, kind: ActivityKind) -> Vec<(String, String)> {
    let rows = app.activity(ActivityFilter { kind: Some(kind), ..ActivityFilter::default() }).await;
    rows.into_iter().map(|row| (row.actor, row.text)).collect()
}

fn assert_dead(page: &Page, heading: &str) {
    assert_eq!((page.status, page.heading().as_str()), (StatusCode::GONE, heading));
}

async fn tenant(app: &App, name: &str, domain: &str) -> Tenant {
    let url = format!("{}/_sandbox/tenants", app.sandbox.base_url());
    let body = json!({ "name": name, "domain": domain, "users": 3 });
    app.http.post(url).json(&body).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

on_both_databases! {
    async fn one_makes_a_link_and_another_connects_with_it(engine) {
        for access in ["application", "delegated"] {
            let app = with_msp(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            let company = app.company(&tenant.name).await;
            let kim = app.client_of("kim@msp.test", Role::Technician).await;
            let body = json!({ "company": company, "note": " #4711 " });
            let made = kim.post(format!("{}/api/links/create", app.url)).json(&body).send().await.unwrap();
            let NewLink { url, expires } = made.error_for_status().unwrap().json().await.unwrap();
            let token = url.strip_prefix(&format!("{}/c/", app.url)).expect("it leads to our own page");
            assert!(token.len() >= 43, "256 bits");

            let row = app.row(&tenant.name).await;
            assert_eq!(row.status, Status::LinkSent);
            let summary = row.link.unwrap();
            assert_eq!((summary.opens, summary.note.as_deref(), summary.expires), (0, Some("#4711"), expires));
            let list: Vec<LinkRow> =
                kim.get(format!("{}/api/links/list", app.url)).send().await.unwrap().json().await.unwrap();
            assert_eq!((list.len(), list[0].company, list[0].made_by.as_str()), (1, company, "kim"));

            let person = Person::stranger(&app);
            let response = person.open_only(&url).await;
            for (name, value) in
                [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex")]
            {
                assert_eq!(response.headers()[name], value);
            }
            let page = person.follow(response).await;
            assert_eq!(page.heading(), format!("Connect {} to {MSP}", tenant.name));
            assert!(page.says(&format!("kim of {MSP} asks you")) && page.says(" UTC"), "{}", page.html);
            assert!(DataSet::ALL.iter().all(|data_set| page.says(data_set.what_is_read())));
            assert!(page.says("passwords are <strong>not</strong> read") && page.says("Global Administrator"));
            assert!(!page.html.contains("<script") && !page.html.contains("://"), "nothing from elsewhere: {}", page.html);
            assert!(!page.says("4711"), "the note is not for the client");
            assert_eq!(app.row(&tenant.name).await.link.unwrap().opens, 1);
            person.open(&url).await;
            let summary = app.row(&tenant.name).await.link.unwrap();
            assert!(summary.opens == 2 && summary.opened_at.is_some());

            let page = person.connect_with(&url, tenant.admin()).await;
            assert_eq!((page.status.as_u16(), page.heading()), (200, format!("{} is connected", tenant.name)));
            assert!(page.says("You can close this window.") && !page.html.contains("<a "), "{}", page.html);
            let row = app.connected(&tenant.name).await;
            assert_eq!((row.tenant.as_deref(), row.link), (Some(tenant.name.as_str()), None));

            assert_dead(&person.open(&url).await, "This link has already been used");
            let holder = "somebody with the link".to_owned();
            for (kind, entry) in [
                (ActivityKind::LinkMade, ("kim@msp.test".into(), "#4711".into())),
                (ActivityKind::LinkOpened, (holder.clone(), String::new())),
                (ActivityKind::LinkUsed, (holder.clone(), format!("By {}", tenant.admin().email))),
            ] {
                assert_eq!(activity(&app, kind).await, [entry]);
            }
        }
    }

    async fn many_links_are_made_in_one_go_and_each_company_is_judged_by_itself(engine) {
        let app = start(engine).await;
        app.import("name,domain,external_id,contact\nFresh,,,Kim Abel <kim@fresh.test>\n").await;
        let [connected, linked] = [&app.tenants[0], &app.tenants[1]];
        app.connect(connected).await;
        app.connected(&connected.name).await;
        let before = link_for(&app, linked).await;
        let companies = [
            app.company("Fresh").await,
            app.company(&connected.name).await,
            app.company(&linked.name).await,
            CompanyId::from_uuid(uuid::Uuid::nil()),
        ];
        let make = async |companies: &[CompanyId], replace: bool| -> Vec<LinkOutcome> {
            let body = json!({ "campaign": null, "name": "", "companies": companies, "replace": replace });
            let response = app.post("campaigns/make", body).await;
            response.error_for_status().unwrap().json::<MadeLinks>().await.unwrap().lines
        };

        let outcomes = make(&companies, false).await;
        let fresh = &outcomes[0];
        assert_eq!((fresh.name.as_str(), &fresh.refusal), ("Fresh", &None));
        assert_eq!(fresh.to.as_deref(), Some("kim@fresh.test"));
        assert!(fresh.body.contains(&fresh.url) && fresh.subject.contains("Fresh"));
        assert!(!format!("{fresh:?}").contains(&fresh.url), "not for logs");
        assert_eq!(app.row("Fresh").await.status, Status::LinkSent);
        for (place, why) in [(1, "connected already"), (2, "a live link"), (3, "no such company")] {
            let LinkOutcome { refusal, url, .. } = &outcomes[place];
            assert!(refusal.as_ref().is_some_and(|words| words.contains(why)) && url.is_empty(), "{outcomes:?}");
        }
        let person = Person::stranger(&app);
        assert_eq!(person.open(&before).await.status, 200, "it was not to be replaced");

        let outcomes = make(&companies[2..3], true).await;
        assert_dead(&person.open(&before).await, "This link was withdrawn");
        let page = person.connect_with(&outcomes[0].url, linked.admin()).await;
        assert_eq!(page.heading(), format!("{} is connected", linked.name));

        let twice = make(&[companies[0], companies[0]], true).await;
        assert_eq!(twice.iter().filter(|made| made.refusal.is_none()).count(), 1);
        let body = json!({ "campaign": null, "name": "", "companies": vec![companies[0]; 201], "replace": true });
        assert_eq!(app.post("campaigns/make", body).await.status(), 422);
    }

    async fn companies_that_need_a_link_for_the_same_cause_are_found_together(engine) {
        let app = start(engine).await;
        let [first, second, well] = [&app.tenants[0], &app.tenants[1], &app.tenants[2]];
        for tenant in [first, second, well] {
            app.connect(tenant).await;
            app.connected(&tenant.name).await;
        }
        for tenant in [first, second] {
            app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
        }
        for tenant in [first, second] {
            let company = app.company(&tenant.name).await;
            app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
            app.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;
        }
        link_for(&app, second).await;
        let find = async |cause: &str| {
            app.post("campaigns/recipients", json!({ "cause": cause, "companies": [] })).await
        };
        let found: Recipients = find("app_removed").await.error_for_status().unwrap().json().await.unwrap();
        let found = found.can;
        let mut expected = vec![(first.name.as_str(), false), (second.name.as_str(), true)];
        expected.sort_unstable();
        assert_eq!(found.iter().map(|one| (one.name.as_str(), one.has_link)).collect::<Vec<_>>(), expected);
        let none: Recipients = find("consent_removed").await.error_for_status().unwrap().json().await.unwrap();
        assert_eq!(none, Recipients::default());
        assert_eq!(find("whatever").await.status(), 422);
    }

    async fn scanners_do_not_use_a_link_up(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let url = link_for(&app, tenant).await;
        let scan = |method: Method, agent: &'static str| {
            // They come from mails; the page's own button comes from the page.
            let site = if method == Method::POST { "same-origin" } else { "cross-site" };
            let request = stranger().request(method, &url).header("user-agent", agent).header("sec-fetch-site", site);
            async { request.send().await.unwrap().status().as_u16() }
        };
        let looks = (0..100).flat_map(|_| [scan(Method::GET, "Slackbot 1.0"), scan(Method::HEAD, BROWSER)]);
        let posts = (0..20).map(|_| scan(Method::POST, BROWSER));
        let (looked, posted) = tokio::join!(join_all(looks), join_all(posts));
        assert!(looked.iter().all(|status| *status == 200), "{looked:?}");
        assert!(posted.iter().all(|status| *status == 303), "{posted:?}");
        assert_eq!(app.row(&tenant.name).await.link.unwrap().opens, 0);

        let page = Person::stranger(&app).connect_with(&url, tenant.admin()).await;
        assert_eq!(page.heading(), format!("{} is connected", tenant.name));
        app.connected(&tenant.name).await;
    }

    async fn of_two_who_finish_at_once_one_connects_and_the_other_is_told(engine) {
        for access in ["application", "delegated"] {
            let app = with_msp(engine).access(access).start().await;
            let pairs = stream::iter(0..50).map(|number| {
                let app = &app;
                async move {
                    let name = format!("Pair {number}");
                    let tenant = tenant(app, &name, &format!("pair-{number}.test")).await;
                    app.import(&format!("name,domain\n{name},{}\n", tenant.domain)).await;
                    let url = link_for(app, &tenant).await;
                    let (ann, bob) = (Person::stranger(app), Person::stranger(app));
                    let first = ann.almost_finish(ann.go_on(&url).await, tenant.admin()).await;
                    let second = bob.almost_finish(bob.go_on(&url).await, tenant.admin()).await;
                    let pages = tokio::join!(ann.open(&first), bob.open(&second));
                    let mut headings = [pages.0.heading(), pages.1.heading()];
                    headings.sort();
                    assert_eq!(headings, [format!("{name} is connected"), "This link has already been used".into()]);
                }
            });
            pairs.buffer_unordered(4).collect::<()>().await;
            for kind in [ActivityKind::Connected, ActivityKind::LinkUsed] {
                assert_eq!(activity(&app, kind).await.len(), 50, "{access} {kind:?}");
            }
            assert_eq!(activity(&app, ActivityKind::AttemptFailed).await, []);
        }
    }

    async fn a_link_expires_after_exactly_seven_days(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        app.clock.stop();
        let NewLink { url, expires } = app.make_link(app.company(&tenant.name).await).await;
        assert_eq!(expires, app.clock.now().plus(Duration::from_hours(7 * 24)));

        let person = Person::stranger(&app);
        app.clock.advance(expires.since(app.clock.now()).saturating_sub(Duration::from_millis(1)));
        let page = person.open(&url).await;
        assert_eq!(page.status, 200);
        let before = stored_row(&app, &tenant.name).await;
        assert_eq!(before.status, Status::LinkSent);
        app.clock.advance(Duration::from_millis(1));
        assert_dead(&person.submit(&page, "Continue to Microsoft", &[]).await, "This link has expired");
        assert_dead(&person.open(&url).await, "This link has expired");
        let row = stored_row(&app, &tenant.name).await;
        assert_eq!((&row.status, row.generate_link_label(expires)), (&Status::NotConnected, "Generate new link"));
        let told = async {
            while stored_row(&app, &tenant.name).await.revision == before.revision {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, told).await.expect("the pages are told");
    }

    async fn what_began_before_the_end_may_be_finished_after_it(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let url = link_for(&app, tenant).await;
        let person = Person::stranger(&app);
        let callback = person.almost_finish(person.go_on(&url).await, tenant.admin()).await;
        change(&app, &format!("UPDATE link SET expires_at = {}", app.clock.now().plus(Duration::from_secs(1)).as_millis())).await;
        app.clock.advance(Duration::from_mins(10));
        assert_dead(&person.open(&url).await, "This link has expired");
        assert_eq!(person.open(&callback).await.heading(), format!("{} is connected", tenant.name));
        assert_dead(&person.open(&url).await, "This link has already been used");
    }

    async fn a_link_that_is_withdrawn_while_microsoft_is_asked_leads_nowhere(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let url = link_for(&app, tenant).await;
        let person = Person::stranger(&app);
        let page = person.open(&url).await;
        app.fault(json!({ "match": "/*/v2.0/.well-known/openid-configuration", "delay_ms": 2_000 })).await;
        let asked = app.times_asked("openid-configuration").await;
        let withdrawn = async {
            while app.times_asked("openid-configuration").await == asked {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            withdraw(&app, company).await;
        };
        let (page, ()) = tokio::join!(person.submit(&page, "Continue to Microsoft", &[]), withdrawn);
        assert_dead(&page, "This link was withdrawn");
        app.assert_untouched(&tenant.name).await;
    }

    async fn a_link_that_is_withdrawn_during_the_sign_in_connects_nothing(engine) {
        let app = start(engine).await;
        let (one, two, three) = (&app.tenants[0], &app.tenants[1], &app.tenants[2]);
        let person = Person::stranger(&app);
        // Withdrawn, and replaced, while somebody is at Microsoft.
        for (tenant, replaced) in [(one, false), (two, true)] {
            let company = app.company(&tenant.name).await;
            let url = link_for(&app, tenant).await;
            let callback = person.almost_finish(person.go_on(&url).await, tenant.admin()).await;
            assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { .. }));
            let new = if replaced { Some(app.make_link(company).await.url) } else { None };
            if !replaced {
                withdraw(&app, company).await;
            }
            let row = app.row(&tenant.name).await;
            assert_eq!(row.status, if replaced { Status::LinkSent } else { Status::NotConnected });
            for page in [person.open(&callback).await, person.open(&url).await] {
                assert_dead(&page, "This link was withdrawn");
            }
            assert_eq!(app.row(&tenant.name).await.tenant, None);
            if let Some(new) = new {
                let page = person.connect_with(&new, tenant.admin()).await;
                assert_eq!(page.heading(), format!("{} is connected", tenant.name));
            } else {
                assert_eq!(row.link.and_then(|link| link.end), Some(LinkEnd::Withdrawn));
            }
        }
        // Withdrawn while the server settles the answer.
        let url = link_for(&app, three).await;
        let callback = person.almost_finish(person.go_on(&url).await, three.admin()).await;
        app.fault(json!({ "match": "/oauth2/v2.0/token", "delay_ms": 1_000 })).await;
        let asked = app.times_asked("/oauth2/v2.0/token").await;
        let company = app.company(&three.name).await;
        let withdrawn = async {
            while app.times_asked("/oauth2/v2.0/token").await == asked {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            withdraw(&app, company).await;
        };
        let (page, ()) = tokio::join!(person.open(&callback), withdrawn);
        assert_dead(&page, "This link was withdrawn");
        app.assert_untouched(&three.name).await;
        assert_eq!(activity(&app, ActivityKind::AttemptFailed).await, []);
        assert_eq!(activity(&app, ActivityKind::LinkWithdrawn).await.len(), 3);
    }

    async fn the_administrator_of_another_tenant_is_refused_and_the_link_lives(engine) {
        let app = start(engine).await;
        let other = &app.tenants[1];
        app.import("name,external_id\nNewcomer,n1\n").await;
        let url = app.make_link(app.company("Newcomer").await).await.url;
        let person = Person::stranger(&app);
        let callback = person.almost_finish(person.go_on(&url).await, other.admin()).await;
        // What the company is known by changes while somebody signs in.
        let right = tenant(&app, "Newcomer", "newcomer.test").await;
        app.import("name,domain,external_id\nNewcomer,newcomer.test,n1\n").await;
        let page = person.open(&callback).await;
        assert_eq!(page.heading(), "That account belongs to another organisation");
        assert!(page.says(&other.name) && page.says("newcomer.test"), "{}", page.html);
        assert_eq!(app.row("Newcomer").await.status, Status::LinkSent);

        // A tenant of another client is refused too, and that client is not named.
        app.connect(other).await;
        app.import("name,external_id\nThird,n2\n").await;
        let third = app.make_link(app.company("Third").await).await.url;
        let page = Person::stranger(&app).connect_with(&third, other.admin()).await;
        assert_eq!(page.heading(), "This organisation is connected already");
        assert!(page.says(MSP) && page.status == 400, "{}", page.html);

        assert_eq!(page_path_back(&page), third.strip_prefix(&app.url));
        let page = Person::stranger(&app).connect_with(&url, right.admin()).await;
        assert_eq!(page.heading(), "Newcomer is connected");
    }

    async fn whoever_fails_can_try_again_and_another_browser_can_not_finish(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let url = link_for(&app, tenant).await;
        let person = Person::stranger(&app);
        let page = person.sign_in(&person.go_on(&url).await, tenant.admin()).await;
        let page = person.decline(&page).await;
        assert_eq!(page.heading(), AttemptFailure::Declined.title());
        assert!(page.says("You can close this window.") && !page.says("M365 companies"), "{}", page.html);
        assert_eq!(page_path_back(&page), url.strip_prefix(&app.url));
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.last_try.map(|last| last.title).as_deref()), (Status::LinkSent, Some(AttemptFailure::Declined.title())));

        // Two links in one browser do not get in each other's way.
        let other = &app.tenants[1];
        let callback = person.almost_finish(person.go_on(&url).await, tenant.admin()).await;
        person.go_on(&link_for(&app, other).await).await;
        let page = Person::stranger(&app).open(&callback).await;
        assert_eq!(page.heading(), AttemptFailure::OtherBrowser.title());
        assert_eq!(page_path_back(&page), None, "who has the answer need not have the link");
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.tenant), (Status::LinkSent, None));
        let page = Person::stranger(&app).connect_with(&url, tenant.admin()).await;
        assert_eq!(page.heading(), format!("{} is connected", tenant.name));
    }

    async fn who_tries_links_has_to_wait(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let url = link_for(&app, tenant).await;
        let client = stranger();
        let open = async |url: &str, address: &str| {
            client.get(url).header("x-forwarded-for", address).send().await.unwrap()
        };
        app.clock.stop();
        let mut unknown = 0;
        let refused = loop {
            let guess = format!("{}/c/{}", app.url, server::sessions::Token::random().expose());
            let answer = open(&guess, "192.0.2.1").await;
            if answer.status() != 404 {
                break answer;
            }
            unknown += 1;
        };
        assert_eq!((refused.status().as_u16(), unknown), (429, 30));
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
        // Not even the right one is told apart now; elsewhere nobody notices; and it passes.
        assert_eq!(open(&url, "192.0.2.1").await.status(), 429);
        assert_eq!(open(&url, "192.0.2.2").await.status(), 200);
        app.clock.advance(Duration::from_secs(wait));
        assert_eq!(open(&url, "192.0.2.1").await.status(), 200);
        let nonsense = open(&format!("{}/c/nonsense", app.url), "192.0.2.3").await;
        assert_eq!(nonsense.status(), 404);
        assert!(nonsense.text().await.unwrap().contains("<h1>This link is not valid</h1>"));
    }

    async fn who_has_a_dead_link_can_ask_for_a_new_one(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        let url = link_for(&app, tenant).await;
        withdraw(&app, company).await;
        let person = Person::stranger(&app);
        let page = person.open(&url).await;
        assert_dead(&page, "This link was withdrawn");
        let ask = format!("Ask {MSP} for a new link");
        assert!(page.says(&ask) && page.says("owner of"), "{}", page.html);

        let post = |site: (&'static str, &'static str)| {
            stranger().post(&url).header(site.0, site.1).form(&[("ask", "true")]).send()
        };
        for site in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.test")] {
            assert_eq!(post(site).await.unwrap().status(), 403);
        }
        let unknown = format!("{}/c/{}", app.url, server::sessions::Token::random().expose());
        assert_eq!(stranger().post(unknown).form(&[("ask", "true")]).send().await.unwrap().status(), 404);
        assert_eq!(app.row(&tenant.name).await.link_requested_at, None);

        let page = person.submit(&page, "name=\"ask\"", &[("ask", "true")]).await;
        assert!(page.says(&format!("{MSP} was asked for a new link")) && !page.says(&ask), "{}", page.html);
        for origin in [("sec-fetch-site", "same-origin"), ("origin", "null")] {
            assert_eq!(post(origin).await.unwrap().status(), 303, "no-referrer keeps older browsers from saying more");
        }
        assert!(app.row(&tenant.name).await.link_requested_at.is_some());
        let requested = [("somebody with the link".to_owned(), String::new())];
        assert_eq!(activity(&app, ActivityKind::LinkRequested).await, requested, "once, however often");

        let new = link_for(&app, tenant).await;
        let row = app.row(&tenant.name).await;
        assert_eq!((row.status, row.link_requested_at), (Status::LinkSent, None));
        assert_eq!(person.open(&new).await.status, 200);
    }

    async fn a_link_renews_the_access_to_the_tenant_that_the_company_has(engine) {
        for access in ["application", "delegated"] {
            let app = with_msp(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            app.connect(tenant).await;
            let company = app.connected(&tenant.name).await.id;
            app.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
            app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
            app.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;

            let url = app.make_link(company).await.url;
            let row = app.row(&tenant.name).await;
            assert!(matches!(row.status, Status::NeedsReconnect { .. }) && row.link.is_some(), "{row:?}");
            let person = Person::stranger(&app);
            let page = person.open(&url).await;
            assert!(page.says("renew the access"), "{}", page.html);
            let response = person.submit_only(&page, "Continue to Microsoft", &[]).await;
            assert_eq!(response.status(), 303);
            assert!(location(&response).unwrap().path().starts_with(&format!("/{}/", tenant.id)), "pinned");
            let page = person.connect_with(&url, tenant.admin()).await;
            assert_eq!(page.heading(), format!("{} is connected", tenant.name));
            app.connected(&tenant.name).await;
        }
    }

    async fn a_company_that_is_connected_or_put_away_needs_no_link(engine) {
        let app = start(engine).await;
        let (one, two) = (&app.tenants[0], &app.tenants[1]);
        let person = Person::stranger(&app);
        // Connected in another way meanwhile, also while somebody is at Microsoft.
        let url = link_for(&app, one).await;
        let callback = person.almost_finish(person.go_on(&url).await, one.admin()).await;
        app.connect(one).await;
        let company = app.connected(&one.name).await.id;
        for page in [person.open(&url).await, person.open(&callback).await] {
            assert_dead(&page, "This link was withdrawn");
            assert!(page.says("connected in another way") && !page.says("for a new link"), "{}", page.html);
        }
        let refused = app.post("links/create", json!({ "company": company, "note": null })).await;
        assert_eq!(refused.status(), 409);
        assert!(refused.text().await.unwrap().contains("is connected already"));

        // Put away, also while somebody is at Microsoft.
        let company = app.company(&two.name).await;
        let url = link_for(&app, two).await;
        let callback = person.almost_finish(person.go_on(&url).await, two.admin()).await;
        change(&app, &format!("UPDATE company SET archived_at = 1 WHERE name = '{}'", two.name.replace('\'', "''"))).await;
        for page in [person.open(&url).await, person.open(&callback).await] {
            assert_dead(&page, "This link was withdrawn");
            assert!(!page.says("for a new link"), "{}", page.html);
        }
        let refused = app.post("links/create", json!({ "company": company, "note": null })).await;
        assert_eq!(refused.status(), 404);
        let store = app.store().await;
        assert!(store.connected_tenant(company).await.unwrap().is_none());
        store.close().await.unwrap();
    }

    async fn a_message_holds_the_live_link(engine) {
        let app = start(engine).await;
        let tenant = &app.tenants[0];
        app.import(&format!("name,domain,contact\n{},{},Ann <Ann@Client.test>\n", tenant.name, tenant.domain)).await;
        let company = app.company(&tenant.name).await;
        let ask = || app.post("links/message", json!({ "company": company }));
        assert_eq!(ask().await.status(), 409, "there is none");
        let url = app.make_link(company).await.url;
        let message: LinkMessage = ask().await.error_for_status().unwrap().json().await.unwrap();
        assert_eq!(message.to.as_deref(), Some("ann@client.test"));
        assert!(message.body.contains(&url) && message.body.contains(MSP), "{}", message.body);
        assert_eq!(Person::stranger(&app).open(&url).await.status, 200, "it is the same link, and works");
        withdraw(&app, company).await;
        assert_eq!(ask().await.status(), 409, "it is dead");
        let list = app.http.get(format!("{}/api/links/list", app.url)).send().await.unwrap();
        assert_eq!(list.json::<Vec<LinkRow>>().await.unwrap(), []);
    }
}

/// Where "Try again" leads.
fn page_path_back(page: &Page) -> Option<&str> {
    let (_, rest) = page.html.split_once("<a class=\"button\" href=\"")?;
    rest.split('"').next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_by_technicians_and_opened_by_everybody() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let tenant = &app.tenants[0];
    let body = json!({ "company": app.company(&tenant.name).await, "note": "x".repeat(101) });
    let create = async |client: &Client| {
        client.post(format!("{}/api/links/create", app.url)).json(&body).send().await.unwrap().status().as_u16()
    };
    let viewer = app.client_of("viewer@msp.test", Role::Viewer).await;
    assert_eq!((create(&viewer).await, create(&stranger()).await, create(&app.http).await), (403, 401, 422));
    assert_eq!(activity(&app, ActivityKind::LinkMade).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_is_served_from_our_own_address_and_runs_no_scripts() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("logo");
    std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>").unwrap();
    let app = Setup::on(Engine::Sqlite).setting("TENANTRY_MSP_LOGO_FILE", file.to_str().unwrap()).start().await;
    let logo = stranger().get(format!("{}/connect/logo", app.url)).send().await.unwrap();
    assert_eq!(logo.headers()["content-type"], "image/svg+xml");
    let policy = logo.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    let page = Person::stranger(&app).open(link_for(&app, &app.tenants[0]).await).await;
    assert!(page.says("src=\"/connect/logo\" alt=\"Your MSP\""), "{}", page.html);
    assert!(page.says("rel=\"icon\" href=\"/connect/logo\""), "{}", page.html);
}
