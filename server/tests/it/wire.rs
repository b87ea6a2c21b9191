//! The network between a server and its database, which can be cut.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It arrives.
    Passes,
    /// It is held back, and nobody is told: a cable that was pulled.
    Stalls,
    /// Connections are reset, and so is every new one.
    Breaks,
}

/// A way to another port of this machine. It ends when this is dropped.
pub struct Wire {
    pub port: u16,
    flow: watch::Sender<Flow>,
    listening: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
        self.flow.send_replace(Flow::Breaks);
    }
}

impl Wire {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().port();
        let (flow, watched) = watch::channel(Flow::Passes);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, port, watched.clone()));
            }
        });
        Self { port: near, flow, listening }
    }

    pub fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }
}

async fn carry(mut near: TcpStream, port: u16, flow: watch::Receiver<Flow>) {
    let mut broken = flow.clone();
    let carried = async {
        passes(&mut flow.clone()).await;
        let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
        drop((near.set_nodelay(true), far.set_nodelay(true)));
        let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
        tokio::select! {
            () = pump(near_read, far_write, flow.clone()) => {}
            () = pump(far_read, near_write, flow.clone()) => {}
        }
    };
    tokio::select! {
        () = carried => {}
        _ = broken.wait_for(|flow| *flow == Flow::Breaks) => {}
    }
    // Not an orderly end.
    drop(near.set_zero_linger());
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut flow: watch::Receiver<Flow>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        passes(&mut flow).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn passes(flow: &mut watch::Receiver<Flow>) {
    if flow.wait_for(|flow| *flow == Flow::Passes).await.is_err() {
        // The wire is gone; the connection is reset.
        tokio::time::sleep(Duration::MAX).await;
    }
}
