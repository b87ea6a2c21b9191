//! What the programming interface answers about each noun, and that it does things once.

use std::time::Duration;

use app::domain::{ActivityKind, Status};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::store::api_answers::Known;
use sha2::{Digest as _, Sha256};

use crate::{
    api_v1::{Program, of_kind, problem},
    harness::Setup,
    on_both_databases,
};

async fn keyed(program: &Program, path: &str, key: &str, body: &Value) -> Response {
    program.ask(Method::POST, path).header("idempotency-key", key).json(body).send().await.unwrap()
}

async fn json_of(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status(), status);
    answer.json().await.unwrap()
}

on_both_databases! {
    async fn a_company_is_added_read_changed_archived_and_restored(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let new = json!({
            "name": " Fourth Coffee ", "domain": "HTTPS://www.fourthcoffee.test/", "external_id": "C-7",
            "contact": "Kim Abel", "email": "Kim@Fourthcoffee.test", "note": "Call first",
            "tags": ["gold", "Berlin", "GOLD"],
        });
        let added = program.post("companies", new).await;
        let (location, etag) = (added.headers()["location"].clone(), added.headers()["etag"].clone());
        let company = json_of(added, 201).await;
        let id = company["id"].as_str().unwrap().to_owned();
        assert_eq!(location, format!("/api/v1/companies/{id}"));
        let at = company["created_at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.contains('T'), "{at}");
        let expected = json!({
            "id": id, "name": "Fourth Coffee", "domain": "fourthcoffee.test", "external_id": "C-7",
            "contact": "Kim Abel",
            "email": "kim@fourthcoffee.test", "note": "Call first", "tags": ["Berlin", "gold"], "created_at": at,
            "archived_at": null,
        });
        assert_eq!(company, expected);

        let path = format!("companies/{id}");
        let same = program.ask(Method::GET, &path).header("if-none-match", etag.clone()).send().await.unwrap();
        assert_eq!((same.status().as_u16(), &same.headers()["etag"]), (304, &etag));
        assert_eq!(program.read(&path).await, expected);

        // Somebody else is faster.
        let change = async |etag: &reqwest::header::HeaderValue, body: Value| {
            program.ask(Method::PATCH, &path).header("if-match", etag).json(&body).send().await.unwrap()
        };
        let first = change(&etag, json!({ "contact": "Robin", "note": null })).await;
        let newer = first.headers()["etag"].clone();
        let changed = json_of(first, 200).await;
        assert_eq!((&changed["contact"], &changed["note"], &changed["email"]),
            (&json!("Robin"), &Value::Null, &json!("kim@fourthcoffee.test")));
        assert_ne!(newer, etag);
        let (status, told) = problem(change(&etag, json!({ "contact": "Sam" })).await).await;
        assert_eq!((status, &told["code"]), (412, &json!("precondition_failed")));
        // As a proxy hands it on that compresses.
        let weak = format!("W/{}", newer.to_str().unwrap()).parse().unwrap();
        assert_eq!(change(&weak, json!({ "tags": [] })).await.status(), 200);

        // The same external id twice.
        let twice = json!({ "name": "B", "external_id": "C-7" });
        let (status, told) = problem(program.post("companies", twice).await).await;
        assert_eq!(status, 409);
        assert!(told["detail"].as_str().unwrap().contains("Fourth Coffee"), "{told}");

        for (filter, found) in [
            ("search=coffee%20robin", 1), ("search=tea", 0), ("external_id=C-7", 1), ("domain=FourthCoffee.test", 1),
            ("tag=gold", 0), ("archived=true", 0),
        ] {
            let rows = program.read(&format!("companies?{filter}")).await;
            assert_eq!(rows["data"].as_array().unwrap().len(), found, "{filter}");
        }
        let archived = json_of(program.post(&format!("{path}/archive"), json!({})).await, 200).await;
        assert!(archived["archived_at"].is_string());
        let rows = program.read("companies?archived=true").await;
        assert_eq!(rows["data"][0]["id"], id.as_str());
        let (status, _) = problem(program.patch(&path, json!({ "name": "C" })).await).await;
        assert_eq!(status, 409);
        assert_eq!(problem(program.get(&format!("{path}/connection")).await).await.0, 404);
        let restored = json_of(program.post(&format!("{path}/restore"), json!({})).await, 200).await;
        assert_eq!(restored["archived_at"], Value::Null);
    }

    async fn a_company_is_found_in_whatever_case_its_letters_are_sought(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        program.post("companies", json!({ "name": "Ölmühle Süd", "tags": ["Österreich", "Zürich"] })).await;
        for (filter, found) in [
            ("tag=Österreich", 1), ("tag=österreich", 1), ("tag=ZÜRICH", 1), ("tag=sterreich", 0), ("tag=Osterreich", 0),
            ("search=Ölmühle", 1), ("search=ölmühle SÜD", 1), ("search=ÖLMÜHLE", 1), ("search=olmuhle", 0),
            // Letters in any number.
            ("search=äöüàáâãåæçèéêëìíîïðñòóôõøùúûýþ", 0),
        ] {
            let rows = program.read(&format!("companies?{filter}")).await;
            assert_eq!(rows["data"].as_array().unwrap().len(), found, "{filter}");
        }
    }

    async fn a_connection_says_how_it_is_and_what_a_person_can_do(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let (first, second) = (&app.tenants[0], &app.tenants[1]);
        let id = app.company(&first.name).await;
        let before = program.read(&format!("companies/{id}/connection")).await;
        assert_eq!((&before["status"], &before["tenant_id"]), (&json!("not_connected"), &Value::Null));
        assert!(before["advice"].as_str().unwrap().contains("signs in at Microsoft"), "{before}");
        assert_eq!(before["url"], format!("{}/companies/{id}", app.url));

        app.connect(first).await;
        let row = app.connected(&first.name).await;
        let after = program.read(&format!("companies/{id}/connection")).await;
        assert_eq!((&after["status"], &after["tenant_id"]), (&json!("connected"), &json!(first.id)), "{after}");
        assert_eq!(after["users"], json!(row.figures.users));
        let sets = after["data_sets"].as_array().unwrap();
        assert_eq!(sets.len(), 5);
        assert!(sets.iter().all(|set| set["as_of"].is_string() && set["stale"] == false), "{after}");

        let connected = program.read("connections?status=connected").await;
        assert_eq!(connected["data"].as_array().unwrap().len(), 1);
        assert_eq!(connected["data"][0]["company_id"], json!(id));
        let rest = program.read("connections?status=not_connected&limit=200").await;
        assert_eq!(rest["data"].as_array().unwrap().len(), app.tenants.len() - 1);
        assert_eq!(program.read("connections?needs_somebody=true").await["data"], json!([]));
        let since = after["synced_at"].as_str().unwrap();
        let changed = program.read(&format!("connections?changed_since={since}")).await;
        assert!(changed["data"].as_array().unwrap().iter().any(|row| row["company_id"] == json!(id)), "{changed}");

        let asked = json_of(program.post(&format!("companies/{id}/connection/sync"), json!({})).await, 202).await;
        assert_eq!(asked["connection"], format!("/api/v1/companies/{id}/connection"));
        let other = app.company(&second.name).await;
        let (status, _) = problem(program.post(&format!("companies/{other}/connection/sync"), json!({})).await).await;
        assert_eq!(status, 409);
        let synced = of_kind(&app, ActivityKind::SyncStarted).await;
        assert!(synced[0].actor.ends_with("by the token PSA"), "{synced:?}");

        // What was read.
        for (path, fields) in [
            ("users", &["name", "address", "kind", "enabled"][..]),
            ("licences", &["product", "part_number", "used", "state"]),
            ("domains", &["name", "is_default"]),
        ] {
            let rows = program.read(&format!("{path}?company={id}&limit=3")).await;
            for field in fields {
                assert!(!rows["data"][0][*field].is_null(), "{path} {field}: {rows}");
            }
            assert_eq!(rows["data"][0]["company_id"], json!(id), "{path}");
            assert!(rows["data"][0]["as_of"].is_string(), "{path}");
            assert_eq!(program.read(&format!("{path}?company={other}")).await["data"], json!([]), "{path}");
        }
        let scores = program.read("secure-scores").await;
        assert_eq!(scores["data"][0]["company_id"], json!(id));
        let report = program.read(&format!("companies/{id}/secure-score")).await;
        assert!(!report["days"].as_array().unwrap().is_empty() && !report["controls"].as_array().unwrap().is_empty());
    }

    async fn a_link_is_made_told_once_listed_and_withdrawn(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let tenant = &app.tenants[0];
        let id = app.company(&tenant.name).await;
        let path = format!("companies/{id}/link");
        let made = json_of(program.post(&path, json!({ "note": "Ticket 7" })).await, 201).await;
        let url = made["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/c/", app.url)), "{url}");
        app.row_becomes(&tenant.name, |row| row.status == Status::LinkSent).await;
        let listed = program.get("links").await.text().await.unwrap();
        assert!(!listed.contains(url.rsplit('/').next().unwrap()), "its address is told once");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!((&listed["data"][0]["note"], &listed["data"][0]["company_id"]), (&json!("Ticket 7"), &json!(id)));
        assert_eq!(program.read(&format!("links?company={}", uuid::Uuid::nil())).await["data"], json!([]));
        assert_eq!(problem(program.post(&path, json!({ "note": "x".repeat(101) })).await).await.0, 422);

        for _ in 0..2 {
            let withdrawn = program.ask(Method::DELETE, &path).send().await.unwrap();
            assert_eq!(withdrawn.status(), 204);
        }
        assert_eq!(program.read("links").await["data"], json!([]));
        let done = program.read(&format!("activity?company={id}&kind=link_withdrawn")).await;
        assert_eq!(done["data"].as_array().unwrap().len(), 1);
        assert!(done["data"][0]["actor"].as_str().unwrap().ends_with("by the token PSA"), "{done}");
    }

    async fn what_is_asked_twice_under_one_key_is_done_once(engine) {
        let mut app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let id = app.company(&app.tenants[0].name).await;
        let link = format!("companies/{id}/link");
        let first = keyed(&program, &link, "key-1", &json!({})).await;
        assert!(!first.headers().contains_key("idempotency-replayed"));
        let first = json_of(first, 201).await;
        // Its address is in the answer again: whoever did not hear the first one has no other way to it.
        let again = keyed(&program, &link, "key-1", &json!({})).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(json_of(again, 201).await, first);
        let (status, told) = problem(keyed(&program, &link, "key-1", &json!({ "note": "other" })).await).await;
        assert_eq!((status, &told["code"]), (422, &json!("idempotency_key_reused")));
        // Another token's keys are its own.
        let other = Program::with(&app, "other", &app::domain::Scope::ALL).await;
        assert_ne!(json_of(keyed(&other, &link, "key-1", &json!({})).await, 201).await["url"], first["url"]);

        let new = json!({ "name": "Once", "external_id": "once" });
        let added = keyed(&program, "companies", "key-2", &new).await;
        let etag = added.headers()["etag"].clone();
        let added = json_of(added, 201).await;
        app.stop().await;
        app.serve().await;
        let again = keyed(&program, "companies", "key-2", &new).await;
        assert_eq!((&again.headers()["etag"], again.headers().contains_key("location")), (&etag, true));
        assert_eq!(json_of(again, 201).await, added);
        // A day later the key is free.
        app.clock.advance(Duration::from_hours(24));
        assert_eq!(problem(keyed(&program, "companies", "key-2", &new).await).await.0, 409);
        // What failed did nothing, and may be sent again.
        app.clock.advance(Duration::from_secs(1));
        program.post(&format!("companies/{}/archive", added["id"].as_str().unwrap()), json!({})).await;
        let freed = json!({ "name": "Once more", "external_id": "once-more" });
        assert_eq!(keyed(&program, "companies", "key-3", &json!({ "name": "" })).await.status(), 422);
        assert_eq!(keyed(&program, "companies", "key-3", &freed).await.status(), 201);
        assert_eq!(keyed(&program, "companies", "key-3", &freed).await.status(), 201);
    }

    async fn of_many_at_once_under_one_key_one_is_done(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let new = json!({ "name": "At once" });
        let answers = futures::future::join_all((0..12).map(|_| keyed(&program, "companies", "at-once", &new))).await;
        let mut done = 0;
        for answer in answers {
            if answer.status() == 201 {
                done += 1;
                continue;
            }
            assert!(answer.headers().contains_key("retry-after"));
            let (status, told) = problem(answer).await;
            assert_eq!((status, &told["code"]), (409, &json!("request_under_way")));
        }
        assert!(done >= 1);
        assert_eq!(program.read("companies?search=at+once").await["data"].as_array().unwrap().len(), 1);
        assert_eq!(keyed(&program, "companies", "at-once", &new).await.status(), 201);
    }

    async fn what_a_killed_server_left_is_not_done_again(engine) {
        let app = Setup::on(engine).start().await;
        let program = Program::of(&app).await;
        let tokens = app.http.get(format!("{}/api/api-tokens/list", app.url)).send().await.unwrap();
        let tokens: Value = tokens.json().await.unwrap();
        let token = tokens[0]["id"].as_str().unwrap().parse().unwrap();
        // As the server does before it does anything.
        let digest = |parts: &[&[u8]]| {
            let mut digest = Sha256::new();
            for part in parts {
                digest.update(u64::try_from(part.len()).unwrap().to_be_bytes());
                digest.update(part);
            }
            <[u8; 32]>::from(digest.finalize())
        };
        let body = json!({ "name": "Half done" });
        let asked = digest(&[b"POST", b"/api/v1/companies", body.to_string().as_bytes()]);
        let store = app.store().await;
        store.begin_api_answer(token, digest(&[b"killed"]), asked).await.unwrap();
        let failed = store.begin_api_answer(token, digest(&[b"failed"]), asked).await.unwrap();
        let Known::New(failed) = failed else { panic!("{failed:?}") };
        store.interrupt_api_answer(failed).await.unwrap();
        store.close().await.unwrap();
        // What ended in an error of ours may have been done.
        let (status, told) = problem(keyed(&program, "companies", "failed", &body).await).await;
        assert_eq!((status, &told["code"]), (409, &json!("request_interrupted")));
        let (status, told) = problem(keyed(&program, "companies", "killed", &body).await).await;
        assert_eq!((status, &told["code"]), (409, &json!("request_under_way")));
        app.clock.advance(Duration::from_mins(2));
        let (status, told) = problem(keyed(&program, "companies", "killed", &body).await).await;
        assert_eq!((status, &told["code"]), (409, &json!("request_interrupted")));
        assert_eq!(program.read("companies?search=half").await["data"], json!([]));
    }
}
