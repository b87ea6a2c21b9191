//! The client for Entra ID and Microsoft Graph: sign-in, proof of who signed in, tokens, and a tenant's data.

pub mod discovery;
pub mod errors;
pub mod graph;
pub mod hosts;
mod http;
pub mod id_token;
pub mod registration;
pub mod sign_in;
pub mod tenant_data;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod testing;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use url::Url;

pub use self::{
    discovery::SignInService,
    errors::{Class, MicrosoftError, PersonCause, Refusal},
    graph::{Graph, GraphError, Link, LinkGuard, UsersCursor, UsersNext, UsersPage},
    hosts::{Cloud, Hosts},
    id_token::{IdTokenError, Identity},
    registration::{AppRegistration, CertificateError, ClientCertificate, Credential},
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
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    signing_keys: id_token::KeyCache,
    tenants: discovery::TenantCache,
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
            app,
            clock,
            signing_keys: id_token::KeyCache::default(),
            tenants: discovery::TenantCache::default(),
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
