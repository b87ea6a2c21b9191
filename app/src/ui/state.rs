//! What the pages show: the companies, and what is to be said about them.

pub mod announcement;
pub mod handover;
pub mod messages;
pub mod rows;
pub mod selection;
pub mod submission;
pub mod voice;

use std::sync::Arc;

use leptos::prelude::*;

pub use self::{
    handover::{Handover, Making},
    messages::{Messages, Tone},
    rows::{Entry, Rows, Wish},
    selection::Selection,
    submission::Submission,
    voice::Voice,
};
use crate::{
    api::companies::{CompanyChanges, CompanyList, Setup},
    domain::{CompanyId, CompanyRow, PlatformNotice, Progress, Status},
    error::AppError,
    ui::browser::{clock, locale},
};

/// Whether the list is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// It is on its way.
    #[default]
    Loading,
    /// It is there.
    Done,
    /// It could not be read.
    Failed(AppError),
}

/// The companies, shared by everything on the page.
#[derive(Clone, Copy, Debug)]
pub struct Companies {
    voice: Voice,
    rows: RwSignal<Rows>,
    load: RwSignal<Load>,
    setup: RwSignal<Setup>,
    platform: RwSignal<Vec<PlatformNotice>>,
    part_of: RwSignal<Option<Progress>>,
    cursor: StoredValue<i64>,
    returned_from: StoredValue<Option<CompanyId>>,
    on_tied: StoredValue<Option<Callback<CompanyId>>>,
}

impl Companies {
    /// None yet.
    pub fn new(voice: Voice) -> Self {
        Self {
            voice,
            rows: RwSignal::new(Rows::new(locale::decompose)),
            load: RwSignal::default(),
            setup: RwSignal::default(),
            platform: RwSignal::default(),
            part_of: RwSignal::default(),
            cursor: StoredValue::default(),
            returned_from: StoredValue::default(),
            on_tied: StoredValue::default(),
        }
    }

    /// The rows, by name.
    pub fn rows(self) -> ReadSignal<Rows> {
        self.rows.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Whether companies can be connected at all.
    pub fn setup(self) -> ReadSignal<Setup> {
        self.setup.read_only()
    }

    /// Calls this with each company that is connected by what the person did here.
    pub fn on_tied(self, tied: Callback<CompanyId>) {
        self.on_tied.set_value(Some(tied));
    }

    /// What is wrong with our own app registration.
    pub fn platform(self) -> ReadSignal<Vec<PlatformNotice>> {
        self.platform.read_only()
    }

    /// Takes what is wrong with our own app registration.
    pub fn set_platform(self, notices: Vec<PlatformNotice>) {
        if self.platform.with_untracked(|known| *known != notices) {
            self.platform.set(notices);
        }
    }

    /// The `since` of the next question for changes.
    pub fn cursor(self) -> i64 {
        self.cursor.get_value()
    }

    /// The list is being read, again or for the first time.
    pub fn set_loading(self) {
        self.load.set(Load::Loading);
    }

    /// How many companies there are, while the rows are but the first of them.
    pub fn part_of(self) -> ReadSignal<Option<Progress>> {
        self.part_of.read_only()
    }

    /// Takes the list, or the beginning of it, or why there is none.
    pub fn set_list(self, list: Result<CompanyList, AppError>) {
        match list {
            Ok(list) => {
                self.cursor.set_value(list.cursor);
                self.setup.set(list.setup);
                self.set_platform(list.platform);
                self.rows.update(|rows| rows.replace(list.rows));
                // Said twice, the page would be made anew.
                if self.load.with_untracked(|load| *load != Load::Done) {
                    self.load.set(Load::Done);
                }
                self.part_of.set(list.part_of);
                if list.part_of.is_none() {
                    self.say_return();
                }
            }
            Err(error) => self.load.set(Load::Failed(error)),
        }
    }

    /// Takes an answer to the question for changes.
    pub fn set_changes(self, changes: CompanyChanges) {
        self.cursor.set_value(changes.cursor);
        self.set_platform(changes.platform);
        // First: one that came back meanwhile is among the rows.
        self.change(|rows| rows.remove(&changes.gone));
        self.merge(changes.rows);
    }

    /// Takes rows as they are now, and says what the person's own clicks led to.
    pub fn merge(self, rows: Vec<CompanyRow>) {
        // Most answers hold nothing new, and a write that changes nothing would make the whole page think again.
        let changes = self.rows.try_maybe_update(|known| {
            let (before, changes) = (known.all().len(), known.merge(rows));
            (!changes.is_empty() || known.all().len() != before, changes)
        });
        for change in changes.unwrap_or_default() {
            let (before, after) = (&change.before.row, &change.after);
            let is_tied = before.tenant.is_none() && after.row.tenant.is_some();
            if is_tied
                && after.deed == Some(Wish::SignIn)
                && let Some(on_tied) = self.on_tied.get_value()
            {
                on_tied.run(after.row.id);
            }
            // Of many that were synced at once, nothing is said of each.
            let Some(deed) = after.deed else { continue };
            if let (Some(Wish::Sync), Status::NeedsReconnect { reason, .. }) = (change.before.wish(), &after.row.status)
            {
                let text = format!("{}: {}", after.row.name, reason.label());
                self.say(text, Tone::Plain, Some(after.row.id));
            } else {
                self.announce(deed, before, &after.row);
            }
        }
    }

    /// This tab was at Microsoft to connect a company, and is back. What came of it is said once the list is there.
    pub fn returned_from(self, id: CompanyId) {
        self.returned_from.set_value(Some(id));
    }

    fn say_return(self) {
        let Some(id) = self.returned_from.try_update_value(Option::take).flatten() else { return };
        self.change(|rows| rows.did(id, Wish::SignIn));
        if let Some(entry) = self.entry_untracked(id) {
            let before = CompanyRow { status: Status::NotConnected, ..entry.row.clone() };
            self.announce(Wish::SignIn, &before, &entry.row);
        }
    }

    fn announce(self, deed: Wish, before: &CompanyRow, after: &CompanyRow) {
        if let Some(words) = announcement::announcement(deed, before, after, clock::now()) {
            let tone = if after.status.counts_as_connected() { Tone::Good } else { Tone::Plain };
            self.say(words, tone, Some(after.id));
        }
    }

    /// Notes what the person did with a row, and shows it before the server confirms it.
    pub fn wish(self, id: CompanyId, wish: Wish) {
        self.change(|rows| rows.wish(id, wish, clock::now()));
    }

    /// The same for the sync of many. Answers which of them are connected: the others are left out.
    pub fn wish_syncs(self, ids: &[CompanyId]) -> Vec<CompanyId> {
        self.rows.try_update(|rows| rows.wish_syncs(ids, clock::now())).unwrap_or_default()
    }

    /// Shows a row as the server says again: the wish was refused.
    pub fn forget_wish(self, id: CompanyId) {
        self.change(|rows| rows.forget_wish(id));
    }

    /// Forgets the wishes that the server did not confirm in time.
    pub fn forget_overdue_wishes(self) {
        for id in self.rows.with_untracked(|rows| rows.overdue_wishes(clock::now())) {
            self.forget_wish(id);
        }
    }

    /// Whether news is expected within minutes.
    pub fn in_flux(self) -> bool {
        self.rows.with_untracked(Rows::in_flux)
    }

    /// The company of this id, as it is now. Does not subscribe.
    pub fn entry_untracked(self, id: CompanyId) -> Option<Arc<Entry>> {
        self.rows.with_untracked(|rows| rows.get(id))
    }

    /// Notes whether the server answers.
    pub fn set_reachable(self, reachable: bool) {
        self.voice.set_reachable(reachable);
    }

    /// Says something politely, where a screen reader reads it out.
    pub fn say(self, text: impl Into<String>, tone: Tone, about: Option<CompanyId>) {
        self.voice.say(text, tone, about);
    }

    fn change(self, change: impl FnOnce(&mut Rows) -> bool) {
        self.rows.maybe_update(change);
    }
}
