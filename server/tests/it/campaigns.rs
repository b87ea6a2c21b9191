//! Campaigns: links for many companies, sent by mail and followed until each company is connected.

use std::{collections::BTreeMap, time::Duration};

use app::{
    api::campaigns::{CampaignTexts, CampaignView, MadeLinks, Queued, Recipients, Renewed},
    domain::{
        ActivityFilter, ActivityKind, CampaignId, CampaignRow, CampaignState, CampaignSummary, CompanyId, LinkMessage,
        Role,
        template::{BODY, SUBJECT},
    },
};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{App, Engine, PATIENCE, Setup, Tenant},
    on_both_databases,
    person::Person,
    secrets::{contains, database_content},
    smtp::{MailServer, Taken},
};

const MSP: &str = "Acme IT";

fn with_mail(engine: Engine, server: &MailServer) -> Setup {
    let url = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    Setup::on(engine)
        .setting("TENANTRY_MSP_NAME", MSP)
        .setting("TENANTRY_SMTP_URL", url)
        .setting("TENANTRY_MAIL_FROM", "Tenantry <tenantry@msp.test>")
}

/// Where a company reads mail in these tests.
fn address(number: usize) -> String {
    format!("kim{number}@client.test")
}

/// Somebody who sends links, as a page of theirs would.
struct Sender<'a> {
    app: &'a App,
    http: Client,
}

impl<'a> Sender<'a> {
    fn owner(app: &'a App) -> Self {
        Self { app, http: app.http.clone() }
    }

    /// Somebody who signs in now: whoever did days ago is signed in no more.
    async fn new(app: &'a App, name: &str) -> Self {
        Self { app, http: app.client_of(&format!("{name}@msp.test"), Role::Technician).await }
    }

    async fn post(&self, function: &str, body: Value) -> Response {
        self.http.post(format!("{}/api/campaigns/{function}", self.app.url)).json(&body).send().await.unwrap()
    }

    async fn make(&self, companies: &[CompanyId]) -> (CampaignId, Vec<String>) {
        let body = json!({ "campaign": null, "name": "Spring", "companies": companies, "replace": false });
        let made: MadeLinks = self.post("make", body).await.error_for_status().unwrap().json().await.unwrap();
        assert!(made.lines.iter().all(|line| line.refusal.is_none()), "{made:?}");
        (made.campaign.unwrap(), made.lines.into_iter().map(|line| line.url).collect())
    }

    async fn show(&self, campaign: CampaignId) -> CampaignView {
        let url = format!("{}/api/campaigns/show?campaign={campaign}&digest=0", self.app.url);
        let text = self.http.get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        assert!(!text.contains("/c/"), "no address is told again: {text}");
        serde_json::from_str::<Option<CampaignView>>(&text).unwrap().unwrap()
    }

    async fn row(&self, campaign: CampaignId, company: CompanyId) -> CampaignRow {
        self.show(campaign).await.rows.into_iter().find(|row| row.company == company).unwrap()
    }

    async fn state(&self, campaign: CampaignId, company: CompanyId) -> CampaignState {
        self.row(campaign, company).await.state
    }

    /// Waits until a company is that far.
    async fn becomes(&self, campaign: CampaignId, company: CompanyId, state: CampaignState) -> CampaignRow {
        let wait = async {
            loop {
                let row = self.row(campaign, company).await;
                if row.state == state {
                    return row;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let Ok(row) = tokio::time::timeout(PATIENCE, wait).await else {
            panic!("it stayed at {:?} and did not become {state:?}", self.row(campaign, company).await)
        };
        row
    }

    /// Waits until this is said of a company.
    async fn says(&self, campaign: CampaignId, company: CompanyId, words: &str) {
        let wait = async {
            while !self.row(campaign, company).await.note.contains(words) {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "{words}: {:?}", self.row(campaign, company).await);
    }

    async fn send_with(&self, campaign: CampaignId, texts: &CampaignTexts, to: &[CompanyId], again: bool) -> Response {
        self.post("send", json!({ "campaign": campaign, "texts": texts, "companies": to, "again": again })).await
    }

    async fn send(&self, campaign: CampaignId, to: &[CompanyId], again: bool) -> Queued {
        let response = self.send_with(campaign, &texts(Some(2)), to, again).await;
        response.error_for_status().unwrap().json().await.unwrap()
    }

    async fn renew(&self, campaign: CampaignId, company: CompanyId, send: bool) -> Response {
        self.post("renew", json!({ "campaign": campaign, "company": company, "send": send })).await
    }
}

fn texts(remind_days: Option<u8>) -> CampaignTexts {
    CampaignTexts { subject: SUBJECT.to_owned(), body: format!("Dear {{contact}},\n\n{BODY}"), remind_days }
}

/// Gives the first tenants' companies a contact each, and answers their ids.
async fn with_contacts(app: &App, count: usize) -> Vec<CompanyId> {
    let lines: Vec<_> = app.tenants[..count]
        .iter()
        .enumerate()
        .map(|(number, tenant)| format!("\"{}\",{},Kim {number} <{}>", tenant.name, tenant.domain, address(number)))
        .collect();
    app.import(&format!("name,domain,contact\n{}\n", lines.join("\n"))).await;
    let rows = app.rows().await;
    let id = |tenant: &Tenant| rows.iter().find(|row| row.name == tenant.name).unwrap().id;
    app.tenants[..count].iter().map(id).collect()
}

/// The mails by whom they went to.
fn by_recipient(taken: Vec<Taken>) -> BTreeMap<String, Taken> {
    let count = taken.len();
    let mails: BTreeMap<_, _> = taken.into_iter().map(|mail| (mail.to.concat(), mail)).collect();
    assert_eq!(mails.len(), count, "each once");
    mails
}

async fn count_of(app: &App, kind: ActivityKind) -> usize {
    app.activity(ActivityFilter { kind: Some(kind), ..ActivityFilter::default() }).await.len()
}

on_both_databases! {
    async fn each_company_is_followed_from_the_mail_to_the_connection(engine) {
        let server = MailServer::start("plain", None).await;
        let app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 4).await;
        app.import("name\nMute\n").await;
        let mute = app.company("Mute").await;
        let wanted: Vec<_> = ids.iter().copied().chain([mute]).collect();
        let owner = Sender::owner(&app);
        let (campaign, urls) = owner.make(&wanted).await;
        let view = owner.show(campaign).await;
        assert_eq!((view.name.as_str(), view.made_by.as_str()), ("Spring", "owner"));
        assert!(view.rows.iter().all(|row| row.state == CampaignState::NotSent && row.expires.is_some()));

        // What is written is seen before, without the link.
        let preview = owner.post("preview", json!({ "campaign": campaign, "texts": texts(None) })).await;
        let preview: LinkMessage = preview.error_for_status().unwrap().json().await.unwrap();
        assert!(preview.body.contains("/c/…") && !urls.iter().any(|url| preview.body.contains(url)), "{}", preview.body);

        let queued = owner.send(campaign, &wanted, false).await;
        assert_eq!((queued.mails, queued.left_out.len()), (4, 1));
        assert_eq!(queued.left_out[0].name, "Mute");
        assert!(queued.left_out[0].reason.contains("No address"), "{queued:?}");
        let mails = by_recipient(server.has(4).await);
        for (number, url) in urls[..4].iter().enumerate() {
            let mail = &mails[&address(number)];
            let text = mail.plain.replace("\r\n", " ");
            assert!(text.contains(&format!("Dear Kim {number}, ")), "{text}");
            assert!(text.contains(&format!(" {url} ")), "{url} in {text}");
            assert!(mail.html.contains(&format!("href=\"{url}\"")), "{url} in {}", mail.html);
            let others = urls.iter().enumerate().filter(|(other, _)| *other != number);
            assert!(others.into_iter().all(|(_, other)| !mail.plain.contains(other)), "its own link alone");
            assert_eq!(mail.subject, format!("Connect Microsoft 365 of {} to {MSP}", app.tenants[number].name));
            assert_eq!((mail.header_to.as_str(), mail.from.as_str()), (mail.to[0].as_str(), "tenantry@msp.test"));
            assert_eq!(mail.reply_to.as_deref(), Some("owner@msp.test"));
        }
        for company in &ids {
            owner.becomes(campaign, *company, CampaignState::Sent).await;
        }
        // Once more by a slip, or by a colleague who was quicker.
        let queued = owner.send(campaign, &wanted, false).await;
        assert_eq!((queued.mails, queued.left_out.len()), (0, 5));

        assert_eq!(owner.state(campaign, mute).await, CampaignState::NotSent);
        let marked = owner.post("mark-sent", json!({ "campaign": campaign, "companies": wanted })).await;
        assert_eq!(marked.error_for_status().unwrap().json::<u32>().await.unwrap(), 1, "the one that waited");
        assert_eq!(owner.state(campaign, mute).await, CampaignState::Sent);

        Person::stranger(&app).open(&urls[0]).await;
        assert_eq!(owner.state(campaign, ids[0]).await, CampaignState::Opened);
        Person::stranger(&app).connect_with(&urls[1], app.tenants[1].admin()).await;
        owner.becomes(campaign, ids[1], CampaignState::Connected).await;

        // Withdrawn, asked for, and sent anew.
        app.post("links/withdraw", json!({ "company": ids[2] })).await.error_for_status().unwrap();
        assert_eq!(owner.state(campaign, ids[2]).await, CampaignState::Withdrawn);
        let person = Person::stranger(&app);
        let page = person.open(&urls[2]).await;
        person.submit(&page, "name=\"ask\"", &[("ask", "true")]).await;
        assert_eq!(owner.state(campaign, ids[2]).await, CampaignState::Asked);
        let renewed = owner.renew(campaign, ids[2], true).await.error_for_status().unwrap();
        assert_eq!(renewed.json::<Renewed>().await.unwrap(), Renewed::default(), "its address is in the mail alone");
        let mail = server.has(5).await.remove(4);
        assert_eq!(mail.to, [address(2)]);
        owner.becomes(campaign, ids[2], CampaignState::Sent).await;
        let link = mail.plain.lines().find(|line| line.contains("/c/")).unwrap();
        assert_ne!(link, urls[2]);
        Person::stranger(&app).connect_with(link, app.tenants[2].admin()).await;
        owner.becomes(campaign, ids[2], CampaignState::Connected).await;
        assert_eq!(owner.renew(campaign, ids[2], false).await.status(), 409, "there is nothing left to do");

        // A link that is made elsewhere takes its place.
        app.make_link(ids[3]).await;
        assert_eq!(owner.state(campaign, ids[3]).await, CampaignState::Replaced);
        let renewed = owner.renew(campaign, ids[3], false).await.error_for_status().unwrap();
        let outcome = renewed.json::<Renewed>().await.unwrap().line.unwrap();
        assert_eq!(Person::stranger(&app).open(&outcome.url).await.status, 200);
        assert_eq!(owner.state(campaign, ids[3]).await, CampaignState::Opened);

        let list = app.http.get(format!("{}/api/campaigns/list", app.url)).send().await.unwrap();
        let list: Vec<CampaignSummary> = list.error_for_status().unwrap().json().await.unwrap();
        assert_eq!((list.len(), list[0].companies, list[0].connected, list[0].waiting), (1, 5, 2, 0));
        for (kind, count) in [
            (ActivityKind::CampaignBegun, 1),
            (ActivityKind::LinkMade, 8),
            (ActivityKind::LinkSent, 5),
            (ActivityKind::LinkMarkedSent, 1),
        ] {
            assert_eq!(count_of(&app, kind).await, count, "{kind:?}");
        }
        let stored = database_content(&app, engine).await;
        let token = outcome.url.rsplit('/').next().unwrap();
        assert!(!contains(&stored, token) && !contains(&stored, urls[0].rsplit('/').next().unwrap()), "no token is stored");

        app.clock.advance(Duration::from_hours(7 * 24));
        let later = Sender::new(&app, "later").await;
        for company in [ids[0], ids[3], mute] {
            assert_eq!(later.state(campaign, company).await, CampaignState::Expired);
        }
        assert_eq!(later.state(campaign, ids[1]).await, CampaignState::Connected);
    }

    async fn who_can_not_have_a_link_is_named_and_left_out(engine) {
        let app = Setup::on(engine).start().await;
        let [connected, archived, free] = [&app.tenants[0], &app.tenants[1], &app.tenants[2]];
        app.connect(connected).await;
        app.connected(&connected.name).await;
        let ids = [
            app.company(&connected.name).await,
            app.company(&archived.name).await,
            app.company(&free.name).await,
            CompanyId::from_uuid(Uuid::from_u128(7)),
        ];
        app.post("companies/archive", json!({ "company": ids[1] })).await.error_for_status().unwrap();
        let owner = Sender::owner(&app);
        let found = owner.post("recipients", json!({ "cause": null, "companies": ids })).await;
        let found: Recipients = found.error_for_status().unwrap().json().await.unwrap();
        assert_eq!(found.can.iter().map(|one| one.company).collect::<Vec<_>>(), [ids[2]]);
        let mut cannot: Vec<_> = found.cannot.iter().map(|one| (one.name.as_str(), one.reason.as_str())).collect();
        cannot.sort_unstable();
        let mut expected = vec![
            (connected.name.as_str(), "It is connected already."),
            (archived.name.as_str(), "It is archived."),
            ("A company", "It was deleted."),
        ];
        expected.sort_unstable();
        assert_eq!(cannot, expected);
        for wrong in [Vec::new(), vec![Uuid::nil(); 1], (0..10_001).map(Uuid::from_u128).collect()] {
            let answer = owner.post("recipients", json!({ "cause": null, "companies": wrong })).await;
            let expected = if wrong.len() == 1 { 200 } else { 422 };
            assert_eq!(answer.status(), expected, "{}", wrong.len());
        }
    }

    async fn who_did_not_connect_is_reminded_once(engine) {
        let server = MailServer::start("plain", None).await;
        let app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 4).await;
        let owner = Sender::owner(&app);
        let (campaign, urls) = owner.make(&ids).await;
        owner.send(campaign, &ids[..3], false).await;
        server.has(3).await;
        for company in &ids[..3] {
            owner.becomes(campaign, *company, CampaignState::Sent).await;
        }
        // One opened it, one connected, one did nothing, and one was not sent anything.
        Person::stranger(&app).open(&urls[0]).await;
        Person::stranger(&app).connect_with(&urls[1], app.tenants[1].admin()).await;

        app.clock.advance(Duration::from_hours(5 * 24) - Duration::from_mins(10));
        let early = Sender::new(&app, "early").await;
        early.send(campaign, &ids[3..], false).await;
        assert_eq!(server.has(4).await[3].to, [address(3)], "nobody was reminded before");
        early.becomes(campaign, ids[3], CampaignState::Sent).await;
        app.clock.advance(Duration::from_mins(11));
        let reminders = by_recipient(server.has(6).await.split_off(4));
        for number in [0, 2] {
            let mail = &reminders[&address(number)];
            assert!(mail.subject.starts_with("Reminder: ") && mail.plain.contains("a reminder"), "{mail:?}");
            assert!(mail.plain.contains(&urls[number]) && mail.reply_to.as_deref() == Some("owner@msp.test"));
        }
        for company in [ids[0], ids[2]] {
            early.says(campaign, company, "A reminder was sent.").await;
        }

        // Nor a second time, nor who was written to so late.
        app.clock.advance(Duration::from_hours(24));
        let late = Sender::new(&app, "late").await;
        assert_eq!(late.send(campaign, &ids[2..3], true).await.mails, 1);
        let mails = server.has(7).await;
        assert_eq!((mails.len(), mails[6].to.clone()), (7, vec![address(2)]));
        assert!(!mails[6].subject.starts_with("Reminder"));
    }

    async fn reminders_are_moved_and_called_off(engine) {
        let server = MailServer::start("plain", None).await;
        let app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 2).await;
        let owner = Sender::owner(&app);
        let (campaign, _) = owner.make(&ids).await;
        let (called_off, _) = owner.make_again(&ids[1..]).await;
        owner.send(campaign, &ids[..1], false).await;
        owner.send(called_off, &ids[1..], false).await;
        server.has(2).await;
        owner.becomes(campaign, ids[0], CampaignState::Sent).await;
        owner.becomes(called_off, ids[1], CampaignState::Sent).await;
        for (campaign, days) in [(campaign, Some(6)), (called_off, None)] {
            owner.send_with(campaign, &texts(days), &[], false).await.error_for_status().unwrap();
        }
        app.clock.advance(Duration::from_hours(25));
        let mail = server.has(3).await.remove(2);
        assert_eq!((mail.to.concat(), mail.subject.starts_with("Reminder: ")), (address(0), true));
        Sender::new(&app, "soon").await.says(campaign, ids[0], "A reminder was sent.").await;
        app.clock.advance(Duration::from_hours(4 * 24 + 12));
        let late = Sender::new(&app, "late").await;
        late.send(campaign, &ids[..1], true).await;
        let mails = server.has(4).await;
        assert_eq!((mails.len(), mails[3].subject.starts_with("Reminder: ")), (4, false), "nobody else was reminded");
    }

    async fn a_mail_server_that_can_not_now_is_asked_again_and_sends_once(engine) {
        let mut server = MailServer::start("plain", None).await;
        let mut app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 3).await;
        let (campaign, _) = Sender::owner(&app).make(&ids).await;
        server.refuse(Some(451));
        Sender::owner(&app).send(campaign, &ids[..1], false).await;
        Sender::owner(&app).says(campaign, ids[0], "451").await;
        assert_eq!(Sender::owner(&app).state(campaign, ids[0]).await, CampaignState::Sending);
        // Whoever comes next knows of it, and what waits is not written to twice.
        app.stop().await;
        app.serve().await;
        assert_eq!(Sender::owner(&app).send(campaign, &ids[..1], true).await.mails, 0);
        server.refuse(None);
        app.clock.advance(Duration::from_mins(1));
        server.has(1).await;
        let owner = Sender::owner(&app);
        assert_eq!(owner.becomes(campaign, ids[0], CampaignState::Sent).await.note, "");

        server.refuse(Some(550));
        owner.send(campaign, &ids[1..2], false).await;
        let row = owner.becomes(campaign, ids[1], CampaignState::Failed).await;
        assert!(row.note.contains("refuses the mail (550)"), "{}", row.note);
        assert_eq!(count_of(&app, ActivityKind::LinkNotSent).await, 1);
        server.refuse(None);
        assert_eq!(owner.send(campaign, &ids[1..2], true).await.mails, 1);
        server.has(2).await;
        owner.becomes(campaign, ids[1], CampaignState::Sent).await;

        drop(server);
        owner.send(campaign, &ids[2..], false).await;
        let given_up = async {
            while owner.state(campaign, ids[2]).await == CampaignState::Sending {
                app.clock.advance(Duration::from_mins(3));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, given_up).await.expect("it is given up");
        let row = owner.row(campaign, ids[2]).await;
        assert_eq!(row.state, CampaignState::Failed);
        assert!(row.note.contains("can't be reached"), "{}", row.note);
    }

    async fn a_mail_that_is_on_its_way_when_the_server_stops_is_sent_once(engine) {
        let mut server = MailServer::start("plain", None).await;
        let mut app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 1).await;
        let (campaign, _) = Sender::owner(&app).make(&ids).await;
        server.hold();
        Sender::owner(&app).send(campaign, &ids, false).await;
        server.has(1).await;
        let port: u16 = app.url.rsplit(':').next().unwrap().parse().unwrap();
        let stops = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            server.refuse(None);
        };
        tokio::join!(app.stop(), stops);
        app.serve().await;
        app.clock.advance(Duration::from_mins(10));
        let owner = Sender::new(&app, "later").await;
        owner.becomes(campaign, ids[0], CampaignState::Sent).await;
        assert_eq!(server.taken().len(), 1);
    }

    async fn what_is_withdrawn_before_it_is_sent_is_not_sent(engine) {
        let mut server = MailServer::start("plain", None).await;
        let app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 2).await;
        let owner = Sender::owner(&app);
        let (campaign, _) = owner.make(&ids).await;
        server.refuse(Some(451));
        owner.send(campaign, &ids[..1], false).await;
        owner.says(campaign, ids[0], "451").await;
        app.post("links/withdraw", json!({ "company": ids[0] })).await.error_for_status().unwrap();
        server.refuse(None);
        app.clock.advance(Duration::from_mins(1));
        owner.send(campaign, &ids[1..], false).await;
        assert_eq!(server.has(1).await[0].to, [address(1)]);
        owner.becomes(campaign, ids[1], CampaignState::Sent).await;
        assert_eq!(owner.state(campaign, ids[0]).await, CampaignState::Withdrawn);
        assert_eq!(server.taken().len(), 1);
    }

    async fn without_a_mail_server_links_are_sent_by_hand(engine) {
        let app = Setup::on(engine).start().await;
        let ids = with_contacts(&app, 2).await;
        let owner = Sender::owner(&app);
        let (campaign, _) = owner.make(&ids).await;
        assert_eq!(owner.show(campaign).await.mail_from, None);
        let refused = owner.send_with(campaign, &texts(None), &ids, false).await;
        assert_eq!(refused.status(), 409);
        assert!(refused.text().await.unwrap().contains("TENANTRY_SMTP_URL"));
        owner.send_with(campaign, &texts(None), &[], false).await.error_for_status().unwrap();
        assert_eq!(owner.show(campaign).await.texts, texts(None), "the text is kept");
        assert_eq!(owner.renew(campaign, ids[0], true).await.status(), 409);
        let marked = owner.post("mark-sent", json!({ "campaign": campaign, "companies": ids })).await;
        assert_eq!(marked.json::<u32>().await.unwrap(), 2);
        assert_eq!(owner.state(campaign, ids[0]).await, CampaignState::Sent);
    }

    async fn who_sends_without_a_text_sends_the_one_that_is_kept_and_who_writes_another_sends_that(engine) {
        let server = MailServer::start("plain", None).await;
        let app = with_mail(engine, &server).start().await;
        let ids = with_contacts(&app, 2).await;
        let owner = Sender::owner(&app);
        let (campaign, _) = owner.make(&ids).await;
        let saved = CampaignTexts { subject: "Of a colleague".into(), ..texts(Some(3)) };
        owner.send_with(campaign, &saved, &[], false).await.error_for_status().unwrap();
        let body = json!({ "campaign": campaign, "texts": null, "companies": ids[..1], "again": false });
        owner.post("send", body).await.error_for_status().unwrap();
        assert_eq!(server.has(1).await[0].subject, "Of a colleague");
        assert_eq!(owner.show(campaign).await.texts, saved);

        let typed = CampaignTexts { subject: "As it was typed".into(), ..texts(None) };
        let body = json!({ "campaign": campaign, "company": ids[1], "texts": typed, "send": true });
        owner.post("renew", body).await.error_for_status().unwrap();
        assert_eq!(server.has(2).await[1].subject, "As it was typed");
        assert_eq!(owner.show(campaign).await.texts, typed);
    }

    async fn a_text_that_can_not_be_sent_is_refused_in_words(engine) {
        let app = Setup::on(engine).start().await;
        let ids = with_contacts(&app, 1).await;
        let owner = Sender::owner(&app);
        let (campaign, _) = owner.make(&ids).await;
        for (changed, words) in [
            (CampaignTexts { body: "Hello".into(), ..texts(None) }, "The text lacks {link}"),
            (CampaignTexts { body: "{link} {firma}".into(), ..texts(None) }, "{firma}"),
            (CampaignTexts { subject: String::new(), ..texts(None) }, "The subject is empty"),
            (texts(Some(7)), "1 to 6 days"),
        ] {
            let preview = json!({ "campaign": campaign, "texts": changed });
            for refused in [owner.send_with(campaign, &changed, &[], false).await, owner.post("preview", preview).await] {
                assert_eq!(refused.status(), 422);
                let text = refused.text().await.unwrap();
                assert!(text.contains(words), "{text}");
            }
        }
        let wrong = CampaignTexts { body: "Hello".into(), ..texts(None) };
        let renew = json!({ "campaign": campaign, "company": ids[0], "texts": wrong, "send": true });
        assert_eq!(owner.post("renew", renew).await.status(), 422);
        assert_eq!(owner.show(campaign).await.texts.body, BODY, "nothing wrong is kept");
        let nobody = CampaignId::from_uuid(Uuid::nil());
        assert_eq!(owner.send_with(nobody, &texts(None), &[], false).await.status(), 404);
        assert_eq!(owner.renew(nobody, ids[0], false).await.status(), 404);
    }
}

impl Sender<'_> {
    /// A campaign that takes companies over from another.
    async fn make_again(&self, companies: &[CompanyId]) -> (CampaignId, Vec<String>) {
        let body = json!({ "campaign": null, "name": "", "companies": companies, "replace": true });
        let made: MadeLinks = self.post("make", body).await.error_for_status().unwrap().json().await.unwrap();
        (made.campaign.unwrap(), made.lines.into_iter().map(|line| line.url).collect())
    }
}

/// Two servers on one PostgreSQL, both of which send.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_send_each_mail_once() {
    const MAILS: usize = 24;

    let server = MailServer::start("plain", None).await;
    let app = with_mail(Engine::Postgres, &server).start().await;
    let _second = App::beside(&app, &[]).await;
    let lines: Vec<_> =
        (0..=MAILS).map(|number| format!("Client {number},Kim {number} <{}>", address(number))).collect();
    app.import(&format!("name,contact\n{}\n", lines.join("\n"))).await;
    let rows = app.rows().await;
    let id = |number: usize| rows.iter().find(|row| row.name == format!("Client {number}")).unwrap().id;
    let ids: Vec<_> = (0..=MAILS).map(id).collect();
    let owner = Sender::owner(&app);
    let (campaign, urls) = owner.make(&ids).await;
    // Two who press the button at once.
    let (first, second) =
        tokio::join!(owner.send(campaign, &ids[..MAILS], false), owner.send(campaign, &ids[..MAILS], false));
    assert_eq!(first.mails + second.mails, u32::try_from(MAILS).unwrap());
    server.has(MAILS).await;
    for company in &ids[..MAILS] {
        owner.becomes(campaign, *company, CampaignState::Sent).await;
    }
    owner.send(campaign, &ids[MAILS..], false).await;
    let mails = by_recipient(server.has(MAILS + 1).await);
    for (number, url) in urls.iter().enumerate() {
        assert!(mails[&address(number)].plain.contains(url), "{number}");
    }
}
