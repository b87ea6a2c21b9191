//! What a person can do with the link of a company: make it, withdraw it.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{clipboard::Promised, clock},
    live::Live,
    session::Session,
    state::{Companies, Handover, Submission, Tone, Wish},
};
use crate::{
    api::links::{create_link, withdraw_link},
    domain::{Action, CompanyId, CompanyRow, LinkNote, Timestamp},
};

/// What the dialog about a company's link shows.
#[derive(Clone, Debug)]
pub enum Step {
    /// It asks for a note before the link is made.
    Note(Submission),
    /// The link.
    Link {
        /// How far it is.
        handover: Handover,
        /// Whether there was a live one before, which it replaces.
        replaces: bool,
        /// Its note.
        note: Option<String>,
    },
}

/// The dialog about a company's link.
#[derive(Clone, Debug)]
pub struct Open {
    /// The company.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub step: Step,
}

impl Open {
    /// What the dialog is about.
    pub fn title(&self) -> String {
        format!("Link for {}", self.name)
    }
}

/// The links, bound to the companies of this page.
#[derive(Clone, Copy)]
pub struct Links {
    companies: Companies,
    session: Session,
    live: StoredValue<Live, LocalStorage>,
    open: RwSignal<Option<Open>>,
    /// What the server has not answered yet: asked for again, it is waited for and not made twice.
    under_way: StoredValue<Vec<(CompanyId, Step)>>,
}

impl Links {
    /// Binds them.
    pub fn new(companies: Companies, session: Session, live: StoredValue<Live, LocalStorage>) -> Self {
        Self { companies, session, live, open: RwSignal::new(None), under_way: StoredValue::default() }
    }

    /// The dialog that is open.
    pub fn open(self) -> ReadSignal<Option<Open>> {
        self.open.read_only()
    }

    /// The dialog was closed.
    pub fn close(self) {
        self.open.set(None);
    }

    /// Makes a link. Has to be called within the click: it goes into the clipboard.
    pub fn generate(self, company: CompanyId, note: Option<String>) {
        let waited_for = self.under_way.with_value(|all| all.iter().find(|(id, _)| *id == company).cloned());
        if let Some((_, step)) = waited_for {
            return self.show(company, step);
        }
        let promised = Promised::begin();
        let handover = Handover::default();
        let entry = self.companies.entry_untracked(company);
        let replaces = entry.is_some_and(|entry| entry.live_link(clock::now()).is_some());
        let step = Step::Link { handover: handover.clone(), replaces, note: note.clone() };
        self.under_way.update_value(|all| all.push((company, step.clone())));
        self.show(company, step);
        self.companies.wish(company, Wish::Link);
        spawn_local(async move {
            let answer = create_link(company, note).await;
            self.under_way.update_value(|all| all.retain(|(id, _)| *id != company));
            let is_seen = self.is_open_for(company);
            match answer {
                Ok(link) => {
                    let is_copied = handover.give(promised, link.url, Some(link.expires)).await;
                    let done = if is_copied { "link made, and copied to clipboard" } else { "link made" };
                    self.say(company, done, if is_seen { Tone::Unseen } else { Tone::Good });
                }
                Err(error) => {
                    promised.take_back();
                    self.session.heed(&error);
                    self.companies.forget_wish(company);
                    if !is_seen {
                        self.say(company, &error.message, Tone::Plain);
                    }
                    handover.refuse(error.message);
                }
            }
            self.live.with_value(Live::ask);
        });
    }

    /// Asks for a note first.
    pub fn ask_note(self, company: CompanyId) {
        self.show(company, Step::Note(Submission::default()));
    }

    /// Makes a link with a note. Has to be called within the click. `mend`: the id of the field of the note.
    pub fn generate_with_note(self, company: CompanyId, form: Submission, mend: &str, note: String) {
        match LinkNote::parse(&note) {
            Ok(_) => self.generate(company, Some(note)),
            Err(error) => form.refuse(mend, error.to_string()),
        }
    }

    /// Withdraws the live link.
    pub fn withdraw(self, company: CompanyId) {
        self.companies.wish(company, Wish::Withdraw);
        spawn_local(async move {
            match withdraw_link(company).await {
                Ok(()) => self.say(company, "link withdrawn", Tone::Plain),
                Err(error) => {
                    self.session.heed(&error);
                    self.companies.forget_wish(company);
                    self.say(company, &error.message, Tone::Plain);
                }
            }
            self.live.with_value(Live::ask);
        });
    }

    fn show(self, company: CompanyId, step: Step) {
        let name = self.companies.entry_untracked(company).map(|entry| entry.row.name.clone()).unwrap_or_default();
        self.open.set(Some(Open { company, name, step }));
    }

    fn is_open_for(self, company: CompanyId) -> bool {
        self.open.with_untracked(|open| open.as_ref().is_some_and(|open| open.company == company))
    }

    fn say(self, company: CompanyId, words: &str, tone: Tone) {
        let name = self.companies.entry_untracked(company).map(|entry| entry.row.name.clone()).unwrap_or_default();
        self.companies.say(format!("{name}: {words}"), tone, Some(company));
    }
}

/// Why a link that is still shown leads nowhere any more, going by the company's row. `expires`: the link's, which tells
/// it from others.
pub fn outdated(expires: Timestamp, row: &CompanyRow) -> Option<&'static str> {
    match &row.link {
        Some(link) if link.expires > expires => {
            Some("Somebody made a newer link meanwhile. This one leads nowhere any more.")
        }
        Some(link) if link.expires == expires && link.end.is_some() => {
            Some("This link was withdrawn or used meanwhile. It leads nowhere any more.")
        }
        None if !row.status.in_flux() && !row.status.allows(Action::GenerateLink) => {
            Some("The company is connected. This link has nothing left to do.")
        }
        // The row may be from before the link.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::domain::{Figures, LinkEnd, LinkSummary, Status};

    const EXPIRES: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn row(status: Status, link: Option<(Timestamp, Option<LinkEnd>)>) -> CompanyRow {
        CompanyRow {
            id: CompanyId::from_uuid(Uuid::nil()),
            name: "Contoso".into(),
            domain: None,
            tenant: None,
            status,
            figures: Figures::default(),
            synced_at: None,
            first_sync: false,
            users_so_far: None,
            last_try: None,
            link: link.map(|(expires, end)| LinkSummary { expires, end, opens: 0, opened_at: None, note: None }),
            link_requested_at: None,
            external_id: None,
            contact: None,
            email: None,
            tags: None,
            access: None,
            in_words: None,
            oddity: None,
            revision: 1,
        }
    }

    #[test]
    fn a_link_that_is_shown_says_when_it_leads_nowhere_any_more() {
        let later = EXPIRES.plus(Duration::from_secs(1));
        let earlier = EXPIRES.minus(Duration::from_secs(1));
        for (status, link, is_outdated) in [
            (Status::LinkSent, Some((EXPIRES, None)), false),
            (Status::LinkSent, Some((later, None)), true),
            (Status::NotConnected, Some((EXPIRES, Some(LinkEnd::Withdrawn))), true),
            // Of the link before: this one's row is still to come.
            (Status::NotConnected, Some((earlier, Some(LinkEnd::Replaced))), false),
            (Status::NotConnected, None, false),
            (Status::Verifying { since: EXPIRES, slow: false }, None, false),
            (Status::Connected, None, true),
        ] {
            assert_eq!(outdated(EXPIRES, &row(status.clone(), link)).is_some(), is_outdated, "{status:?} {link:?}");
        }
    }
}
