//! Companies that were selected on the page M365 companies, and what is done to all of them.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{location, selected, session_storage},
    routes::{CONTENT, Page},
    session::Session,
    state::{Load, Submission},
};
use crate::{
    api::selections::{Farewell, SelectedTags, archive_selected, before_archiving, retag_selected, tags_of_selected},
    domain::{CompanyId, selection::parse_ids},
    error::AppError,
};

/// Where a page leaves what the page M365 companies is to say.
const LAST_WORDS: &str = "last-words";

/// The companies that were selected.
pub fn selected() -> Vec<CompanyId> {
    session_storage::get(selected::KEY).map(|ids| parse_ids(&ids)).unwrap_or_default()
}

/// What the page before this one wanted said.
pub fn last_words() -> Option<String> {
    session_storage::take(LAST_WORDS)
}

/// Leaves for the page M365 companies, which says this.
pub fn leave_saying(words: &str) {
    session_storage::put(LAST_WORDS, words);
    location::leave_for(&Page::HOME.path());
}

/// Companies that are given tags.
#[derive(Clone, Copy, Debug)]
pub struct Tagging {
    session: Session,
    companies: StoredValue<Vec<CompanyId>>,
    tags: RwSignal<SelectedTags>,
    load: RwSignal<Load>,
    /// Whether it is on its way.
    pub form: Submission,
}

impl Tagging {
    /// Reads which tags they have.
    pub fn read(companies: Vec<CompanyId>, session: Session) -> Self {
        let tagging = Self {
            session,
            companies: StoredValue::new(companies),
            tags: RwSignal::default(),
            load: RwSignal::default(),
            form: Submission::default(),
        };
        tagging.read_again();
        tagging
    }

    /// The tags that they have.
    pub fn tags(self) -> ReadSignal<SelectedTags> {
        self.tags.read_only()
    }

    /// Whether they are there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Reads them, again or for the first time.
    pub fn read_again(self) {
        spawn_local(async move {
            let answer = tags_of_selected(self.companies.get_value()).await;
            take(answer, self.tags, self.load, self.session);
        });
    }

    /// Adds and removes tags, each list with commas between them, and leaves. `mend`: the id of the field for those that
    /// are added.
    pub fn save(self, mend: &'static str, add: String, remove: String) {
        let companies = self.companies.get_value();
        self.form.send(
            mend,
            Box::pin(async move {
                let words = retag_selected(companies, add, remove).await.inspect_err(|error| {
                    self.session.heed(error);
                })?;
                leave_saying(&words);
                Ok(())
            }),
        );
    }
}

/// Companies that are put away.
#[derive(Clone, Copy, Debug)]
pub struct Archiving {
    session: Session,
    companies: StoredValue<Vec<CompanyId>>,
    farewell: RwSignal<Farewell>,
    load: RwSignal<Load>,
    /// Whether it is on its way.
    pub form: Submission,
}

impl Archiving {
    /// Reads what would become of them.
    pub fn read(companies: Vec<CompanyId>, session: Session) -> Self {
        let archiving = Self {
            session,
            companies: StoredValue::new(companies),
            farewell: RwSignal::default(),
            load: RwSignal::default(),
            form: Submission::default(),
        };
        archiving.read_again();
        archiving
    }

    /// What would become of them.
    pub fn farewell(self) -> ReadSignal<Farewell> {
        self.farewell.read_only()
    }

    /// Whether that is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Reads it, again or for the first time.
    pub fn read_again(self) {
        spawn_local(async move {
            let answer = before_archiving(self.companies.get_value()).await;
            take(answer, self.farewell, self.load, self.session);
        });
    }

    /// Puts them away, and leaves.
    pub fn archive(self) {
        let companies = self.companies.get_value();
        self.form.send(
            CONTENT,
            Box::pin(async move {
                let words = archive_selected(companies).await.inspect_err(|error| {
                    self.session.heed(error);
                })?;
                leave_saying(&words);
                Ok(())
            }),
        );
    }
}

fn take<T: Send + Sync + 'static>(
    answer: Result<T, AppError>,
    shown: RwSignal<T>,
    load: RwSignal<Load>,
    session: Session,
) {
    // The page may be gone by now.
    if load.try_get_untracked().is_none() {
        return;
    }
    match answer {
        Ok(answer) => {
            shown.set(answer);
            load.set(Load::Done);
        }
        Err(error) => {
            session.heed(&error);
            load.set(Load::Failed(error));
        }
    }
}
