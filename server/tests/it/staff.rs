//! People of the MSP's own tenant sign in with Microsoft.

use app::domain::{AccountState, Me, Role};
use serde_json::json;

use crate::{
    harness::{Account, App, Engine, OWNER, Setup, Tenant},
    on_both_databases,
    person::{Page, Person},
};

/// A server whose MSP has the sandbox's first tenant.
async fn start(engine: Engine, settings: &[(&str, &str)]) -> App {
    let mut app = Setup::on(engine).start().await;
    app.stop().await;
    app.environment.push(("TENANTRY_STAFF_TENANT".into(), app.tenants[0].id.clone()));
    app.environment.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    app.serve().await;
    app
}

/// Goes to Microsoft by a click on the page Sign in, and as far as it goes.
async fn sign_in(person: &Person, account: &Account) -> Page {
    let page = person.click_on("/connect/staff?next=%2Fsettings%2Factivity").await;
    let page = person.sign_in(&page, account).await;
    if page.html.contains("value=\"accept\"") { person.accept(&page).await } else { page }
}

async fn me(person: &Person, app: &App) -> Option<Me> {
    let response = person.open_only(format!("{}/api/sessions/me", app.url)).await;
    if response.status() == 200 { Some(response.json().await.unwrap()) } else { None }
}

on_both_databases! {
    async fn somebody_with_an_account_signs_in(engine) {
        let app = start(engine, &[]).await;
        let account = app.tenants[0].admin();
        app.add_account(&account.email, Role::Owner, None).await;
        let person = Person::stranger(&app);
        let page = sign_in(&person, account).await;
        assert_eq!((page.url.path(), page.status.as_u16()), ("/settings/activity", 200), "{}", page.html);
        let me = me(&person, &app).await.expect("they are signed in");
        assert_eq!((me.email.as_str(), me.role, me.has_password), (account.email.as_str(), Role::Owner, false));
        // Next time too.
        assert_eq!(sign_in(&Person::stranger(&app), account).await.status, 200);
    }

    async fn somebody_without_an_account_stays_out_unless_their_domain_is_let_in(engine) {
        let app = start(engine, &[]).await;
        let account = app.tenants[0].admin().clone();
        let person = Person::stranger(&app);
        let page = sign_in(&person, &account).await;
        assert_eq!((page.status.as_u16(), page.heading().as_str()), (403, "You are not signed in"));
        assert!(page.says("There is no account for you here. Ask an owner to invite you."));
        assert!(me(&person, &app).await.is_none());

        let domain = account.email.split('@').nth(1).unwrap();
        let settings = [("TENANTRY_STAFF_DOMAINS", domain), ("TENANTRY_STAFF_DEFAULT_ROLE", "technician")];
        let app = start(engine, &settings).await;
        let person = Person::stranger(&app);
        sign_in(&person, app.tenants[0].admin()).await;
        let me = me(&person, &app).await.expect("an account was made");
        assert_eq!(me.role, Role::Technician);
    }

    async fn an_invitation_is_used_up_by_signing_in(engine) {
        let app = start(engine, &[]).await;
        let account = app.tenants[0].admin();
        let invite = json!({ "email": account.email, "role": "settings" });
        app.post("accounts/invite", invite).await.error_for_status().unwrap();
        let person = Person::stranger(&app);
        sign_in(&person, account).await;
        assert_eq!(me(&person, &app).await.map(|me| me.role), Some(Role::Settings));
        let team = app.store().await.team().await.unwrap();
        assert!(team.iter().all(|row| row.state == AccountState::Active) && team.len() == 2, "{team:?}");
    }

    async fn a_deactivated_account_stays_out(engine) {
        let app = start(engine, &[]).await;
        let account = app.tenants[0].admin();
        let id = app.add_account(&account.email, Role::Viewer, None).await.id;
        app.post("accounts/set-active", json!({ "account": id, "active": false })).await.error_for_status().unwrap();
        let page = sign_in(&Person::stranger(&app), account).await;
        assert!(page.status == 403 && page.says("Your account is deactivated"), "{page:?}");
    }

    async fn somebody_of_a_clients_tenant_is_refused(engine) {
        let app = start(engine, &[]).await;
        let client = app.tenants[1].admin();
        // Even with an account of that address.
        app.add_account(&client.email, Role::Owner, None).await;
        let person = Person::stranger(&app);
        let page = sign_in(&person, client).await;
        assert!(!page.url.path().starts_with("/settings"), "{page:?}");
        assert!(me(&person, &app).await.is_none());
    }

    async fn a_guest_of_our_tenant_is_refused(engine) {
        let mut app = start(engine, &[]).await;
        let home = app.tenants[1].admin().clone();
        let tenant = json!({ "name": "The MSP", "domain": "the-msp.test", "users": 3, "guest_admin": home.email });
        let url = format!("{}/_sandbox/tenants", app.sandbox.base_url());
        let msp: Tenant = app.http.post(url).json(&tenant).send().await.unwrap().json().await.unwrap();
        app.stop().await;
        app.environment.push(("TENANTRY_STAFF_TENANT".into(), msp.id));
        app.serve().await;
        app.add_account(&home.email, Role::Owner, None).await;
        let person = Person::stranger(&app);
        let page = sign_in(&person, &home).await;
        assert!(page.says("This account does not belong to the organisation whose people may sign in here."), "{page:?}");
        assert!(me(&person, &app).await.is_none());
    }

    async fn an_answer_counts_in_the_browser_that_asked_only(engine) {
        let app = start(engine, &[]).await;
        let account = app.tenants[0].admin();
        app.add_account(&account.email, Role::Owner, None).await;
        let person = Person::stranger(&app);
        let page = person.click_on("/connect/staff").await;
        let page = person.sign_in(&page, account).await;
        let callback = if page.html.contains("value=\"accept\"") {
            person.accept_only(&page).await
        } else {
            panic!("the sandbox asks for consent the first time: {page:?}")
        };
        let other = Person::stranger(&app);
        assert_eq!(other.open(&callback).await.status, 400);
        assert!(me(&other, &app).await.is_none(), "nobody is signed in by a link");
        person.open(&callback).await;
        assert!(me(&person, &app).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_with_a_click_where_it_is_set_up() {
    let app = Setup::on(Engine::Sqlite).start().await;
    assert_eq!(Person::stranger(&app).click_on("/connect/staff").await.status, 404);
    let options = app.http.get(format!("{}/api/sessions/options", app.url)).send().await.unwrap();
    assert_eq!(options.json::<serde_json::Value>().await.unwrap(), json!({ "msp": "Your MSP", "microsoft": false }));

    let app = start(Engine::Sqlite, &[]).await;
    assert_eq!(Person::stranger(&app).open(format!("{}/connect/staff", app.url)).await.status, 403);
    assert!(app.store().await.team().await.unwrap().iter().any(|row| row.email == OWNER));
}
