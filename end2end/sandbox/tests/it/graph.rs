//! Microsoft Graph: data sets, paging, deltas, batches and permissions.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{SCORES, World, error_code};

const BIG: &str = "meridianhealth.test";
const FABRIKAM: &str = "fabrikam-legal.test";

#[tokio::test]
async fn the_sync_reads_all_data_sets() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    let (_, body) =
        world.get(&token, "/v1.0/organization?$select=id,displayName,verifiedDomains,countryLetterCode").await;
    assert_eq!(body["value"][0]["displayName"], "Fabrikam Legal");
    assert_eq!(body["value"][0].as_object().unwrap().len(), 4);
    let (_, body) = world.get(&token, "/v1.0/subscribedSkus").await;
    assert!(body["value"][0]["prepaidUnits"]["enabled"].is_u64());
    let (_, body) = world.get(&token, "/v1.0/domains").await;
    let domains = body["value"].as_array().unwrap();
    assert_eq!(domains.iter().filter(|domain| domain["isDefault"] == true).count(), 1);
    assert_eq!(domains.iter().filter(|domain| domain["isInitial"] == true).count(), 1);

    let (scores, _, pages) = world.all(&token, &format!("{SCORES}?$top=40")).await;
    assert_eq!((scores.len(), pages), (90, 3));
    assert!(scores[0]["createdDateTime"].as_str() > scores[1]["createdDateTime"].as_str());
    let (profiles, ..) = world.all(&token, "/v1.0/security/secureScoreControlProfiles").await;
    let known: HashSet<&str> = profiles.iter().map(|profile| profile["id"].as_str().unwrap()).collect();
    for control in scores[0]["controlScores"].as_array().unwrap() {
        assert!(known.contains(control["controlName"].as_str().unwrap()));
    }
    let sum: f64 =
        scores[0]["controlScores"].as_array().unwrap().iter().map(|control| control["score"].as_f64().unwrap()).sum();
    assert!((scores[0]["currentScore"].as_f64().unwrap() - sum).abs() < 0.01);

    let young = world.connect("papercrane.test").await;
    let (_, body) = world.get(&world.app_token(&young).await, SCORES).await;
    assert_eq!(body["value"], json!([]));
}

#[tokio::test]
async fn users_come_in_pages() {
    let world = World::start().await;
    let tenant = world.connect(BIG).await;
    let token = world.app_token(&tenant).await;
    let (users, _, pages) = world.all(&token, "/v1.0/users?$top=999&$select=id,userType,assignedLicenses").await;
    assert_eq!((users.len(), pages), (2500, 3));
    assert_eq!(users[0].as_object().unwrap().len(), 3);
    let (status, body) = world.get(&token, "/v1.0/users?$top=1000").await;
    assert_eq!((status, body["error"]["code"].as_str()), (400, Some("Request_BadRequest")));
    let (status, _) = world.get(&token, "/v1.0/users?$select=nonsense").await;
    assert_eq!(status, 400);
    let (status, body) = world.get(&token, "/v1.0/users/admin@meridianhealth.test").await;
    assert_eq!((status, &body["id"]), (200, &users[0]["id"]));
}

#[tokio::test]
async fn a_delta_tells_only_what_changed() {
    let world = World::start().await;
    let tenant = world.connect(BIG).await;
    let token = world.app_token(&tenant).await;
    let (users, last, pages) = world.all(&token, "/v1.0/users/delta?$select=displayName,accountEnabled").await;
    assert_eq!((users.len(), pages), (2500, 13));
    let link = last["@odata.deltaLink"].as_str().unwrap().to_string();
    let (nothing, ..) = world.all(&token, &link).await;
    assert!(nothing.is_empty());

    let answer =
        world.control(&format!("tenants/{tenant}/change-users"), json!({ "add": 3, "update": 4, "delete": 2 })).await;
    assert_eq!(answer["users"], 2501);
    let (changes, last, _) = world.all(&token, &link).await;
    // One of those added was removed again at once; both removals are of newcomers.
    let removed: Vec<&Value> = changes.iter().filter(|item| item.get("@removed").is_some()).collect();
    assert_eq!((changes.len(), removed.len()), (7, 2));
    let reasons: HashSet<&str> = removed.iter().map(|item| item["@removed"]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, HashSet::from(["changed", "deleted"]));
    let known: HashSet<&Value> = users.iter().map(|user| &user["id"]).collect();
    let updated: Vec<&Value> = changes.iter().filter(|item| known.contains(&item["id"])).collect();
    assert_eq!(updated.len(), 4);
    assert!(updated.iter().all(|item| item.get("displayName").is_some() && item.get("accountEnabled").is_none()));
    let (nothing, ..) = world.all(&token, last["@odata.deltaLink"].as_str().unwrap()).await;
    assert!(nothing.is_empty());

    world.control("clock", json!({ "advance_ms": 8_i64 * 24 * 3_600_000 })).await;
    let token = world.app_token(&tenant).await;
    for link in [link.as_str(), "/v1.0/users/delta?$deltatoken=nonsense"] {
        let url = if link.starts_with("http") { link.into() } else { world.url(link) };
        let response = world.server.get(url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.status(), 410);
        let location = response.headers()["location"].to_str().unwrap().to_string();
        assert_eq!(world.all(&token, &location).await.0.len(), 2503);
    }
}

#[tokio::test]
async fn a_page_size_may_be_preferred() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    let request =
        world.server.get(world.url("/v1.0/users/delta")).bearer_auth(&token).header("prefer", "odata.maxpagesize=5");
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["value"].as_array().unwrap().len(), 5);
    let (rest, ..) = world.all(&token, body["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(rest.len(), 37);
}

#[tokio::test]
async fn every_permission_opens_its_own_data_set() {
    let world = World::start().await;
    let sets = [
        ("Organization.Read.All", "/v1.0/organization"),
        ("User.Read.All", "/v1.0/users"),
        ("User.Read.All", "/v1.0/users/delta"),
        ("LicenseAssignment.Read.All", "/v1.0/subscribedSkus"),
        ("Domain.Read.All", "/v1.0/domains"),
        ("SecurityEvents.Read.All", SCORES),
        ("SecurityEvents.Read.All", "/v1.0/security/secureScoreControlProfiles"),
    ];
    for (permission, path) in sets {
        world.control("app", json!({ "application_permissions": [permission] })).await;
        let tenant = world.connect(FABRIKAM).await;
        let allowed = world.get(&world.app_token(&tenant).await, path).await;
        assert_eq!(allowed.0, 200, "{path}");
        world.control("app", json!({ "application_permissions": ["Reports.Read.All"] })).await;
        world.connect(FABRIKAM).await;
        let (status, body) = world.get(&world.app_token(&tenant).await, path).await;
        assert_eq!((status, body["error"]["code"].as_str()), (403, Some("Authorization_RequestDenied")), "{path}");
    }
    let (status, body) = world.get("nonsense", "/v1.0/users").await;
    assert_eq!((status, body["error"]["code"].as_str()), (401, Some("InvalidAuthenticationToken")));
}

#[tokio::test]
async fn a_token_runs_out_by_the_sandboxs_clock() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    world.control("clock", json!({ "advance_ms": 3_700_000 })).await;
    assert_eq!(world.get(&token, "/v1.0/users").await.0, 401);
}

#[tokio::test]
async fn me_is_the_person_and_their_role() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let me = async |email: &str| {
        let page = world.authorize(&tenant, &[("prompt", "login")]).await.page();
        let code = world.sign_in(&page, email).await.callback()["code"].clone();
        let token = world.redeem(&tenant, &code).await.1["access_token"].as_str().unwrap().to_string();
        let (status, body) = world.get(&token, "/v1.0/me?$select=userPrincipalName").await;
        assert_eq!(status, 200, "{body}");
        let path = "/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=displayName,roleTemplateId";
        let roles = world.get(&token, path).await.1["value"].as_array().unwrap().clone();
        (body["userPrincipalName"].as_str().unwrap().to_string(), roles, world.get(&token, "/v1.0/users").await.0)
    };
    let (name, roles, users) = me("admin@fabrikam-legal.test").await;
    assert_eq!((name.as_str(), users), ("admin@fabrikam-legal.test", 200));
    assert_eq!(roles[0]["roleTemplateId"], "62e90394-69f5-4237-9190-012177145e10");
    let (_, roles, users) = me("user@fabrikam-legal.test").await;
    assert_eq!((roles.len(), users), (0, 403));
    let (status, _) = world.get(&world.app_token(&tenant).await, "/v1.0/me").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_batch_answers_every_part_on_its_own() {
    let world = World::start().await;
    world.control("app", json!({ "application_permissions": ["User.Read.All", "Organization.Read.All"] })).await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    world
        .control("faults", json!({ "match": "/v1.0/organization", "status": 429, "retry_after": 7, "times": 1 }))
        .await;
    let batch = async |count: usize| {
        let urls = ["/users?$top=3", "/organization", "/domains", "/users/user%40fabrikam-legal.test"];
        let requests: Vec<Value> =
            (0..count).map(|n| json!({ "id": n.to_string(), "method": "GET", "url": urls[n % urls.len()] })).collect();
        let request =
            world.server.post(world.url("/v1.0/$batch")).bearer_auth(&token).json(&json!({ "requests": requests }));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let mut answer = batch(4).await;
    let parts = answer["responses"].as_array_mut().unwrap();
    parts.sort_by_key(|part| part["id"].as_str().unwrap().to_owned());
    let statuses: Vec<u64> =
        answer["responses"].as_array().unwrap().iter().map(|part| part["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 429, 403, 200]);
    assert_eq!(answer["responses"][0]["body"]["value"].as_array().unwrap().len(), 3);
    assert_eq!(answer["responses"][1]["headers"]["Retry-After"], "7");
    assert_eq!(batch(21).await["error"]["code"], "BadRequest");
    assert_eq!(error_code(&answer), 0);
}

#[tokio::test]
async fn a_tenant_of_50000_people_can_be_made() {
    let world = World::start().await;
    let new = json!({
        "name": "Colossal", "domain": "colossal.test", "users": 50_000, "secure_score": false,
        "licences": [{ "sku": "SPE_E5", "enabled": 50_000, "consumed": 40_000 }],
    });
    let tenant = world.control("tenants", new).await;
    assert_eq!(tenant["users"], 50_000);
    let id = world.connect("colossal.test").await;
    let (users, ..) = world.all(&world.app_token(&id).await, "/v1.0/users?$top=999&$select=id").await;
    let ids: HashSet<&str> = users.iter().map(|user| user["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 50_000);
}

#[tokio::test]
async fn a_part_waits_for_those_it_depends_on() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    let batch = async |requests: Value| {
        let request =
            world.server.post(world.url("/v1.0/$batch")).bearer_auth(&token).json(&json!({ "requests": requests }));
        let mut answer = request.send().await.unwrap().json::<Value>().await.unwrap();
        if let Some(parts) = answer["responses"].as_array_mut() {
            parts.sort_by_key(|part| part["id"].as_str().unwrap().to_owned());
        }
        answer
    };
    world.control("faults", json!({ "match": "/v1.0/domains", "status": 503 })).await;
    let answer = batch(json!([
        { "id": "1", "method": "GET", "url": "/domains" },
        { "id": "2", "method": "GET", "url": "/organization", "dependsOn": ["1"] },
        { "id": "3", "method": "GET", "url": "/organization" },
        { "id": "4", "method": "GET", "url": "/domains", "dependsOn": ["3"] },
    ]))
    .await;
    let statuses: Vec<&Value> = answer["responses"].as_array().unwrap().iter().map(|part| &part["status"]).collect();
    assert_eq!(statuses, [503, 424, 200, 200]);
    let forward = json!([{ "id": "1", "method": "GET", "url": "/domains", "dependsOn": ["2"] }]);
    assert_eq!(batch(forward).await["error"]["code"], "BadRequest");

    let counts: Value = world.server.get(world.url("/_sandbox/requests")).send().await.unwrap().json().await.unwrap();
    let counted = |path: &str| {
        let requests = counts["requests"].as_array().unwrap();
        requests.iter().find(|request| request["path"] == path).cloned().unwrap_or_default()
    };
    assert_eq!(counted("/v1.0/$batch")["count"], 2, "HTTP requests");
    assert_eq!(counted("/v1.0/domains")["in_batch"], 2, "and their parts, the refused one not being asked for");
    assert_eq!(counted("/v1.0/domains")["count"], 2);
}

#[tokio::test]
async fn a_part_can_be_garbled_and_a_whole_batch_cut() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    let requests = json!([
        { "id": "1", "method": "GET", "url": "/domains" },
        { "id": "2", "method": "GET", "url": "/organization" },
    ]);
    let ask = async || {
        let batch = json!({ "requests": requests });
        world.server.post(world.url("/v1.0/$batch")).bearer_auth(&token).json(&batch).send().await
    };
    world.control("faults", json!({ "match": "/v1.0/domains", "malformed_body": true })).await;
    let answer: Value = ask().await.unwrap().json().await.unwrap();
    let parts = answer["responses"].as_array().unwrap();
    assert!(parts.iter().any(|part| part["id"] == "1" && part["body"].is_string()));
    assert!(parts.iter().any(|part| part["id"] == "2" && part["body"]["value"].is_array()));

    world.control("faults", json!({ "match": "/v1.0/domains", "cut_body": true })).await;
    let read = match ask().await {
        Ok(response) => response.text().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(read.is_err());
}

#[tokio::test]
async fn a_budget_is_enforced_and_counted() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    let token = world.app_token(&tenant).await;
    world.control("graph", json!({ "budget": { "units": 2, "window_ms": 60_000 }, "page_size": 7 })).await;
    let (status, body) = world.get(&token, "/v1.0/users/delta?$select=displayName").await;
    assert_eq!((status, body["value"].as_array().unwrap().len()), (200, 7));
    let path = "/v1.0/users/delta";
    assert_eq!(world.get(&token, path).await.0, 429, "two units are asked for, and one is left");
    assert_eq!(world.get(&token, path).await.0, 429);
    let counts: Value = world.server.get(world.url("/_sandbox/requests")).send().await.unwrap().json().await.unwrap();
    let throttling = &counts["throttling"];
    assert_eq!(
        (&throttling["throttled"], &throttling["early"], &throttling["units"]),
        (&json!(2), &json!(1), &json!(1))
    );
}
