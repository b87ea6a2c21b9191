//! Whether the database can be used, looked at all the time; and what to do while it can't.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait as _, DbBackend, DbErr, RuntimeErr,
    sqlx::{
        self, Executor as _,
        postgres::{PgListener, PgPool, PgPoolOptions},
    },
};
use tokio::{
    sync::{Notify, watch},
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Store, StoreError,
    announcements::{Announcement, CHANNEL},
};

/// How often it is looked whether the database can be used.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether SQLite can write, as long as it can: that writes a page.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// How long PostgreSQL may take to say that it is there. A connection that was cut says nothing at all, for a quarter of an
/// hour.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(4);

/// How long to wait after the first failure, and after many.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What keeps the database from doing what it is asked, whatever that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer.
    Away,
    /// There is no room for anything new.
    Full,
    /// It may not be written to.
    ReadOnly,
    /// Its disk fails.
    Disk,
}

impl Trouble {
    /// What is wrong, and what to do.
    pub const fn say(self) -> &'static str {
        match self {
            Self::Away => {
                "The database does not answer. Whoever runs Tenantry has to see that it runs and can be reached."
            }
            Self::Full => {
                "The database's disk is full. What is there can be read; nothing can be saved until whoever runs \
                 Tenantry makes room."
            }
            Self::ReadOnly => {
                "The database can't be written to. What is there can be read; nothing can be saved until whoever runs \
                 Tenantry makes its disk writable."
            }
            Self::Disk => {
                "The database's disk fails. What can be read is shown; whoever runs Tenantry has to look at the disk."
            }
        }
    }

    /// The same, where nothing has started yet: to whoever runs Tenantry.
    pub const fn say_at_start(self) -> &'static str {
        match self {
            Self::Away => "The database does not answer. See that it runs and can be reached, then start again.",
            Self::Full => "The database's disk is full. Make room, then start again.",
            Self::ReadOnly => "The database can't be written to. Make its disk writable, then start again.",
            Self::Disk => {
                "The database's disk fails, or its file may not be opened. See that the user who runs Tenantry may write \
                 that file and its folder, then start again."
            }
        }
    }
}

impl StoreError {
    /// What is wrong with the database, if it is not what it was asked.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Away => Some(Trouble::Away),
            Self::Database(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed)) => {
                Some(Trouble::Away)
            }
            Self::Database(
                DbErr::Conn(RuntimeErr::SqlxError(error))
                | DbErr::Exec(RuntimeErr::SqlxError(error))
                | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => trouble_of(error),
            _ => None,
        }
    }
}

fn trouble_of(error: &sqlx::Error) -> Option<Trouble> {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(Trouble::Away),
        sqlx::Error::Database(error) => error.code().and_then(|code| trouble_of_code(&code)),
        _ => None,
    }
}

/// PostgreSQL's codes have five characters, SQLite's are numbers whose lowest byte is the kind.
fn trouble_of_code(code: &str) -> Option<Trouble> {
    if code.len() == 5 {
        return match code {
            // It stops, starts, has no place for us, or ended a transaction that a cut left open.
            "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03" => Some(Trouble::Away),
            code if code.starts_with("08") => Some(Trouble::Away),
            "53100" => Some(Trouble::Full),
            "25006" => Some(Trouble::ReadOnly),
            "58030" => Some(Trouble::Disk),
            _ => None,
        };
    }
    match code.parse::<u32>().ok()? & 0xff {
        // Somebody else holds its lock.
        5 | 6 => Some(Trouble::Away),
        8 => Some(Trouble::ReadOnly),
        10 | 14 => Some(Trouble::Disk),
        13 => Some(Trouble::Full),
        _ => None,
    }
}

/// What is known of the database. Cheap to clone.
#[derive(Clone)]
pub struct Presence {
    trouble: watch::Sender<Option<Trouble>>,
    look: Arc<Notify>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { trouble: watch::Sender::new(None), look: Arc::default() }
    }
}

impl Presence {
    /// What is wrong with it, if anything is.
    pub fn trouble(&self) -> Option<Trouble> {
        *self.trouble.borrow()
    }

    /// Something could not be stored: it is to be looked now why.
    pub fn look(&self) {
        self.look.notify_one();
    }

    /// Whether it does not answer.
    pub fn is_away(&self) -> bool {
        self.trouble() == Some(Trouble::Away)
    }

    /// Resolves when it does not answer.
    pub async fn gone(&self) {
        self.wait_for(|trouble| trouble == Some(Trouble::Away)).await;
    }

    /// Resolves when it answers.
    pub async fn back(&self) {
        self.wait_for(|trouble| trouble != Some(Trouble::Away)).await;
    }

    async fn wait_for(&self, wanted: impl Fn(Option<Trouble>) -> bool) {
        // Nobody closes it.
        drop(self.trouble.subscribe().wait_for(|trouble| wanted(*trouble)).await);
    }

    /// Notes what a look showed, and says so when it is something else.
    fn note(&self, seen: Option<Trouble>) {
        let changed = self.trouble.send_if_modified(|known| std::mem::replace(known, seen) != seen);
        match seen {
            _ if !changed => {}
            Some(trouble) => tracing::error!("{}", trouble.say()),
            None => tracing::info!("the database can be used again"),
        }
    }
}

/// How a loop goes on after the database refused: ever more slowly, and at once when one that was away is back.
#[derive(Default)]
pub struct Retreat {
    failures: u32,
}

impl Retreat {
    /// It worked.
    pub const fn forget(&mut self) {
        self.failures = 0;
    }

    /// It did not. Waits as long as is decent.
    pub async fn wait(&mut self, presence: &Presence) {
        let pause = pause_after(self.failures);
        self.failures = self.failures.saturating_add(1);
        match presence.trouble() {
            Some(Trouble::Away) => presence.back().await,
            Some(_) => drop(timeout(pause, presence.wait_for(|trouble| trouble.is_none())).await),
            None => sleep(pause).await,
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(failures.min(8))).min(LONGEST_PAUSE)
}

impl Store {
    /// What is known of the database.
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// What is asked of the database, given up when that does not answer any more: a connection that was cut would be
    /// waited for much longer.
    pub async fn unless_away<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        tokio::select! {
            biased;
            () = self.presence.gone() => Err(StoreError::Away),
            done = work => done,
        }
    }

    /// Looks whether the database can be used, until `stop`. On PostgreSQL also passes on what other processes announce.
    pub async fn watch(&self, stop: CancellationToken) {
        let watch = async {
            if self.engine() == DbBackend::Postgres {
                self.watch_postgres().await;
            } else {
                self.watch_sqlite().await;
            }
        };
        stop.run_until_cancelled(watch).await;
    }

    async fn watch_postgres(&self) {
        let pool: &PgPool = self.writer.get_postgres_connection_pool();
        // Connections of their own: those of the pool may all be busy, which is no trouble.
        let one = || {
            let options = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(ANSWERS_WITHIN)
                .idle_timeout(None)
                .max_lifetime(None);
            options.connect_lazy_with(pool.connect_options().as_ref().clone())
        };
        loop {
            let Err(error) = self.listen(&one()).await;
            tracing::warn!(%error, "what other servers announce is not heard; trying again");
            // It may answer all the same: something between does not pass announcements on.
            let answer = timeout(ANSWERS_WITHIN, one().execute("SELECT 1")).await;
            let answers = matches!(answer, Ok(Ok(_)));
            self.presence.note((!answers).then_some(Trouble::Away));
            sleep(if answers { LOOK_EVERY } else { FIRST_PAUSE }).await;
        }
    }

    /// Listens for as long as the database answers.
    async fn listen(&self, one: &PgPool) -> Result<std::convert::Infallible, sqlx::Error> {
        let silent = |_| sqlx::Error::PoolTimedOut;
        let connect = async {
            let mut listener = PgListener::connect_with(one).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        let mut listener = timeout(ANSWERS_WITHIN, connect).await.map_err(silent)??;
        listener.eager_reconnect(false);
        self.presence.note(None);
        // It may have come and gone while nothing was heard.
        self.announcements.publish(Announcement::Platform);
        let mut look = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard? {
                    Some(heard) => self.announcements.pass_on(heard.payload()),
                    None => return Err(sqlx::Error::PoolClosed),
                },
                _ = look.tick() => {
                    timeout(ANSWERS_WITHIN, listener.execute("SELECT 1")).await.map_err(silent)??;
                    while let Some(heard) = listener.next_buffered() {
                        self.announcements.pass_on(heard.payload());
                    }
                }
            }
        }
    }

    async fn watch_sqlite(&self) {
        loop {
            let seen = self.try_to_write().await.err().and_then(|error| error.trouble());
            self.presence.note(seen.filter(|trouble| *trouble != Trouble::Away));
            let next = if seen.is_some() { LOOK_EVERY } else { WRITE_EVERY };
            // Until then, or sooner if somebody asks.
            drop(timeout(next, self.presence.look.notified()).await);
        }
    }

    /// Writes a number that nobody reads. (A row that is as it was would not be written.)
    async fn try_to_write(&self) -> Result<(), StoreError> {
        self.writer.execute_unprepared("PRAGMA user_version = 0").await?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_long_write_is_no_trouble_for_who_reads() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("tenantry.db").display());
        let store = Store::open(&url, Arc::new(SystemClock)).await.unwrap();
        let writing = store.begin().await.unwrap();
        timeout(Duration::from_secs(2), store.ping()).await.unwrap().unwrap();
        drop(writing);
        store.close().await.unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_database_is_told_by_its_code() {
        for (code, trouble) in [
            ("57P01", Some(Trouble::Away)),
            ("08006", Some(Trouble::Away)),
            ("53100", Some(Trouble::Full)),
            ("25006", Some(Trouble::ReadOnly)),
            // A broken rule is somebody's question.
            ("23505", None),
            ("13", Some(Trouble::Full)),
            ("8", Some(Trouble::ReadOnly)),
            ("1032", Some(Trouble::ReadOnly)),
            ("778", Some(Trouble::Disk)),
            ("2067", None),
        ] {
            assert_eq!(trouble_of_code(code), trouble, "{code}");
        }
    }

    #[test]
    fn a_loop_waits_ever_longer_up_to_a_limit() {
        assert_eq!(pause_after(0), FIRST_PAUSE);
        assert_eq!(pause_after(2), FIRST_PAUSE * 4);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }

    #[tokio::test]
    async fn a_loop_goes_on_at_once_when_the_database_is_back() {
        let presence = Presence::default();
        presence.note(Some(Trouble::Away));
        presence.gone().await;
        let mut retreat = Retreat { failures: u32::MAX };
        let waiting = retreat.wait(&presence);
        let back = async {
            tokio::task::yield_now().await;
            presence.note(None);
        };
        let both = timeout(LONGEST_PAUSE / 2, futures::future::join(waiting, back)).await;
        assert!(both.is_ok(), "it did not wait for the longest pause");
    }
}
