//! Who is slow, sends too much or sends nonsense: others are served all the same.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    directory::scale,
    harness::{App, Engine, PATIENCE, Setup},
    restart::Program,
};

/// How large the head of a request may be, in bytes.
const HEAD: usize = 64 * 1024;

/// How much memory a server may take besides what connections hold, in MB.
const SLACK: u64 = 40;

/// Another address of this machine.
fn neighbour() -> reqwest::Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    reqwest::Client::builder().no_proxy().local_address(address).build().unwrap()
}

async fn connect(app: &App) -> TcpStream {
    let port = reqwest::Url::parse(&app.url).unwrap().port().unwrap();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap()
}

async fn alive(app: &App, client: &reqwest::Client) -> bool {
    let url = format!("{}/healthz", app.url.replace("localhost", "127.0.0.1"));
    client.get(url).send().await.is_ok_and(|response| response.status() == 200)
}

/// What the server says to these bytes, until it closes or says nothing more.
async fn said_to(app: &App, bytes: &[u8]) -> String {
    let mut stream = connect(app).await;
    // It may close before all is written.
    drop(stream.write_all(bytes).await);
    let mut answer = vec![0; 1024];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer, or the end");
    String::from_utf8_lossy(&answer[..read.unwrap_or_default()]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_few_of_an_address_and_end_soon() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let mut slow = Vec::new();
    for _ in 0..scale(700, 8_000) {
        let mut stream = connect(&app).await;
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await);
        slow.push(stream);
    }
    let began = Instant::now();
    assert!(alive(&app, &neighbour()).await, "others are served");

    // Beyond so many, an address has no room; and those that it has are cut.
    let cut = slow.into_iter().map(|mut stream| async move {
        let mut answer = Vec::new();
        drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed"));
        began.elapsed()
    });
    let cut = futures::future::join_all(cut).await;
    let at_once = cut.iter().filter(|after| **after < Duration::from_secs(10)).count();
    assert!(at_once >= 700 - 512, "{at_once} were not taken");
    assert!(cut.iter().all(|after| *after < PATIENCE));
    assert!(alive(&app, &reqwest::Client::builder().no_proxy().build().unwrap()).await, "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_from_many_addresses_take_up_neither_the_room_nor_the_memory() {
    const OF_ONE: u32 = 500;
    let mut app = Setup::on(Engine::Sqlite).start().await;
    app.stop().await;
    // By itself: other tests of this process take memory too.
    let program = Program::start(&app, Stdio::null()).await;
    let port = reqwest::Url::parse(&app.url).unwrap().port().unwrap();
    let before = program.resident();
    let connections = scale(600, 10_000);
    let endless: Arc<[u8]> = vec![b'x'; 1024 * 1024].into();
    let slow = (0..connections).map(|number| {
        // Nearly as much as the head of a request may have, and then nothing; or as much as is taken of it.
        let bytes = if number % 2 == 0 { HEAD - 1024 } else { endless.len() };
        let endless = Arc::clone(&endless);
        async move {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            let address = Ipv4Addr::new(127, 0, 2, u8::try_from(number / OF_ONE).unwrap());
            socket.bind((address, 0).into()).unwrap();
            let mut stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
            drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await);
            drop(stream.write_all(&endless[..bytes]).await);
            let mut answer = Vec::new();
            drop(tokio::time::timeout(2 * PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed"));
        }
    });
    let slow = tokio::spawn(futures::future::join_all(slow.collect::<Vec<_>>()));
    let mut most = before;
    while !slow.is_finished() {
        let began = Instant::now();
        assert!(alive(&app, &neighbour()).await, "others are served");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        most = most.max(program.resident());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    slow.await.unwrap();
    let more = most - before;
    println!("{more} MB more");
    assert!(more < u64::from(connections) * HEAD as u64 / (1024 * 1024) + SLACK, "{more} MB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_and_nonsense_are_refused() {
    let app = Setup::on(Engine::Sqlite).start().await;
    let large = app.post("companies/add", json!({ "texts": { "name": "x".repeat(600_000) } })).await;
    assert!(large.status().is_client_error(), "{large:?}");
    for (bytes, status) in [
        (&b"NONSENSE\r\n\r\n"[..], "400"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
        (b"POST /api/companies/add HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n", "4"),
    ] {
        let said = said_to(&app, bytes).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said} to {}", String::from_utf8_lossy(bytes));
    }
    let endless = [b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ", "x".repeat(1_000_000).as_bytes()].concat();
    let said = said_to(&app, &endless).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    assert!(alive(&app, &neighbour()).await);
}
