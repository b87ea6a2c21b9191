//! The client for Entra ID and Microsoft Graph: sign-in, proof of who signed in, tokens, and a tenant's data.

mod batch;
pub mod discovery;
pub mod errors;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
pub mod graph;
pub mod hosts;
mod http;
pub mod id_token;
mod links;
pub mod registration;
mod removal;
pub mod sign_in;
pub mod tenant_data;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod testing;
mod tokens;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use url::Url;

pub(crate) use self::http::retry_after;
pub use self::{
    batch::{TenantData, Wanted},
    discovery::SignInService,
    errors::{Class, MicrosoftError, PersonCause, Refusal},
    graph::{Graph, GraphError, UsersCursor, UsersNext, UsersPage},
    hosts::{Cloud, Hosts},
    id_token::{IdTokenError, Identity},
    links::{Link, LinkGuard},
    registration::{AppRegistration, CertificateError, ClientCertificate, Credential, CredentialFile},
    sign_in::{AppToken, Authority, AuthorizeRequest, Prompt, Refreshed, SignIn},
};
use crate::clock::Clock;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes ring the process's cryptography. reqwest panics when nobody has; doing it again does nothing.
pub fn install_crypto() {
    // An error means that one is installed already, which is all that is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The client for Microsoft, as one app registration. Cheap to clone; clones share connections and caches.
#[derive(Clone)]
pub struct Microsoft {
    shared: Arc<Shared>,
}

struct Shared {
    hosts: Hosts,
    app: AppRegistration,
    credential: registration::CurrentCredential,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    signing_keys: id_token::KeyCache,
    tenants: discovery::TenantCache,
    tokens: tokens::TokenCache,
}

impl Microsoft {
    /// A client for these hosts, acting as this app. Fails only when the TLS or proxy setup of the machine is unusable.
    pub fn new(hosts: Hosts, app: AppRegistration, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Tenantry/", env!("CARGO_PKG_VERSION")))
            // No answer that we want is a redirect, and following one could carry a token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(WHOLE_TIMEOUT);
        if hosts::is_loopback(&hosts.login) && hosts::is_loopback(&hosts.graph) {
            // A proxy could not reach what runs on this machine.
            builder = builder.no_proxy();
        }
        let shared = Shared {
            http: builder.build()?,
            hosts,
            credential: registration::CurrentCredential::of(&app),
            app,
            clock,
            signing_keys: id_token::KeyCache::default(),
            tenants: discovery::TenantCache::default(),
            tokens: tokens::TokenCache::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Where Microsoft is.
    pub fn hosts(&self) -> &Hosts {
        &self.shared.hosts
    }

    /// Which app we are.
    pub fn app(&self) -> &AppRegistration {
        &self.shared.app
    }

    /// When our certificate ends, if we have one.
    pub fn certificate_ends(&self) -> Option<app::domain::Timestamp> {
        self.shared.credential.certificate_ends(self.shared.clock.now())
    }

    /// `{login}/{path}`. `path` must not need escaping.
    fn login_url(&self, path: &str) -> Url {
        self.shared.hosts.login_url(path)
    }
}

impl fmt::Debug for Microsoft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microsoft")
            .field("hosts", &self.shared.hosts)
            .field("app", &self.shared.app)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use app::domain::{Domain, ReconnectReason};
    use m365_sandbox::{RunningSandbox, Sandbox, SandboxOptions};
    use serde_json::Value;

    use super::*;
    use crate::{clock::SystemClock, microsoft::testing::RSA};

    fn client(sandbox: &RunningSandbox, credential: Credential) -> Microsoft {
        let host = Url::parse(sandbox.base_url()).unwrap();
        let hosts = Hosts::new(Cloud::Global, Some(host.clone()), Some(host)).unwrap();
        let options = SandboxOptions::default();
        let redirect_uri = Url::parse("http://localhost:8080/connect/callback").unwrap();
        let app = AppRegistration { client_id: options.client_id, credential, credential_file: None, redirect_uri };
        Microsoft::new(hosts, app, Arc::new(SystemClock)).unwrap()
    }

    #[tokio::test]
    async fn the_sandbox_is_understood_before_anybody_has_consented() {
        let certificate = ClientCertificate::from_pem(&RSA.into()).unwrap();
        let certificates = vec![RSA[RSA.find("-----BEGIN CERTIFICATE").unwrap()..].to_owned()];
        let sandbox = Sandbox::start(SandboxOptions { client_certificates: certificates, ..Default::default() });
        let sandbox = sandbox.await.unwrap();
        let secret = SandboxOptions::default().client_secret;
        let microsoft = client(&sandbox, Credential::Secret(secret.into()));

        assert_eq!(microsoft.sign_in_service().await.unwrap(), SignInService::AsExpected);
        assert!(!microsoft.fetch_signing_keys().await.unwrap().is_empty());
        assert!(microsoft.graph_answers().await.unwrap());

        let url = format!("{}/_sandbox/tenants", sandbox.base_url());
        let tenants: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let domain = Domain::parse(tenants[0]["domain"].as_str().unwrap()).unwrap();
        let tenant = microsoft.resolve_tenant(&domain).await.unwrap().unwrap();
        assert_eq!(tenant.to_string(), tenants[0]["id"].as_str().unwrap());
        let unknown = Domain::parse("nobody.example").unwrap();
        assert_eq!(microsoft.resolve_tenant(&unknown).await.unwrap(), None);

        // Either credential is accepted, and the tenant does not know the app.
        for microsoft in [&microsoft, &client(&sandbox, Credential::Certificate(certificate))] {
            let error = microsoft.app_token(tenant).await.unwrap_err();
            assert!(
                matches!(
                    error.class(),
                    Class::Reconnect(ReconnectReason::AppRemoved | ReconnectReason::ConsentRemoved)
                ),
                "{}",
                error.details()
            );
        }
        let wrong = client(&sandbox, Credential::Secret("wrong".into())).app_token(tenant).await.unwrap_err();
        assert_eq!(wrong.class(), Class::Platform, "{}", wrong.details());
        sandbox.shutdown().await;
    }
}
