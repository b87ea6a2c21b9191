//! The event stream: rows of companies as they change.

use std::{convert::Infallible, time::Duration};

use app::{
    domain::Right,
    error::{AppError, ErrorCode},
};
use axum::{
    Extension,
    extract::State,
    http::header,
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures::{Stream, StreamExt as _, future, stream};
use tokio_stream::wrappers::{BroadcastStream, IntervalStream};

use super::{AppState, server_functions::error_response};
use crate::{live_rows::Change, metrics, sessions::Caller, store::sessions::TokenHash};

/// How often a quiet stream says that it lives. A proxy that buffers, or a cable that was pulled, is noticed by its
/// absence.
const PING_EVERY: Duration = Duration::from_secs(4);

/// `company` events with a row each, `platform` events with all that is wrong with our app registration, and `ping` events
/// with the role of who listens, so that a page notices soon when it has changed. The stream ends with its session.
pub async fn stream(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> Response {
    let Some(place) = state.streams.take(caller.me.id) else {
        let text = "This account follows changes on very many pages already. Close some of them.";
        return error_response(&AppError::new(ErrorCode::TooManyRequests, text));
    };
    // `no-transform` and `X-Accel-Buffering` ask proxies to pass events on as they come.
    let headers = [(header::CACHE_CONTROL.as_str(), "no-store, no-transform"), ("x-accel-buffering", "no")];
    let events = events(&state, caller.session).take_until(state.stop.clone().cancelled_owned()).map(move |event| {
        // Taken for as long as the stream lives.
        let _ = &place;
        event
    });
    (headers, Sse::new(events)).into_response()
}

fn events(state: &AppState, session: TokenHash) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let rows = BroadcastStream::new(state.live_rows.subscribe())
        // One that can't follow is cut off; its browser connects again and asks what it missed.
        .take_while(|row| future::ready(row.is_ok()))
        .filter_map(|row| future::ready(row.ok()))
        .map(|change| match change {
            Change::Company(row) => Event::default().event("company").data(&*row),
            Change::Platform(notices) => Event::default().event("platform").data(&*notices),
        });
    let store = state.store.clone();
    let pings = IntervalStream::new(tokio::time::interval(PING_EVERY)).then(move |_| {
        let store = store.clone();
        // Looked at, not used: a page that is merely open does not keep its session alive.
        async move {
            // After an error the browser comes back, and is asked again who it is.
            let account = store.look_at_session(session).await.ok().flatten()?;
            account.role.may(Right::See).then(|| Event::default().event("ping").data(account.role.key()))
        }
    });
    let counted = metrics::Stream::open();
    // Left-biased: rows go first.
    stream::select_with_strategy(rows.map(Some).chain(stream::once(future::ready(None))), pings, |(): &mut ()| {
        stream::PollNext::Left
    })
    .take_while(|event| future::ready(event.is_some()))
    .filter_map(future::ready)
    .map(move |event| {
        // Lives as long as the stream.
        let _ = &counted;
        Ok(event)
    })
}
