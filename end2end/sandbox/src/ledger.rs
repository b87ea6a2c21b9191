//! What was asked of the sandbox, and what secrets it handed out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// By itself: one HTTP request.
    Alone,
    /// As a part of a `$batch`, whose own HTTP request is counted too.
    InBatch,
}

#[derive(Debug, Default)]
struct Count {
    all: u64,
    in_batch: u64,
}

/// Counts of requests and tokens, and every secret.
#[derive(Debug, Default)]
pub struct Ledger {
    requests: BTreeMap<(String, String), Count>,
    tokens: BTreeMap<(String, String), u64>,
    secrets: Vec<String>,
}

impl Ledger {
    /// One request.
    pub fn request(&mut self, tenant: String, path: String, arrival: Arrival) {
        let count = self.requests.entry((tenant, path)).or_default();
        count.all += 1;
        count.in_batch += u64::from(arrival == Arrival::InBatch);
    }

    /// One successful answer of a token endpoint.
    pub fn token(&mut self, tenant: String, grant_type: &str) {
        *self.tokens.entry((tenant, grant_type.into())).or_default() += 1;
    }

    /// Remembers a code or token.
    pub fn secret(&mut self, secret: &str) {
        self.secrets.push(secret.into());
    }

    /// Every code and token handed out.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }

    /// The counts, without any secret. HTTP requests are `count` less `in_batch`.
    pub fn counts(&self) -> Value {
        let requests: Vec<_> = self
            .requests
            .iter()
            .map(|((tenant, path), count)| {
                let mut entry = json!({ "tenant": tenant, "path": path, "count": count.all });
                if count.in_batch > 0 {
                    entry["in_batch"] = json!(count.in_batch);
                }
                entry
            })
            .collect();
        let tokens: Vec<_> = self
            .tokens
            .iter()
            .map(|((tenant, grant), count)| json!({ "tenant": tenant, "grant_type": grant, "count": count }))
            .collect();
        json!({ "requests": requests, "tokens": tokens })
    }
}
