//! A program that is told of things: what webhooks lead to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::harness::PATIENCE;

/// What a receiver answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    Redirect(String),
    Wait {
        seconds: u64,
    },
    /// Nothing, for a long time.
    Silence,
}

/// What a receiver was sent.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn event(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    /// For the next requests; after them, 204.
    answers: Mutex<VecDeque<Answer>>,
    always: Mutex<Option<Answer>>,
}

/// The program. It ends when this is dropped.
pub struct Receiver {
    pub port: u16,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.go_down();
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let mut receiver = Self { port: 0, shared: Arc::default(), task: None };
        receiver.come_up().await;
        receiver
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Nobody answers any more.
    pub fn go_down(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// Answers, at the same address as before.
    pub async fn come_up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(any(take)).with_state(self.shared.clone());
        self.task = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    }

    /// What it answers from now on. None: that it has it.
    pub fn always(&self, answer: Option<Answer>) {
        *self.shared.always.lock().unwrap() = answer;
    }

    /// What it answers to the next request.
    pub fn once(&self, answer: Answer) {
        self.shared.answers.lock().unwrap().push_back(answer);
    }

    /// Everything that it was sent.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The types of the events that it was sent, in order.
    pub fn events(&self) -> Vec<String> {
        self.received().iter().map(Received::event).collect()
    }

    /// Waits until it was sent so many requests.
    pub async fn has(&self, count: usize) -> Vec<Received> {
        let wait = async {
            while self.received().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "{count} were expected: {:?}", self.received());
        self.received()
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    // What is no text is looked through for texts.
    let body = String::from_utf8_lossy(&body).into_owned();
    shared.received.lock().unwrap().push(Received { headers: parts.headers, body });
    let once = shared.answers.lock().unwrap().pop_front();
    let answer = once.or_else(|| shared.always.lock().unwrap().clone());
    match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Answer::Status(status)) => (StatusCode::from_u16(status).unwrap(), "<b>Sorry</b>").into_response(),
        Some(Answer::Redirect(to)) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Some(Answer::Wait { seconds }) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Some(Answer::Silence) => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
