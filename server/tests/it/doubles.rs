//! What is odd about companies: two with one domain, a domain that is not the tenant's, a tenant that was renamed.

use std::time::Duration;

use app::{
    api::companies::CompanyChanges,
    domain::{
        ActivityFilter, ActivityKind, CompanyCard, CompanyDetails, CompanyId, CompanyRow, OddityDetails, OddityKind,
    },
};
use serde_json::json;
use server::clock::Clock as _;

use crate::{
    harness::{App, Setup},
    on_both_databases,
};

/// What the row says in a few words.
fn odd(row: &CompanyRow) -> Option<&str> {
    row.oddity.as_ref().map(|oddity| oddity.split_once('\n').unwrap().0)
}

async fn oddities(app: &App, company: CompanyId) -> Vec<OddityDetails> {
    let response = app.post("companies/show", json!({ "company": company })).await;
    let details: CompanyDetails = response.error_for_status().unwrap().json().await.unwrap();
    details.oddities
}

async fn accept(app: &App, company: CompanyId, oddity: &OddityDetails) -> u16 {
    let body = json!({ "company": company, "kind": oddity.kind, "seen": oddity.seen });
    app.post("companies/accept-oddity", body).await.status().as_u16()
}

/// Gives a company another domain.
async fn move_to(app: &App, company: CompanyId, domain: &str) {
    let card = app.post("companies/card", json!({ "company": company })).await;
    let card: CompanyCard = card.error_for_status().unwrap().json().await.unwrap();
    let mut texts = card.texts.clone();
    domain.clone_into(&mut texts.domain);
    let body = json!({ "company": company, "before": card.texts, "texts": texts });
    app.post("companies/edit", body).await.error_for_status().unwrap();
}

/// The names of the rows that are told as changed since then, by the rows' numbers.
async fn changed(app: &App, before: &[CompanyRow]) -> Vec<String> {
    let url = format!("{}/api/companies/changes?since=0", app.url);
    let changes: CompanyChanges = app.http.get(url).send().await.unwrap().json().await.unwrap();
    let is_newer = |row: &CompanyRow| before.iter().all(|old| old.id != row.id || old.revision < row.revision);
    let mut names: Vec<String> = changes.rows.into_iter().filter(is_newer).map(|row| row.name).collect();
    names.sort_unstable();
    names
}

on_both_databases! {
    async fn companies_that_share_a_domain_are_both_told_of_as_one_comes_and_goes(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,domain,external_id\nNorth,shared.test,n\nOther,other.test,o\nNobody,,\nNone,,\n").await;
        let north = app.company("North").await;
        assert!(app.rows().await.iter().all(|row| row.oddity.is_none()));

        let before = app.rows().await;
        app.import("name,domain,external_id\nSouth,shared.test,s\n").await;
        assert_eq!(changed(&app, &before).await, ["North", "South"]);
        assert_eq!(odd(&app.row("North").await), Some("Domain shared with South"));
        assert_eq!(odd(&app.row("South").await), Some("Domain shared with North"));
        let details = oddities(&app, north).await;
        let south = app.company("South").await;
        assert_eq!((details[0].kind, &details[0].others[..]), (OddityKind::SharedDomain, &[(south, "South".to_owned())][..]));
        assert!(details[0].text.contains("archive one of them"), "{}", details[0].text);

        // It goes and comes with the domain, with the company, and with a company that is put away.
        let before = app.rows().await;
        move_to(&app, south, "elsewhere.test").await;
        assert_eq!(changed(&app, &before).await, ["North", "South"]);
        assert_eq!((odd(&app.row("North").await), odd(&app.row("South").await)), (None, None));
        move_to(&app, south, "shared.test").await;
        let before = app.rows().await;
        app.post("companies/archive", json!({ "company": south })).await.error_for_status().unwrap();
        assert_eq!(changed(&app, &before).await, ["North"]);
        assert_eq!(odd(&app.row("North").await), None);
        let before = app.rows().await;
        app.post("companies/restore", json!({ "company": south })).await.error_for_status().unwrap();
        assert_eq!(changed(&app, &before).await, ["North", "South"]);
        let texts = json!({ "name": "West", "domain": "SHARED.test" });
        app.post("companies/add", json!({ "texts": texts })).await.error_for_status().unwrap();
        assert_eq!(odd(&app.row("North").await), Some("Domain shared with 2 companies"));
        assert_eq!(odd(&app.row("Other").await), None);
    }

    async fn a_domain_of_very_many_companies_is_counted_and_not_listed(engine) {
        let app = Setup::on(engine).start().await;
        let rows: Vec<_> = (0..2_000).map(|number| format!("C{number},mail.test,{number}")).collect();
        app.import(&format!("name,domain,external_id\n{}\n", rows.join("\n"))).await;
        let rows = app.rows().await;
        let first = app.company("C0").await;
        assert_eq!(odd(&app.row("C0").await), Some("Domain shared with 1999 companies"));
        let longest = rows.iter().filter_map(|row| row.oddity.as_ref()).map(String::len).max().unwrap();
        assert!(longest < 400, "{longest}");
        let found = oddities(&app, first).await.remove(0);
        assert!(found.others.len() < 50, "{}", found.others.len());
        assert_eq!(accept(&app, first, &found).await, 200);
        app.import("name,domain,external_id\nNew,mail.test,n\n").await;
        assert!(app.rows().await.iter().filter(|row| row.name != "New").all(|row| row.oddity.is_none()));
    }

    async fn what_is_meant_so_is_told_no_more_until_it_changes(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,domain,external_id\nNorth,shared.test,n\nSouth,shared.test,s\n").await;
        let (north, south) = (app.company("North").await, app.company("South").await);
        let found = oddities(&app, north).await.remove(0);
        let old = OddityDetails { seen: "shared.test".into(), ..found.clone() };
        assert_eq!(accept(&app, north, &old).await, 409, "somebody saw something else");
        let before = app.rows().await;
        assert_eq!(accept(&app, north, &found).await, 200);
        assert_eq!(changed(&app, &before).await, ["North", "South"]);
        assert_eq!((odd(&app.row("North").await), odd(&app.row("South").await)), (None, None));
        assert_eq!(oddities(&app, south).await, []);
        assert_eq!(accept(&app, north, &found).await, 409, "it is none any more");
        let told = ActivityFilter { kind: Some(ActivityKind::OddityAccepted), ..ActivityFilter::default() };
        let told = app.activity(told).await;
        assert_eq!((told.len(), told[0].text.as_str()), (1, "shared.test is shared with South"));

        app.import("name,domain,external_id\nWest,shared.test,w\n").await;
        assert_eq!(odd(&app.row("South").await), Some("Domain shared with 2 companies"));
        let west = app.company("West").await;
        app.post("companies/archive", json!({ "company": west })).await.error_for_status().unwrap();
        assert_eq!(odd(&app.row("South").await), None, "of those that somebody knew of, fewer are nothing new");
        move_to(&app, south, "else.test").await;
        move_to(&app, north, "else.test").await;
        assert_eq!(odd(&app.row("South").await), Some("Domain shared with North"));
    }

    async fn a_domain_that_is_not_the_tenants_is_told(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        let company = app.company(&tenant.name).await;
        app.connect(&tenant).await;
        assert_eq!(app.connected(&tenant.name).await.oddity, None);
        move_to(&app, company, &format!("below.{}", tenant.domain)).await;
        assert_eq!(app.row(&tenant.name).await.oddity, None, "whoever has a domain has what is below");
        move_to(&app, company, "foreign.test").await;
        assert_eq!(odd(&app.row(&tenant.name).await), Some("Domain is not the tenant's"));
        let found = oddities(&app, company).await.remove(0);
        assert!(found.text.contains(&tenant.domain) && found.text.contains("foreign.test"), "{}", found.text);
        assert_eq!(accept(&app, company, &found).await, 200);
        assert_eq!(app.row(&tenant.name).await.oddity, None);
        move_to(&app, company, "foreign2.test").await;
        assert_eq!(odd(&app.row(&tenant.name).await), Some("Domain is not the tenant's"));
        // It is a matter of the connection, and ends with it.
        let body = json!({ "company": company, "name": tenant.name, "keep_data": true });
        app.post("connections/disconnect", body).await.error_for_status().unwrap();
        assert_eq!(app.row(&tenant.name).await.oddity, None);
    }

    async fn a_tenant_that_was_renamed_is_told_until_the_name_is_kept(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = app.tenants[0].clone();
        let company = app.company(&tenant.name).await;
        app.connect(&tenant).await;
        app.connected(&tenant.name).await;
        app.control(&format!("tenants/{}/rename", tenant.id), json!({ "name": "Renamed AG" })).await;
        app.clock.advance(Duration::from_hours(7));
        app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
        let row = app.row_becomes(&tenant.name, |row| row.tenant.as_deref() == Some("Renamed AG")).await;
        assert_eq!(odd(&row), Some("Tenant was renamed"));
        let found = oddities(&app, company).await.remove(0);
        assert_eq!((found.kind, found.accept.as_str()), (OddityKind::TenantRenamed, "Keep the new name"));
        assert!(found.text.contains(&format!("was called {} when", tenant.name)), "{}", found.text);
        assert_eq!(accept(&app, company, &found).await, 200);
        assert_eq!(app.row(&tenant.name).await.oddity, None);
        let told = ActivityFilter { kind: Some(ActivityKind::OddityAccepted), ..ActivityFilter::default() };
        assert_eq!(app.activity(told).await[0].text, "The tenant's new name Renamed AG was kept");
    }

    async fn of_two_who_give_a_domain_at_once_both_are_told(engine) {
        let app = Setup::on(engine).start().await;
        let add = |name: &str| {
            let texts = json!({ "name": name, "domain": "race.test" });
            app.post("companies/add", json!({ "texts": texts }))
        };
        for answer in futures::future::join_all(["A", "B", "C", "D"].map(add)).await {
            answer.error_for_status().unwrap();
        }
        for name in ["A", "B", "C", "D"] {
            let row = app.row(name).await;
            assert_eq!(odd(&row), Some("Domain shared with 3 companies"), "{name}");
        }
        // Whoever came first was told of each that came after.
        let mut revisions: Vec<i64> = Vec::new();
        for name in ["A", "B", "C", "D"] {
            revisions.push(app.row(name).await.revision);
        }
        revisions.sort_unstable();
        assert_eq!(revisions, [1, 2, 3, 4]);
    }

    /// More than are looked up by their ids, and fewer than all.
    async fn very_many_changed_rows_know_of_the_others_too(engine) {
        let mut app = Setup::on(engine).start().await;
        let rows = (0..1_200).map(|n| format!("Company {n},company{n}.test,x{n}\n")).collect::<Vec<_>>().concat();
        app.import(&format!("name,domain,external_id\n{rows}A,shared.test,a\nB,shared.test,b\n")).await;
        app.stop().await;
        app.clock.advance(Duration::from_mins(1));
        let (store, since) = (app.store().await, app.clock.now());
        let b = store.company_rows().await.unwrap().into_iter().find(|row| row.name == "B").unwrap();
        assert_eq!(odd(&b), Some("Domain shared with A"));
        let changed = format!("UPDATE company SET changed_at = {} WHERE name <> 'A' AND id <> $1", since.as_millis());
        app.execute(&changed, CompanyId::from_uuid(uuid::Uuid::nil())).await;
        let rows = store.company_rows_since(since).await.unwrap();
        assert!(rows.len() > 1_000 && rows.iter().all(|row| row.name != "A"));
        assert_eq!(rows.into_iter().find(|row| row.name == "B"), Some(b));
        store.close().await.unwrap();
    }

    async fn oddities_of_ten_thousand_companies_are_found_soon(engine) {
        let app = Setup::on(engine).start().await;
        let rows = (0..10_000).map(|n| format!("Company {n},company{}.test,x{n}\n", n / 2)).collect::<Vec<_>>().concat();
        app.import(&format!("name,domain,external_id\n{rows}")).await;
        let begun = std::time::Instant::now();
        let rows = app.rows().await;
        assert_eq!(rows.iter().filter(|row| row.oddity.is_some()).count(), 10_000);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
