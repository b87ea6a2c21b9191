//! Companies that are put away, and putting one away.

use std::pin::Pin;

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::dialog,
    selection::leave_saying,
    session::Session,
    state::{Load, Submission, Tone, Voice},
};
use crate::{
    api::companies::{archive_company, archived_companies, delete_company, restore_company},
    domain::{ArchivedCompany, CompanyId},
    error::AppError,
};

/// Puts the company of this name away, and leaves for the list that it is no longer in.
pub fn archive(company: CompanyId, name: String, form: Submission, session: Session) {
    form.send(
        super::routes::CONTENT,
        Box::pin(async move {
            archive_company(company).await.inspect_err(|error| {
                session.heed(error);
            })?;
            leave_saying(&format!("{name} archived"));
            Ok(())
        }),
    );
}

/// Those that are put away, and what to do with them.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    session: Session,
    voice: Voice,
    rows: RwSignal<Vec<ArchivedCompany>>,
    load: RwSignal<Load>,
    refused: RwSignal<Option<String>>,
}

impl Archive {
    /// Reads which there are.
    pub fn read(session: Session, voice: Voice) -> Self {
        let archive =
            Self { session, voice, rows: RwSignal::default(), load: RwSignal::default(), refused: RwSignal::default() };
        archive.read_list();
        archive
    }

    /// By name.
    pub fn rows(self) -> ReadSignal<Vec<ArchivedCompany>> {
        self.rows.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Why the last change was refused.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// Reads the list, again or for the first time.
    pub fn read_list(self) {
        spawn_local(async move {
            let answer = archived_companies().await;
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

    /// Brings one back.
    pub fn restore(self, company: &ArchivedCompany) {
        self.refused.set(None);
        let (id, done) = (company.id, format!("{} restored", company.name));
        spawn_local(async move {
            let restored = self.change(Box::pin(restore_company(id)), done).await;
            self.refused.set(restored.err().map(|error| error.message));
        });
    }

    /// Deletes one for good, and closes the dialog that asks for its name. `mend`: the id of the field of the name.
    pub fn delete(self, company: CompanyId, typed: String, form: Submission, mend: &'static str) {
        let said = format!("{} deleted", typed.trim());
        form.send(
            mend,
            Box::pin(async move {
                self.change(Box::pin(delete_company(company, typed)), said).await?;
                dialog::close_around(mend);
                Ok(())
            }),
        );
    }

    async fn change(
        self,
        answer: Pin<Box<dyn Future<Output = Result<(), AppError>>>>,
        done: String,
    ) -> Result<(), AppError> {
        let answer = answer.await.inspect_err(|error| {
            self.session.heed(error);
        });
        if answer.is_ok() {
            self.voice.say(done, Tone::Good, None);
        }
        self.read_list();
        answer
    }
}
