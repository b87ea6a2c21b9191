//! Rows of companies as they change, and what is wrong with our app registration, loaded once for all who watch.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use app::{
    api::companies::Gone,
    domain::{CompanyId, CompanyRow, PlatformNotice, Timestamp},
};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    platform::Platform,
    store::{Announcement, Store, StoreError, presence::Retreat},
};

/// How long announcements are collected, so that a burst is loaded once.
const COLLECT_FOR: Duration = Duration::from_millis(30);

/// How often to look for changes that nobody announced here: another process wrote them into SQLite, or the
/// connection that hears of them was lost for a while.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How far back to look. Longer than any transaction takes from writing its time to being seen.
const LOOK_BACK: Duration = Duration::from_secs(10);

/// How many rows may wait for a slow watcher.
const BACKLOG: usize = 1_024;

/// Something that changed, as JSON.
#[derive(Clone, Debug)]
pub enum Change {
    /// A company's row.
    Company(Arc<str>),
    /// What is wrong with our app registration, all of it.
    Platform(Arc<str>),
}

/// Rows as they change.
#[derive(Clone)]
pub struct LiveRows(broadcast::Sender<Change>);

impl LiveRows {
    /// Begins to follow the store, until `stop`.
    pub fn follow(store: Store, clock: Arc<dyn Clock>, platform: Platform, stop: CancellationToken) -> Self {
        let changes = broadcast::Sender::new(BACKLOG);
        let follower = Follower {
            since: clock.now(),
            store,
            clock,
            platform,
            changes: changes.clone(),
            sent: HashMap::new(),
            told: None,
        };
        tokio::spawn(stop.run_until_cancelled_owned(follower.run()));
        Self(changes)
    }

    /// Every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}

/// Announcements that came shortly after one another.
#[derive(Default)]
struct Burst {
    companies: BTreeSet<CompanyId>,
    platform: bool,
}

impl Burst {
    fn add(&mut self, changed: Announcement) {
        match changed {
            Announcement::Company(company) => drop(self.companies.insert(company)),
            Announcement::Platform => self.platform = true,
        }
    }
}

struct Follower {
    store: Store,
    clock: Arc<dyn Clock>,
    platform: Platform,
    changes: broadcast::Sender<Change>,
    since: Timestamp,
    /// The revision of each row that was sent last, as far as it is recent.
    sent: HashMap<CompanyId, i64>,
    /// What was said last of our app registration, unless something may have been left unsaid since.
    told: Option<Vec<PlatformNotice>>,
}

impl Follower {
    async fn run(mut self) {
        let mut announced = self.store.announcements().subscribe();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut retreat = Retreat::default();
        let store = self.store.clone();
        loop {
            let outcome = tokio::select! {
                changed = announced.recv() => match changed {
                    Ok(changed) => {
                        tokio::time::sleep(COLLECT_FOR).await;
                        let mut burst = Burst::default();
                        burst.add(changed);
                        while let Ok(changed) = announced.try_recv() {
                            burst.add(changed);
                        }
                        store.unless_away(self.send_these(&burst)).await
                    }
                    Err(RecvError::Lagged(_)) => store.unless_away(self.send_all()).await,
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => store.unless_away(self.send_news()).await,
            };
            match outcome {
                Ok(()) => retreat.forget(),
                Err(error) => {
                    tracing::error!(%error, "what changed can't be loaded");
                    self.told = None;
                    retreat.wait(store.presence()).await;
                }
            }
        }
    }

    /// What was announced. Of our app registration also where it is as it was: pages may have been answered meanwhile.
    async fn send_these(&mut self, burst: &Burst) -> Result<(), StoreError> {
        if burst.platform {
            let notices = self.platform_notices().await?;
            self.tell_platform(notices);
        }
        if !burst.companies.is_empty() {
            let companies: Vec<CompanyId> = burst.companies.iter().copied().collect();
            let rows = self.store.company_rows_of(&companies).await?;
            let gone = self.store.companies_gone_of(&companies).await?;
            self.send(&rows, &gone);
        }
        Ok(())
    }

    /// What nobody announced here.
    async fn send_news(&mut self) -> Result<(), StoreError> {
        self.send_recent().await?;
        let notices = self.platform_notices().await?;
        if self.told.as_ref() != Some(&notices) {
            self.tell_platform(notices);
        }
        Ok(())
    }

    /// Whatever may have been announced.
    async fn send_all(&mut self) -> Result<(), StoreError> {
        self.send_recent().await?;
        let notices = self.platform_notices().await?;
        self.tell_platform(notices);
        Ok(())
    }

    async fn send_recent(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        // The clock may have been put back.
        let since = self.since.min(now.minus(LOOK_BACK));
        let rows = self.store.company_rows_since(since).await?;
        let gone = self.store.companies_gone_since(since).await?;
        self.since = now.minus(LOOK_BACK);
        if rows.is_empty() && gone.is_empty() {
            self.sent.clear();
        }
        self.send(&rows, &gone);
        Ok(())
    }

    async fn platform_notices(&self) -> Result<Vec<PlatformNotice>, StoreError> {
        self.platform.notices(self.clock.now()).await
    }

    fn tell_platform(&mut self, notices: Vec<PlatformNotice>) {
        self.publish(&notices, Change::Platform);
        self.told = Some(notices);
    }

    fn send(&mut self, rows: &[CompanyRow], gone: &[Gone]) {
        for row in rows {
            self.send_one(row.id, row.revision, row);
        }
        // No row: a page that is told so asks what changed.
        for gone in gone {
            self.send_one(gone.id, gone.revision, gone);
        }
    }

    fn send_one(&mut self, id: CompanyId, revision: i64, what: &impl Serialize) {
        if self.sent.insert(id, revision) != Some(revision) {
            self.publish(what, Change::Company);
        }
    }

    fn publish(&self, what: &impl Serialize, change: fn(Arc<str>) -> Change) {
        match serde_json::to_string(what) {
            // Nobody watching is fine.
            Ok(json) => drop(self.changes.send(change(json.into()))),
            Err(error) => tracing::error!(%error, "a change can't be written"),
        }
    }
}
