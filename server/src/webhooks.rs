//! Sends events to webhooks: <https://www.standardwebhooks.com>.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use app::domain::{DeliveryId, Timestamp, WebhookId, webhook};
use http::{HeaderMap, StatusCode, header};
use rand::RngCore as _;
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use secrecy::SecretString;
use thiserror::Error;
use url::{Host, Url};

use crate::{
    clock::Clock,
    microsoft::retry_after,
    plain_text::plain_text,
    store::webhooks::{Delivery, Tried},
    vault::Vault,
};

mod addresses;
pub mod event;
pub mod signature;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long it may take to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an answer is looked at, in bytes.
const ANSWER_LIMIT: usize = 4 * 1024;

/// How much of an answer is kept where it explains a failure, in characters.
const ANSWER_SHOWN: usize = 200;

/// Why an address can't be a webhook's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// It is none.
    #[error("This is not an address such as https://example.com/webhook.")]
    NotOne,
    /// Others could read along.
    #[error("The address must begin with https://.")]
    NotHttps,
    /// It holds what belongs elsewhere.
    #[error("The address must not hold a user name or password. The signature proves who sends.")]
    Credentials,
    /// It leads into a private network.
    #[error(
        "This address is in a private network. If it is meant to be reached, set TENANTRY_WEBHOOK_PRIVATE_ADDRESSES=true."
    )]
    Private,
}

/// Nothing that may be reached has this name.
#[derive(Debug, Error)]
#[error("the name leads to a private address")]
struct PrivateAddress;

/// Takes an address as somebody writes it.
pub(crate) fn parse_url(text: &str, private_addresses: bool) -> Result<Url, UrlError> {
    let mut url = Url::parse(text.trim()).map_err(|_| UrlError::NotOne)?;
    // A dot alone is a host too: the root of all names.
    let named =
        url.host_str().is_some_and(|host| host.contains(|c| c != '.')) && url.as_str().len() <= webhook::URL_MAX;
    match url.scheme() {
        "https" if named => {}
        "http" if named && private_addresses => {}
        "http" if named => return Err(UrlError::NotHttps),
        _ => return Err(UrlError::NotOne),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    url.set_fragment(None);
    if private_addresses || may_reach(&url) { Ok(url) } else { Err(UrlError::Private) }
}

/// Whether an address that is written as a number may be reached. Names are looked up when they are needed.
fn may_reach(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => addresses::is_public(address.into()),
        Some(Host::Ipv6(address)) => addresses::is_public(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name != "localhost" && !name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Sends events.
#[derive(Clone)]
pub struct WebhookSender {
    client: Client,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    private_addresses: bool,
}

impl WebhookSender {
    /// `private_addresses`: whether receivers may be in private networks, and without https.
    pub fn new(vault: Arc<Vault>, clock: Arc<dyn Clock>, private_addresses: bool) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("Tenantry/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // Where it leads was not checked.
            .redirect(Policy::none())
            // A proxy would look the name up by itself, and reach what we may not.
            .no_proxy()
            .dns_resolver(Arc::new(Resolver { private_addresses }))
            .build()?;
        Ok(Self { client, vault, clock, private_addresses })
    }

    /// Takes an address as people write it.
    pub fn parse_url(&self, text: &str) -> Result<Url, UrlError> {
        parse_url(text, self.private_addresses)
    }

    /// Makes a webhook's secret. Answers it, and the same sealed for the webhook's id.
    pub fn make_secret(&self, webhook: WebhookId) -> (SecretString, Vec<u8>) {
        let secret = signature::new_secret();
        let sealed = self.vault.seal(webhook.uuid(), &secret);
        (secret, sealed)
    }

    /// Sends an event once.
    pub async fn send(&self, delivery: &Delivery) -> Tried {
        let began = tokio::time::Instant::now();
        let answer = self.post(delivery).await;
        let took = began.elapsed();
        let (status, headers, problem) = match answer {
            Ok((status, _, _)) if status.is_success() => {
                return Tried { status: Some(status.as_u16()), took, ..Tried::default() };
            }
            Ok((status, headers, body)) => (Some(status), headers, refusal(status, &body)),
            Err(problem) => (None, HeaderMap::new(), problem),
        };
        let now = self.clock.now();
        let gone = status == Some(StatusCode::GONE);
        let tries = delivery.tries.saturating_add(1);
        let wait = webhook::next_try(tries, retry_after(&headers, now), rand::rng().next_u32());
        let next = wait.filter(|_| !gone).map(|wait| now.plus(wait));
        tracing::info!(
            webhook = %delivery.webhook, delivery = %delivery.id, status = status.map(|status| status.as_u16()), tries,
            "a webhook did not take an event"
        );
        Tried { status: status.map(|status| status.as_u16()), took, problem: Some(problem), next, gone }
    }

    /// The status, the headers, and the beginning of the body; or why there is no answer.
    async fn post(&self, delivery: &Delivery) -> Result<(StatusCode, HeaderMap, Vec<u8>), String> {
        let url = Url::parse(&delivery.url).map_err(|_| UrlError::NotOne.to_string())?;
        if !self.private_addresses && (url.scheme() != "https" || !may_reach(&url)) {
            return Err(UrlError::Private.to_string());
        }
        let headers = self.signed(delivery.id, delivery).map_err(|error| {
            tracing::error!(webhook = %delivery.webhook, %error, "a webhook's secret can't be read");
            "The webhook's secret can't be read. Replace it.".to_owned()
        })?;
        let request = self.client.post(url).headers(headers).body(delivery.body.clone());
        let response = request.send().await.map_err(|error| no_answer(&error.without_url()))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if status.is_success() { Vec::new() } else { beginning(response).await };
        Ok((status, headers, body))
    }

    fn signed(
        &self,
        id: DeliveryId,
        delivery: &Delivery,
    ) -> Result<HeaderMap, Box<dyn std::error::Error + Send + Sync>> {
        let timestamp = self.clock.now().as_millis() / 1_000;
        let mut signatures = Vec::new();
        for sealed in &delivery.sealed_secrets {
            let secret = self.vault.open(delivery.webhook.uuid(), sealed)?;
            signatures.push(signature::sign(&secret, &id.to_string(), timestamp, &delivery.body)?);
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse()?);
        headers.insert("webhook-id", id.to_string().parse()?);
        headers.insert("webhook-timestamp", timestamp.to_string().parse()?);
        headers.insert("webhook-signature", signatures.join(" ").parse()?);
        Ok(headers)
    }

    /// The event that somebody sends to try a webhook out.
    pub fn test_event(&self) -> String {
        event::test(self.clock.now())
    }

    /// What time it is, for who sends.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// As much of an answer as explains it.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_LIMIT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(ANSWER_LIMIT);
    body
}

/// What an answer that is no success means, with the beginning of its text.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let text: String =
        plain_text(&String::from_utf8_lossy(body)).chars().filter(|c| !c.is_control()).take(ANSWER_SHOWN).collect();
    let what = match status {
        status if status.is_redirection() => {
            "The receiver redirects, which is not followed. Enter the address that it leads to."
        }
        StatusCode::GONE => "The receiver says that it is gone. The webhook is switched off.",
        _ => "The receiver did not take it.",
    };
    if text.is_empty() { format!("{status}: {what}") } else { format!("{status}: {what} It says: {text}") }
}

/// Why there is no answer, without the address, which may hold a secret.
fn no_answer(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut innermost = String::new();
    while let Some(inner) = cause {
        if inner.is::<PrivateAddress>() {
            return UrlError::Private.to_string();
        }
        innermost = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        return format!("The receiver did not answer within {} seconds.", TIMEOUT.as_secs());
    }
    let innermost: String = innermost.chars().take(ANSWER_SHOWN).collect();
    if error.is_connect() {
        format!("The receiver can't be reached: {innermost}.")
    } else {
        format!("The receiver broke off: {innermost}.")
    }
}

/// Looks names up, and leaves out what may not be reached: it is these addresses that the client then connects to.
struct Resolver {
    private_addresses: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let all = self.private_addresses;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| all || addresses::is_public(address.ip())).collect();
            if any && allowed.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::clock::SystemClock;

    fn sender(private_addresses: bool) -> WebhookSender {
        crate::microsoft::install_crypto();
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open_or_create(&dir.path().join("key")).unwrap());
        WebhookSender::new(vault, Arc::new(SystemClock), private_addresses).unwrap()
    }

    #[test]
    fn an_address_is_https_and_not_ours() {
        let sender = sender(false);
        for (text, expected) in [
            (" https://example.com/hook?key=1#part ", Ok("https://example.com/hook?key=1")),
            ("https://93.184.215.14/", Ok("https://93.184.215.14/")),
            ("example.com", Err(UrlError::NotOne)),
            ("ftp://example.com/", Err(UrlError::NotOne)),
            ("https://", Err(UrlError::NotOne)),
            ("https://./", Err(UrlError::NotOne)),
            ("http://example.com/", Err(UrlError::NotHttps)),
            ("https://kim:secret@example.com/", Err(UrlError::Credentials)),
            ("https://localhost/", Err(UrlError::Private)),
            ("https://a.localhost/", Err(UrlError::Private)),
            ("https://localhost./", Err(UrlError::Private)),
            ("https://127.0.0.1/", Err(UrlError::Private)),
            // However it is written.
            ("https://2130706433/", Err(UrlError::Private)),
            ("https://0x7f.1/", Err(UrlError::Private)),
            ("https://[::1]/", Err(UrlError::Private)),
            ("https://[::ffff:10.0.0.1]/", Err(UrlError::Private)),
        ] {
            let url = sender.parse_url(text);
            assert_eq!(url.as_ref().map(Url::as_str).map_err(|error| *error), expected, "{text}");
        }
        let private = self::sender(true);
        assert!(private.parse_url("http://127.0.0.1:9000/hook").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sender = sender(false);
        let error = sender.client.get(format!("http://localhost:{port}/")).send().await.unwrap_err();
        assert_eq!(no_answer(&error), UrlError::Private.to_string());
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nobody connected");
    }

    #[test]
    fn an_answer_is_shown_as_a_little_plain_text() {
        let body = format!("<h1>Oops</h1><script>alert(1)</script>{}", "x".repeat(10_000));
        let text = refusal(StatusCode::INTERNAL_SERVER_ERROR, body.as_bytes());
        assert!(text.starts_with("500 Internal Server Error: ") && text.contains("It says: Oops"), "{text}");
        assert!(!text.contains('<') && text.len() < 400, "{text}");
    }

    #[test]
    fn a_secret_is_sealed_for_its_webhook() {
        let sender = sender(false);
        let id = WebhookId::from_uuid(uuid::Uuid::from_u128(1));
        let (secret, sealed) = sender.make_secret(id);
        assert_eq!(sender.vault.open(id.uuid(), &sealed).unwrap().expose_secret(), secret.expose_secret());
    }
}
