//! Takes connections: as many as there is room for, a few of each address, and none that takes its time to say what it
//! wants.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
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
    net::{TcpListener, TcpStream},
    sync::Semaphore,
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

/// The same for our proxies, which keep connections for later, and mind if they are closed.
const PROXY_HEAD_WITHIN: Duration = Duration::from_secs(75);

/// How long a server that stops still takes connections: those that wait already would be reset.
const LAST_ONES: Duration = Duration::from_millis(50);

/// How long a server that stops still answers on connections that proxies keep, once each: a proxy may be sending a request on
/// one that is closed in the same moment, and does not send what changes something twice. It notices by then that no new
/// connection is taken.
const PROXIES_NOTICE_WITHIN: Duration = Duration::from_secs(2);

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
        let (router, stopping) = (router.clone(), stop.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (mut parts, body) = request.into_parts();
            parts.extensions.insert(ConnectInfo(peer));
            let answer = router.clone().oneshot(hyper::Request::from_parts(parts, Body::new(body)));
            let stopping = stopping.clone();
            async move {
                let mut answer = answer.await.unwrap_or_else(|never| match never {});
                if stopping.is_cancelled() {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if is_proxy { PROXY_HEAD_WITHIN } else { HEAD_WITHIN })
            .serve_connection(TokioIo::new(stream), service);
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
        if of_proxies.count() > 0 {
            tokio::time::sleep(PROXIES_NOTICE_WITHIN).await;
        }
        of_proxies.shutdown().await;
    };
    // Whoever holds a connection open does not hold the server.
    drop(tokio::time::timeout(grace, join(connections.shutdown(), behind_proxies)).await);
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
