//! The links of all companies that still lead somewhere.

use leptos::{prelude::*, task::spawn_local};

use super::{
    session::Session,
    state::{Load, Tone, Voice},
};
use crate::{
    api::links::{list_links, withdraw_link},
    domain::{CompanyId, LinkRow},
};

/// The live links, and what to do with them.
#[derive(Clone, Copy, Debug)]
pub struct LiveLinks {
    session: Session,
    voice: Voice,
    rows: RwSignal<Vec<LinkRow>>,
    load: RwSignal<Load>,
    refused: RwSignal<Option<String>>,
}

impl LiveLinks {
    /// Reads which there are.
    pub fn read(session: Session, voice: Voice) -> Self {
        let links =
            Self { session, voice, rows: RwSignal::default(), load: RwSignal::default(), refused: RwSignal::default() };
        links.read_list();
        links
    }

    /// Those that expire first first.
    pub fn rows(self) -> ReadSignal<Vec<LinkRow>> {
        self.rows.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Why the last one could not be withdrawn.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// Reads the list, again or for the first time.
    pub fn read_list(self) {
        spawn_local(async move {
            let answer = list_links().await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            match answer {
                Ok(rows) => {
                    self.rows.set(rows);
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

    /// Withdraws a company's link. It leaves the list at once, and comes back if the server refuses.
    pub fn withdraw(self, company: CompanyId) {
        self.refused.set(None);
        let before = self.rows.get_untracked();
        let name = before.iter().find(|row| row.company == company).map(|row| row.company_name.clone());
        self.rows.update(|rows| rows.retain(|row| row.company != company));
        spawn_local(async move {
            match withdraw_link(company).await {
                Ok(()) => self.voice.say(format!("{}: link withdrawn", name.unwrap_or_default()), Tone::Plain, None),
                Err(error) => {
                    self.session.heed(&error);
                    self.refused.try_set(Some(error.message));
                    self.rows.try_set(before);
                }
            }
            self.read_list();
        });
    }
}
