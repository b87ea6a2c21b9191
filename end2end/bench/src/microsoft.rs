//! The stand-in for Microsoft, and one that repeats what it said: making 50,000 people up is not what is measured.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::programs::Program;

/// A sandbox and a client for it.
pub struct Microsoft {
    _sandbox: Program,
    url: String,
    http: reqwest::Client,
}

impl Microsoft {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let (sandbox, url) = Program::sandbox()?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { _sandbox: sandbox, url, http })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn control(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = format!("{}/_sandbox/{path}", self.url());
        Ok(self.http.post(url).json(&body).send().await?.error_for_status()?.json().await?)
    }

    /// A tenant whose administrator has consented.
    pub async fn tenant(&self, users: usize) -> anyhow::Result<Uuid> {
        self.make(users, true).await
    }

    /// One of 50 users, too new to have a Secure Score: making 90 days of it up takes the sandbox longer than all the rest.
    pub async fn small_tenant(&self) -> anyhow::Result<Uuid> {
        self.make(50, false).await
    }

    async fn make(&self, users: usize, score: bool) -> anyhow::Result<Uuid> {
        let name = Uuid::new_v4().simple().to_string();
        let new = json!({ "name": name, "domain": format!("{name}.test"), "users": users, "secure_score": score });
        let tenant: Uuid = self.control("tenants", new).await?["id"].as_str().unwrap_or_default().parse()?;
        self.control(&format!("tenants/{tenant}/consent"), json!({})).await?;
        Ok(tenant)
    }

    /// Every answer waits that long.
    pub async fn latency(&self, latency: Duration) -> anyhow::Result<()> {
        self.graph(&json!({ "latency_ms": latency.as_millis() })).await
    }

    /// How Graph is to behave.
    pub async fn graph(&self, changes: &Value) -> anyhow::Result<()> {
        self.control("graph", changes.clone()).await.map(drop)
    }

    /// How its budgets were kept.
    pub async fn throttling(&self) -> anyhow::Result<Value> {
        let counts: Value = self.http.get(format!("{}/_sandbox/requests", self.url())).send().await?.json().await?;
        Ok(counts["throttling"].clone())
    }

    /// How many HTTP requests there were so far; the parts of a batch are none.
    pub async fn requests(&self) -> anyhow::Result<u64> {
        let counts: Value = self.http.get(format!("{}/_sandbox/requests", self.url())).send().await?.json().await?;
        let count = |request: &Value, name: &str| request[name].as_u64().unwrap_or(0);
        let requests = counts["requests"].as_array().into_iter().flatten();
        Ok(requests.map(|request| count(request, "count") - count(request, "in_batch")).sum())
    }

    /// Everybody in a tenant.
    pub async fn people(&self, tenant: Uuid) -> anyhow::Result<Vec<Value>> {
        Ok(self.http.get(format!("{}/_sandbox/tenants/{tenant}/users", self.url())).send().await?.json().await?)
    }
}

struct Repeater {
    upstream: String,
    http: reqwest::Client,
    said: Mutex<HashMap<(String, Bytes), Bytes>>,
}

/// A host that asks the sandbox once, and repeats its answers.
pub async fn repeater(microsoft: &Microsoft) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let repeater = Arc::new(Repeater {
        upstream: microsoft.url().to_owned(),
        http: microsoft.http.clone(),
        said: Mutex::default(),
    });
    tokio::spawn(axum::serve(listener, Router::new().fallback(repeat).with_state(repeater)).into_future());
    Ok(url)
}

async fn repeat(State(repeater): State<Arc<Repeater>>, request: Request) -> Response {
    match repeater.answer(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

impl Repeater {
    async fn answer(&self, request: Request) -> anyhow::Result<Bytes> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let body = axum::body::to_bytes(body, usize::MAX).await?;
        let key = (path.clone(), body.clone());
        let lock = || self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = lock().get(&key).cloned() {
            return Ok(said);
        }
        let request =
            self.http.request(parts.method, format!("{}{path}", self.upstream)).headers(parts.headers).body(body);
        let said = request.send().await?.error_for_status()?.bytes().await?;
        lock().insert(key, said.clone());
        Ok(said)
    }
}
