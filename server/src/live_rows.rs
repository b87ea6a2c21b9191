//! Rows of companies as they change, and what is wrong with our app registration, loaded once for all who watch.

use std::{collections::HashMap, sync::Arc, time::Duration};

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
    store::{Store, StoreError, presence::Retreat},
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
            told: Vec::new(),
        };
        tokio::spawn(stop.run_until_cancelled_owned(follower.run()));
        Self(changes)
    }

    /// Every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
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
    /// What was said last of our app registration.
    told: Vec<PlatformNotice>,
}

impl Follower {
    async fn run(mut self) {
        let mut announced = self.store.announcements().subscribe();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut retreat = Retreat::default();
        let store = self.store.clone();
        loop {
            let outcome = tokio::select! {
                company = announced.recv() => match company {
                    Ok(company) => {
                        tokio::time::sleep(COLLECT_FOR).await;
                        let mut companies = vec![company];
                        while let Ok(company) = announced.try_recv() {
                            companies.push(company);
                        }
                        companies.sort_unstable();
                        companies.dedup();
                        store.unless_away(self.send_these(&companies)).await
                    }
                    Err(RecvError::Lagged(_)) => store.unless_away(self.send_recent()).await,
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => {
                    let sent = store.unless_away(self.send_recent()).await;
                    sent.and(store.unless_away(self.send_platform()).await)
                }
            };
            match outcome {
                Ok(()) => retreat.forget(),
                Err(error) => {
                    tracing::error!(%error, "what changed can't be loaded");
                    retreat.wait(store.presence()).await;
                }
            }
        }
    }

    async fn send_these(&mut self, companies: &[CompanyId]) -> Result<(), StoreError> {
        let rows = self.store.company_rows_of(companies).await?;
        let gone = self.store.companies_gone_of(companies).await?;
        self.send(&rows, &gone);
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

    async fn send_platform(&mut self) -> Result<(), StoreError> {
        let notices = self.platform.notices(self.clock.now()).await?;
        if notices != self.told {
            self.publish(&notices, Change::Platform);
            self.told = notices;
        }
        Ok(())
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
