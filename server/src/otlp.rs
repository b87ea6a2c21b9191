//! Sends spans to an OpenTelemetry collector, where one is set: OTLP, protobuf over HTTP.
//!
//! Nobody waits for the collector: a thread of its own sends what was gathered, and while it can't, spans are dropped.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::body::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use thiserror::Error;
use tokio::runtime::Handle;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};
use url::Url;

/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long what was gathered may take to arrive when the server stops.
const GRACE: Duration = Duration::from_secs(3);

/// Whether spans are sent at all.
static ON: AtomicBool = AtomicBool::new(false);

/// Why no spans can be sent.
#[derive(Debug, Error)]
pub enum OtlpError {
    /// The client can't be made.
    #[error("the client for the collector can't be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The exporter can't be made.
    #[error("spans can't be sent: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Spans on their way to the collector.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send to this collector. `runtime` does the talking.
    pub fn start(collector: &Url, runtime: Handle) -> Result<Self, OtlpError> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { http, runtime, is_away: Arc::default() })
            .with_endpoint(traces(collector))
            .with_timeout(TIMEOUT)
            .build()?;
        let resource = Resource::builder().with_service_name("tenantry").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        ON.store(true, Ordering::Relaxed);
        Ok(Self(provider))
    }

    /// What takes the spans of this program, whatever is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("tenantry"));
        layer.with_location(false).with_threads(false).with_filter(ours)
    }

    /// Sends what is left. Not to be called within the runtime.
    pub fn end(self) {
        // A collector that is away has been told of already.
        drop(self.0.shutdown_with_timeout(GRACE));
    }
}

/// Whether spans are sent.
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Where a collector takes traces.
fn traces(collector: &Url) -> String {
    let base = collector.as_str().trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

/// Our HTTP client, for a thread that is none of the runtime's.
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    is_away: Arc<AtomicBool>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (http, is_away) = (self.http.clone(), Arc::clone(&self.is_away));
        let sending = self.runtime.spawn(async move {
            let answer = ask(&http, request).await;
            let failure = match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(answer.status().to_string()),
                Err(error) => Some(error.to_string()),
            };
            // Said once for each time that it is away.
            let was_away = is_away.swap(failure.is_some(), Ordering::Relaxed);
            match failure {
                Some(why) if !was_away => tracing::warn!(why, "the collector takes no traces; they are dropped"),
                None if was_away => tracing::info!("the collector takes traces again"),
                _ => {}
            }
            answer
        });
        sending.await?
    }
}

async fn ask(client: &reqwest::Client, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
    let answer = client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(answer.bytes().await.map_err(reqwest::Error::without_url)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_its_address_alone_or_by_all_of_it() {
        for (collector, expected) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://otel.example/tenantry/", "https://otel.example/tenantry/v1/traces"),
            ("https://otel.example/v1/traces", "https://otel.example/v1/traces"),
        ] {
            assert_eq!(collector.parse().map(|url| traces(&url)), Ok(expected.to_owned()));
        }
    }
}
