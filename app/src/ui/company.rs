//! One company, as it is on the server.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{
        clock, document,
        events::{EventStream, News},
    },
    routes::CONTENT,
    session::Session,
    state::{Load, Tone, Voice},
};
use crate::{
    api::{
        companies::{accept_oddity, show_company},
        connections::sync_now,
    },
    domain::{CompanyDetails, CompanyId, CompanyRow, DataSet, DataSetStatus, OddityKind, Status, Timestamp},
    error::{AppError, ErrorCode},
};

/// How often to look whether to ask.
const TICK_MILLIS: u32 = 1_000;

/// How often to ask while data are on their way.
const ASK_SOON: std::time::Duration = std::time::Duration::from_secs(2);

/// How often to ask otherwise.
const ASK_SELDOM: std::time::Duration = std::time::Duration::from_secs(30);

/// How long a wish for a sync is believed without news of one.
const SYNC_BELIEVED: std::time::Duration = std::time::Duration::from_secs(90);

/// That somebody asked for a sync, and how the company was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    at: Timestamp,
    revision: i64,
    synced_at: Option<Timestamp>,
}

impl Wish {
    /// What came of it, to be said. None: its round has not ended yet. Each one that ends gives the row a new number, even
    /// where nothing could be read.
    fn outcome(self, details: &CompanyDetails) -> Option<(String, Tone)> {
        let CompanyRow { name, status, synced_at, revision, .. } = &details.row;
        if is_syncing(details) || *revision == self.revision {
            return None;
        }
        Some(match status {
            _ if synced_at.is_some() && *synced_at != self.synced_at => (format!("{name} synced"), Tone::Good),
            Status::NeedsReconnect { reason, .. } => (format!("{name}: {}", reason.label()), Tone::Plain),
            _ => (format!("{name}: nothing new could be read"), Tone::Plain),
        })
    }
}

/// The company, kept up to date until the owner is gone.
#[derive(Clone, Copy)]
pub struct Viewed {
    /// Which.
    pub id: CompanyId,
    session: Session,
    voice: Voice,
    details: RwSignal<Option<CompanyDetails>>,
    load: RwSignal<Load>,
    wish: RwSignal<Option<Wish>>,
    asked_at: StoredValue<Timestamp>,
    asking: StoredValue<bool>,
}

impl Viewed {
    /// Reads it, and follows it.
    pub fn follow(id: CompanyId, session: Session, voice: Voice) -> Self {
        let viewed = Self {
            id,
            session,
            voice,
            details: RwSignal::default(),
            load: RwSignal::default(),
            wish: RwSignal::default(),
            asked_at: StoredValue::new(clock::now()),
            asking: StoredValue::default(),
        };
        viewed.read();
        let this_company = id.to_string();
        let stream = EventStream::open("/api/events", move |news| match news {
            News::Company(json) if json.contains(&this_company) => viewed.read(),
            News::Opened => viewed.read(),
            News::Ping(role) => session.hear_role(&role),
            News::Company(_) | News::Platform(_) | News::Broken => {}
        });
        let stream = StoredValue::new_local(stream);
        on_cleanup(move || {
            stream.try_update_value(Option::take);
        });
        document::on_return(move || viewed.read());
        clock::every(TICK_MILLIS, move || viewed.tick());
        viewed
    }

    /// Everything about it.
    pub fn details(self) -> ReadSignal<Option<CompanyDetails>> {
        self.details.read_only()
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// How old a data set is. None: nothing is connected, and nothing was kept.
    pub fn status(self, data_set: DataSet) -> Memo<Option<DataSetStatus>> {
        let details = self.details;
        Memo::new(move |_| {
            details.with(|details| {
                details.as_ref()?.data_sets().iter().find(|status| status.data_set == data_set).cloned()
            })
        })
    }

    /// Whether it is being read, or somebody has just asked for that.
    pub fn syncing(self) -> Memo<bool> {
        let (details, wish) = (self.details, self.wish);
        Memo::new(move |_| wish.get().is_some() || details.with(|details| details.as_ref().is_some_and(is_syncing)))
    }

    /// Makes its sync due now.
    pub fn sync(self) {
        let known = |details: &CompanyDetails| (details.row.revision, details.row.synced_at);
        let (revision, synced_at) =
            self.details.with_untracked(|details| details.as_ref().map(known)).unwrap_or_default();
        self.wish.set(Some(Wish { at: clock::now(), revision, synced_at }));
        spawn_local(async move {
            if let Err(error) = sync_now(self.id).await {
                self.session.heed(&error);
                self.wish.try_set(None);
                self.voice.say(error.message, Tone::Plain, Some(self.id));
            }
            self.read();
        });
    }

    /// Says of something odd that it is meant so.
    pub fn accept(self, kind: OddityKind, seen: String) {
        spawn_local(async move {
            let words = match accept_oddity(self.id, kind, seen).await {
                Ok(()) => {
                    // The button is about to go.
                    document::focus_in_place(CONTENT);
                    let is_name = kind == OddityKind::TenantRenamed;
                    if is_name { "The new name is kept" } else { "Marked as intended" }.to_owned()
                }
                Err(error) => {
                    self.session.heed(&error);
                    error.message
                }
            };
            self.voice.say(words, Tone::Plain, Some(self.id));
            self.read();
        });
    }

    /// Asks the server.
    pub fn read(self) {
        if self.asking.try_get_value() != Some(false) {
            return;
        }
        self.asking.set_value(true);
        self.asked_at.set_value(clock::now());
        spawn_local(async move {
            let answer = show_company(self.id).await;
            if self.asking.try_set_value(false).is_some() {
                return;
            }
            self.take(answer);
        });
    }

    fn take(self, answer: Result<CompanyDetails, AppError>) {
        self.voice.set_reachable(answer.as_ref().err().is_none_or(|error| error.code != ErrorCode::Offline));
        match answer {
            Ok(details) => {
                if let Some((words, tone)) = self.wish.get_untracked().and_then(|wish| wish.outcome(&details)) {
                    self.wish.set(None);
                    self.voice.say(words, tone, Some(self.id));
                }
                self.details.maybe_update(|known| {
                    let is_news = known.as_ref() != Some(&details);
                    *known = Some(details);
                    is_news
                });
                if self.load.with_untracked(|load| *load != Load::Done) {
                    self.load.set(Load::Done);
                }
            }
            Err(error) => {
                self.session.heed(&error);
                // What is shown stays: it has its date.
                if self.load.with_untracked(|load| *load != Load::Done) {
                    self.load.set(Load::Failed(error));
                }
            }
        }
    }

    fn tick(self) {
        let now = clock::now();
        if self.wish.get_untracked().is_some_and(|wish| now.since(wish.at) > SYNC_BELIEVED) {
            self.wish.set(None);
        }
        let is_coming = self.wish.get_untracked().is_some()
            || self.details.with_untracked(|details| {
                details.as_ref().is_some_and(|details| is_syncing(details) || details.row.status.in_flux())
            });
        let pause = if is_coming { ASK_SOON } else { ASK_SELDOM };
        if !document::is_hidden() && now.since(self.asked_at.get_value()) >= pause {
            self.read();
        }
    }
}

fn is_syncing(details: &CompanyDetails) -> bool {
    details.row.first_sync || details.connection.as_ref().is_some_and(|connection| connection.syncing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ReconnectReason, ui::state::rows::tests::row};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const LATER: Timestamp = Timestamp::from_millis(1_700_000_001_000);

    #[test]
    fn a_wish_ends_with_its_round_whatever_that_found() {
        let said = |status: Status, revision, synced_at, first_sync| {
            let row = CompanyRow { synced_at: Some(synced_at), first_sync, ..row(1, "Contoso", status, revision) };
            let details = CompanyDetails { row, connection: None, disconnection: None, oddities: Vec::new() };
            let wish = Wish { at: NOW, revision: 5, synced_at: Some(NOW) };
            wish.outcome(&details).map(|(words, _)| words)
        };
        let lost = || Status::NeedsReconnect { reason: ReconnectReason::SignInExpired, since: NOW };
        assert_eq!(said(lost(), 5, NOW, false), None, "as it was");
        assert_eq!(said(Status::Connected, 6, LATER, true), None, "still under way");
        assert_eq!(said(Status::Connected, 6, LATER, false).as_deref(), Some("Contoso synced"));
        assert_eq!(said(lost(), 6, NOW, false).as_deref(), Some("Contoso: The sign-in expired"));
        let words = said(Status::Connected, 6, NOW, false);
        assert_eq!(words.as_deref(), Some("Contoso: nothing new could be read"));
    }
}
