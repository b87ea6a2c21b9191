//! What a request is called: in the log, and by whoever asks for help with what went wrong.

use std::{fmt, future::Future, sync::Arc};

use tokio::task::{JoinHandle, futures::TaskLocalFuture};
use tracing::Instrument as _;

/// Letters and digits that nobody takes for one another, in writing or on the telephone.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The longest name that a proxy may give, in bytes.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The name of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new one, such as `7F3K-92QD`. There are a million millions: enough to find a line in a log by.
    pub fn random() -> Self {
        let bits: u64 = rand::random();
        let letter = |place: u32| LETTERS[usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default()];
        let mut name = [0, 1, 2, 3, 0, 4, 5, 6, 7].map(letter);
        name[4] = b'-';
        Self(String::from_utf8_lossy(&name).into())
    }

    /// One that a proxy gave, if it is nothing but a name: it goes into the log and into answers.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        ((8..=LONGEST).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// That of the request that this is done for.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Does something for this request.
    pub fn scope<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }

    /// As a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does something for the same request, and in the same span, in a task of its own: it goes on when whoever asks hangs
/// up.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let work = work.in_current_span();
    match RequestId::current() {
        Some(id) => tokio::spawn(id.scope(work)),
        None => tokio::spawn(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_readable() {
        for _ in 0..1_000 {
            let id = RequestId::random();
            assert_eq!((id.as_str().len(), id.as_str().find('-')), (9, Some(4)), "{id}");
            assert_eq!(RequestId::parse(id.as_str()), Some(id));
        }
        assert_ne!(RequestId::random(), RequestId::random());
    }

    #[test]
    fn what_is_more_than_a_name_is_not_taken() {
        for good in ["01890000-0000-7000-8000-000000000000", "req_1234567", "a.b.c.d.e"] {
            assert!(RequestId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "short", "with a blank in it", "line\nbreak-1", "<script>1", "größer-als", &"x".repeat(65)] {
            assert!(RequestId::parse(bad).is_none(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_task_of_its_own_knows_what_it_is_done_for() {
        assert_eq!(RequestId::current(), None);
        let id = RequestId::random();
        let there = id.clone().scope(async { spawn(async { RequestId::current() }).await.ok().flatten() }).await;
        assert_eq!(there, Some(id));
    }
}
