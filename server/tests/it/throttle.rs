//! A thousand wrong passwords: they are slowed down, and nobody else is.

use std::time::Duration;

use app::domain::{ActivityFilter, ActivityKind, Email, Role};
use futures::{StreamExt as _, stream};
use reqwest::{Client, Response, StatusCode};
use serde_json::json;
use server::store::throttle::Try;

use crate::{
    harness::{App, PASSWORD, Setup, stranger},
    on_both_databases,
};

const TRIES: u32 = 1_000;

async fn start(engine: crate::harness::Engine) -> App {
    let app = Setup::on(engine).setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1").start().await;
    // How long a thousand tries take must not matter.
    app.clock.stop();
    app
}

async fn sign_in(app: &App, client: &Client, address: &str, email: &str, password: &str) -> Response {
    let credentials = json!({ "credentials": { "email": email, "password": password } });
    let request = client.post(format!("{}/api/sessions/sign-in", app.url)).json(&credentials);
    request.header("x-forwarded-for", address).send().await.unwrap()
}

/// How many of so many wrong tries were made, and how many had to wait.
async fn guess(app: &App, who: impl Fn(u32) -> (String, String)) -> (usize, usize) {
    let client = stranger();
    let answers: Vec<StatusCode> = stream::iter(0..TRIES)
        .map(|number| {
            let (address, email) = who(number);
            let (client, password) = (client.clone(), format!("a wrong guess {number}"));
            async move {
                let answer = sign_in(app, &client, &address, &email, &password).await;
                if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=900).contains(&wait), "{wait}");
                }
                answer.status()
            }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    let (wrong, wait) = (count(StatusCode::UNAUTHORIZED), count(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(wrong + wait, TRIES as usize);
    (wrong, wait)
}

async fn refused_sign_ins(app: &App) -> usize {
    let filter = ActivityFilter { kind: Some(ActivityKind::SignInRefused), ..ActivityFilter::default() };
    app.activity(filter).await.len()
}

on_both_databases! {
    async fn from_one_address_at_one_account(engine) {
        let app = start(engine).await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        app.add_account("lee@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let client = stranger();
        assert_eq!(sign_in(&app, &client, "192.0.2.1", "kim@msp.test", PASSWORD).await.status(), 200);
        let (wrong, _) = guess(&app, |_| ("198.51.100.7".into(), "kim@msp.test".into())).await;
        assert_eq!(wrong, 5, "guesses without a wait");
        // Others, from elsewhere and from there; and whose account it is, at home.
        for (address, email) in
            [("192.0.2.2", "lee@msp.test"), ("198.51.100.7", "lee@msp.test"), ("192.0.2.1", "kim@msp.test")]
        {
            assert_eq!(sign_in(&app, &client, address, email, PASSWORD).await.status(), 200, "{address} {email}");
        }
        // Even the right password has to wait where nobody knows its owner, and then it will do.
        let wait = sign_in(&app, &client, "203.0.113.9", "kim@msp.test", PASSWORD).await;
        assert_eq!(wait.status(), 429);
        assert!(wait.text().await.unwrap().contains("Too many sign-ins failed. Try again in "));
        app.clock.advance(Duration::from_mins(15));
        assert_eq!(sign_in(&app, &client, "203.0.113.9", "kim@msp.test", PASSWORD).await.status(), 200);
        assert!(refused_sign_ins(&app).await <= 60);
    }

    async fn from_many_addresses_at_one_account(engine) {
        let app = start(engine).await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        app.add_account("lee@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let (wrong, _) = guess(&app, |n| (format!("10.{}.{}.1", n / 250, n % 250), "kim@msp.test".into())).await;
        assert_eq!(wrong, 5, "guesses without a wait");
        let lee = sign_in(&app, &stranger(), "10.0.0.1", "lee@msp.test", PASSWORD).await;
        assert_eq!(lee.status(), 200);
        assert!(refused_sign_ins(&app).await <= 60);
        // Tries that had to wait left nothing behind.
        assert!(app.store().await.throttle_keys().await.unwrap() <= 20);
    }

    async fn from_one_address_at_many_accounts(engine) {
        let app = start(engine).await;
        app.add_account("lee@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let client = stranger();
        assert_eq!(sign_in(&app, &client, "198.51.100.7", "lee@msp.test", PASSWORD).await.status(), 200);
        let (wrong, _) = guess(&app, |n| ("198.51.100.7".into(), format!("somebody{n}@msp.test"))).await;
        assert_eq!(wrong, 50, "guesses without a wait");
        assert_eq!(sign_in(&app, &client, "192.0.2.2", "lee@msp.test", PASSWORD).await.status(), 200);
        // Who sits behind the same address, and has signed in there before.
        assert_eq!(sign_in(&app, &client, "198.51.100.7", "lee@msp.test", PASSWORD).await.status(), 200);
        assert!(refused_sign_ins(&app).await <= 60);
    }

    async fn an_account_that_there_is_not_is_answered_as_one_that_there_is(engine) {
        let app = start(engine).await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let client = stranger();
        let mut answers = Vec::new();
        for (address, email) in [("192.0.2.1", "kim@msp.test"), ("192.0.2.2", "nobody@msp.test")] {
            let mut said = Vec::new();
            for _ in 0..6 {
                let answer = sign_in(&app, &client, address, email, "a wrong password").await;
                said.push((answer.status(), answer.text().await.unwrap()));
            }
            answers.push(said);
        }
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0][0].1.contains("The e-mail address or password is wrong."));
        let text = format!("{:?}", app.activity(ActivityFilter::default()).await);
        assert!(!text.contains("nobody@msp.test"), "what people type there may be a password: {text}");
    }

    async fn a_right_password_clears_the_account(engine) {
        let app = start(engine).await;
        app.add_account("kim@msp.test", Role::Viewer, Some(PASSWORD)).await;
        let client = stranger();
        for _ in 0..4 {
            for _ in 0..4 {
                let wrong = sign_in(&app, &client, "192.0.2.1", "kim@msp.test", "a wrong password").await;
                assert_eq!(wrong.status(), 401);
            }
            assert_eq!(sign_in(&app, &client, "192.0.2.1", "kim@msp.test", PASSWORD).await.status(), 200);
        }
    }

    async fn what_is_counted_is_bounded_and_forgotten(engine) {
        let app = start(engine).await;
        let store = app.store().await;
        let tried = |n: u8| Try::new(&Email::parse(&format!("p{n}@x.test")).unwrap(), [192, 0, 2, n].into());
        let home = tried(200);
        let counted = store.count_try(&home).await.unwrap().unwrap();
        store.try_succeeded(&home, counted).await.unwrap();
        for n in 0..50 {
            store.count_try(&tried(n)).await.unwrap().unwrap();
        }
        let there = store.throttle_keys().await.unwrap();
        assert!((100..=102).contains(&there), "{there}");
        store.bound_throttle(10).await.unwrap();
        assert_eq!(store.throttle_keys().await.unwrap(), 10);
        app.clock.advance(Duration::from_hours(25));
        store.forget_old_tries().await.unwrap();
        assert_eq!(store.throttle_keys().await.unwrap(), 1, "where somebody is at home is remembered longer");
        app.clock.advance(Duration::from_hours(24 * 30));
        store.forget_old_tries().await.unwrap();
        assert_eq!(store.throttle_keys().await.unwrap(), 0);
    }
}
