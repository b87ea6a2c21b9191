//! Many who ask for one thing over and over, each on a connection of their own. It does as little as it can, for it runs on
//! the processors of what it measures.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use url::Url;

use crate::limits::quantile;

/// How long they do.
const LASTS: Duration = Duration::from_secs(1);

/// A GET, as it is sent.
#[derive(Clone)]
pub struct Get {
    address: SocketAddr,
    request: Arc<str>,
}

/// How it went.
pub struct Load {
    /// Answers in a second.
    pub rps: f64,
    /// How long the answer took that only one in a hundred exceeds.
    pub p99_ms: f64,
}

impl Get {
    /// Of this URL (not of https), with further header lines.
    pub async fn new(url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Self> {
        let url: Url = url.parse().context("it is no URL")?;
        ensure!(url.scheme() == "http", "{url} is none of http");
        let (host, port) = (url.host_str().context("a host")?, url.port_or_known_default().context("a port")?);
        let mut addresses = tokio::net::lookup_host((host, port)).await?.collect::<Vec<_>>();
        // Ours listen on the older one.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let path = &url[url::Position::BeforePath..];
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        for (name, value) in headers {
            request.extend([*name, ": ", *value, "\r\n"]);
        }
        request.push_str("\r\n");
        Ok(Self { address: *addresses.first().context("an address")?, request: request.into() })
    }

    /// Asks for a second, so many at once.
    pub async fn load(&self, connections: usize) -> anyhow::Result<Load> {
        let mut asking = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..connections {
            let get = self.clone();
            asking.spawn(async move { get.ask_until(begun + LASTS).await });
        }
        let mut times = Vec::new();
        while let Some(asked) = asking.join_next().await {
            times.extend(asked??);
        }
        #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
        let rps = times.len() as f64 / begun.elapsed().as_secs_f64();
        Ok(Load { rps, p99_ms: quantile(times, 0.99) })
    }

    async fn ask_until(&self, end: Instant) -> anyhow::Result<Vec<f64>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut times, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
        while Instant::now() < end {
            let begun = Instant::now();
            stream.write_all(self.request.as_bytes()).await?;
            read_answer(&mut stream, &mut buffer).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(times)
    }
}

/// Reads one answer, which has to be one of success and to say how long it is.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut filled = 0;
    let (head, length) = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the connection ended within an answer");
        filled += read;
        let Some(end) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("it answers {head}");
        }
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        break (end + 4, length.context("an answer says how long it is")?.1.trim().parse::<usize>()?);
    };
    while filled < head + length {
        let read = stream.read(&mut buffer[..]).await?;
        ensure!(read > 0, "the connection ended within an answer");
        filled += read;
    }
    Ok(())
}
