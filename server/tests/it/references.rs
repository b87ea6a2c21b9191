//! What went wrong has a name, for whoever asks for help with it.

use app::domain::Scope;
use reqwest::Response;
use sea_orm::ConnectionTrait as _;
use serde_json::Value;

use crate::{
    harness::{App, Setup, stranger},
    on_both_databases,
};

fn id(answer: &Response) -> String {
    answer.headers()["x-request-id"].to_str().unwrap().to_owned()
}

/// Takes a table away.
async fn break_table(app: &App, table: &str) {
    let db = app.database().await;
    db.execute_unprepared(&format!("ALTER TABLE {table} RENAME TO {table}_gone")).await.unwrap();
    db.close().await.unwrap();
}

on_both_databases! {
    async fn a_failure_of_ours_is_told_with_its_reference_wherever_it_shows(engine) {
        let app = Setup::on(engine).start().await;
        let token = app.make_token("all", &Scope::ALL).await;
        let link = app.make_link(app.company(&app.tenants[0].name).await).await;
        let company = app.company(&app.tenants[1].name).await;
        break_table(&app, "link").await;

        // In the web app.
        let answer = app.http.get(format!("{}/api/links/list", app.url)).send().await.unwrap();
        let (status, id_of_list) = (answer.status(), id(&answer));
        let error: Value = answer.json().await.unwrap();
        assert_eq!((status.as_u16(), &error["code"]), (500, &Value::from("internal")), "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("Reference: {id_of_list}")), "{message}");

        // To a client.
        let answer = stranger().get(link.url.clone()).send().await.unwrap();
        let (status, id_of_page) = (answer.status(), id(&answer));
        let page = answer.text().await.unwrap();
        assert_eq!(status, 500);
        assert!(page.contains(&format!("Reference: {id_of_page}")), "{page}");

        // To a program.
        let request = stranger().get(format!("{}/api/v1/links", app.url)).bearer_auth(&token);
        let answer = request.send().await.unwrap();
        let (status, id_of_problem) = (answer.status(), id(&answer));
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((status.as_u16(), &problem["request_id"]), (500, &Value::from(id_of_problem.clone())), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&id_of_problem), "{problem}");

        // In a window that goes on to Microsoft.
        break_table(&app, "attempt").await;
        let request = app.http.get(format!("{}/connect/start?company={company}", app.url));
        let answer = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
        let (status, id_of_start) = (answer.status(), id(&answer));
        assert_eq!(status, 500);
        assert!(answer.text().await.unwrap().contains(&format!("Reference: {id_of_start}")));
    }

    async fn an_ordinary_refusal_has_no_reference_but_its_header(engine) {
        let app = Setup::on(engine).start().await;
        let answer = app.post("companies/add", serde_json::json!({ "texts": {} })).await;
        assert!(answer.status().is_client_error());
        id(&answer);
        assert!(!answer.text().await.unwrap().contains("Reference"));
    }

    async fn only_our_proxies_name_requests_and_only_with_names(engine) {
        let app = Setup::on(engine).setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1").start().await;
        let alone = App::beside(&app, &[("TENANTRY_TRUSTED_PROXIES", "")]).await;
        let ask = async |url: &str, name: &str| {
            id(&stranger().get(format!("{url}/healthz")).header("x-request-id", name).send().await.unwrap())
        };
        assert_eq!(ask(&app.url, "from-nginx-0123456789").await, "from-nginx-0123456789");
        for (url, name) in [
            (app.url.as_str(), "a name of several words"),
            (app.url.as_str(), "x"),
            (alone.url.as_str(), "from-nginx-0123456789"),
        ] {
            let made = ask(url, name).await;
            assert!(made != name && made.len() == 9, "{made}");
        }
    }
}
