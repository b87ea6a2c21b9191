//! Who is told what: once for each cause, whatever happens to receivers, mail servers and ourselves.

use std::{collections::BTreeSet, fs::File, process::Stdio, slice, time::Duration};

use app::{
    api::{notifications::NotificationSettings, webhooks::NewWebhook},
    domain::{
        ActivityFilter, ActivityKind, DeliveryRow, DeliveryState, MailPace, MailSettings, NoticeKind, Status,
        WebhookId, WebhookRow, WebhookState,
        mail::COLLECTS_FOR,
        notice::{CERTIFICATE_WARNING, SETTLES_AFTER},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use server::clock::Clock as _;
use standardwebhooks::Webhook;

use crate::{
    harness::{App, Engine, PATIENCE, Setup, Tenant},
    on_both_databases,
    person::Person,
    receiver::{Answer, Received, Receiver},
    restart::Program,
    secrets::{contains, database_content},
    smtp::{Certificates, LOGIN, MailServer},
};

/// A server whose webhooks may lead to this machine.
fn setup(engine: Engine) -> Setup {
    Setup::on(engine).setting("TENANTRY_WEBHOOK_PRIVATE_ADDRESSES", "true")
}

fn with_mail(engine: Engine, url: &str, certificates: Option<&Certificates>) -> Setup {
    let setup =
        setup(engine).setting("TENANTRY_SMTP_URL", url).setting("TENANTRY_MAIL_FROM", "Tenantry <tenantry@msp.test>");
    match certificates {
        Some(certificates) => setup.setting("TENANTRY_SMTP_CA_FILE", certificates.authority()),
        None => setup,
    }
}

impl App {
    async fn settings(&self) -> NotificationSettings {
        let response = self.http.get(format!("{}/api/notifications/show", self.url)).send().await.unwrap();
        response.error_for_status().unwrap().json().await.unwrap()
    }

    async fn webhook(&self, id: WebhookId) -> WebhookRow {
        self.settings().await.webhooks.into_iter().find(|row| row.id == id).unwrap()
    }

    async fn add_webhook(&self, url: &str, kinds: &[NoticeKind]) -> NewWebhook {
        let response = self.post("webhooks/create", json!({ "url": url, "kinds": kinds })).await;
        response.error_for_status().unwrap().json().await.unwrap()
    }

    /// A webhook that is told everything.
    async fn tell(&self, receiver: &Receiver) -> NewWebhook {
        self.add_webhook(&receiver.url(), &NoticeKind::ALL).await
    }

    async fn done(&self, function: &str, body: Value) {
        self.post(function, body).await.error_for_status().unwrap();
    }

    async fn send_test_event(&self, webhook: WebhookId) {
        self.done("webhooks/test", json!({ "webhook": webhook })).await;
    }

    async fn deliveries(&self, webhook: WebhookId) -> Vec<DeliveryRow> {
        let url = format!("{}/api/webhooks/deliveries?webhook={webhook}", self.url);
        self.http.get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Waits until the latest delivery to a webhook is as wanted.
    async fn delivery_becomes(&self, webhook: WebhookId, wanted: impl Fn(&DeliveryRow) -> bool) -> DeliveryRow {
        let wait = async {
            loop {
                if let Some(latest) = self.deliveries(webhook).await.into_iter().next().filter(&wanted) {
                    return latest;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let Ok(row) = tokio::time::timeout(PATIENCE, wait).await else {
            panic!("it stayed at {:?}", self.deliveries(webhook).await)
        };
        row
    }

    /// Connects companies, one for each tenant.
    async fn connect_all(&self, tenants: &[Tenant]) {
        for tenant in tenants {
            self.connect(tenant).await;
            self.connected(&tenant.name).await;
            self.idle(self.company(&tenant.name).await).await;
        }
    }

    /// Loses the consent of companies, and waits until that is seen.
    async fn lose(&self, tenants: &[Tenant]) {
        for tenant in tenants {
            self.control(&format!("tenants/{}/revoke-consent", tenant.id), json!({})).await;
            self.sync_now(tenant).await;
        }
        for tenant in tenants {
            self.row_becomes(&tenant.name, |row| matches!(row.status, Status::NeedsReconnect { .. })).await;
            self.idle(self.company(&tenant.name).await).await;
        }
    }

    async fn save_mail(&self, recipients: &[&str], pace: MailPace) {
        let recipients = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
        let settings = MailSettings { recipients, pace, ..MailSettings::default() };
        self.done("mail/save", json!({ "settings": settings })).await;
    }

    /// Waits until the page says why a mail could not be sent.
    async fn mail_fails(&self) -> String {
        let wait = async {
            loop {
                if let Some(failure) = self.settings().await.mail_failure {
                    return failure.problem;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the mail fails")
    }
}

/// Lets time pass, this much at once, until something is so.
async fn until(app: &App, step: Duration, is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            app.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it becomes so");
}

/// An independent implementation takes the signature.
fn assert_signed(received: &Received, secret: &str) {
    Webhook::new(secret).unwrap().verify(received.body.as_bytes(), &received.headers).expect("it is signed");
}

/// Whether the signature that an independent implementation makes is among those that were sent, whatever the time is.
fn is_signed(received: &Received, secret: &str) -> bool {
    let timestamp = received.header("webhook-timestamp").parse().unwrap();
    let expected = Webhook::new(secret).unwrap().sign(received.id(), timestamp, received.body.as_bytes()).unwrap();
    received.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

on_both_databases! {
    async fn a_lost_consent_is_told_once_and_so_is_its_end(engine) {
        let app = setup(engine).start().await;
        let tenant = app.tenants[0].clone();
        app.connect_all(slice::from_ref(&tenant)).await;
        let receiver = Receiver::start().await;
        let webhook = app.tell(&receiver).await;

        app.lose(slice::from_ref(&tenant)).await;
        app.clock.advance(SETTLES_AFTER);
        let told = receiver.has(1).await.remove(0);
        assert_signed(&told, &webhook.secret);
        assert_eq!(told.header("content-type"), "application/json");
        let json = told.json();
        assert_eq!(json["type"], "connection.needs_reconnect");
        assert_eq!((&json["data"]["company"]["name"], &json["data"]["reason"]), (&tenant.name.clone().into(), &"app_removed".into()));
        assert!(!told.body.contains('@'), "nobody is named: {}", told.body);

        // It stays lost, however often one looks.
        for _ in 0..3 {
            app.sync_now(&tenant).await;
            app.idle(app.company(&tenant.name).await).await;
            app.clock.advance(SETTLES_AFTER);
        }
        app.connect_all(&[tenant]).await;
        app.clock.advance(SETTLES_AFTER);
        receiver.has(2).await;
        app.clock.advance(SETTLES_AFTER);
        app.send_test_event(webhook.webhook).await;
        receiver.has(3).await;
        assert_eq!(
            receiver.events(),
            ["connection.needs_reconnect", "connection.recovered", "notifications.test"],
        );
    }

    async fn what_is_mended_within_minutes_is_not_told(engine) {
        let app = setup(engine).start().await;
        let tenant = [app.tenants[0].clone()];
        app.connect_all(&tenant).await;
        let receiver = Receiver::start().await;
        let webhook = app.tell(&receiver).await;
        app.lose(&tenant).await;
        app.connect_all(&tenant).await;
        app.clock.advance(SETTLES_AFTER * 2);
        app.send_test_event(webhook.webhook).await;
        receiver.has(1).await;
        assert_eq!(receiver.events(), ["notifications.test"]);

        // Nor is an end that does not last: it was told, seemed over, and was not.
        app.lose(&tenant).await;
        app.clock.advance(SETTLES_AFTER);
        receiver.has(2).await;
        app.connect_all(&tenant).await;
        app.lose(&tenant).await;
        app.clock.advance(SETTLES_AFTER * 2);
        app.send_test_event(webhook.webhook).await;
        receiver.has(3).await;
        assert_eq!(receiver.events()[1..], ["connection.needs_reconnect", "notifications.test"]);
    }

    async fn a_limited_company_names_what_it_lacks(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        app.tell(&receiver).await;
        let tenant = &app.tenants[0];
        let permissions = ["Organization.Read.All", "User.Read.All", "LicenseAssignment.Read.All", "Domain.Read.All"];
        app.control("app", json!({ "application_permissions": permissions })).await;
        app.connect(tenant).await;
        app.clock.advance(Duration::from_mins(3));
        app.row_becomes(&tenant.name, |row| matches!(row.status, Status::Limited { .. }) && !row.first_sync).await;
        app.idle(app.company(&tenant.name).await).await;
        app.clock.advance(SETTLES_AFTER);
        let told = receiver.has(1).await.remove(0).json();
        assert_eq!(told["type"], "connection.limited");
        assert_eq!(told["data"]["data_sets"], json!([{ "name": "secure_score", "problem": "permission_missing" }]));
    }

    async fn what_a_client_does_with_a_link_is_told(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let kinds = [NoticeKind::Connected, NoticeKind::LinkRequested];
        app.add_webhook(&receiver.url(), &kinds).await;
        let (with_link, at_the_page) = (&app.tenants[0], &app.tenants[1]);
        let company = app.company(&with_link.name).await;
        let dead = app.make_link(company).await.url;
        app.done("links/withdraw", json!({ "company": company })).await;
        let stranger = Person::stranger(&app);
        let page = stranger.open(&dead).await;
        stranger.submit(&page, "name=\"ask\"", &[("ask", "true")]).await;
        assert_eq!(receiver.has(1).await[0].event(), "link.requested");

        // Somebody at the page sees it, and is not told.
        app.connect(at_the_page).await;
        app.connected(&at_the_page.name).await;
        let link = app.make_link(company).await.url;
        // Also where the organisation itself can't be read at first, but by the answer's own look at it.
        for mut fault in [json!({ "delay_ms": 1 }), json!({ "status": 503 })] {
            fault["match"] = "/v1.0/organization".into();
            app.fault(fault).await;
        }
        Person::stranger(&app).connect_with(&link, with_link.admin()).await;
        app.row_becomes(&with_link.name, |row| row.status == Status::Connected).await;
        let told = receiver.has(2).await.remove(1).json();
        assert_eq!((&told["type"], &told["data"]["company"]["name"]), (&"connection.connected".into(), &with_link.name.clone().into()));
        app.clock.advance(SETTLES_AFTER);
        assert_eq!(receiver.events().len(), 2);
    }

    async fn no_receiver_loses_an_event_or_delays_another(engine) {
        let app = setup(engine).start().await;
        let tenant = [app.tenants[0].clone()];
        app.connect_all(&tenant).await;
        let (good, slow, broken, redirects) =
            (Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await);
        let elsewhere = Receiver::start().await;
        let mut down = Receiver::start().await;
        down.go_down();
        slow.always(Some(Answer::Silence));
        broken.always(Some(Answer::Status(500)));
        redirects.always(Some(Answer::Redirect(elsewhere.url())));
        // The slow one first, with more than what is sent to it at once.
        let slow_hook = app.tell(&slow).await.webhook;
        for _ in 0..6 {
            app.send_test_event(slow_hook).await;
        }
        let (down_hook, broken_hook, redirects_hook) =
            (app.tell(&down).await, app.tell(&broken).await, app.tell(&redirects).await);
        app.tell(&good).await;

        app.lose(&tenant).await;
        app.clock.advance(SETTLES_AFTER);
        assert_eq!(good.has(1).await[0].event(), "connection.needs_reconnect");
        let failed = |row: &DeliveryRow| row.state == DeliveryState::Waiting && row.tries > 0;
        let row = app.delivery_becomes(broken_hook.webhook, failed).await;
        assert_eq!(row.status, Some(500));
        assert!(row.problem.as_ref().is_some_and(|text| text.contains("It says: Sorry")), "plain text: {row:?}");
        let row = app.delivery_becomes(redirects_hook.webhook, failed).await;
        assert!(row.status == Some(307) && row.problem.is_some_and(|text| text.contains("redirects")));
        let row = app.delivery_becomes(down_hook.webhook, failed).await;
        assert!(row.status.is_none() && row.problem.is_some_and(|text| text.contains("can't be reached")));

        // They come back one day.
        down.come_up().await;
        for receiver in [&slow, &broken, &redirects] {
            receiver.always(None);
        }
        // Not a day at once: somebody stays signed in.
        for hook in [slow_hook, down_hook.webhook, broken_hook.webhook, redirects_hook.webhook] {
            until(&app, Duration::from_mins(10), async || {
                app.settings().await;
                app.deliveries(hook).await.iter().all(|row| row.state == DeliveryState::Delivered)
            })
            .await;
        }
        let ids = |receiver: &Receiver| receiver.received().iter().map(|one| one.id().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ids(&slow).len(), 7);
        for (receiver, hook) in [(&down, &down_hook), (&broken, &broken_hook), (&redirects, &redirects_hook)] {
            assert_eq!(ids(receiver).len(), 1, "the same event each time");
            let received = receiver.received();
            assert!(received.iter().all(|one| is_signed(one, &hook.secret) && one.body == received[0].body));
        }
        assert_eq!(good.received().len(), 1);
        assert!(elsewhere.received().is_empty(), "a redirect is not followed");
    }

    async fn what_a_clock_that_was_ahead_put_off_is_sent_when_it_is_right(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let hook = app.tell(&receiver).await.webhook;
        // Not a day: somebody stays signed in.
        let ahead = Duration::from_hours(10);
        app.clock.advance(ahead);
        receiver.always(Some(Answer::Status(500)));
        app.send_test_event(hook).await;
        app.delivery_becomes(hook, |row| row.tries > 0 && row.next_at > row.tried_at).await;
        receiver.always(None);
        app.clock.put_back(ahead);
        // As the server does, if the clock was ahead for long enough to be noticed.
        let store = app.store().await;
        store.bring_back(Duration::from_hours(48)).await.unwrap();
        store.close().await.unwrap();
        let row = app.delivery_becomes(hook, |row| row.state == DeliveryState::Delivered).await;
        assert!(row.tried_at < Some(app.clock.now().plus(Duration::from_mins(1))), "{row:?}");
    }

    async fn a_receiver_that_asks_to_wait_is_waited_for_and_one_that_is_gone_is_left_alone(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let hook = app.tell(&receiver).await.webhook;
        receiver.once(Answer::Wait { seconds: 7_200 });
        app.send_test_event(hook).await;
        let row = app.delivery_becomes(hook, |row| row.tries == 1).await;
        let wait = row.next_at.unwrap().since(row.tried_at.unwrap());
        assert!(wait > Duration::from_mins(119), "{wait:?}");

        receiver.once(Answer::Status(410));
        app.send_test_event(hook).await;
        app.delivery_becomes(hook, |row| row.state == DeliveryState::Failed).await;
        assert_eq!(app.webhook(hook).await.state, WebhookState::Gone);
        let log = app.deliveries(hook).await;
        assert!(log.iter().all(|row| row.state == DeliveryState::Failed && row.next_at.is_none()), "{log:?}");
        assert_eq!(app.post("webhooks/test", json!({ "webhook": hook })).await.status(), 409);
        assert_eq!(app.post("webhooks/retry", json!({ "delivery": log[0].id })).await.status(), 409);

        app.done("webhooks/set-active", json!({ "webhook": hook, "active": true })).await;
        app.done("webhooks/retry", json!({ "delivery": log[0].id })).await;
        let got = receiver.has(3).await;
        assert_eq!(got[2].id(), log[0].id.to_string(), "by the same id");
        app.delivery_becomes(hook, |row| row.state == DeliveryState::Delivered).await;
    }

    async fn a_replaced_secret_signs_beside_the_new_one_for_a_day(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let old = app.tell(&receiver).await;
        let body = json!({ "webhook": old.webhook });
        let new: NewWebhook =
            app.post("webhooks/replace-secret", body).await.error_for_status().unwrap().json().await.unwrap();
        assert_ne!(old.secret, new.secret);
        app.send_test_event(old.webhook).await;
        let got = receiver.has(1).await.remove(0);
        assert_signed(&got, &old.secret);
        assert_signed(&got, &new.secret);
        assert!(app.webhook(old.webhook).await.old_secret_until.is_some());

        for _ in 0..5 {
            app.clock.advance(Duration::from_hours(5));
            assert_eq!(app.settings().await.webhooks.len(), 1, "somebody stays signed in");
        }
        app.send_test_event(old.webhook).await;
        let got = receiver.has(2).await.remove(1);
        assert!(is_signed(&got, &new.secret) && !is_signed(&got, &old.secret));
        assert_eq!(app.webhook(old.webhook).await.old_secret_until, None);
    }

    async fn a_secret_is_shown_once_and_stored_sealed(engine) {
        let app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let new = app.add_webhook(&format!("{}?key=of-the-receiver", receiver.url()), &NoticeKind::ALL).await;
        assert!(new.secret.starts_with("whsec_"));
        app.send_test_event(new.webhook).await;
        receiver.has(1).await;
        app.delivery_becomes(new.webhook, |row| row.state == DeliveryState::Delivered).await;
        for path in ["notifications/show".to_owned(), format!("webhooks/deliveries?webhook={}", new.webhook)] {
            let seen = app.http.get(format!("{}/api/{path}", app.url)).send().await.unwrap().text().await.unwrap();
            assert!(!seen.contains("whsec_"), "{seen}");
        }
        assert!(!contains(&database_content(&app, engine).await, &new.secret[6..]));
        let done = app.activity(ActivityFilter { kind: Some(ActivityKind::WebhookAdded), ..ActivityFilter::default() }).await;
        assert_eq!(done.len(), 1);
        assert_eq!(done[0].text, "At 127.0.0.1", "what stands behind the host may be a secret");
    }

    async fn a_webhook_is_changed_paused_and_deleted(engine) {
        let app = setup(engine).start().await;
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        let hook = app.tell(&first).await.webhook;
        let change = |url: String, kinds: &[NoticeKind]| json!({ "webhook": hook, "url": url, "kinds": kinds });
        app.done("webhooks/change", change(second.url(), &[NoticeKind::Limited])).await;
        assert_eq!(app.webhook(hook).await.kinds, [NoticeKind::Limited]);
        app.send_test_event(hook).await;
        second.has(1).await;
        assert!(first.received().is_empty());

        assert_eq!(app.post("webhooks/change", change("no address".into(), &NoticeKind::ALL)).await.status(), 422);
        assert_eq!(app.post("webhooks/change", change(second.url(), &[])).await.status(), 422);
        app.done("webhooks/change", change(second.url(), &NoticeKind::ALL)).await;
        app.done("webhooks/set-active", json!({ "webhook": hook, "active": false })).await;
        assert_eq!(app.webhook(hook).await.state, WebhookState::Paused);
        let other = app.tell(&first).await.webhook;
        let tenant = [app.tenants[0].clone()];
        app.connect_all(&tenant).await;
        app.lose(&tenant).await;
        app.clock.advance(SETTLES_AFTER);
        first.has(1).await;
        app.done("webhooks/set-active", json!({ "webhook": hook, "active": true })).await;
        app.send_test_event(hook).await;
        second.has(2).await;
        assert_eq!(second.events(), ["notifications.test", "notifications.test"], "not what happened meanwhile");

        app.done("webhooks/delete", json!({ "webhook": hook })).await;
        app.done("webhooks/delete", json!({ "webhook": hook })).await;
        assert_eq!(app.post("webhooks/test", json!({ "webhook": hook })).await.status(), 404);
        assert_eq!(app.settings().await.webhooks.iter().map(|row| row.id).collect::<Vec<_>>(), [other]);
    }

    async fn nothing_is_told_twice_over_restarts(engine) {
        let mut app = setup(engine).start().await;
        let tenants = app.tenants[..2].to_vec();
        app.connect_all(&tenants).await;
        let receiver = Receiver::start().await;
        let hook = app.tell(&receiver).await.webhook;
        app.lose(&tenants).await;
        // Before anybody was told.
        app.stop().await;
        app.clock.advance(SETTLES_AFTER);
        app.serve().await;
        receiver.has(2).await;
        // And after that.
        app.delivery_becomes(hook, |row| row.state == DeliveryState::Delivered).await;
        app.stop().await;
        app.serve().await;
        for tenant in &tenants {
            app.sync_now(tenant).await;
            app.idle(app.company(&tenant.name).await).await;
        }
        app.clock.advance(SETTLES_AFTER);
        // While it is on its way: the receiver gets it again, by the same id.
        receiver.always(Some(Answer::Silence));
        app.connect_all(&tenants[..1]).await;
        app.clock.advance(SETTLES_AFTER);
        receiver.has(3).await;
        app.stop().await;
        receiver.always(None);
        app.serve().await;
        let got = receiver.has(4).await;
        assert_eq!(got[2].id(), got[3].id());
        app.delivery_becomes(hook, |row| row.state == DeliveryState::Delivered).await;
        app.send_test_event(hook).await;
        receiver.has(5).await;
        let lost = "connection.needs_reconnect";
        let found = "connection.recovered";
        assert_eq!(receiver.events(), [lost, lost, found, found, "notifications.test"]);
    }

    async fn a_certificate_that_expires_soon_is_told_once(engine) {
        let mut app = setup(engine).start().await;
        let receiver = Receiver::start().await;
        let hook = app.tell(&receiver).await.webhook;
        app.stop().await;
        app.environment.retain(|(name, _)| name != "TENANTRY_M365_CLIENT_SECRET");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/certificates/rsa.pem");
        app.environment.push(("TENANTRY_M365_CERTIFICATE_FILE".into(), file.into()));
        let expires = match app.config().m365.unwrap().app.credential {
            server::microsoft::Credential::Certificate(certificate) => certificate.not_after(),
            server::microsoft::Credential::Secret(_) => panic!("it is a certificate"),
        };
        let now = server::clock::Clock::now(&*app.clock);
        app.clock.advance(expires.minus(CERTIFICATE_WARNING).since(now) + Duration::from_hours(1));
        // Whoever starts sees it; a minute is a long time for a test.
        for _ in 0..3 {
            app.serve().await;
            until(&app, SETTLES_AFTER, async || !receiver.received().is_empty()).await;
            app.clock.advance(SETTLES_AFTER);
            app.stop().await;
        }
        assert_eq!(receiver.events(), ["app.certificate_expires"]);
        let store = app.store().await;
        assert_eq!(store.deliveries(hook).await.unwrap().len(), 1);
    }

    async fn mail_tells_in_one_what_came_together(engine) {
        let certificates = Certificates::new("127.0.0.1");
        let server = MailServer::start("starttls", Some(&certificates)).await;
        let app = with_mail(engine, &server.url("smtp"), Some(&certificates)).start().await;
        assert_eq!(app.settings().await.mail_from.as_deref(), Some("Tenantry <tenantry@msp.test>"));
        app.save_mail(&["kim@msp.test", "ops@msp.test"], MailPace::Soon).await;
        let tenants = app.tenants[..3].to_vec();
        app.connect_all(&tenants).await;
        app.lose(&tenants).await;
        until(&app, Duration::from_secs(20), async || !server.taken().is_empty()).await;
        let mut taken = server.has(2).await;
        taken.sort_by(|a, b| a.to.cmp(&b.to));
        assert_eq!(taken.iter().map(|mail| mail.to.concat()).collect::<Vec<_>>(), ["kim@msp.test", "ops@msp.test"]);
        for mail in &taken {
            assert!(mail.tls && mail.user.as_deref() == Some(LOGIN.0));
            assert_eq!((&*mail.from, &*mail.header_to), ("tenantry@msp.test", &*mail.to[0]));
            assert_eq!(mail.subject, "Tenantry: 3 needs somebody");
            for tenant in &tenants {
                let line = format!("{} needs reconnecting", tenant.name);
                assert!(mail.plain.contains(&line), "{}", mail.plain);
                assert!(mail.html.contains(&line.replace('&', "&amp;")), "{}", mail.html);
            }
            assert!(mail.plain.contains(&format!("{}/companies/", app.url)), "{}", mail.plain);
        }
        app.connect_all(&tenants[..1]).await;
        until(&app, Duration::from_secs(20), async || server.taken().len() >= 4).await;
        assert_eq!(server.taken()[3].subject, format!("Tenantry: {} is all good again.", tenants[0].name));
    }

    async fn check_goes_all_the_way_to_the_mail_server_and_sends_nothing(engine) {
        let certificates = Certificates::new("127.0.0.1");
        let server = MailServer::start("starttls", Some(&certificates)).await;
        let app = with_mail(engine, &server.url("smtp"), Some(&certificates)).start().await;
        let check = async |url: &str| {
            let environment = app.environment.iter().cloned().chain([("TENANTRY_SMTP_URL".into(), url.to_owned())]);
            let config = server::config::Config::load(None, environment).unwrap();
            let findings = server::check::run(&config, None, &[], app.clock.clone()).await;
            findings.into_iter().find(|finding| finding.what == "Mail server").unwrap()
        };
        let good = check(&server.url("smtp")).await;
        assert_eq!(good.outcome, server::check::Outcome::Ok, "{good:?}");
        for (url, why) in [
            (server.url("smtp").replace(LOGIN.1, "wrong"), "user and password"),
            (server.url("smtps"), "TLS"),
            ("smtp://127.0.0.1:9?tls=none".to_owned(), "can't be reached"),
        ] {
            let bad = check(&url).await;
            assert!(bad.outcome == server::check::Outcome::Failed && bad.say.contains(why), "{bad:?}");
            assert!(!bad.say.contains("wrong") && !bad.say.contains(LOGIN.1), "{bad:?}");
        }
        assert!(server.taken().is_empty());
    }

    async fn mail_once_a_day_waits_for_its_hour(engine) {
        let server = MailServer::start("plain", None).await;
        let url = format!("smtp://127.0.0.1:{}?tls=none", server.port);
        let app = with_mail(engine, &url, None).start().await;
        // In six hours, whenever this test runs.
        let now = server::clock::Clock::now(&*app.clock).plus(Duration::from_hours(6));
        let minute = u16::try_from(now.as_millis().div_euclid(60_000).rem_euclid(24 * 60)).unwrap();
        app.save_mail(&["kim@msp.test"], MailPace::Daily { minute }).await;
        let receiver = Receiver::start().await;
        app.tell(&receiver).await;
        let tenants = app.tenants[..2].to_vec();
        app.connect_all(&tenants).await;
        app.lose(&tenants[..1]).await;
        app.clock.advance(SETTLES_AFTER);
        receiver.has(1).await;
        app.clock.advance(Duration::from_hours(1));
        app.lose(&tenants[1..]).await;
        app.clock.advance(SETTLES_AFTER);
        receiver.has(2).await;
        app.clock.advance(Duration::from_hours(1));
        app.done("mail/test", json!({})).await;
        assert_eq!(server.has(1).await[0].subject, "Tenantry: a test", "and nothing before it");
        app.clock.advance(Duration::from_hours(4));
        let mail = server.has(2).await.remove(1);
        assert_eq!(mail.subject, "Tenantry: 2 needs somebody");
        assert!(!mail.tls && mail.user.is_none());
    }

    async fn a_mail_server_that_refuses_is_shown_and_asked_again(engine) {
        let certificates = Certificates::new("127.0.0.1");
        let mut server = MailServer::start("tls", Some(&certificates)).await;
        let app = with_mail(engine, &server.url("smtps"), Some(&certificates)).start().await;
        app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
        server.refuse(Some(451));
        let tenant = [app.tenants[0].clone()];
        app.connect_all(&tenant).await;
        app.lose(&tenant).await;
        app.clock.advance(SETTLES_AFTER);
        // It settles, and then it is collected.
        let receiver = Receiver::start().await;
        let hook = app.tell(&receiver).await.webhook;
        app.send_test_event(hook).await;
        receiver.has(1).await;
        app.clock.advance(COLLECTS_FOR);
        let problem = app.mail_fails().await;
        assert!(problem.contains("451") && !problem.contains(LOGIN.1), "{problem}");
        let failed = app.post("mail/test", json!({})).await;
        assert_eq!(failed.status(), 409);
        let text = failed.text().await.unwrap();
        assert!(text.contains("kim@msp.test") && text.contains("451") && !text.contains(LOGIN.1), "{text}");

        server.refuse(None);
        until(&app, Duration::from_mins(1), async || !server.taken().is_empty()).await;
        let mail = server.taken().remove(0);
        assert!(mail.tls && mail.subject.contains("needs reconnecting"));
        until(&app, Duration::ZERO, async || app.settings().await.mail_failure.is_none()).await;
        assert!(!contains(&database_content(&app, engine).await, LOGIN.1));
    }
}

/// Nothing is sent to who can't prove who they are, and no password either.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_with_a_wrong_certificate_is_sent_nothing() {
    let (right, of_another) = (Certificates::new("127.0.0.1"), Certificates::new("mail.elsewhere.test"));
    for mode in ["starttls", "tls"] {
        let scheme = if mode == "tls" { "smtps" } else { "smtp" };
        for (name, certificates, trusted) in
            [("nobody vouches", &right, None), ("for another", &of_another, Some(&of_another))]
        {
            let server = MailServer::start(mode, Some(certificates)).await;
            let app = with_mail(Engine::Sqlite, &server.url(scheme), trusted).start().await;
            app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
            let refused = app.post("mail/test", json!({})).await;
            assert_eq!(refused.status(), 409, "{mode}, {name}");
            let text = refused.text().await.unwrap();
            assert!(text.contains("certificate could not be verified"), "{mode}, {name}: {text}");
            assert!(server.taken().is_empty() && !text.contains(LOGIN.1), "{mode}, {name}: {text}");
        }
    }
    // Nor to one that offers no TLS at all.
    let server = MailServer::start("plain", None).await;
    let app = with_mail(Engine::Sqlite, &server.url("smtp"), None).start().await;
    app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
    let text = app.post("mail/test", json!({})).await.text().await.unwrap();
    assert!(text.contains("offers no TLS") && server.taken().is_empty(), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_mail_server_does_not_take_is_named_and_not_shown() {
    let certificates = Certificates::new("127.0.0.1");
    let server = MailServer::start("starttls", Some(&certificates)).await;
    let url = format!("smtp://{}:wrong-and-secret@127.0.0.1:{}", LOGIN.0, server.port);
    let app = with_mail(Engine::Sqlite, &url, Some(&certificates)).start().await;
    app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
    let text = app.post("mail/test", json!({})).await.text().await.unwrap();
    assert!(text.contains("does not take the user and password") && !text.contains("wrong-and-secret"), "{text}");
    let settings = serde_json::to_string(&app.settings().await).unwrap();
    assert!(!settings.contains("wrong-and-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_the_page_says_what_is_missing() {
    let app = Setup::on(Engine::Sqlite).start().await;
    assert_eq!(app.settings().await.mail_from, None);
    app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
    let text = app.post("mail/test", json!({})).await.text().await.unwrap();
    assert!(text.contains("TENANTRY_SMTP_URL"), "{text}");
    let settings = |recipients: &[&str]| json!({ "settings": { "recipients": recipients, "kinds": NoticeKind::ALL, "pace": "soon" } });
    assert_eq!(app.post("mail/save", settings(&["kim"])).await.status(), 422);
    let many: Vec<String> = (0..21).map(|number| format!("kim{number}@msp.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(app.post("mail/save", settings(&many)).await.status(), 422);
}

/// Whoever enters a webhook reaches nothing through us that is not public.
#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused() {
    let mut app = Setup::on(Engine::Sqlite).start().await;
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost:8443/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:192.168.0.1]/",
    ] {
        let refused = app.post("webhooks/create", json!({ "url": url, "kinds": NoticeKind::ALL })).await;
        assert_eq!(refused.status(), 422, "{url}");
    }
    // Nor is one reached that was allowed when it was entered.
    app.stop().await;
    app.environment.push(("TENANTRY_WEBHOOK_PRIVATE_ADDRESSES".into(), "true".into()));
    app.serve().await;
    let receiver = Receiver::start().await;
    let hook = app.tell(&receiver).await.webhook;
    app.stop().await;
    app.environment.pop();
    app.serve().await;
    app.send_test_event(hook).await;
    let row = app.delivery_becomes(hook, |row| row.tries == 1).await;
    assert!(row.problem.is_some_and(|text| text.contains("private network")));
    assert!(receiver.received().is_empty());
}

/// Even where everything is logged.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_webhooks_or_mail_is_logged() {
    let certificates = Certificates::new("127.0.0.1");
    let server = MailServer::start("starttls", Some(&certificates)).await;
    let setup = with_mail(Engine::Sqlite, &server.url("smtp"), Some(&certificates));
    let mut app = setup.setting("TENANTRY_LOG", "trace").start().await;
    app.stop().await;
    let log_path = app.data.path().join("log");
    let program = Program::start(&app, Stdio::from(File::create(&log_path).unwrap())).await;
    let receiver = Receiver::start().await;
    receiver.once(Answer::Status(500));
    let new = app.add_webhook(&format!("{}?key=of-the-receiver", receiver.url()), &NoticeKind::ALL).await;
    app.send_test_event(new.webhook).await;
    receiver.has(1).await;
    app.delivery_becomes(new.webhook, |row| row.tries == 1).await;
    app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
    app.done("mail/test", json!({})).await;
    server.has(1).await;
    program.kill();
    let log = std::fs::read(log_path).unwrap();
    assert!(contains(&log, "a webhook did not take an event"), "the log is the right one");
    let as_sent = STANDARD.encode(format!("\0{}\0{}", LOGIN.0, LOGIN.1));
    for secret in [&new.secret[6..], LOGIN.1, &as_sent, "of-the-receiver"] {
        assert!(!contains(&log, secret), "{secret}");
    }
}

/// Two servers on one PostgreSQL, both of which see everything.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_tell_each_thing_once() {
    let server = MailServer::start("plain", None).await;
    let url = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let app = with_mail(Engine::Postgres, &url, None).start().await;
    let _second = App::beside(&app, &[]).await;
    app.save_mail(&["kim@msp.test"], MailPace::Soon).await;
    let tenants = app.tenants[..6].to_vec();
    app.connect_all(&tenants).await;
    let receiver = Receiver::start().await;
    let hook = app.tell(&receiver).await.webhook;
    app.lose(&tenants).await;
    app.clock.advance(SETTLES_AFTER);
    receiver.has(6).await;
    app.connect_all(&tenants).await;
    app.clock.advance(SETTLES_AFTER);
    receiver.has(12).await;
    app.clock.advance(COLLECTS_FOR);
    server.has(1).await;
    app.clock.advance(COLLECTS_FOR);
    app.send_test_event(hook).await;
    let got = receiver.has(13).await;
    let ids: BTreeSet<_> = got.iter().map(Received::id).collect();
    assert_eq!(ids.len(), 13, "each once");
    let told: BTreeSet<_> = got[..12]
        .iter()
        .map(|one| (one.event(), one.json()["data"]["company"]["name"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(told.len(), 12);
    let lines = |text: &str| server.taken().iter().map(|mail| mail.plain.matches(text).count()).sum::<usize>();
    until(&app, COLLECTS_FOR, async || lines("is all good again") >= 6).await;
    assert_eq!((lines("needs reconnecting"), lines("is all good again")), (6, 6));
}
