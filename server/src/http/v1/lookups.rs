//! Looks tokens up: once for all who come with one at the same time. The database is asked each time, for the token or, for
//! the list of companies, whether anything was written since it was asked for that.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::domain::Timestamp;
use tokio::sync::Semaphore;

use super::tokens::Program;
use crate::{
    fresh::FreshOf,
    store::{StoreError, sessions::TokenHash, visible::Visible},
};

/// How many tokens are looked up at once that are not known to be good.
const NEWCOMERS: usize = 4;

/// How many tokens are remembered to be good.
const GOOD: usize = 1_000;

/// How long what was looked up is good for, if nothing is written meanwhile: the time alone changes things too. So long, too,
/// it may name a state of the companies that another look has given another name.
const HOLDS: Duration = Duration::from_secs(1);

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The token.
    pub token: TokenHash,
    /// Whether it comes for the list of companies: then its state is looked up too.
    pub lists_companies: bool,
}

impl Wanted {
    /// All that one token can come for.
    fn of(token: TokenHash) -> [Self; 2] {
        [true, false].map(|lists_companies| Self { token, lists_companies })
    }
}

/// What is known of tokens.
pub struct Lookups {
    /// What is being looked up.
    shared: FreshOf<Wanted, Option<Program>>,
    /// What was good when it was looked up last.
    good: Mutex<HashMap<Wanted, Seen>>,
    /// Places for the others: whoever makes tokens up waits for others who do, and holds up nobody else.
    newcomers: Semaphore,
}

/// What somebody was told who looked.
#[derive(Clone)]
struct Seen {
    program: Program,
    at: Timestamp,
    /// What could be seen before the look, if that is known. What could be seen after it may be more than it showed.
    visible: Option<Visible>,
}

impl Seen {
    /// Whether it is so still, if nothing was written since.
    fn holds(&self, now: Timestamp) -> bool {
        self.at <= now && now.since(self.at) < HOLDS && now < self.program.token.expires
    }
}

impl Default for Lookups {
    fn default() -> Self {
        Self { shared: FreshOf::default(), good: Mutex::default(), newcomers: Semaphore::new(NEWCOMERS) }
    }
}

impl Lookups {
    /// Whoever comes with a token, if it can be used now: by `look_up`, unless that was done a moment ago, and nothing was
    /// written since, which `visible` shows and costs less.
    pub async fn get(
        &self,
        wanted: Wanted,
        clock: impl Fn() -> Timestamp,
        visible: impl AsyncFnOnce() -> Result<Option<Visible>, StoreError>,
        look_up: impl AsyncFnOnce() -> Result<Option<Program>, StoreError>,
    ) -> Result<Option<Program>, StoreError> {
        // In a box: most are told by somebody who looks it up, and looking it up is large.
        let look = || {
            Box::pin(async {
                // Nobody closes it.
                let _place = if self.is_good(wanted.token) { None } else { self.newcomers.acquire().await.ok() };
                let now = clock();
                // Who asks for something else asks the database for more than this would spare it.
                let held = self.good().get(&wanted).filter(|seen| wanted.lists_companies && seen.holds(now)).cloned();
                let visible = if held.is_some() { visible().await? } else { None };
                if let Some(held) = held
                    && visible.is_some()
                    && visible == held.visible
                {
                    return Ok(Some(held.program));
                }
                let found = look_up().await?;
                self.note(wanted, found.clone().map(|program| Seen { program, at: now, visible }));
                Ok(found)
            })
        };
        self.shared.get(&wanted, async || look().await).await
    }

    fn is_good(&self, token: TokenHash) -> bool {
        let good = self.good();
        Wanted::of(token).iter().any(|wanted| good.contains_key(wanted))
    }

    fn good(&self) -> MutexGuard<'_, HashMap<Wanted, Seen>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, wanted: Wanted, seen: Option<Seen>) {
        let mut good = self.good();
        match seen {
            Some(seen) => {
                if good.len() >= GOOD && !good.contains_key(&wanted) {
                    good.clear();
                }
                good.insert(wanted, seen);
            }
            None => {
                for wanted in Wanted::of(wanted.token) {
                    good.remove(&wanted);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicU32, Ordering},
    };

    use app::domain::{AccountId, ApiTokenId, Me, Role};
    use uuid::Uuid;

    use super::*;
    use crate::store::api_tokens::ApiToken;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn wanted(number: u8) -> Wanted {
        Wanted { token: [number; 32], lists_companies: true }
    }

    fn program(expires: Timestamp) -> Program {
        let me = Me {
            id: AccountId::from_uuid(Uuid::nil()),
            email: "owner@msp.example".to_owned(),
            name: "Owner".to_owned(),
            role: Role::Owner,
            has_password: true,
        };
        let token =
            ApiToken { id: ApiTokenId::from_uuid(Uuid::nil()), name: "PSA".to_owned(), scopes: Vec::new(), expires };
        Program::of(me, token, None)
    }

    #[tokio::test]
    async fn who_makes_tokens_up_holds_nobody_up_whose_token_is_good() {
        let lookups = Lookups::default();
        let known = program(NOW.plus(2 * HOLDS));
        lookups.note(wanted(0), Some(Seen { program: known, at: NOW, visible: None }));
        let nothing = async || Ok(None);
        let made_up = (1..20).map(|number| lookups.get(wanted(number), || NOW, nothing, pending));
        let mut made_up = futures::future::join_all(made_up);
        for _ in 0..20 {
            assert!(futures::poll!(&mut made_up).is_pending());
        }
        assert_eq!(lookups.newcomers.available_permits(), 0);
        // It was good for the list; that it is used for something else for the first time changes nothing.
        let other = Wanted { lists_companies: false, ..wanted(0) };
        let gone = lookups.get(other, || NOW, nothing, async || Ok(None)).await;
        assert!(gone.is_ok_and(|found| found.is_none()));
        assert!(!lookups.is_good(wanted(0).token), "it is not any more");
    }

    #[tokio::test]
    async fn a_token_is_looked_up_again_when_something_was_written_or_time_has_passed() {
        let (lookups, looked) = (Lookups::default(), AtomicU32::new(0));
        let ends = NOW.plus(3 * HOLDS / 2);
        let times = async |after: Duration, visible: Option<&str>| {
            let look_up = async || {
                looked.fetch_add(1, Ordering::Relaxed);
                Ok(Some(program(ends)))
            };
            let visible = async || Ok(visible.map(Visible::of));
            lookups.get(wanted(0), || NOW.plus(after), visible, look_up).await.unwrap().unwrap();
            looked.swap(0, Ordering::Relaxed)
        };
        let step = HOLDS / 10;
        // The first time nobody knows what could be seen.
        assert_eq!(times(Duration::ZERO, Some("a")).await, 1);
        assert_eq!(times(Duration::ZERO, Some("a")).await, 1);
        assert_eq!(times(step, Some("a")).await, 0);
        assert_eq!(times(step, Some("b")).await, 1);
        assert_eq!(times(2 * step, Some("b")).await, 0);
        assert_eq!(times(step + HOLDS, Some("b")).await, 1, "that was long ago");
        assert_eq!(times(step + HOLDS, Some("b")).await, 1);
        assert_eq!(times(2 * step + HOLDS, Some("b")).await, 0);
        assert_eq!(times(step, Some("b")).await, 1, "the clock was put back");
        assert_eq!(times(step, Some("b")).await, 1);
        assert_eq!(times(step, Some("b")).await, 0);
        assert_eq!(times(step, None).await, 1, "nobody can tell");
        assert_eq!(times(step, None).await, 1);
    }

    /// What is written while somebody looks may be something that they did not see.
    #[tokio::test]
    async fn what_is_written_during_a_look_is_looked_up_again() {
        let (lookups, written, looked) = (Lookups::default(), AtomicU32::new(0), AtomicU32::new(0));
        let look = async |writes: u32| {
            let visible = async || Ok(Some(Visible::of(&written.load(Ordering::Relaxed).to_string())));
            let look_up = async || {
                looked.fetch_add(1, Ordering::Relaxed);
                written.fetch_add(writes, Ordering::Relaxed);
                Ok(Some(program(NOW.plus(HOLDS))))
            };
            lookups.get(wanted(0), || NOW, visible, look_up).await.unwrap().unwrap();
            looked.swap(0, Ordering::Relaxed)
        };
        assert_eq!((look(0).await, look(0).await, look(0).await), (1, 1, 0));
        written.fetch_add(1, Ordering::Relaxed);
        assert_eq!((look(1).await, look(0).await, look(0).await), (1, 1, 0));
    }

    /// Only the list is asked for so often that it is worth it.
    #[tokio::test]
    async fn a_token_for_anything_else_is_looked_up_each_time() {
        let (lookups, looked) = (Lookups::default(), AtomicU32::new(0));
        for times in 1..4 {
            let look_up = async || {
                looked.fetch_add(1, Ordering::Relaxed);
                Ok(Some(program(NOW.plus(HOLDS))))
            };
            let wanted = Wanted { lists_companies: false, ..wanted(0) };
            lookups.get(wanted, || NOW, async || Ok(Some(Visible::of("a"))), look_up).await.unwrap().unwrap();
            assert_eq!(looked.load(Ordering::Relaxed), times);
        }
    }

    #[tokio::test]
    async fn a_token_is_good_until_its_end_and_no_longer() {
        let lookups = Lookups::default();
        let ends = NOW.plus(HOLDS / 2);
        let look = async |now: Timestamp| {
            let look_up = async || Ok((now < ends).then(|| program(ends)));
            lookups.get(wanted(0), || now, async || Ok(Some(Visible::of("a"))), look_up).await.unwrap().is_some()
        };
        assert!(look(NOW).await && look(NOW).await && look(NOW).await);
        assert!(!look(ends).await);
    }
}
