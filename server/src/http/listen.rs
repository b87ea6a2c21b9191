//! Takes connections: as many as there is room for, a few of each address, and none that takes its time to say what it
//! wants.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderValue, header},
    response::Response,
};
use futures::future::join;
use hyper::{
    body::{Body as _, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_util::sync::CancellationToken;

use super::timer::ConnectionTimer;
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

/// How long a server that stops still takes connections: proxies that knew of it have some on their way.
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

/// A request on its way to its handler. Each step of that way would move all of it on, and where requests go from one
/// processor to another, that takes longer than most of the steps do.
pub type BoxRequest = Box<Request>;

/// What answers requests. Each connection has one of its own.
pub trait Answer: Clone + Send + Sync + 'static {
    /// Answers a request. The timer is its connection's, for what is waited for meanwhile.
    fn answer(&self, request: BoxRequest, timer: &ConnectionTimer) -> impl Future<Output = Response> + Send;
}

/// Serves until `stop`, then lets requests end for as long as `grace`.
pub async fn serve(
    listener: TcpListener,
    answers: impl Answer,
    proxies: Arc<[Network]>,
    stop: CancellationToken,
    grace: Duration,
) {
    let closing = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_ONES).await;
    };
    tokio::pin!(closing);
    let server = Server {
        answers,
        proxies,
        stop: stop.clone(),
        room: Arc::new(Semaphore::new(CONNECTIONS)),
        of_one: Places::new(OF_ONE_ADDRESS),
        connections: GracefulShutdown::new(),
        of_proxies: GracefulShutdown::new(),
        asked_late: Arc::new(Notify::new()),
    };
    loop {
        let next = async {
            // Nobody closes it.
            let place = Arc::clone(&server.room).acquire_owned().await.ok();
            (accept(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            () = &mut closing => break,
            taken = next => taken,
        };
        server.take(stream, peer, place);
    }
    for (stream, peer) in waiting(listener) {
        server.take(stream, peer, Arc::clone(&server.room).try_acquire_owned().ok());
    }
    server.end(grace).await;
}

/// What takes connections, and ends them.
struct Server<A> {
    answers: A,
    proxies: Arc<[Network]>,
    stop: CancellationToken,
    room: Arc<Semaphore>,
    of_one: Places<IpAddr>,
    connections: GracefulShutdown,
    of_proxies: GracefulShutdown,
    /// A proxy asked something after the stop.
    asked_late: Arc<Notify>,
}

impl<A: Answer> Server<A> {
    /// Answers what comes on a connection, until it ends.
    fn take(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let address = peer.ip().to_canonical();
        let is_proxy = self.proxies.iter().any(|network| network.contains(address));
        let own = if is_proxy { None } else { self.of_one.take(network(address)) };
        if own.is_none() && !is_proxy {
            // Closed without a word: an answer would cost more than the connection.
            return;
        }
        let head_within = if is_proxy { PROXY_HEAD_WITHIN } else { head_within(self.room.available_permits()) };
        let connection = Arc::new(Connection {
            answers: self.answers.clone(),
            peer,
            timer: ConnectionTimer::default(),
            stop: self.stop.child_token(),
            asked_late: is_proxy.then(|| Arc::clone(&self.asked_late)),
        });
        let service = service_fn(move |request| {
            let connection = Arc::clone(&connection);
            let (request, is_read) = connection.taken(request);
            async move { Ok::<_, Infallible>(connection.answer(request, is_read).await) }
        });
        let connection = http1::Builder::new()
            .timer(ConnectionTimer::default())
            .max_buf_size(BUFFER)
            .header_read_timeout(head_within)
            .serve_connection(TokioIo::new(Impatient::new(stream, TAKES_WITHIN)), service);
        let watched = if is_proxy { &self.of_proxies } else { &self.connections };
        let connection = watched.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop((place, own));
        });
    }

    /// Lets what is being answered end for as long as `grace`.
    async fn end(self, grace: Duration) {
        let Self { connections, of_proxies, asked_late, .. } = self;
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
}

/// What a connection's requests share. They share it with no other connection: what all processors count on, each has to wait
/// for.
struct Connection<A> {
    answers: A,
    peer: SocketAddr,
    /// For what is waited for while a request is answered. Heads have another one: they are waited for much longer, and one
    /// for both would be set anew each time.
    timer: ConnectionTimer,
    stop: CancellationToken,
    /// Where a proxy that asks something after the stop is noted.
    asked_late: Option<Arc<Notify>>,
}

impl<A: Answer> Connection<A> {
    /// A request as handlers know it, and whether its body was read, if there is one.
    fn taken(&self, request: hyper::Request<Incoming>) -> (BoxRequest, Option<Arc<AtomicBool>>) {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(ConnectInfo(self.peer));
        let (body, is_read) = watched(body);
        (Box::new(Request::from_parts(parts, body)), is_read)
    }

    async fn answer(&self, request: BoxRequest, is_read: Option<Arc<AtomicBool>>) -> Response {
        let mut answer = self.answers.answer(request, &self.timer).await;
        let is_stopping = self.stop.is_cancelled();
        if is_stopping && let Some(asked_late) = &self.asked_late {
            asked_late.notify_one();
        }
        // hyper closes it after a body that nobody took, and the next request would already be on its way.
        if is_stopping || is_read.is_some_and(|is_read| !is_read.load(Ordering::Relaxed)) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// Takes what waits to be taken, and closes the listener in the same moment: what still waits then is reset, and a proxy that
/// has sent a request on it may not send it to another server.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let mut waiting = Vec::new();
    loop {
        match listener.accept() {
            Ok(taken) => waiting.push(taken),
            Err(error) if is_of_one_connection(&error) => {}
            // There is none, for it does not wait.
            Err(_) => break,
        }
    }
    drop(listener);
    let ready = waiting.into_iter().filter_map(|(stream, peer)| {
        stream.set_nonblocking(true).ok()?;
        drop(stream.set_nodelay(true));
        Some((TcpStream::from_std(stream).ok()?, peer))
    });
    ready.collect()
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

/// A request's body that knows whether it was read to its end.
struct Watched {
    body: Incoming,
    is_read: Arc<AtomicBool>,
}

/// A body, and whether it was read to its end, unless there is none.
fn watched(body: Incoming) -> (Body, Option<Arc<AtomicBool>>) {
    if body.is_end_stream() {
        return (Body::empty(), None);
    }
    let is_read = Arc::<AtomicBool>::default();
    (Body::new(Watched { body, is_read: Arc::clone(&is_read) }), Some(is_read))
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || this.body.is_end_stream() {
            this.is_read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
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
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Clone)]
    struct Both(axum::Router);

    impl Answer for Both {
        async fn answer(&self, request: BoxRequest, _: &ConnectionTimer) -> Response {
            self.0.clone().oneshot(*request).await.unwrap()
        }
    }

    #[tokio::test]
    async fn whoever_waits_when_the_listener_closes_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // The runtime has not seen them.
        let mut waiting: Vec<_> = (0..10).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        for mut stream in super::waiting(listener) {
            stream.0.write_all(b"taken").await.unwrap();
        }
        for stream in &mut waiting {
            let mut said = String::new();
            std::io::Read::read_to_string(stream, &mut said).unwrap();
            assert_eq!(said, "taken");
        }
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    /// A connection is kept after a body that was read, and said to end after one that was not.
    #[tokio::test]
    async fn whoever_sends_what_nobody_takes_is_told_that_the_connection_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .route("/takes", axum::routing::post(async |body: Bytes| body.len().to_string()))
            .route("/does-not", axum::routing::post(async || "no"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, Both(router), Arc::default(), stop.clone(), Duration::from_secs(5)));
        for (path, body, closes) in
            [("takes", 0, false), ("takes", 100_000, false), ("does-not", 100_000, true), ("does-not", 0, false)]
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("POST /{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {body}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // Whoever does not take it may close meanwhile.
            drop(stream.write_all(&vec![b' '; body]).await);
            let mut answer = [0; 1_000];
            let read = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(answer.contains("connection: close"), closes, "{path} {body}: {answer}");
        }
        stop.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_stops_ends_what_idles_at_once_and_the_rest_after_its_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let wait = {
            let (asked, go) = (asked.clone(), go.clone());
            async move || {
                asked.notify_one();
                go.notified().await;
            }
        };
        let router =
            axum::Router::new().route("/", axum::routing::get(async || ())).route("/slow", axum::routing::get(wait));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, Both(router), Arc::default(), stop.clone(), Duration::from_mins(1)));
        let ask = async |path: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
            stream
        };
        let mut idle = ask("/").await;
        let mut answer = [0; 1_000];
        assert!(idle.read(&mut answer).await.unwrap() > 0);
        let mut busy = ask("/slow").await;
        asked.notified().await;
        stop.cancel();
        assert_eq!(idle.read(&mut answer).await.unwrap(), 0);
        go.notify_one();
        let mut answer = String::new();
        busy.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        serving.await.unwrap();
    }

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
