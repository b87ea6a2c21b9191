//! The certificate for HTTPS: a given one, or one made at the start.

use std::path::PathBuf;

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};

use crate::options::Tls;

/// What the listener needs, and what clients have to trust.
pub struct Prepared {
    /// For the listener.
    pub config: RustlsConfig,
    /// In PEM.
    pub certificate: String,
}

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Certificate and key are no use.
    #[error("cannot use the certificate: {0}")]
    Use(std::io::Error),
}

/// Gets the certificate ready; none for plain HTTP.
pub async fn prepare(tls: &Tls) -> Result<Option<Prepared>, TlsError> {
    let (certificate, key) = match tls {
        Tls::None => return Ok(None),
        Tls::SelfSigned => self_signed()?,
        Tls::Files { certificate, key } => (read(certificate)?, read(key)?),
    };
    // An error means that the process has a provider already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config =
        RustlsConfig::from_pem(certificate.clone().into_bytes(), key.into_bytes()).await.map_err(TlsError::Use)?;
    Ok(Some(Prepared { config, certificate }))
}

fn read(file: &PathBuf) -> Result<String, TlsError> {
    std::fs::read_to_string(file).map_err(|source| TlsError::File { file: file.clone(), source })
}

fn self_signed() -> Result<(String, String), rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "m365-sandbox");
    // Its own authority: clients that are told to trust it check the chain like any other.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
