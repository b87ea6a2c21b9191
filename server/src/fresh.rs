//! Answers that are shared by those who ask at the same time. None is older than the question.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// How many are kept that nobody asks about at the moment: somebody soon does.
const AT_REST: usize = 1_000;

/// Finds something out once for all who wait for it. Who comes while it is being found out waits for the next time: what
/// they are told was looked up after they asked.
#[derive(Debug)]
pub struct Fresh<T>(Mutex<Queue<T>>);

/// Who waits, and whether somebody asks, or is about to.
#[derive(Debug)]
struct Queue<T> {
    is_asked: bool,
    waiting: VecDeque<oneshot::Sender<T>>,
}

/// What somebody does who wants an answer.
enum Turn<'a, T> {
    /// They ask.
    Ask(Asking<'a, T>),
    /// They are told, or, if not, it is their turn.
    Wait(Waiting<'a, T>),
}

/// Whose turn it is, until they have asked or go away.
struct Asking<'a, T>(&'a Fresh<T>);

/// A place in the queue.
struct Waiting<'a, T> {
    fresh: &'a Fresh<T>,
    answer: oneshot::Receiver<T>,
    /// Whether they were told, or that it is their turn.
    is_over: bool,
}

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self(Mutex::new(Queue { is_asked: false, waiting: VecDeque::new() }))
    }
}

impl<T> Fresh<T> {
    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> Turn<'_, T> {
        let mut queue = self.queue();
        if queue.is_asked {
            let (told, answer) = oneshot::channel();
            queue.waiting.push_back(told);
            Turn::Wait(Waiting { fresh: self, answer, is_over: false })
        } else {
            queue.is_asked = true;
            Turn::Ask(Asking(self))
        }
    }

    /// Tells one of those who wait that it is their turn, unless it is somebody's.
    fn go_on(&self) {
        let mut queue = self.queue();
        while !queue.is_asked
            && let Some(next) = queue.waiting.pop_front()
        {
            if !next.is_closed() {
                break;
            }
        }
    }
}

impl<T: Clone> Fresh<T> {
    /// The answer, by `ask` unless somebody began to ask after this was called. A failure is nobody else's.
    pub async fn get<E>(&self, ask: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        loop {
            match self.turn() {
                Turn::Wait(mut waiting) => {
                    let told = (&mut waiting.answer).await;
                    waiting.is_over = true;
                    if let Ok(answer) = told {
                        return Ok(answer);
                    }
                }
                Turn::Ask(asking) => {
                    // Who is about to ask is let in first: under load that is many, and one look does for all.
                    tokio::task::yield_now().await;
                    let waiting = std::mem::take(&mut self.queue().waiting);
                    let answer = ask().await?;
                    drop(asking);
                    for told in waiting {
                        // Who has gone away needs none.
                        let _: Result<(), T> = told.send(answer.clone());
                    }
                    return Ok(answer);
                }
            }
        }
    }
}

impl<T> Drop for Asking<'_, T> {
    fn drop(&mut self) {
        self.0.queue().is_asked = false;
        self.0.go_on();
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if !self.is_over {
            // It may be their turn, and they go away instead. First closed, so that nobody gives them the turn after that.
            self.answer.close();
            self.fresh.go_on();
        }
    }
}

/// The same for each of many.
#[derive(Debug)]
pub struct FreshOf<Key, T>(Mutex<HashMap<Key, Arc<Fresh<T>>>>);

impl<Key, T> Default for FreshOf<Key, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Key: Clone + Eq + Hash, T: Clone> FreshOf<Key, T> {
    /// The answer about one of them, as [`Fresh::get`] has it.
    pub async fn get<E>(&self, key: &Key, ask: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let fresh = self.one(key);
        fresh.get(ask).await
    }

    fn one(&self, key: &Key) -> Arc<Fresh<T>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fresh) = all.get(key) {
            return fresh.clone();
        }
        if all.len() >= AT_REST {
            all.retain(|_, fresh| Arc::strong_count(fresh) > 1);
        }
        all.entry(key.clone()).or_default().clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU64, Ordering},
    };

    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    /// Who comes while somebody asks is not told what was found out for them, but all who came meanwhile share the next
    /// answer.
    #[tokio::test]
    async fn nobody_is_told_what_was_looked_up_before_they_asked() {
        let (fresh, looked) = (Arc::new(Fresh::<u64>::default()), Arc::new(AtomicU64::new(0)));
        let (go, wait) = (Arc::new(Semaphore::new(0)), oneshot::channel());
        let ask = |begun: Option<oneshot::Sender<()>>| {
            let (fresh, looked, go) = (fresh.clone(), looked.clone(), go.clone());
            async move {
                let look = async || {
                    let found = looked.fetch_add(1, Ordering::SeqCst);
                    begun.map(|begun| begun.send(()));
                    go.acquire().await.unwrap().forget();
                    Ok::<_, Infallible>(found)
                };
                fresh.get(look).await.unwrap()
            }
        };
        let first = tokio::spawn(ask(Some(wait.0)));
        wait.1.await.unwrap();
        let mut later: Vec<_> = (0..5).map(|_| Box::pin(ask(None))).collect();
        for waiting in &mut later {
            assert!(futures::poll!(waiting.as_mut()).is_pending());
        }
        go.add_permits(2);
        assert_eq!(first.await.unwrap(), 0);
        for waiting in later {
            assert_eq!(waiting.await, 1);
        }
    }

    /// Whoever goes away, while they ask or while it is their turn, holds nobody up.
    #[tokio::test]
    async fn who_goes_away_holds_nobody_up() {
        let fresh = Fresh::<u64>::default();
        let never = || Box::pin(fresh.get(async || std::future::pending::<Result<u64, Infallible>>().await));
        let mut asking = never();
        assert!(futures::poll!(asking.as_mut()).is_pending());
        let mut waiting = [never(), never()];
        for waiting in &mut waiting {
            assert!(futures::poll!(waiting.as_mut()).is_pending());
        }
        let mut other = Box::pin(fresh.get(async || Ok::<_, Infallible>(1)));
        assert!(futures::poll!(other.as_mut()).is_pending());
        let [first, second] = waiting;
        drop(first);
        // It is the second's turn then.
        drop(asking);
        drop(second);
        assert_eq!(other.await, Ok(1));
        assert!(!fresh.queue().is_asked && fresh.queue().waiting.is_empty());
    }

    #[tokio::test]
    async fn who_waited_for_a_failure_asks_themselves() {
        let fresh = Fresh::<u64>::default();
        let (go, wait) = oneshot::channel::<()>();
        let failing = fresh.get(async || {
            wait.await.unwrap();
            Err("refused")
        });
        let mut failing = Box::pin(failing);
        assert!(futures::poll!(failing.as_mut()).is_pending());
        let mut others = [1, 2].map(|number| Box::pin(fresh.get(async move || Ok::<_, &str>(number))));
        for other in &mut others {
            assert!(futures::poll!(other.as_mut()).is_pending());
        }
        assert!(futures::poll!(failing.as_mut()).is_pending());
        go.send(()).unwrap();
        assert_eq!(failing.await, Err("refused"));
        let [one, two] = others;
        let (one, two) = tokio::join!(one, two);
        assert!(one.is_ok() && one == two, "one asks for both");
    }

    #[tokio::test]
    async fn few_are_kept_that_nobody_asks_about() {
        let fresh = FreshOf::<usize, usize>::default();
        for key in 0..3 * AT_REST {
            assert_eq!(fresh.get(&key, async || Ok::<_, Infallible>(key + 1)).await, Ok(key + 1));
            assert!(fresh.0.lock().unwrap().len() <= AT_REST);
        }
        assert_eq!(fresh.get(&1, async || Err::<usize, _>("refused")).await, Err("refused"));
        assert_eq!(fresh.get(&1, async || Ok::<_, Infallible>(3)).await, Ok(3));
    }
}
