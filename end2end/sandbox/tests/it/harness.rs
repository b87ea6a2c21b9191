//! A sandbox, a browser and an app for one test.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use m365_sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, RunningSandbox, Sandbox, SandboxOptions};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

/// Where the app listens; nothing does, since the tests read the redirect instead of following it.
pub const REDIRECT: &str = "http://localhost:9/connect/callback";
pub const DEFAULT_SCOPE: &str = "https://graph.microsoft.com/.default";
pub const SCORES: &str = "/v1.0/security/secureScores";

/// A running sandbox with a browser (cookies) and a server (none).
pub struct World {
    pub sandbox: RunningSandbox,
    pub browser: Client,
    pub server: Client,
}

/// A page, or where the browser was sent.
pub enum Shown {
    Page(String),
    Callback(HashMap<String, String>),
}

impl Shown {
    pub fn page(self) -> String {
        match self {
            Self::Page(html) => html,
            Self::Callback(answer) => panic!("sent back to the app: {answer:?}"),
        }
    }

    pub fn callback(self) -> HashMap<String, String> {
        match self {
            Self::Callback(answer) => answer,
            Self::Page(html) => panic!("stayed on a page: {html}"),
        }
    }
}

/// The first form of a page: where it goes, and its hidden fields.
pub fn form(html: &str) -> (String, Vec<(String, String)>) {
    let start = html.find("<form").expect("a form");
    let form = &html[start..start + html[start..].find("</form>").expect("its end")];
    let attribute = |tag: &str, name: &str| -> String {
        let from = tag.find(&format!("{name}=\"")).expect("the attribute") + name.len() + 2;
        let value = &tag[from..from + tag[from..].find('"').expect("its end")];
        value
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    };
    let hidden = form
        .split("<input ")
        .filter(|tag| tag.starts_with("type=\"hidden\""))
        .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
        .collect();
    (attribute(form, "action"), hidden)
}

pub fn browser() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

impl World {
    pub async fn start() -> Self {
        Self::with(SandboxOptions::default()).await
    }

    pub async fn with(options: SandboxOptions) -> Self {
        let options = SandboxOptions { redirect_uris: vec![REDIRECT.into()], ..options };
        let browser = browser();
        let sandbox = Sandbox::start(options).await.unwrap();
        let server = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { sandbox, browser, server }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let response = self.server.post(self.url(&format!("/_sandbox/{path}"))).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    pub async fn tenants(&self) -> Vec<Value> {
        self.server.get(self.url("/_sandbox/tenants")).send().await.unwrap().json().await.unwrap()
    }

    /// The tenant of that domain.
    pub async fn tenant(&self, domain: &str) -> String {
        let tenants = self.tenants().await;
        let tenant = tenants.iter().find(|tenant| tenant["domain"] == domain).unwrap();
        tenant["id"].as_str().unwrap().into()
    }

    async fn shown(&self, response: Response) -> Shown {
        if response.status() == 302 {
            let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
            assert!(location.as_str().starts_with(REDIRECT), "{location}");
            return Shown::Callback(location.query_pairs().into_owned().collect());
        }
        assert_eq!(response.headers()["cross-origin-opener-policy"], "same-origin");
        Shown::Page(response.text().await.unwrap())
    }

    pub async fn open(&self, path: &str, query: &[(&str, &str)]) -> Shown {
        let response = self.browser.get(self.url(path)).query(query).send().await.unwrap();
        self.shown(response).await
    }

    /// Fills the page's first form in and sends it.
    pub async fn submit(&self, html: &str, fields: &[(&str, &str)]) -> Shown {
        let (action, mut all) = form(html);
        all.extend(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let response = self.browser.post(self.url(&action)).form(&all).send().await.unwrap();
        self.shown(response).await
    }

    pub async fn sign_in(&self, html: &str, email: &str) -> Shown {
        self.submit(html, &[("email", email), ("password", m365_sandbox::PASSWORD)]).await
    }

    pub async fn admin_consent(&self, tenant: &str) -> Shown {
        let query =
            [("client_id", DEFAULT_CLIENT_ID), ("redirect_uri", REDIRECT), ("scope", DEFAULT_SCOPE), ("state", "s-1")];
        self.open(&format!("/{tenant}/v2.0/adminconsent"), &query).await
    }

    /// An administrator of that domain accepts everything; the tenant's id.
    pub async fn connect(&self, domain: &str) -> String {
        let page = self.admin_consent("organizations").await.page();
        let page = self.sign_in(&page, &format!("admin@{domain}")).await.page();
        let answer = self.submit(&page, &[("decision", "accept")]).await.callback();
        assert_eq!(answer["admin_consent"], "True");
        answer["tenant"].clone()
    }

    pub async fn authorize(&self, tenant: &str, more: &[(&str, &str)]) -> Shown {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut query = vec![
            ("client_id", DEFAULT_CLIENT_ID),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("state", "s-2"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        query.extend(more);
        if !more.iter().any(|(name, _)| *name == "scope") {
            query.push(("scope", "openid profile offline_access https://graph.microsoft.com/.default"));
        }
        self.open(&format!("/{tenant}/oauth2/v2.0/authorize"), &query).await
    }

    pub async fn token(&self, tenant: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![("client_id", DEFAULT_CLIENT_ID), ("client_secret", DEFAULT_CLIENT_SECRET)];
        form.extend(fields);
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/token"));
        let response = self.server.post(url).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn redeem(&self, tenant: &str, code: &str) -> (u16, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(tenant, &fields).await
    }

    pub async fn app_token(&self, tenant: &str) -> String {
        let (status, body) =
            self.token(tenant, &[("grant_type", "client_credentials"), ("scope", DEFAULT_SCOPE)]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().into()
    }

    pub async fn get(&self, token: &str, url: &str) -> (u16, Value) {
        let url = if url.starts_with("http") { url.into() } else { self.url(url) };
        let response = self.server.get(url).bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Every item of a list, its last page's body, and how many pages there were.
    pub async fn all(&self, token: &str, url: &str) -> (Vec<Value>, Value, usize) {
        let (mut items, mut pages, mut next) = (Vec::new(), 0, url.to_string());
        loop {
            let (status, body) = self.get(token, &next).await;
            assert_eq!(status, 200, "{body}");
            items.extend(body["value"].as_array().unwrap().clone());
            pages += 1;
            match body["@odata.nextLink"].as_str() {
                Some(link) => next = link.into(),
                None => return (items, body, pages),
            }
        }
    }
}

pub const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

/// The claims of a token, unchecked.
pub fn claims(token: &Value) -> Value {
    let body = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

pub fn error_code(body: &Value) -> u64 {
    body["error_codes"][0].as_u64().unwrap_or_default()
}
