//! What a person can do with a company: shown at once, then done by the server.

use std::pin::Pin;

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{location, popup},
    links::Links,
    live::Live,
    routes::Page,
    search::how_many,
    session::Session,
    state::{Companies, Tone, Wish},
};
use crate::{
    api::{
        attempts::cancel_attempts,
        connections::{sync_all, sync_many, sync_now},
    },
    domain::{Action, CompanyId},
    error::AppError,
};

/// What the server says, and what there is to say about it. Boxed, so that what waits for it is compiled once.
type Answer = Pin<Box<dyn Future<Output = Result<Option<String>, AppError>>>>;

/// The actions, bound to the companies of this page.
#[derive(Clone, Copy)]
pub struct Actions {
    companies: Companies,
    session: Session,
    live: StoredValue<Live, LocalStorage>,
    links: Links,
    blocked: RwSignal<Option<CompanyId>>,
}

impl Actions {
    /// Binds them.
    pub fn new(companies: Companies, session: Session) -> Self {
        let live = StoredValue::new_local(Live::start(companies, session));
        let links = Links::new(companies, session, live);
        Self { companies, session, live, links, blocked: RwSignal::new(None) }
    }

    /// The company whose popup the browser has just blocked.
    pub fn blocked(self) -> RwSignal<Option<CompanyId>> {
        self.blocked
    }

    /// The companies' links.
    pub fn links(self) -> Links {
        self.links
    }

    /// Does what was clicked. Has to be called within the click: a popup is blocked anywhere else, and so is the clipboard.
    pub fn run(self, company: CompanyId, action: Action) {
        match action {
            Action::SignIn | Action::Reconnect => self.sign_in(company),
            Action::Cancel => {
                self.companies.wish(company, Wish::Cancel);
                self.confirm(
                    Some(company),
                    Box::pin(async move {
                        cancel_attempts(company).await?;
                        Ok(Some("sign-in cancelled".to_owned()))
                    }),
                );
            }
            Action::GenerateLink => {
                self.blocked.set(None);
                self.links.generate(company, None);
            }
            Action::GenerateLinkWithNote => self.links.ask_note(company),
            Action::WithdrawLink => self.links.withdraw(company),
            Action::WriteToClient => location::leave_for(&Page::ClientMessage(company).path()),
            Action::SyncNow => {
                self.companies.wish(company, Wish::Sync);
                self.confirm(Some(company), Box::pin(async move { sync_now(company).await.map(|()| None) }));
            }
        }
    }

    /// Makes the sync of every connected company due.
    pub fn sync_all(self) {
        self.confirm(
            None,
            Box::pin(async {
                let companies = sync_all().await?;
                Ok(Some(format!("Syncing {}", how_many(usize::try_from(companies).unwrap_or_default()))))
            }),
        );
    }

    /// Makes the sync of those of these companies due that are connected.
    pub fn sync_many(self, companies: &[CompanyId]) {
        let connected = self.companies.wish_syncs(companies);
        let left_out = companies.len() - connected.len();
        self.confirm(
            None,
            Box::pin(async move {
                let due = if connected.is_empty() { Ok(0) } else { sync_many(connected.clone()).await };
                if due.is_err() {
                    for company in connected {
                        self.companies.forget_wish(company);
                    }
                }
                let left_out = if left_out > 0 { format!(", {left_out} not connected") } else { String::new() };
                Ok(Some(format!("Syncing {}{left_out}", how_many(usize::try_from(due?).unwrap_or_default()))))
            }),
        );
    }

    /// Signs in without a popup: this tab goes to Microsoft and comes back.
    pub fn sign_in_here(company: CompanyId) {
        location::leave_for(&format!("/connect/start?company={company}&surface=tab"));
    }

    /// Reads the whole list again.
    pub fn read_list(self) {
        self.live.with_value(Live::read_list);
    }

    fn sign_in(self, company: CompanyId) {
        let opened = popup::open(&format!("/connect/start?company={company}"), &format!("tenantry-connect-{company}"));
        match opened {
            Ok(()) => {
                self.blocked.set(None);
                self.companies.wish(company, Wish::SignIn);
            }
            Err(popup::Blocked) => self.blocked.set(Some(company)),
        }
    }

    /// Waits for the server's answer, and says what came of it. `company`: which it is about.
    fn confirm(self, company: Option<CompanyId>, answer: Answer) {
        spawn_local(async move {
            let answer = answer.await;
            let entry = company.and_then(|company| self.companies.entry_untracked(company));
            let words = match answer {
                Ok(done) => done,
                Err(error) => {
                    self.session.heed(&error);
                    if let Some(company) = company {
                        self.companies.forget_wish(company);
                    }
                    Some(error.message)
                }
            };
            if let Some(words) = words {
                let name = entry.map(|entry| format!("{}: ", entry.row.name)).unwrap_or_default();
                self.companies.say(name + &words, Tone::Plain, company);
            }
            self.live.with_value(Live::ask);
        });
    }
}
