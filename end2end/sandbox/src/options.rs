//! What a sandbox is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The app registration's id when none is given.
pub const DEFAULT_CLIENT_ID: &str = "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70";
/// The app registration's secret when none is given.
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-client-secret";
/// The seed when none is given.
pub const DEFAULT_SEED: u64 = 1;

/// How to start a sandbox; the defaults are a random port, plain HTTP and no redirect URI.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The same seed gives the same tenants.
    pub seed: u64,
    /// The app registration's id.
    pub client_id: String,
    /// The app registration's secret.
    pub client_secret: String,
    /// Where answers may be sent, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Certificates or public keys (PEM) that may sign client assertions.
    pub client_certificates: Vec<String>,
    /// Plain HTTP, or HTTPS with which certificate.
    pub tls: Tls,
    /// Where consents and refresh tokens outlive a restart; nowhere by default.
    pub state_file: Option<PathBuf>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: DEFAULT_SEED,
            client_id: DEFAULT_CLIENT_ID.into(),
            client_secret: DEFAULT_CLIENT_SECRET.into(),
            redirect_uris: Vec::new(),
            client_certificates: Vec::new(),
            tls: Tls::None,
            state_file: None,
        }
    }
}

/// Where the certificate for HTTPS comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    #[default]
    None,
    /// A certificate for `localhost` and the loopback addresses, made at the start.
    SelfSigned,
    /// A certificate and its key, in PEM files.
    Files {
        /// The certificate chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}
