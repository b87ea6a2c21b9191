//! Answers that are shared by those who ask at the same time. None is older than the question.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Finds something out once for all who wait for it. Who comes while it is being found out waits for the next time: what
/// they are told was looked up after they asked.
#[derive(Debug)]
pub struct Fresh<T> {
    /// How often it was begun.
    begun: AtomicU64,
    /// The last answer, and the how many-th it was.
    last: tokio::sync::Mutex<Option<(u64, T)>>,
}

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone> Fresh<T> {
    /// The answer, by `ask` unless somebody began to ask after this was called. A failure is nobody else's.
    pub async fn get<E>(&self, ask: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let before = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((number, answer)) = &*last
            && *number > before
        {
            return Ok(answer.clone());
        }
        // Whoever is about to ask is let in first: under load that is many, and one look does for all.
        tokio::task::yield_now().await;
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = ask().await?;
        *last = Some((number, answer.clone()));
        Ok(answer)
    }
}

/// The same for each of many. Nothing is kept that nobody asks for.
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
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = lock().entry(key.clone()).or_default().clone();
        let answer = fresh.get(ask).await;
        drop(fresh);
        let mut all = lock();
        if all.get(key).is_some_and(|fresh| Arc::strong_count(fresh) == 1) {
            all.remove(key);
        }
        // Who went away while they waited left theirs behind.
        if all.len() > 1_000 {
            all.retain(|_, fresh| Arc::strong_count(fresh) > 1);
        }
        answer
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::convert::Infallible;

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

    #[tokio::test]
    async fn nothing_is_kept_of_those_whom_nobody_asks_about() {
        let fresh = FreshOf::<u32, u32>::default();
        for key in 0..10 {
            assert_eq!(fresh.get(&key, async || Ok::<_, Infallible>(key + 1)).await, Ok(key + 1));
        }
        assert_eq!(fresh.get(&1, async || Err::<u32, _>("refused")).await, Err("refused"));
        assert!(fresh.0.lock().unwrap().is_empty());
    }
}
