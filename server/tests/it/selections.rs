//! What is done to companies that somebody selected: all of it, or nothing.

use app::{
    api::selections::{Farewell, SelectedTags},
    domain::{ActivityFilter, ActivityKind, CompanyCard, CompanyId, LeftOut, LinkEnd},
};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{App, Setup},
    on_both_databases,
    person::Person,
};

async fn ask(app: &App, function: &str, body: Value) -> Response {
    app.post(&format!("companies/selected/{function}"), body).await
}

async fn retag(app: &App, companies: &[CompanyId], add: &str, remove: &str) -> String {
    let answer = ask(app, "retag", json!({ "companies": companies, "add": add, "remove": remove })).await;
    answer.error_for_status().unwrap().json().await.unwrap()
}

async fn tags_of(app: &App, companies: &[CompanyId]) -> SelectedTags {
    let answer = ask(app, "tags", json!({ "companies": companies })).await;
    answer.error_for_status().unwrap().json().await.unwrap()
}

async fn card(app: &App, company: CompanyId) -> CompanyCard {
    let answer = app.post("companies/card", json!({ "company": company })).await;
    answer.error_for_status().unwrap().json().await.unwrap()
}

async fn deeds(app: &App, kind: ActivityKind) -> Vec<(String, String)> {
    let rows = app.activity(ActivityFilter { kind: Some(kind), ..ActivityFilter::default() }).await;
    rows.into_iter().map(|row| (row.company.map(|(_, name)| name).unwrap_or_default(), row.text)).collect()
}

fn gone() -> CompanyId {
    CompanyId::from_uuid(Uuid::from_u128(7))
}

fn left_out(name: &str, reason: &str) -> LeftOut {
    LeftOut { name: name.into(), reason: reason.into() }
}

on_both_databases! {
    async fn tags_are_added_and_removed_for_many_at_once(engine) {
        let app = Setup::on(engine).start().await;
        app.import("name,tags\nAdler,gold\nBär,\"Gold, dental\"\nCalm,\nDodo,old\n").await;
        let mut ids = Vec::new();
        for name in ["Adler", "Bär", "Calm", "Dodo"] {
            ids.push(app.company(name).await);
        }
        app.post("companies/archive", json!({ "company": ids[3] })).await.error_for_status().unwrap();
        ids.push(gone());
        let before = tags_of(&app, &ids).await;
        assert_eq!(before.tags, [("dental".to_owned(), 1), ("gold".to_owned(), 2)]);
        assert_eq!(before.companies, 3);
        let expected = [left_out("Dodo", "It is archived. Restore it first."), left_out("A company", "It was deleted.")];
        assert_eq!(before.left_out, expected);

        let revision = app.row("Adler").await.revision;
        let words = retag(&app, &ids, "vip, Gold", "dental").await;
        assert_eq!(words, "Tags of 3 companies changed");
        for (id, tags) in ids.iter().zip(["gold, vip", "Gold, vip", "Gold, vip", "old"]) {
            assert_eq!(card(&app, *id).await.texts.tags, tags);
        }
        assert!(app.row("Adler").await.revision > revision, "pages are told");
        let mut changes = deeds(&app, ActivityKind::CompanyEdited).await;
        changes.sort();
        let expected = [("Adler", "Tags: gold → gold, vip"), ("Bär", "Tags: dental, Gold → Gold, vip"), ("Calm", "Tags: Gold, vip")];
        assert_eq!(changes, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));

        assert_eq!(retag(&app, &ids[..2], "VIP", "").await, "No tags changed: they were as wished already");
        assert_eq!(retag(&app, &ids[2..3], "", "gold, VIP").await, "Tags of 1 company changed");
        assert_eq!(card(&app, ids[2]).await.texts.tags, "");
        assert_eq!(retag(&app, &ids[..3], "", "gold").await, "Tags of 2 companies changed, 1 stay as they were");

        // Too much for one: nothing for the others either.
        let many: Vec<_> = (0..50).map(|number| format!("t{number}")).collect();
        retag(&app, &ids[..1], &many[1..].join(","), "").await;
        let body = json!({ "companies": ids, "add": "one, two", "remove": "" });
        let refused = ask(&app, "retag", body).await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().await.unwrap().contains("Adler would have more than 50 tags"));
        assert_eq!(card(&app, ids[2]).await.texts.tags, "");
        for (add, remove, why) in [("", " , ", "at least one tag"), (&"x".repeat(41), "", "longer than 40")] {
            let refused = ask(&app, "retag", json!({ "companies": ids, "add": add, "remove": remove })).await;
            assert_eq!(refused.status(), 422);
            let text = refused.text().await.unwrap();
            assert!(text.contains(why), "{text}");
        }
    }

    async fn many_are_put_away_at_once_and_come_back_as_they_were(engine) {
        let app = Setup::on(engine).start().await;
        let [connected, linked, plain, away] = [&app.tenants[0], &app.tenants[1], &app.tenants[2], &app.tenants[3]];
        app.connect(connected).await;
        app.connected(&connected.name).await;
        let mut ids = Vec::new();
        for tenant in [connected, linked, plain, away] {
            ids.push(app.company(&tenant.name).await);
        }
        let url = app.make_link(ids[1]).await.url;
        let person = Person::stranger(&app);
        let callback = person.almost_finish(person.go_on(&url).await, linked.admin()).await;
        app.post("companies/archive", json!({ "company": ids[3] })).await.error_for_status().unwrap();
        let all: Vec<_> = ids.iter().copied().chain([gone()]).collect();

        let before = ask(&app, "farewell", json!({ "companies": all })).await;
        let before: Farewell = before.error_for_status().unwrap().json().await.unwrap();
        assert_eq!((before.names.len(), before.connected, before.links), (3, 1, 1));
        let expected = [left_out(&away.name, "It is archived already."), left_out("A company", "It was deleted.")];
        assert_eq!(before.left_out, expected);

        let words = ask(&app, "archive", json!({ "companies": all })).await.error_for_status().unwrap();
        assert_eq!(words.json::<String>().await.unwrap(), "3 companies archived");
        let rows = app.rows().await;
        assert!(!rows.iter().any(|row| ids.contains(&row.id)));
        assert_eq!(person.open(&url).await.heading(), "This link was withdrawn");
        assert_eq!(person.open(&callback).await.heading(), "This link was withdrawn");
        let mut archived: Vec<_> = deeds(&app, ActivityKind::CompanyArchived).await.into_iter().map(|(name, _)| name).collect();
        archived.sort();
        let mut expected = [connected, linked, plain, away].map(|tenant| tenant.name.clone());
        expected.sort();
        assert_eq!(archived, expected);
        assert_eq!(
            deeds(&app, ActivityKind::LinkWithdrawn).await,
            [(linked.name.clone(), "The company was archived".to_owned())]
        );
        assert_eq!(deeds(&app, ActivityKind::AttemptCancelled).await.len(), 0, "its link's end is what ended it");

        // Once more by a slip.
        let words = ask(&app, "archive", json!({ "companies": all })).await.error_for_status().unwrap();
        assert_eq!(words.json::<String>().await.unwrap(), "0 companies archived");
        for id in &ids[..3] {
            app.post("companies/restore", json!({ "company": id })).await.error_for_status().unwrap();
        }
        app.connected(&connected.name).await;
        assert_eq!(app.row(&linked.name).await.link.and_then(|link| link.end), Some(LinkEnd::Withdrawn));
    }

    async fn ten_thousand_are_taken_at_once_and_no_more(engine) {
        let app = Setup::on(engine).start().await;
        let lines: Vec<_> = (0..2_500).map(|number| format!("Client {number}")).collect();
        app.import(&format!("name\n{}\n", lines.join("\n"))).await;
        let mut ids: Vec<Uuid> = app.rows().await.iter().map(|row| row.id.uuid()).collect();
        let count = ids.len();
        ids.extend((0..).map(Uuid::from_u128).take(10_000 - count));
        let words = ask(&app, "retag", json!({ "companies": ids, "add": "all", "remove": "" })).await;
        assert_eq!(words.error_for_status().unwrap().json::<String>().await.unwrap(), format!("Tags of {count} companies changed"));
        let words = ask(&app, "archive", json!({ "companies": ids })).await.error_for_status().unwrap();
        assert_eq!(words.json::<String>().await.unwrap(), format!("{count} companies archived"));
        assert!(app.rows().await.is_empty());
        ids.push(Uuid::max());
        for (function, body) in [
            ("tags", json!({ "companies": ids })),
            ("farewell", json!({ "companies": ids })),
            ("archive", json!({ "companies": ids })),
            ("retag", json!({ "companies": ids, "add": "all", "remove": "" })),
            ("tags", json!({ "companies": [] })),
        ] {
            assert_eq!(ask(&app, function, body).await.status(), 422, "{function}");
        }
    }
}
