//! How long an answer is waited for, and what is said instead: that it takes too long, or, while the database is away, that.

use std::{future::pending, pin::pin, time::Duration};

use axum::{
    http::{StatusCode, Uri},
    response::Response,
};
use tokio::time::timeout;

use super::{AppState, caller::Kind, limits, links, listen::BoxRequest, site, surface, v1};
use crate::{failure::with_reference, store::Trouble};

/// How long an answer is waited for without looking whether the database goes away meanwhile. Most are there by then.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// What is answered without the database.
const WITHOUT_IT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/connect/logo", v1::DOCS_PATH];

/// Answers what needs the database while that is away, what waits for it when it goes, and what takes too long. Whether a change
/// that was under way was stored is not known then, as with every answer that is lost.
pub async fn answer<F>(state: &AppState, uri: &Uri, request: BoxRequest, next: impl FnOnce(BoxRequest) -> F) -> Response
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
        let gone = async { if needs_it { presence.gone().await } else { pending().await } };
        wait(next(request), limits::answer_within(path), gone).await
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

async fn wait<T>(answer: impl Future<Output = T>, within: Duration, gone: impl Future<Output = ()>) -> Waited<T> {
    let mut answer = pin!(answer);
    if let Ok(answer) = timeout(LOOK_AFTER, &mut answer).await {
        return Waited::Answered(answer);
    }
    tokio::select! {
        biased;
        () = gone => Waited::Away,
        answer = timeout(within.saturating_sub(LOOK_AFTER), answer) => answer.map_or(Waited::TooLate, Waited::Answered),
    }
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
        assert_eq!(wait(pending::<()>(), within, pending()).await, Waited::TooLate);
        assert!(begun.elapsed() >= within);
        // Those that are there at once, and later.
        assert_eq!(wait(ready(()), LONG, pending()).await, Waited::Answered(()));
        assert_eq!(wait(sleep(within), LONG, pending()).await, Waited::Answered(()));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_database_that_goes_away() {
        assert_eq!(wait(pending::<()>(), LONG, sleep(LOOK_AFTER)).await, Waited::Away);
        // What is there at once, is there.
        assert_eq!(wait(ready(()), LONG, ready(())).await, Waited::Answered(()));
    }
}
