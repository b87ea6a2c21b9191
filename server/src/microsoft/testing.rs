//! What the tests of this module share: a clock that stands still, keys, and a server to speak to.

use std::sync::Arc;

use app::domain::Timestamp;
use axum::Router;
use secrecy::SecretString;
use url::Url;

use super::{AppRegistration, Cloud, Credential, Hosts, Microsoft};
use crate::clock::Clock;

/// An RSA key and its certificate.
pub(super) const RSA: &str = include_str!("../../tests/fixtures/certificates/rsa.pem");
/// Another one.
pub(super) const OTHER_RSA: &str = include_str!("../../tests/fixtures/certificates/other-rsa.pem");
/// One that is not RSA.
pub(super) const EC: &str = include_str!("../../tests/fixtures/certificates/ec.pem");

pub(super) const CLIENT_ID: &str = "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70";
pub(super) const SECRET: &str = "the-client-secret";
/// 2026-11-22T08:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_334_400_000);

pub(super) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A client for a host that speaks as Microsoft does.
pub(super) fn client(host: &str, credential: Credential) -> Microsoft {
    client_by(host, credential, Arc::new(StoppedClock))
}

/// The same, by another clock.
pub(super) fn client_by(host: &str, credential: Credential, clock: Arc<dyn Clock>) -> Microsoft {
    let host = Url::parse(host).unwrap();
    let hosts = Hosts::new(Cloud::Global, Some(host.clone()), Some(host)).unwrap();
    let redirect_uri = Url::parse("http://localhost:8080/connect/callback").unwrap();
    let app = AppRegistration { client_id: CLIENT_ID.into(), credential, credential_file: None, redirect_uri };
    Microsoft::new(hosts, app, clock).unwrap()
}

/// Serves until the test ends.
pub(super) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// A client for a server that is started for it.
pub(super) async fn served(router: Router) -> (Microsoft, String) {
    let host = serve(router).await;
    (client(&host, Credential::Secret(SecretString::from(SECRET))), host)
}
