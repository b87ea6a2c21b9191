//! How long an answer is waited for, and what is said instead: that it takes too long, or, while the database is away, that.

use std::{
    future::{pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use axum::{
    http::{StatusCode, Uri},
    response::Response,
};
use tokio::time::timeout;

use super::{AppState, caller::Kind, limits, links, listen::BoxRequest, site, surface, timer::ConnectionTimer, v1};
use crate::{failure::with_reference, store::Trouble};

/// How long an answer is waited for without looking whether the database goes away meanwhile. Most are there by then.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// What is answered without the database.
const WITHOUT_IT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/connect/logo", v1::DOCS_PATH];

/// Answers what needs the database while that is away, what waits for it when it goes, and what takes too long. Whether a change
/// that was under way was stored is not known then, as with every answer that is lost.
pub async fn answer<F>(
    state: &AppState,
    uri: &Uri,
    timer: &ConnectionTimer,
    request: BoxRequest,
    next: impl FnOnce(BoxRequest) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let path = uri.path();
    let presence = state.store.presence();
    let is_file = site::names_a_file(uri) && !Kind::of(uri).is_api();
    let needs_it = !is_file && !is_without_it(uri);
    let waited = if needs_it && presence.is_away() {
        Waited::Away
    } else {
        let gone = async || if needs_it { presence.gone().await } else { pending().await };
        wait(timer, pin!(next(request)), limits::answer_within(path), gone).await
    };
    let response = match waited {
        Waited::Answered(response) => response,
        Waited::Away => away(state, path),
        Waited::TooLate => too_late(state, path),
    };
    if needs_it && response.status() == StatusCode::SERVICE_UNAVAILABLE {
        presence.look();
    }
    response
}

/// What came of waiting for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited<T> {
    Answered(T),
    /// The database is away.
    Away,
    TooLate,
}

/// The answer, if it is there within [`LOOK_AFTER`].
async fn soon<T>(timer: &ConnectionTimer, mut answer: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let mut wait = None;
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => pin!(wait.get_or_insert_with(|| timer.wait(LOOK_AFTER))).poll(context).map(|()| None),
    })
    .await
}

async fn wait<T>(
    timer: &ConnectionTimer,
    mut answer: Pin<&mut impl Future<Output = T>>,
    within: Duration,
    gone: impl AsyncFnOnce(),
) -> Waited<T> {
    if let Some(answer) = soon(timer, answer.as_mut()).await {
        return Waited::Answered(answer);
    }
    // In a box: it is seldom needed, and large.
    let longer = Box::pin(async {
        tokio::select! {
            biased;
            () = gone() => Waited::Away,
            answer = timeout(within.saturating_sub(LOOK_AFTER), answer) => answer.map_or(Waited::TooLate, Waited::Answered),
        }
    });
    longer.await
}

fn is_without_it(uri: &Uri) -> bool {
    WITHOUT_IT.contains(&uri.path()) || [v1::DOCUMENT_PATH, v1::DOCS_STYLE_PATH].contains(&uri.path())
}

fn too_late(state: &AppState, path: &str) -> Response {
    tracing::error!("a request was not answered in time");
    let text = with_reference("This takes too long. Try again in a minute.");
    surface::refusal(state, path, StatusCode::SERVICE_UNAVAILABLE, &text)
}

fn away(state: &AppState, path: &str) -> Response {
    let text = if path.starts_with(app::domain::link::PATH) {
        links::NOT_NOW.to_owned()
    } else {
        format!("{} Try again in a minute.", Trouble::Away.say())
    };
    surface::refusal(state, path, StatusCode::SERVICE_UNAVAILABLE, &text)
}

#[cfg(test)]
mod tests {
    use std::{future::ready, time::Instant};

    use tokio::time::sleep;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn an_answer_is_given_up_after_its_time_and_not_sooner() {
        let (begun, within) = (Instant::now(), LOOK_AFTER + Duration::from_millis(50));
        let timer = ConnectionTimer::default();
        assert_eq!(wait(&timer, pin!(pending::<()>()), within, pending).await, Waited::TooLate);
        assert!(begun.elapsed() >= within);
        // Those that are there at once, and later.
        assert_eq!(wait(&timer, pin!(ready(())), LONG, pending).await, Waited::Answered(()));
        assert_eq!(wait(&timer, pin!(sleep(within)), LONG, pending).await, Waited::Answered(()));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_database_that_goes_away() {
        let timer = ConnectionTimer::default();
        assert_eq!(wait(&timer, pin!(pending::<()>()), LONG, || sleep(LOOK_AFTER)).await, Waited::Away);
        // What is there at once, is there.
        assert_eq!(wait(&timer, pin!(ready(())), LONG, || ready(())).await, Waited::Answered(()));
    }
}
