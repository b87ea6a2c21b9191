//! What an owner can do with the team.

use std::pin::Pin;

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::clipboard,
    session::Session,
    state::{Handover, Load, Submission, Tone, Voice},
};
use crate::{
    api::accounts::{change_role, invite, list_accounts, set_account_active},
    domain::{AccountId, AccountRow, Email, Role},
    error::AppError,
};

/// A one-time link that was just made.
#[derive(Clone, Debug)]
pub struct MadeLink {
    /// For whom.
    pub email: String,
    /// The link. It is told once.
    pub handover: Handover,
}

/// The team, and what to do with it.
#[derive(Clone, Copy, Debug)]
pub struct Team {
    session: Session,
    voice: Voice,
    people: RwSignal<Vec<AccountRow>>,
    load: RwSignal<Load>,
    refused: RwSignal<Option<String>>,
    made: RwSignal<Option<MadeLink>>,
}

impl Team {
    /// Reads who is in it.
    pub fn read(session: Session, voice: Voice) -> Self {
        let team = Self {
            session,
            voice,
            people: RwSignal::default(),
            load: RwSignal::default(),
            refused: RwSignal::default(),
            made: RwSignal::default(),
        };
        team.read_list();
        team
    }

    /// Everybody, by name. It tells of each answer of the server, so that what a refused change left on the screen goes.
    pub fn people(self) -> ReadSignal<Vec<AccountRow>> {
        self.people.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Why the last change was refused.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// The link that was just made.
    pub fn made(self) -> RwSignal<Option<MadeLink>> {
        self.made
    }

    /// Reads the list, again or for the first time.
    pub fn read_list(self) {
        spawn_local(async move {
            let answer = list_accounts().await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            match answer {
                Ok(people) => {
                    self.people.set(people);
                    // Said once: the table would be made anew, and the focus in it be lost.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Done);
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    // A list that is there stays, rather than going because one answer is missing.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }

    /// Makes a one-time link for somebody. Has to be called within the click: the link goes into the clipboard.
    /// `mend`: the id of the field of the address.
    pub fn invite(self, form: Submission, mend: &'static str, email: &str, role: Role, done: impl FnOnce() + 'static) {
        let Ok(email) = Email::parse(email) else {
            return form.refuse(mend, "This is not an e-mail address such as kim@example.com.".into());
        };
        if form.is_busy() {
            return;
        }
        let promised = clipboard::Promised::begin();
        form.send(
            mend,
            Box::pin(async move {
                self.make_link(promised, email.to_string(), role).await?;
                done();
                Ok(())
            }),
        );
    }

    /// Makes another one-time link for somebody who did not use theirs. Has to be called within the click.
    pub fn invite_again(self, row: &AccountRow) {
        let promised = clipboard::Promised::begin();
        let (email, role) = (row.email.clone(), row.role);
        self.refused.set(None);
        spawn_local(async move {
            let made = self.make_link(promised, email, role).await;
            self.refused.set(made.err().map(|error| error.message));
        });
    }

    /// Changes what somebody may do.
    pub fn change_role(self, row: &AccountRow, role: Role) {
        let done = format!("{} is now {}", who(row), role.label());
        self.change(row.id, Box::pin(change_role(row.id, role)), done);
    }

    /// Ends somebody's access, or gives it back.
    pub fn set_active(self, row: &AccountRow, active: bool) {
        let done = format!("{} {}", who(row), if active { "activated" } else { "deactivated" });
        self.change(row.id, Box::pin(set_account_active(row.id, active)), done);
    }

    /// Shows everybody as the server said last.
    pub fn show_again(self) {
        self.people.update(|_| {});
    }

    async fn make_link(self, promised: clipboard::Promised, email: String, role: Role) -> Result<(), AppError> {
        match invite(email.clone(), role).await {
            Ok(url) => {
                let handover = Handover::default();
                self.made.set(Some(MadeLink { email: email.clone(), handover: handover.clone() }));
                spawn_local(async move {
                    handover.give(promised, url, None).await;
                });
                self.voice.say(format!("{email} invited"), Tone::Good, None);
                self.read_list();
                Ok(())
            }
            Err(error) => {
                promised.take_back();
                self.session.heed(&error);
                Err(error)
            }
        }
    }

    fn change(self, whose: AccountId, answer: Pin<Box<dyn Future<Output = Result<(), AppError>>>>, done: String) {
        self.refused.set(None);
        spawn_local(async move {
            match answer.await {
                Ok(()) => {
                    self.voice.say(done, Tone::Good, None);
                    // Who changes their own role sees another page now.
                    if self.session.me().with_untracked(|me| me.as_ref().is_some_and(|me| me.id == whose)) {
                        self.session.ask();
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    self.refused.set(Some(error.message));
                    self.show_again();
                }
            }
            self.read_list();
        });
    }
}

/// What somebody is called: by their name, or by their address while they have not told it.
pub fn who(row: &AccountRow) -> &str {
    if row.name.is_empty() { &row.email } else { &row.name }
}
