//! Takes connections: as many as there is room for, a few of each address, and none that takes its time to say what it
//! wants.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, header},
};
use futures::future::join;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    time::Sleep,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{config::Network, places::Places, throttle::network};

/// How many connections there are at once. Further ones wait until one ends.
const CONNECTIONS: usize = 8_192;

/// How many of them one address has: an office behind one has no more pages open. Proxies of ours may have all.
const OF_ONE_ADDRESS: usize = 512;

/// How long a connection may take until the head of a request is there, from its beginning or since the last answer.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// The same where half of the room is taken, and where three quarters are: whoever takes it up is to go, and who is quick
/// notices nothing.
const HEAD_WITHIN_HALF: Duration = Duration::from_secs(5);
const HEAD_WITHIN_QUARTER: Duration = Duration::from_secs(2);

/// The same for our proxies, which keep connections for later, and mind if they are closed.
const PROXY_HEAD_WITHIN: Duration = Duration::from_secs(75);

/// How long a server that stops still takes connections: those that wait already would be reset.
const LAST_ONES: Duration = Duration::from_millis(50);

/// A server that stops still answers on connections that proxies keep, once each, until nothing was asked on one for so long:
/// a proxy may be sending a request on one that is closed in the same moment, and does not send what changes something twice.
/// It notices by then that no new connection is taken, and has not begun to ask again: in deploy/nginx.conf it does so after
/// two seconds.
const PROXIES_NOTICE_WITHIN: Duration = Duration::from_secs(1);

/// How much of a request's head, or of a body that nobody takes yet, a connection holds at most, in bytes.
const BUFFER: usize = 64 * 1024;

/// Whoever does not take what is sent is cut off: in each such time so many bytes have to go.
const TAKES_WITHIN: Duration = Duration::from_secs(30);

/// The bytes: a line of 56 kbit/s takes six times as many.
const TAKES: usize = 32 * 1024;

/// How long to wait when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves until `stop`, then lets requests end for as long as `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    proxies: Arc<[Network]>,
    stop: CancellationToken,
    grace: Duration,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let of_one = Places::<IpAddr>::new(OF_ONE_ADDRESS);
    let (connections, of_proxies) = (GracefulShutdown::new(), GracefulShutdown::new());
    let asked_late = Arc::new(Notify::new());
    let closing = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_ONES).await;
    };
    tokio::pin!(closing);
    loop {
        let next = async {
            // Nobody closes it.
            let place = Arc::clone(&room).acquire_owned().await.ok();
            (accept(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            () = &mut closing => break,
            taken = next => taken,
        };
        let address = peer.ip().to_canonical();
        let is_proxy = proxies.iter().any(|network| network.contains(address));
        let own = if is_proxy { None } else { of_one.take(network(address)) };
        if own.is_none() && !is_proxy {
            // Closed without a word: an answer would cost more than the connection.
            continue;
        }
        let head_within = if is_proxy { PROXY_HEAD_WITHIN } else { head_within(room.available_permits()) };
        let (router, stopping) = (router.clone(), stop.clone());
        let asked_late = is_proxy.then(|| Arc::clone(&asked_late));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (mut parts, body) = request.into_parts();
            parts.extensions.insert(ConnectInfo(peer));
            let answer = router.clone().oneshot(hyper::Request::from_parts(parts, Body::new(body)));
            let (stopping, asked_late) = (stopping.clone(), asked_late.clone());
            async move {
                let mut answer = answer.await.unwrap_or_else(|never| match never {});
                if stopping.is_cancelled() {
                    if let Some(asked_late) = asked_late {
                        asked_late.notify_one();
                    }
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(BUFFER)
            .header_read_timeout(head_within)
            .serve_connection(TokioIo::new(Impatient::new(stream, TAKES_WITHIN)), service);
        let connection = if is_proxy { of_proxies.watch(connection) } else { connections.watch(connection) };
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop((place, own));
        });
    }
    drop(listener);
    let behind_proxies = async {
        loop {
            let asked = tokio::time::timeout(PROXIES_NOTICE_WITHIN, asked_late.notified());
            if of_proxies.count() == 0 || asked.await.is_err() {
                break;
            }
        }
        of_proxies.shutdown().await;
    };
    // Whoever holds a connection open does not hold the server.
    drop(tokio::time::timeout(grace, join(connections.shutdown(), behind_proxies)).await);
}

/// How long the head of a request may take where there is room for so many more connections.
const fn head_within(free: usize) -> Duration {
    match free {
        _ if free < CONNECTIONS / 4 => HEAD_WITHIN_QUARTER,
        _ if free < CONNECTIONS / 2 => HEAD_WITHIN_HALF,
        _ => HEAD_WITHIN,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers do not wait for more.
                drop(stream.set_nodelay(true));
                return (stream, peer);
            }
            // It went away before it was taken.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection that breaks off when what is written to it is not taken for long, or only in drops.
struct Impatient<Io> {
    io: Io,
    within: Duration,
    /// While something could not be written: until when how much more has to be.
    blocked: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<Io> Impatient<Io> {
    fn new(io: Io, within: Duration) -> Self {
        Self { io, within, blocked: None }
    }

    /// Looks at what came of writing so many bytes.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        bytes: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                if let Some((_, missing)) = &mut self.blocked {
                    *missing = missing.saturating_sub(count);
                    if *missing == 0 || count == bytes {
                        self.blocked = None;
                    }
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let (wait, _) = self.blocked.get_or_insert_with(|| (Box::pin(tokio::time::sleep(self.within)), TAKES));
                wait.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Impatient<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Impatient<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(context, bytes);
        this.judge(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        let written = Pin::new(&mut this.io).poll_write_vectored(context, slices);
        this.judge(context, bytes, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off() {
        let (ours, _theirs) = duplex(1_000);
        let error = Impatient::new(ours, Duration::from_millis(50)).write_all(&[0; 2_000]).await;
        assert_eq!(error.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
    }

    #[tokio::test]
    async fn who_takes_drops_is_cut_off_and_who_takes_little_is_not() {
        for (bytes, within, patient) in [(10, 200, false), (1_000, 5_000, true)] {
            let (ours, mut theirs) = duplex(1_000);
            let reader = tokio::spawn(async move {
                let mut taken = vec![0; bytes];
                while theirs.read_exact(&mut taken).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            let mut ours = Impatient::new(ours, Duration::from_millis(within));
            assert_eq!(ours.write_all(&vec![0; 100_000]).await.is_ok(), patient, "{bytes}");
            reader.abort();
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_blocked_once_may_rest() {
        let (ours, mut theirs) = duplex(1_000);
        let within = Duration::from_millis(500);
        let mut ours = Impatient::new(ours, within);
        for _ in 0..2 {
            let mut taken = [0; 1_500];
            let (written, read) = tokio::join!(ours.write_all(&[0; 1_500]), theirs.read_exact(&mut taken));
            assert!(written.is_ok() && read.is_ok());
            tokio::time::sleep(within + within / 5).await;
        }
    }
}
