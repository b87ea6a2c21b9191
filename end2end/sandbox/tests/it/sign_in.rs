//! Admin consent, sign-in and the consent page.

use serde_json::json;

use crate::harness::{REDIRECT, World};

const FABRIKAM: &str = "fabrikam-legal.test";

#[tokio::test]
async fn an_administrator_grants_the_apps_permissions_for_the_tenant() {
    let world = World::start().await;
    let page = world.admin_consent("organizations").await.page();
    assert!(page.contains("role=\"textbox\"") && page.contains("Sandbox, not Microsoft"));
    let page = world.sign_in(&page, "admin@fabrikam-legal.test").await.page();
    assert!(page.contains("Read all users&#39; full profiles") && page.contains("Fabrikam Legal"));
    let answer = world.submit(&page, &[("decision", "accept")]).await.callback();
    assert_eq!(answer["admin_consent"], "True");
    assert_eq!(answer["tenant"], world.tenant(FABRIKAM).await);
    assert_eq!(answer["state"], "s-1");
    assert!(!answer.contains_key("code"));

    // The second step answers without a page, and neither asks nor needs a password.
    let answer = world.authorize(&answer["tenant"], &[]).await.callback();
    assert!(answer["code"].starts_with("sbx-code-"));
}

#[tokio::test]
async fn declined_consent_comes_back_without_a_tenant() {
    let world = World::start().await;
    let page = world.admin_consent("organizations").await.page();
    let page = world.sign_in(&page, "admin@fabrikam-legal.test").await.page();
    let answer = world.submit(&page, &[("decision", "cancel")]).await.callback();
    assert_eq!(answer["error"], "access_denied");
    assert!(answer["error_description"].starts_with("AADSTS65004"));
    assert_eq!((answer["admin_consent"].as_str(), answer["state"].as_str()), ("True", "s-1"));
    assert!(!answer.contains_key("tenant"));

    let page = world.authorize("organizations", &[]).await.page();
    let answer = world.submit(&page, &[("decision", "cancel")]).await.callback();
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "s-2"));
}

#[tokio::test]
async fn whoever_may_not_consent_stays_on_the_page() {
    let world = World::start().await;
    for email in ["user@fabrikam-legal.test", "appadmin@fabrikam-legal.test"] {
        let page = world.admin_consent("organizations").await.page();
        assert!(world.sign_in(&page, email).await.page().contains("<h1>Need admin approval</h1>"), "{email}");
    }
    let page = world.authorize("organizations", &[("prompt", "login")]).await.page();
    assert!(world.sign_in(&page, "user@fabrikam-legal.test").await.page().contains("Need admin approval"));
    // What concerns only themselves, people grant themselves.
    let page = world.authorize("organizations", &[("prompt", "login"), ("scope", "openid User.Read")]).await.page();
    let page = world.sign_in(&page, "user@fabrikam-legal.test").await.page();
    assert!(!page.contains("on behalf of your organization"));
    let answer = world.submit(&page, &[("decision", "accept")]).await.callback();
    assert!(answer.contains_key("code"));
}

#[tokio::test]
async fn wrong_passwords_strangers_and_personal_accounts_stay_on_the_page() {
    let world = World::start().await;
    let start = world.admin_consent("organizations").await.page();
    let page = world.submit(&start, &[("email", "admin@fabrikam-legal.test"), ("password", "wrong")]).await.page();
    assert!(page.contains("AADSTS50126"));
    assert!(world.sign_in(&page, "nobody@nowhere.test").await.page().contains("AADSTS50034"));
    assert!(world.sign_in(&page, m365_sandbox::PERSONAL_EMAIL).await.page().contains("AADSTS50020"));
    let other = world.admin_consent(FABRIKAM).await.page();
    assert!(world.sign_in(&other, "admin@northwind-dental.test").await.page().contains("AADSTS50020"));
}

#[tokio::test]
async fn a_guest_lands_at_home_unless_the_tenant_is_named() {
    let world = World::start().await;
    let home = world.tenant("lakeside-it.test").await;
    let client = world.tenant(FABRIKAM).await;
    for (alias, landed) in [("organizations", &home), (client.as_str(), &client)] {
        let page = world.admin_consent(alias).await.page();
        let page = world.sign_in(&page, "admin@lakeside-it.test").await.page();
        let answer = world.submit(&page, &[("decision", "accept")]).await.callback();
        assert_eq!(&answer["tenant"], landed);
    }
}

#[tokio::test]
async fn prompts_decide_which_page_is_shown() {
    let world = World::start().await;
    world.connect(FABRIKAM).await;
    assert!(world.authorize("organizations", &[("prompt", "none")]).await.callback().contains_key("code"));
    assert!(world.authorize("organizations", &[("prompt", "login")]).await.page().contains(">Sign in<"));
    let picker = world.authorize("organizations", &[("prompt", "select_account")]).await.page();
    assert!(picker.contains("Continue as admin@fabrikam-legal.test"));
    assert!(world.authorize("organizations", &[("prompt", "consent")]).await.page().contains("value=\"accept\""));
    for wrong in [&[("prompt", "create")][..], &[("prompt", "select_account"), ("login_hint", "a@b.test")][..]] {
        assert_eq!(world.authorize("organizations", wrong).await.callback()["error"], "invalid_request");
    }
    let page = world.authorize("organizations", &[("login_hint", "admin@harborline.test")]).await.page();
    assert!(page.contains("value=\"admin@harborline.test\""));
    let mixed = world
        .authorize("organizations", &[("scope", "https://graph.microsoft.com/.default User.Read")])
        .await
        .callback();
    assert!(mixed["error_description"].starts_with("AADSTS70011"));
}

#[tokio::test]
async fn an_old_grant_keeps_its_set_until_consent_is_renewed() {
    let world = World::start().await;
    let tenant = world.connect(FABRIKAM).await;
    world
        .control("app", json!({ "application_permissions": ["User.Read.All"], "delegated_permissions": ["User.Read", "Reports.Read.All"] }))
        .await;
    let roles = |token: String| crate::harness::claims(&json!(token))["roles"].as_array().unwrap().len();
    assert_eq!(roles(world.app_token(&tenant).await), 5);
    assert!(world.authorize(&tenant, &[]).await.callback().contains_key("code"));
    let page = world.authorize(&tenant, &[("prompt", "consent")]).await.page();
    assert!(page.contains("Reports.Read.All"));
    world.connect(FABRIKAM).await;
    assert_eq!(roles(world.app_token(&tenant).await), 1);
}

#[tokio::test]
async fn unregistered_apps_addresses_and_tenants_end_on_the_page() {
    let world = World::start().await;
    let path = "/organizations/oauth2/v2.0/authorize";
    let page = world.open(path, &[("client_id", "other"), ("redirect_uri", REDIRECT)]).await.page();
    assert!(page.contains("AADSTS700016"));
    let id = m365_sandbox::DEFAULT_CLIENT_ID;
    let slash = format!("{REDIRECT}/");
    let page = world.open(path, &[("client_id", id), ("redirect_uri", &slash)]).await.page();
    assert!(page.contains("AADSTS50011"));
    assert!(world.authorize("nowhere.test", &[]).await.page().contains("AADSTS90002"));
    let script = world.open(path, &[("client_id", "<script>alert(1)</script>")]).await.page();
    assert!(!script.contains("<script>"));
}

#[tokio::test]
async fn discovery_tells_the_tenant_of_a_domain() {
    let world = World::start().await;
    let tenant = world.tenant(FABRIKAM).await;
    let read = async |name: &str| {
        let url = world.url(&format!("/{name}/v2.0/.well-known/openid-configuration"));
        let response = world.server.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
    };
    let base = world.sandbox.base_url();
    assert_eq!(read("organizations").await.1["issuer"], format!("{base}/{{tenantid}}/v2.0"));
    for name in [FABRIKAM, "fabrikamlegal.onmicrosoft.com", &tenant] {
        assert_eq!(read(name).await.1["issuer"], format!("{base}/{tenant}/v2.0"));
    }
    let (status, body) = read("nowhere.test").await;
    assert_eq!((status, crate::harness::error_code(&body)), (400, 90_002));
}
