//! The rules of connecting, whatever happens in whatever order: the real server and store, two browsers of people who
//! are signed in and one of a stranger, and a Microsoft that believes everything. After each event everything that is
//! stored is compared with what it was before, and with what the rules say about that.
//!
//! `SOAK=1` tries many more stories. A story that fails is made shorter, printed, and kept in `connect_rules.seeds`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use app::domain::{
    Action, CompanyId, ReconnectReason, Role, Status, TenantId, Timestamp,
    attempt::{LATE_ANSWER, SETTLE_WITHIN},
};
use proptest::{
    prelude::*,
    test_runner::{FileFailurePersistence, TestCaseError, TestRunner},
};
use reqwest::{Client, Response, Url, cookie::Jar, redirect::Policy};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use serde_json::json;
use server::{
    sessions::Token,
    store::{
        Store, StoreError,
        connections::{Connection, Settled},
        tenant_data::LEASE,
    },
};
use uuid::Uuid;

use self::microsoft::{Code, Microsoft, SignedIn, domain_of};
use crate::{
    harness::{App, Engine, Setup},
    person::location,
};

mod microsoft;

/// How long what ended is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Two without a domain, and one whose domain is the first tenant's.
const COMPANIES: u8 = 3;
/// The last one is the tenant of personal accounts, which is none.
const TENANTS: u8 = 3;
/// The last one is a stranger's.
const BROWSERS: u8 = 3;

/// Which of several, the latest first, so that a shorter story means the one that it has.
type Which = u8;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody presses the button in the row.
    Click {
        company: Which,
        browser: Which,
        in_tab: bool,
    },
    /// Somebody goes on from a link's page, whether the link leads anywhere or not.
    Follow {
        link: Which,
        browser: Which,
    },
    MakeLink {
        company: Which,
    },
    WithdrawLink {
        company: Which,
    },
    /// Microsoft's answer comes.
    Answer(Answer),
    /// Two at the same time.
    Answers(Answer, Answer),
    /// An answer that says that consent was refused.
    Decline {
        attempt: Which,
        by_other: bool,
    },
    /// An answer that belongs to nothing.
    Forge {
        browser: Which,
    },
    Cancel {
        company: Which,
    },
    /// The server is killed after it took the answer.
    Killed {
        attempt: Which,
    },
    Wait(Pause),
    Disconnect {
        company: Which,
        keep_data: bool,
    },
    Archive {
        company: Which,
    },
    Restore {
        company: Which,
    },
    /// A worker takes what is due.
    Take,
    /// It says what came of one that it took, however long ago.
    Settle {
        taken: Which,
        came_to: CameTo,
    },
    /// The server is stopped and started.
    Restart,
}

#[derive(Clone, Debug)]
struct Answer {
    attempt: Which,
    tenant: Which,
    flaw: Option<Flaw>,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Who signed in is no administrator.
    NoAdministrator,
    /// It comes to another browser than the one that began.
    OtherBrowser,
    /// The proof was made for another attempt.
    OtherProof,
    /// The step before it is left out.
    NoConsent,
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    Second,
    LongerThanSettling,
    LongerThanDeadline,
    LongerThanAnswersCount,
    Day,
    LongerThanALinkLives,
}

#[derive(Clone, Copy, Debug)]
enum CameTo {
    Verified,
    Nothing,
    Lost,
}

impl Pause {
    const fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::LongerThanSettling => Duration::from_mins(3),
            Self::LongerThanDeadline => Duration::from_mins(16),
            Self::LongerThanAnswersCount => Duration::from_mins(61),
            Self::Day => Duration::from_hours(24),
            Self::LongerThanALinkLives => Duration::from_hours(7 * 24 + 1),
        }
    }
}

/// Most are honest: a story in which everything is refused says little.
fn answer() -> impl Strategy<Value = Answer> {
    let flaw = prop_oneof![
        8 => Just(None),
        1 => Just(Some(Flaw::NoAdministrator)),
        1 => Just(Some(Flaw::OtherBrowser)),
        1 => Just(Some(Flaw::OtherProof)),
        1 => Just(Some(Flaw::NoConsent)),
    ];
    (0_u8..3, 0..TENANTS, flaw).prop_map(|(attempt, tenant, flaw)| Answer { attempt, tenant, flaw })
}

fn event() -> impl Strategy<Value = Event> {
    let company = || 0..COMPANIES;
    let browser = || 0..BROWSERS;
    let pause = prop_oneof![
        4 => Just(Pause::Second),
        2 => Just(Pause::LongerThanSettling),
        2 => Just(Pause::LongerThanDeadline),
        1 => Just(Pause::LongerThanAnswersCount),
        1 => Just(Pause::Day),
        1 => Just(Pause::LongerThanALinkLives),
    ];
    let came_to = prop_oneof![2 => Just(CameTo::Verified), 1 => Just(CameTo::Nothing), 2 => Just(CameTo::Lost)];
    prop_oneof![
        8 => (company(), browser(), any::<bool>())
            .prop_map(|(company, browser, in_tab)| Event::Click { company, browser, in_tab }),
        6 => (0_u8..3, browser()).prop_map(|(link, browser)| Event::Follow { link, browser }),
        5 => company().prop_map(|company| Event::MakeLink { company }),
        1 => company().prop_map(|company| Event::WithdrawLink { company }),
        14 => answer().prop_map(Event::Answer),
        4 => (answer(), answer()).prop_map(|(one, other)| Event::Answers(one, other)),
        1 => (0_u8..3, any::<bool>()).prop_map(|(attempt, by_other)| Event::Decline { attempt, by_other }),
        1 => browser().prop_map(|browser| Event::Forge { browser }),
        1 => company().prop_map(|company| Event::Cancel { company }),
        1 => (0_u8..3).prop_map(|attempt| Event::Killed { attempt }),
        4 => pause.prop_map(Event::Wait),
        2 => (company(), any::<bool>()).prop_map(|(company, keep_data)| Event::Disconnect { company, keep_data }),
        1 => company().prop_map(|company| Event::Archive { company }),
        2 => company().prop_map(|company| Event::Restore { company }),
        4 => Just(Event::Take),
        6 => (0_u8..3, came_to).prop_map(|(taken, came_to)| Event::Settle { taken, came_to }),
        1 => Just(Event::Restart),
    ]
}

/// An attempt as the one who makes it knows it.
#[derive(Clone, Debug)]
struct Trial {
    id: Uuid,
    browser: usize,
    state: String,
    /// Known once Microsoft is asked who somebody is.
    nonce: Option<String>,
}

/// A connection that a worker took.
struct Taken {
    connection: Connection,
    lease: Uuid,
}

#[derive(Clone, Debug, PartialEq)]
struct Attempt {
    company: Uuid,
    state: String,
    ending: Option<String>,
    begun: i64,
    deadline: i64,
    claimed: Option<i64>,
    ended: Option<i64>,
    link: Option<Uuid>,
    keeps_verifier: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Link {
    company: Uuid,
    expires: i64,
    ending: Option<String>,
    used_by: Option<Uuid>,
    keeps_token: bool,
}

/// What of a connection only an administrator's answer may change.
#[derive(Clone, Debug, PartialEq)]
struct Grant {
    tenant: Uuid,
    sealed: Option<Vec<u8>>,
    by: String,
    at: i64,
}

#[derive(Clone, Debug, PartialEq)]
struct Tie {
    company: Uuid,
    grant: Grant,
    phase: String,
    lease: Option<Uuid>,
}

/// What is stored of this story's companies.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    now: i64,
    attempts: BTreeMap<Uuid, Attempt>,
    links: BTreeMap<Uuid, Link>,
    ties: BTreeMap<Uuid, Tie>,
    /// By connection.
    former: BTreeMap<Uuid, Grant>,
    archived: BTreeSet<Uuid>,
}

impl Stored {
    fn tie_of(&self, company: Uuid) -> Option<&Tie> {
        self.ties.values().find(|tie| tie.company == company)
    }

    fn is_live(&self, link: &Link) -> bool {
        link.ending.is_none() && self.now < link.expires
    }

    fn live_links(&self, company: Uuid) -> usize {
        self.links.values().filter(|link| link.company == company && self.is_live(link)).count()
    }

    fn running(&self, company: Uuid) -> impl Iterator<Item = (&Uuid, &Attempt)> {
        self.attempts.iter().filter(move |(_, attempt)| attempt.company == company && attempt.ended.is_none())
    }

    fn grants(&self) -> BTreeMap<Uuid, &Grant> {
        self.ties.values().map(|tie| (tie.company, &tie.grant)).collect()
    }
}

/// A server, and one story after the other.
struct World {
    app: App,
    store: Store,
    db: DatabaseConnection,
    is_delegated: bool,
    address: u32,
    story: u32,
    // Of this story.
    companies: Vec<(CompanyId, String)>,
    tenants: Vec<Uuid>,
    /// Each is of one browser, which has its name of it until it has another.
    sessions: Vec<Token>,
    browsers: Vec<Client>,
    trials: Vec<Trial>,
    links: Vec<String>,
    taken: Vec<Taken>,
    // Of all stories: where nothing is ever connected, little is told.
    connected: u32,
    refused: u32,
}

/// Why nothing comes of an answer to an attempt of which nothing is stored any more.
const FORGOTTEN: &str = "it was forgotten";

type Checked<T = ()> = Result<T, TestCaseError>;

impl World {
    async fn start(engine: Engine, access: &'static str) -> Self {
        let microsoft = Microsoft::start().await;
        let setup = Setup::on(engine)
            .access(access)
            .setting("TENANTRY_M365_LOGIN_URL", &microsoft.url)
            .setting("TENANTRY_M365_GRAPH_URL", &microsoft.url)
            .setting("TENANTRY_SYNC_IN_SERVER", "false")
            .setting("TENANTRY_TRUSTED_PROXIES", "127.0.0.1, ::1");
        let app = setup.start().await;
        assert!(microsoft.clock.set(app.clock.clone()).is_ok());
        app.clock.stop();
        let mut sessions = vec![app.session.clone()];
        while sessions.len() + 1 < usize::from(BROWSERS) {
            let email = format!("colleague-{}@msp.test", sessions.len());
            let (account, session) = (app.add_account(&email, Role::Owner, None).await, Token::random());
            app.begin_session(&account, &session).await;
            sessions.push(session);
        }
        Self {
            store: app.store().await,
            db: app.database().await,
            is_delegated: access == "delegated",
            address: 0,
            story: 0,
            companies: Vec::new(),
            tenants: Vec::new(),
            sessions,
            browsers: Vec::new(),
            trials: Vec::new(),
            links: Vec::new(),
            taken: Vec::new(),
            connected: 0,
            refused: 0,
            app,
        }
    }

    /// Nothing is left of the story before.
    async fn begin(&mut self) {
        for table in ["former_grant", "connection", "attempt", "link"] {
            self.db.execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
        }
        self.story += 1;
        self.tenants = (1..TENANTS).map(|_| Uuid::new_v4()).chain([TenantId::CONSUMERS.uuid()]).collect();
        let domain = domain_of(self.tenants[0]);
        let names: Vec<_> = ["North", "South", "East"].map(|name| format!("{name} {}", self.story)).into();
        self.app.import(&format!("name,domain\n{},\n{},\n{},{domain}\n", names[0], names[1], names[2])).await;
        let rows = self.store.company_rows().await.unwrap();
        let id = |name: &String| rows.iter().find(|row| row.name == *name).unwrap().id;
        self.companies = names.into_iter().map(|name| (id(&name), name)).collect();
        self.browsers = (0..usize::from(BROWSERS)).map(|number| self.browser(self.sessions.get(number))).collect();
        self.trials.clear();
        self.links.clear();
        self.taken.clear();
        self.sign_in_at(self.store.now()).await;
    }

    fn browser(&self, session: Option<&Token>) -> Client {
        let cookies = Jar::default();
        if let Some(session) = session {
            let session = format!("session={}; Path=/; HttpOnly", session.expose());
            cookies.add_cookie_str(&session, &self.app.url.parse().unwrap());
        }
        Client::builder().no_proxy().redirect(Policy::none()).cookie_provider(Arc::new(cookies)).build().unwrap()
    }

    /// People sign in again before their sessions end.
    async fn sign_in_at(&self, when: Timestamp) {
        let now = when.as_millis();
        self.db
            .execute_unprepared(&format!("UPDATE session SET created_at = {now}, last_used_at = {now}"))
            .await
            .unwrap();
    }

    /// Everybody comes from an address of their own: how much one may ask is another story.
    fn somewhere(&mut self) -> String {
        self.address += 1;
        Ipv4Addr::from(0x0a00_0000 + self.address).to_string()
    }

    async fn rows<T>(&self, sql: &str, read: impl Fn(QueryResult) -> T) -> Vec<T> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        self.db.query_all_raw(statement).await.unwrap().into_iter().map(read).collect()
    }

    async fn stored(&self) -> Stored {
        fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: &str) -> T {
            row.try_get("", column).unwrap()
        }
        let attempts = self.rows("SELECT * FROM attempt", |row| {
            let verifier: Vec<u8> = get(&row, "sealed_verifier");
            let attempt = Attempt {
                company: get(&row, "company_id"),
                state: get(&row, "state"),
                ending: get(&row, "ending"),
                begun: get(&row, "begun_at"),
                deadline: get(&row, "deadline_at"),
                claimed: get(&row, "claimed_at"),
                ended: get(&row, "ended_at"),
                link: get(&row, "link_id"),
                keeps_verifier: !verifier.is_empty(),
            };
            (get(&row, "id"), attempt)
        });
        let links = self.rows("SELECT * FROM link", |row| {
            let link = Link {
                company: get(&row, "company_id"),
                expires: get(&row, "expires_at"),
                ending: get(&row, "ending"),
                used_by: get(&row, "used_by"),
                keeps_token: get::<Option<Vec<u8>>>(&row, "sealed_token").is_some(),
            };
            (get(&row, "id"), link)
        });
        let grant = |row: &QueryResult, tenant| Grant {
            tenant,
            sealed: get(row, "sealed_refresh_token"),
            by: get(row, "connected_by"),
            at: get(row, "connected_at"),
        };
        let ties = self.rows("SELECT * FROM connection", |row| {
            let grant = grant(&row, get(&row, "tenant_id"));
            let tie =
                Tie { company: get(&row, "company_id"), grant, phase: get(&row, "phase"), lease: get(&row, "lease") };
            (get::<Uuid>(&row, "id"), tie)
        });
        let ties: BTreeMap<_, _> = ties.await.into_iter().collect();
        let former = "SELECT former_grant.*, tenant_id FROM former_grant JOIN connection ON id = connection_id";
        let former = self.rows(former, |row| (get(&row, "connection_id"), grant(&row, get(&row, "tenant_id"))));
        let archived = self.rows("SELECT id FROM company WHERE archived_at IS NOT NULL", |row| get(&row, "id"));
        Stored {
            now: self.store.now().as_millis(),
            attempts: attempts.await.into_iter().collect(),
            links: links.await.into_iter().collect(),
            former: former.await.into_iter().collect(),
            archived: archived.await.into_iter().collect(),
            ties,
        }
    }

    async fn status(&self, company: CompanyId) -> Option<Status> {
        let rows = self.store.company_rows_of(&[company]).await.unwrap();
        rows.into_iter().next().map(|row| row.status)
    }

    fn company(&self, which: Which) -> CompanyId {
        self.companies[usize::from(which)].0
    }

    /// The trial that is meant, and the browser that its answer comes to.
    fn trial(&self, which: Which, by_other: bool) -> Option<(usize, usize)> {
        let place = latest(&self.trials, which)?;
        let own = self.trials[place].browser;
        Some((place, if by_other { (own + 1) % self.browsers.len() } else { own }))
    }

    fn trial_of(&self, answer: &Answer) -> Option<(usize, usize)> {
        self.trial(answer.attempt, answer.flaw == Some(Flaw::OtherBrowser))
    }

    async fn tell(&mut self, events: &[Event]) -> Checked {
        self.begin().await;
        let mut before = self.stored().await;
        for event in events {
            self.happen(event, &before).await?;
            let after = self.stored().await;
            self.check_what_always_holds(&before, &after).await?;
            let may_change_grants = matches!(
                event,
                Event::Answer(_) | Event::Answers(..) | Event::Disconnect { .. } | Event::Settle { .. }
            );
            prop_assert!(may_change_grants || before.grants() == after.grants(), "a grant changed by {:?}", event);
            before = after;
        }
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "a case for each event")]
    async fn happen(&mut self, event: &Event, before: &Stored) -> Checked {
        match event {
            Event::Click { company, browser, in_tab } => {
                let (company, browser) = (self.company(*company), usize::from(*browser));
                let may = self.status(company).await.is_some_and(|status| may_begin(&status))
                    && browser + 1 < self.browsers.len();
                let surface = if *in_tab { "tab" } else { "popup" };
                let url = format!("{}/connect/start?company={company}&surface={surface}", self.app.url);
                let request = self.browsers[browser].get(url).header("sec-fetch-site", "same-origin");
                let response = request.send().await.unwrap();
                self.began(before, &response, browser, company, None, may).await?;
            }
            Event::Follow { link, browser } => {
                let Some(place) = latest(&self.links, *link) else { return Ok(()) };
                let (id, company) = self.link(place).await;
                let is_live = before.links.get(&id).is_some_and(|link| before.is_live(link));
                let may = is_live && self.status(company).await.is_some_and(|status| may_begin(&status));
                let (browser, address) = (usize::from(*browser), self.somewhere());
                let request = self.browsers[browser].post(&self.links[place]).header("sec-fetch-site", "same-origin");
                let response = request.header("x-forwarded-for", address).form(&[("", "")]).send().await.unwrap();
                self.began(before, &response, browser, company, Some(id), may).await?;
            }
            Event::MakeLink { company } => {
                let company = self.company(*company);
                let may = self.status(company).await.is_some_and(|status| status.allows(Action::GenerateLink));
                let response = self.app.post("links/create", json!({ "company": company, "note": null })).await;
                prop_assert_eq!(response.status().is_success(), may, "a link: {}", response.status());
                if may {
                    let made: app::api::links::NewLink = response.json().await.unwrap();
                    self.links.push(made.url);
                }
            }
            Event::WithdrawLink { company } => {
                let company = self.company(*company);
                self.app.post("links/withdraw", json!({ "company": company })).await;
                prop_assert_eq!(self.stored().await.live_links(company.uuid()), 0);
            }
            Event::Answer(answer) => {
                let Some((trial, browser)) = self.trial_of(answer) else { return Ok(()) };
                self.consent(answer, trial, browser).await?;
                let before = self.stored().await;
                let legit = self.would_connect(&before, answer, trial, browser);
                let url = self.answer_url(answer, trial);
                let said = said(self.browsers[browser].get(url).send().await.unwrap()).await;
                prop_assert_eq!(said.is_connected, legit.is_ok(), "{:?}, but it says {}", legit, said.heading);
                let after = self.stored().await;
                if let Ok(tenant) = legit {
                    self.connected += 1;
                    self.check_connected(&before, &after, trial, tenant)?;
                } else {
                    self.refused += 1;
                    check_refused(&before, &after)?;
                }
            }
            Event::Answers(one, other) => self.two_answers(one, other).await?,
            Event::Decline { attempt, by_other } => {
                let Some((trial, browser)) = self.trial(*attempt, *by_other) else { return Ok(()) };
                let query = [("error", "access_denied"), ("state", &self.trials[trial].state)];
                let said = said(self.browsers[browser].get(self.callback(&query)).send().await.unwrap()).await;
                prop_assert!(!said.is_connected);
                check_refused(before, &self.stored().await)?;
            }
            Event::Forge { browser } => {
                let query = [("code", "forged"), ("state", "forged")];
                let request = self.browsers[usize::from(*browser)].get(self.callback(&query));
                let said = said(request.send().await.unwrap()).await;
                prop_assert!(!said.is_connected);
                check_refused(before, &self.stored().await)?;
            }
            Event::Cancel { company } => {
                let company = self.company(*company);
                self.app.post("attempts/cancel", json!({ "company": company })).await;
                let after = self.stored().await;
                prop_assert!(after.running(company.uuid()).all(|(_, attempt)| attempt.claimed.is_some()));
            }
            Event::Killed { attempt } => {
                let Some((trial, _)) = self.trial(*attempt, false) else { return Ok(()) };
                let id = self.trials[trial].id;
                let is_open = before.attempts.get(&id).is_some_and(|attempt| attempt.state == "sign_in");
                prop_assert_eq!(
                    self.store.claim_attempt(app::domain::AttemptId::from_uuid(id)).await.unwrap(),
                    is_open
                );
            }
            Event::Wait(pause) => {
                // Before it is so late: who is signed out too long is forgotten.
                self.sign_in_at(self.store.now().plus(pause.length())).await;
                self.app.clock.advance(pause.length());
                self.store.sweep_attempts().await.unwrap();
                self.store.sweep_links().await.unwrap();
                self.store.forget_old_attempts().await.unwrap();
                self.store.forget_old_links().await.unwrap();
                let (after, settled_by) = (self.stored().await, self.store.now().minus(SETTLE_WITHIN).as_millis());
                let stuck =
                    |attempt: &Attempt| attempt.ended.is_none() && attempt.claimed.is_some_and(|at| at <= settled_by);
                prop_assert!(!after.attempts.values().any(stuck), "nobody settles them any more");
            }
            Event::Disconnect { company, keep_data } => {
                let (company, name) = self.companies[usize::from(*company)].clone();
                let body = json!({ "company": company, "name": name, "keep_data": keep_data });
                let response = self.app.post("connections/disconnect", body).await;
                let (after, company) = (self.stored().await, company.uuid());
                if before.archived.contains(&company) {
                    prop_assert_eq!(response.status().as_u16(), 404);
                    prop_assert_eq!(before.grants(), after.grants());
                } else {
                    prop_assert!(response.status().is_success());
                    prop_assert_eq!(after.tie_of(company), None);
                    if before.tie_of(company).is_some() {
                        prop_assert_eq!(after.running(company).count() + after.live_links(company), 0);
                    }
                    let others = |stored: &Stored| {
                        let others = stored.ties.values().filter(|tie| tie.company != company).cloned();
                        others.collect::<Vec<_>>()
                    };
                    prop_assert_eq!(others(before), others(&after));
                }
                let id = |row: QueryResult| row.try_get::<Uuid>("", "connection_id").unwrap();
                let kept = self.rows("SELECT connection_id FROM former_grant", id).await;
                prop_assert!(
                    kept.iter().all(|id| after.ties.contains_key(id)),
                    "a former grant outlives its connection"
                );
            }
            Event::Archive { company } => {
                let company = self.company(*company);
                self.app.post("companies/archive", json!({ "company": company })).await.error_for_status().unwrap();
                let after = self.stored().await;
                prop_assert!(after.archived.contains(&company.uuid()));
                prop_assert_eq!(after.live_links(company.uuid()), 0);
                prop_assert!(after.running(company.uuid()).all(|(_, attempt)| attempt.claimed.is_some()));
            }
            Event::Restore { company } => {
                let company = self.company(*company);
                self.app.post("companies/restore", json!({ "company": company })).await.error_for_status().unwrap();
                prop_assert!(!self.stored().await.archived.contains(&company.uuid()));
            }
            Event::Take => {
                for connection in self.store.claim_due(64, LEASE).await.unwrap() {
                    prop_assert!(!before.archived.contains(&connection.company.uuid()), "nobody reads it");
                    let tie = self.stored().await.ties[&connection.id.uuid()].clone();
                    let held = before.ties[&connection.id.uuid()].lease;
                    let is_held = self.taken.iter().any(|taken| Some(taken.lease) == held);
                    prop_assert!(held.is_none() || is_held, "a lease of nobody");
                    self.taken.push(Taken { connection, lease: tie.lease.unwrap() });
                }
            }
            Event::Settle { taken, came_to } => {
                let Some(place) = latest(&self.taken, *taken) else { return Ok(()) };
                let taken = self.taken.remove(place);
                self.settle(before, taken, *came_to).await?;
            }
            Event::Restart => {
                self.app.stop().await;
                self.app.serve().await;
            }
        }
        Ok(())
    }

    async fn link(&self, place: usize) -> (Uuid, CompanyId) {
        let token = self.links[place].rsplit('/').next().unwrap();
        let token = server::sessions::Token::parse(token).unwrap();
        let link = self.store.link_by_token(token.hash()).await.unwrap().unwrap();
        (link.id.uuid(), link.company)
    }

    fn callback(&self, query: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&format!("{}/connect/callback", self.app.url), query).unwrap()
    }

    /// Whether an attempt began is what was to be expected, and if so, it is remembered.
    async fn began(
        &mut self,
        before: &Stored,
        response: &Response,
        browser: usize,
        company: CompanyId,
        link: Option<Uuid>,
        may: bool,
    ) -> Checked {
        let location = location(response).filter(|location| !location.as_str().starts_with(&self.app.url));
        prop_assert_eq!(location.is_some(), may, "an attempt: {}", response.status());
        let after = self.stored().await;
        let new: Vec<_> = after.attempts.iter().filter(|(id, _)| !before.attempts.contains_key(id)).collect();
        prop_assert_eq!(new.len(), usize::from(may));
        if let (Some(location), [(id, attempt)]) = (location, &new[..]) {
            prop_assert_eq!((attempt.company, attempt.link, attempt.ended), (company.uuid(), link, None));
            let state = in_query(&location, "state").unwrap();
            self.trials.push(Trial { id: **id, browser, state, nonce: in_query(&location, "nonce") });
        }
        Ok(())
    }

    /// Goes the step before the answer, if there is one.
    async fn consent(&mut self, answer: &Answer, trial: usize, browser: usize) -> Checked {
        if self.is_delegated || answer.flaw == Some(Flaw::NoConsent) || self.trials[trial].nonce.is_some() {
            return Ok(());
        }
        let before = self.stored().await;
        let tenant = self.tenants[usize::from(answer.tenant)].to_string();
        let query = [("admin_consent", "True"), ("tenant", &tenant), ("state", &self.trials[trial].state)];
        let response = self.browsers[browser].get(self.callback(&query)).send().await.unwrap();
        if let Some(location) = location(&response) {
            self.trials[trial].nonce = in_query(&location, "nonce");
        }
        check_refused(&before, &self.stored().await)
    }

    fn answer_url(&self, answer: &Answer, trial: usize) -> Url {
        let Trial { state, nonce, .. } = &self.trials[trial];
        let nonce =
            if answer.flaw == Some(Flaw::OtherProof) { "of another" } else { nonce.as_deref().unwrap_or_default() };
        let who = SignedIn {
            tenant: self.tenants[usize::from(answer.tenant)],
            is_admin: answer.flaw != Some(Flaw::NoAdministrator),
        };
        let code = Code { who, nonce: nonce.to_owned() };
        self.callback(&[("code", &code.in_url()), ("state", state)])
    }

    /// The rules once more, in the words of what is stored: the tenant, or why not.
    fn would_connect(
        &self,
        stored: &Stored,
        answer: &Answer,
        trial: usize,
        browser: usize,
    ) -> Result<Uuid, &'static str> {
        let trial = &self.trials[trial];
        let attempt = stored.attempts.get(&trial.id).ok_or(FORGOTTEN)?;
        let tenant = self.tenants[usize::from(answer.tenant)];
        let tie = stored.tie_of(attempt.company);
        let has_domain = attempt.company == self.companies[2].0.uuid();
        let expected = tie.map(|tie| tie.grant.tenant).or_else(|| has_domain.then_some(self.tenants[0]));
        let link = attempt.link.map(|link| &stored.links[&link]);
        let refusals = [
            (browser != trial.browser, "another browser"),
            (attempt.state != "sign_in", "it does not wait for a sign-in"),
            (stored.now - attempt.begun > millis(LATE_ANSWER), "too late"),
            (stored.archived.contains(&attempt.company), "archived"),
            (answer.flaw == Some(Flaw::OtherProof) || trial.nonce.is_none(), "a proof of something else"),
            (answer.flaw == Some(Flaw::NoAdministrator), "no administrator"),
            (tenant == TenantId::CONSUMERS.uuid(), "a personal account"),
            (expected.is_some_and(|expected| expected != tenant), "another organisation"),
            (
                stored.ties.values().any(|tie| tie.grant.tenant == tenant && tie.company != attempt.company),
                "another company's tenant",
            ),
            (link.is_some_and(|link| link.ending.is_some() || attempt.begun >= link.expires), "a dead link"),
        ];
        match refusals.into_iter().find(|(applies, _)| *applies) {
            Some((_, why)) => Err(why),
            None => Ok(tenant),
        }
    }

    fn check_connected(&self, before: &Stored, after: &Stored, trial: usize, tenant: Uuid) -> Checked {
        let id = self.trials[trial].id;
        let attempt = &after.attempts[&id];
        let company = attempt.company;
        prop_assert_eq!(attempt.ending.as_deref(), Some("\"connected\""));
        prop_assert_eq!((after.running(company).count(), after.live_links(company)), (0, 0));
        if let Some(link) = attempt.link {
            let link = &after.links[&link];
            prop_assert_eq!((link.ending.as_deref(), link.used_by), (Some("used"), Some(id)));
        }
        let Some(tie) = after.tie_of(company) else { return Err(TestCaseError::fail("it says that it is connected")) };
        prop_assert_eq!((tie.grant.tenant, tie.grant.at, tie.phase.as_str()), (tenant, after.now, "verifying"));
        prop_assert_eq!(tie.grant.sealed.is_some(), self.is_delegated);
        prop_assert_eq!(tie.lease, None, "whoever reads it now writes nothing more");
        // What was in use stays in reserve until the new one has shown itself.
        if let Some((id, was)) = before.ties.iter().find(|(_, tie)| tie.company == company) {
            let kept = if was.phase == "verifying" { before.former.get(id) } else { Some(&was.grant) };
            prop_assert_eq!(after.former.get(id), kept);
        }
        Ok(())
    }

    async fn two_answers(&mut self, one: &Answer, other: &Answer) -> Checked {
        let places = (self.trial_of(one), self.trial_of(other));
        let (Some((first, its)), Some((second, theirs))) = places else { return Ok(()) };
        self.consent(one, first, its).await?;
        self.consent(other, second, theirs).await?;
        let before = self.stored().await;
        let legit = [self.would_connect(&before, one, first, its), self.would_connect(&before, other, second, theirs)];
        let would = legit.map(Result::ok);
        let send = |answer, trial, browser: usize| {
            let request = self.browsers[browser].get(self.answer_url(answer, trial));
            async { said(request.send().await.unwrap()).await }
        };
        let said = tokio::join!(send(one, first, its), send(other, second, theirs));
        let did = [said.0.is_connected, said.1.is_connected];
        let after = self.stored().await;
        for (would, did) in would.iter().zip(did) {
            prop_assert!(would.is_some() || !did, "it should have been refused");
        }
        let company = |trial: usize| before.attempts.get(&self.trials[trial].id).map(|attempt| attempt.company);
        let in_each_others_way = company(first) == company(second) || would[0] == would[1];
        // An answer in another browser, or one that proves nothing, ends the attempt that the other one belongs to. One that
        // names no attempt ends the only one of its browser.
        let ends_the_other = (first == second && would.iter().any(Option::is_none))
            || (its == theirs && legit.contains(&Err(FORGOTTEN)));
        let connected = did.into_iter().filter(|did| *did).count();
        let wanted = match would.iter().flatten().count() {
            2 if in_each_others_way => Some(1),
            1 if ends_the_other => None,
            wanted => Some(wanted),
        };
        let headings = (&said.0.heading, &said.1.heading);
        prop_assert!(
            wanted.is_none_or(|wanted| connected == wanted),
            "{connected} connected, by trials {first} and {second}: {legit:?}, but it says {headings:?}"
        );
        for (trial, (tenant, did)) in [first, second].into_iter().zip(would.into_iter().zip(did)) {
            if let (Some(tenant), true) = (tenant, did) {
                self.check_connected(&before, &after, trial, tenant)?;
            }
        }
        if connected == 0 { check_refused(&before, &after) } else { Ok(()) }
    }

    /// What a worker found counts while it holds the connection, and not after.
    async fn settle(&mut self, before: &Stored, taken: Taken, came_to: CameTo) -> Checked {
        let Taken { connection, lease } = taken;
        let id = connection.id.uuid();
        let tie = before.ties.get(&id).filter(|tie| tie.lease == Some(lease));
        let now = self.store.now();
        let phase = match came_to {
            CameTo::Verified => app::domain::Phase::Active,
            CameTo::Nothing => connection.phase,
            CameTo::Lost => app::domain::Phase::NeedsReconnect(ReconnectReason::ConsentRemoved),
        };
        let settled = Settled {
            phase,
            due: now.plus(Duration::from_mins(5)),
            full_due: None,
            complete: true,
            readable: true,
            tries: 0,
            granted: None,
        };
        let mut done = Ok(());
        if matches!(came_to, CameTo::Verified) {
            done = self.store.verified(&connection).await;
        }
        if done.is_ok() {
            done = self.store.settle_round(&connection, &settled).await;
        }
        let after = self.stored().await;
        let Some(tie) = tie else {
            prop_assert!(matches!(done, Err(StoreError::TakenOver)), "{:?}", done);
            prop_assert_eq!(&before.ties, &after.ties);
            return Ok(());
        };
        prop_assert!(done.is_ok(), "{:?}", done);
        let grant = match (came_to, before.former.get(&id)) {
            (CameTo::Lost, Some(former)) if tie.phase == "verifying" => former,
            _ => &tie.grant,
        };
        prop_assert_eq!(&after.ties[&id].grant, grant);
        if !matches!(came_to, CameTo::Nothing) && tie.phase == "verifying" {
            prop_assert_eq!(after.former.get(&id), None);
        }
        Ok(())
    }

    async fn check_what_always_holds(&self, before: &Stored, after: &Stored) -> Checked {
        let (ties, now) = (after.ties.values(), after.now);
        let tenants: BTreeSet<_> = ties.clone().map(|tie| tie.grant.tenant).collect();
        let companies: BTreeSet<_> = ties.map(|tie| tie.company).collect();
        prop_assert_eq!((tenants.len(), companies.len()), (after.ties.len(), after.ties.len()), "one for each");

        for (id, was) in &before.attempts {
            let old = |at: i64| at <= now - millis(KEPT);
            let Some(is) = after.attempts.get(id) else {
                prop_assert!(old(was.ended.unwrap_or(was.begun + millis(LATE_ANSWER))), "lost: {:?}", was);
                continue;
            };
            let found_wanting = is.ending.as_deref().is_some_and(|ending| ending.contains("grant_refused"));
            if was.ended.is_some() && !(found_wanting && was.ending.as_deref() == Some("\"connected\"")) {
                prop_assert_eq!(was, is, "it ends once");
            }
            prop_assert!(was.claimed.is_none() || is.claimed == was.claimed, "it is claimed once");
            prop_assert_eq!(is.ended.is_some(), !is.keeps_verifier, "nothing secret outlives it: {:?}", is);
        }
        for (id, was) in &before.links {
            let is = &after.links[id];
            prop_assert!(was.ending.is_none() || (&was.ending, was.used_by) == (&is.ending, is.used_by), "{:?}", is);
            prop_assert!(is.ending.is_none() || !is.keeps_token, "nothing secret outlives it: {:?}", is);
        }
        for (id, link) in &after.links {
            let used = |attempt: &&Attempt| {
                let ending = attempt.ending.as_deref().unwrap_or_default();
                attempt.link == Some(*id) && (ending.contains("connected") || ending.contains("grant_refused"))
            };
            let count = after.attempts.values().filter(used).count();
            prop_assert!(
                count <= 1 && (count == 0 || link.ending.as_deref() == Some("used")),
                "{} count: {:?}",
                count,
                link
            );
        }
        for (company, _) in &self.companies {
            prop_assert!(after.live_links(company.uuid()) <= 1);
            self.check_status(after, *company).await?;
        }
        Ok(())
    }

    /// The row's state, from what is stored.
    async fn check_status(&self, stored: &Stored, company: CompanyId) -> Checked {
        let (status, company) = (self.status(company).await, company.uuid());
        prop_assert_eq!(status.is_none(), stored.archived.contains(&company));
        let Some(status) = status else { return Ok(()) };
        let expected = match (stored.running(company).any(|(_, a)| stored.now < a.deadline), stored.tie_of(company)) {
            (true, _) => "Signing in…",
            (false, Some(tie)) if tie.phase == "verifying" => "Verifying…",
            (false, Some(tie)) if tie.phase == "active" => "Connected",
            (false, Some(_)) => "Needs reconnect",
            (false, None) if stored.live_links(company) > 0 => "Link sent",
            (false, None) => "Not connected",
        };
        prop_assert_eq!(status.word(), expected, "{:?}", status);
        Ok(())
    }
}

/// What a page says in the end.
struct Said {
    heading: String,
    is_connected: bool,
}

async fn said(response: Response) -> Said {
    // In a tab, the page itself says so.
    let back = location(&response).filter(|location| in_query(location, "connected").is_some());
    let html = response.text().await.unwrap();
    let heading =
        html.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>")).map_or("", |(heading, _)| heading);
    Said { heading: heading.to_owned(), is_connected: back.is_some() || heading.ends_with(" is connected") }
}

/// Nothing came of it: no grant, and no link was used up.
fn check_refused(before: &Stored, after: &Stored) -> Checked {
    prop_assert_eq!(&before.ties, &after.ties);
    prop_assert_eq!(&before.former, &after.former);
    prop_assert_eq!(&before.links, &after.links);
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

fn may_begin(status: &Status) -> bool {
    status.allows(Action::SignIn) || status.allows(Action::Reconnect)
}

fn latest<T>(all: &[T], which: Which) -> Option<usize> {
    (all.len().checked_sub(1)).map(|last| last - usize::from(which) % all.len())
}

fn in_query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Tells stories on one database with one kind of access.
fn tell(engine: Engine, access: &'static str, few: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = RefCell::new(runtime.block_on(World::start(engine, access)));
    let cases = if std::env::var_os("SOAK").is_some() { few * 10 } else { few };
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 300,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/it/connect_rules.seeds"))),
        ..ProptestConfig::default()
    };
    let story = prop::collection::vec(event(), 1..40);
    let told = TestRunner::new(config).run(&story, |events| runtime.block_on(world.borrow_mut().tell(&events)));
    if let Err(error) = told {
        panic!("{access} on {engine:?}: {error}");
    }
    let mut world = world.into_inner();
    println!("{access} on {engine:?}: {} connected, {} refused", world.connected, world.refused);
    assert!(world.connected > 0 && world.refused > 0 || cases < 20, "nothing was told");
    runtime.block_on(world.app.stop());
}

#[test]
fn any_story_on_sqlite_with_application_access() {
    tell(Engine::Sqlite, "application", 40);
}

#[test]
fn any_story_on_sqlite_with_delegated_access() {
    tell(Engine::Sqlite, "delegated", 40);
}

#[test]
fn any_story_on_postgres_with_application_access() {
    tell(Engine::Postgres, "application", 12);
}

#[test]
fn any_story_on_postgres_with_delegated_access() {
    tell(Engine::Postgres, "delegated", 12);
}
