//! How much may be asked, how large, and for how long. There is no path without these limits.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use app::domain::{AccountId, company_import::MAX_BYTES};
use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};
use futures::FutureExt as _;
use hyper::body::{Body as _, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::{
    AppState, BODY_LIMIT,
    address::client_address,
    caller::{Access, access},
    health::is_private,
    import,
    listen::BoxRequest,
    surface, v1,
};
use crate::{failure::with_reference, rate::RequestRate};

/// How much may be asked by whom.
pub struct Rates {
    /// By each address, whoever asks there.
    pub addresses: RequestRate<IpAddr>,
    /// By each account, wherever it asks.
    pub accounts: RequestRate<AccountId>,
}

/// How much longer than others those may take whose bodies are files.
const FILES_TAKE: u32 = 6;

/// How long a handler may take until it begins to answer. Streams may go on then.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// How long the next piece of it may take.
const PIECE_WITHIN: Duration = Duration::from_secs(15);

/// The largest body of a program, in bytes.
pub const PROGRAM_BODY: usize = 256 * 1024;

/// The largest body of who is nobody yet: an address, a password, a button.
const STRANGER_BODY: usize = 16 * 1024;

/// What a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    /// How much one request counts.
    cost: u32,
    /// The largest body, in bytes.
    body: usize,
    /// How many times as long as usual it may take.
    patience: u32,
}

impl Limits {
    fn of(path: &str) -> Self {
        let usual = Self { cost: 1, body: BODY_LIMIT, patience: 1 };
        match path {
            "/api/companies/import/preview" | "/api/companies/import/confirm" => {
                // A little more, so that the reader refuses what is too large, in words.
                Self { cost: 30, body: MAX_BYTES + import::MENDS + 1024, patience: FILES_TAKE }
            }
            // The ids of whom somebody chose: more, so that too many are refused in words.
            "/api/companies.csv" | "/api/companies.xlsx" => Self { cost: 30, body: 2 * BODY_LIMIT, ..usual },
            _ if v1::is_below(path) => Self { body: PROGRAM_BODY, ..usual },
            // A list of everything.
            _ if path.starts_with("/api/") && [".csv", ".xlsx"].into_iter().any(|end| path.ends_with(end)) => {
                Self { cost: 30, ..usual }
            }
            // A password is checked, which is slow by intent.
            "/api/sessions/sign-in" | "/api/sessions/accept-invitation" | "/api/sessions/change-password" => {
                Self { cost: 5, body: STRANGER_BODY, ..usual }
            }
            "/api/sessions/options" | "/api/sessions/invitation" => Self { body: STRANGER_BODY, ..usual },
            // Somebody else is asked: Microsoft, a mail server, a webhook.
            "/connect/start" | "/connect/staff" | "/connect/callback" => Self { cost: 5, body: STRANGER_BODY, ..usual },
            "/api/connections/check-gone" | "/api/mail/test" | "/api/webhooks/test" => Self { cost: 5, ..usual },
            // Something is done for each of many.
            "/api/connections/sync-all" | "/api/campaigns/make" | "/api/campaigns/send" => Self { cost: 10, ..usual },
            // Links have a rate of their own besides.
            _ if path.starts_with(app::domain::link::PATH) => Self { body: STRANGER_BODY, ..usual },
            _ => usual,
        }
    }
}

/// How much one request for this path counts.
pub fn cost(path: &str) -> u32 {
    Limits::of(path).cost
}

/// How long a request for this path may take until it is answered.
pub fn answer_within(path: &str) -> Duration {
    ANSWER_WITHIN * Limits::of(path).patience
}

/// Keeps a request within its limits. Behind it, a request has its address as an extension.
pub async fn bound<F>(
    state: &AppState,
    uri: &Uri,
    mut request: BoxRequest,
    next: impl FnOnce(BoxRequest) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let path = uri.path();
    let limits = Limits::of(path);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Without an address all strangers count as one.
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = client_address(peer, request.headers(), &state.trusted_proxies);
    request.extensions_mut().insert(address);
    if is_counted_by_address(path, address, request.headers())
        && let Err(wait) = state.rates.addresses.admit(address, limits.cost)
    {
        tracing::debug!(%address, wait_secs = wait.as_secs(), "an address has to wait");
        return surface::wait_for(state, path, wait);
    }
    let too_large = || {
        let text = format!("The request is larger than what this address takes, {} KiB.", limits.body / 1024);
        surface::refusal(state, path, StatusCode::PAYLOAD_TOO_LARGE, &text)
    };
    if declared_length(request.headers()).is_some_and(|length| length > limits.body as u64) {
        return too_large();
    }
    let cut = (!request.body().is_end_stream()).then(Arc::<OnceLock<Cut>>::default);
    if let Some(cut) = &cut {
        let (whole, piece) = (BODY_WITHIN * limits.patience, PIECE_WITHIN);
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(BoundBody::new(body, limits.body, whole, piece, Arc::clone(cut)));
    }
    // What a handler leaves behind when it panics, nobody looks at: others have state of their own, and the database's
    // transactions are rolled back.
    let answered = AssertUnwindSafe(next(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| {
        // What it was, the panic itself has said.
        tracing::error!("a request was not answered, because of a mistake in the program");
        let text = with_reference("Something went wrong on the server. Try again.");
        surface::refusal(state, path, StatusCode::INTERNAL_SERVER_ERROR, &text)
    });
    match cut.and_then(|cut| cut.get().copied()) {
        Some(Cut::TooLarge) if response.status().is_client_error() => too_large(),
        Some(Cut::TooSlow) if response.status().is_client_error() => {
            let text = "The request did not arrive whole in time. Send it again.";
            surface::refusal(state, path, StatusCode::REQUEST_TIMEOUT, text)
        }
        _ => surface::with_words(state, path, response),
    }
}

/// All are, with two exceptions. A program with a token is counted by that: it is not held up by who guesses tokens at
/// its address (who does is counted where that shows). And a probe from nearby is answered always: else whoever floods
/// the server from behind the same balancer would have it taken out of service.
fn is_counted_by_address(path: &str, address: IpAddr, headers: &HeaderMap) -> bool {
    let has_token = headers.contains_key(header::AUTHORIZATION) && matches!(access(path), Some(Access::Token(_)));
    let is_probe = matches!(path, "/healthz" | "/readyz" | "/metrics") && is_private(address);
    !has_token && !is_probe
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why a body is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Cut {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body did not arrive in time")]
    TooSlow,
}

/// A body that ends when it becomes too large or takes too long.
struct BoundBody {
    inner: Body,
    left: usize,
    /// When the whole has to be there.
    until: Instant,
    /// How long the next piece may take.
    piece: Duration,
    wait: Pin<Box<Sleep>>,
    cut: Arc<OnceLock<Cut>>,
}

impl BoundBody {
    fn new(inner: Body, largest: usize, whole: Duration, piece: Duration, cut: Arc<OnceLock<Cut>>) -> Self {
        let now = Instant::now();
        let wait = Box::pin(tokio::time::sleep_until(now + whole.min(piece)));
        Self { inner, left: largest, until: now + whole, piece, wait, cut }
    }

    fn end(&self, cut: Cut) -> axum::Error {
        axum::Error::new(*self.cut.get_or_init(|| cut))
    }
}

impl hyper::body::Body for BoundBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            ready!(this.wait.as_mut().poll(context));
            return Poll::Ready(Some(Err(this.end(Cut::TooSlow))));
        };
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        let Some(left) = this.left.checked_sub(length) else {
            return Poll::Ready(Some(Err(this.end(Cut::TooLarge))));
        };
        this.left = left;
        let now = Instant::now();
        if this.until <= now && frame.is_some() {
            return Poll::Ready(Some(Err(this.end(Cut::TooSlow))));
        }
        this.wait.as_mut().reset(this.until.min(now + this.piece));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures::{StreamExt as _, stream};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// A hundred pieces of ten bytes, one after the other.
    fn pieces(every: Duration) -> impl futures::Stream<Item = Result<Bytes, axum::Error>> {
        stream::iter(0..100).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok(Bytes::from_static(b"0123456789"))
        })
    }

    async fn read(every: Duration, largest: usize, whole: Duration, piece: Duration) -> (Option<usize>, Option<Cut>) {
        let cut = Arc::new(OnceLock::new());
        let body = BoundBody::new(Body::from_stream(pieces(every)), largest, whole, piece, Arc::clone(&cut));
        let read = to_bytes(Body::new(body), usize::MAX).await.ok();
        (read.map(|bytes| bytes.len()), cut.get().copied())
    }

    #[tokio::test]
    async fn a_body_within_its_limits_arrives_whole_and_a_larger_one_not() {
        assert_eq!(read(Duration::ZERO, 1_000, LONG, LONG).await, (Some(1_000), None));
        assert_eq!(read(Duration::ZERO, 999, LONG, LONG).await, (None, Some(Cut::TooLarge)));
    }

    #[tokio::test]
    async fn a_body_that_stops_or_trickles_is_not_waited_for() {
        let short = Duration::from_millis(50);
        assert_eq!(read(LONG, 1_000, LONG, short).await, (None, Some(Cut::TooSlow)));
        assert_eq!(read(short, 1_000, 5 * short, LONG).await, (None, Some(Cut::TooSlow)));
    }

    #[test]
    fn what_costs_much_counts_much() {
        for (path, expected) in [
            ("/api/companies/list", 1),
            ("/api/companies.csv", 30),
            ("/api/users.csv", 30),
            ("/api/companies/import/confirm", 30),
            ("/api/v1/companies", 1),
            ("/api/sessions/sign-in", 5),
            ("/companies-1a2b.js", 1),
            ("/", 1),
        ] {
            assert_eq!(cost(path), expected, "{path}");
        }
    }
}
