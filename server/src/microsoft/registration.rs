//! Who we are to Microsoft: the app registration, and how we prove it.

use std::{fmt, time::Duration};

use app::domain::Timestamp;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use url::Url;
use uuid::Uuid;
use x509_parser::public_key::PublicKey;

/// Microsoft advises 5 to 10 minutes.
const ASSERTION_LIVES: Duration = Duration::from_mins(5);
/// Our clock may be ahead of Microsoft's.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// The app registration in Entra ID.
#[derive(Clone, Debug)]
pub struct AppRegistration {
    /// Its "Application (client) ID".
    pub client_id: String,
    /// How it proves to be itself.
    pub credential: Credential,
    /// Where Microsoft sends people back to. Registered there, compared exactly.
    pub redirect_uri: Url,
}

/// How the app proves to be itself.
#[derive(Clone)]
pub enum Credential {
    /// A shared secret.
    Secret(SecretString),
    /// A certificate whose private key signs an assertion for each request. Microsoft never sees the key.
    Certificate(ClientCertificate),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret([redacted])"),
            Self::Certificate(certificate) => f.debug_tuple("Certificate").field(certificate).finish(),
        }
    }
}

/// Why a file is no client certificate. The file's content is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// No `BEGIN CERTIFICATE`, or not one that can be read.
    #[error("it contains no readable certificate (BEGIN CERTIFICATE)")]
    NoCertificate,
    /// No `BEGIN PRIVATE KEY`, or not one that can be read.
    #[error("it contains no readable, unencrypted RSA private key (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY)")]
    NoKey,
    /// Entra ID takes RSA only.
    #[error("its certificate is not for an RSA key, which is the only kind that Microsoft takes")]
    NotRsa,
    /// What the key signs, the certificate does not verify.
    #[error("its private key does not belong to its certificate")]
    Mismatch,
}

/// The key could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the private key of the client certificate can't sign")]
pub struct SigningError;

/// A certificate and its private key (RSA).
#[derive(Clone)]
pub struct ClientCertificate {
    key: EncodingKey,
    thumbprint: String,
    not_after: Timestamp,
}

impl ClientCertificate {
    /// Takes a PEM text that holds both, in any order. Of a chain, the first certificate is ours.
    pub fn from_pem(pem: &SecretString) -> Result<Self, CertificateError> {
        let text = pem.expose_secret();
        let der = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| CertificateError::NoCertificate)?;
        let (_, certificate) =
            x509_parser::parse_x509_certificate(&der).map_err(|_| CertificateError::NoCertificate)?;
        let public_key = match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => DecodingKey::from_rsa_raw_components(key.modulus, key.exponent),
            _ => return Err(CertificateError::NotRsa),
        };
        let key_pem = private_key_section(text).ok_or(CertificateError::NoKey)?;
        let key = EncodingKey::from_rsa_pem(key_pem.as_bytes()).map_err(|_| CertificateError::NoKey)?;
        let proof =
            jsonwebtoken::crypto::sign(b"proof", &key, Algorithm::PS256).map_err(|_| CertificateError::NoKey)?;
        match jsonwebtoken::crypto::verify(&proof, b"proof", &public_key, Algorithm::PS256) {
            Ok(true) => {}
            _ => return Err(CertificateError::Mismatch),
        }
        let not_after = Timestamp::from_millis(certificate.validity().not_after.timestamp().saturating_mul(1_000));
        Ok(Self { key, thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)), not_after })
    }

    /// When it stops being valid. From then on every company's token requests fail.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The SHA-256 of the certificate, base64url: what Microsoft finds it by.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A signed proof of who we are, good for one request to the token endpoint `audience`.
    /// <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &Url,
        now: Timestamp,
    ) -> Result<SecretString, SigningError> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.thumbprint.clone());
        let seconds = |at: Timestamp| at.as_millis() / 1_000;
        let claims = Assertion {
            aud: audience.as_str(),
            iss: client_id,
            sub: client_id,
            jti: Uuid::new_v4().to_string(),
            iat: seconds(now),
            nbf: seconds(now.minus(CLOCK_SKEW)),
            exp: seconds(now.plus(ASSERTION_LIVES)),
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map(SecretString::from).map_err(|_| SigningError)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// The first private key in a PEM text, with its first and last line.
fn private_key_section(text: &str) -> Option<&str> {
    ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter().find_map(|label| {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let section = &text[text.find(&begin)?..];
        Some(&section[..section.find(&end)? + end.len()])
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::microsoft::testing::{CLIENT_ID, EC, NOW, OTHER_RSA, RSA};

    fn read(pem: &str) -> Result<ClientCertificate, CertificateError> {
        ClientCertificate::from_pem(&SecretString::from(pem))
    }

    fn section(pem: &str, label: &str) -> String {
        let begin = pem.find(&format!("-----BEGIN {label}-----")).unwrap();
        let end = format!("-----END {label}-----\n");
        pem[begin..][..pem[begin..].find(&end).unwrap() + end.len()].to_owned()
    }

    #[test]
    fn an_assertion_is_what_microsoft_documents() {
        let certificate = read(RSA).unwrap();
        assert!(certificate.not_after() > NOW);
        let audience = Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token").unwrap();
        let assertion = certificate.assertion(CLIENT_ID, &audience, NOW).unwrap();
        let parts: Vec<&str> = assertion.expose_secret().split('.').collect();
        let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let (header, claims) = (json(parts[0]), json(parts[1]));
        assert_eq!(header["alg"], "PS256");
        assert_eq!(header["typ"], "JWT");
        assert_eq!(header["x5t#S256"], certificate.thumbprint());
        assert_eq!(claims["aud"], audience.as_str());
        assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT_ID.into(), &CLIENT_ID.into()));
        assert_eq!(claims["exp"], NOW.as_millis() / 1_000 + 300);
        let again = certificate.assertion(CLIENT_ID, &audience, NOW).unwrap();
        let again = json(again.expose_secret().split('.').nth(1).unwrap());
        assert_ne!(claims["jti"], again["jti"]);
    }

    #[test]
    fn the_order_in_the_file_does_not_matter() {
        let (key, certificate) = (section(RSA, "PRIVATE KEY"), section(RSA, "CERTIFICATE"));
        assert!(read(&format!("{certificate}{key}")).is_ok());
        assert!(read(&format!("{key}{certificate}")).is_ok());
    }

    #[test]
    fn a_file_that_can_not_work_is_refused_with_the_reason() {
        let (key, certificate) = (section(RSA, "PRIVATE KEY"), section(RSA, "CERTIFICATE"));
        let other_key = section(OTHER_RSA, "PRIVATE KEY");
        for (pem, error) in [
            (String::new(), CertificateError::NoCertificate),
            (key.clone(), CertificateError::NoCertificate),
            (certificate.clone(), CertificateError::NoKey),
            (certificate.clone() + &key.replace("PRIVATE", "ENCRYPTED PRIVATE"), CertificateError::NoKey),
            (certificate + &other_key, CertificateError::Mismatch),
            (EC.to_owned(), CertificateError::NotRsa),
        ] {
            assert_eq!(read(&pem).unwrap_err(), error);
        }
    }

    #[test]
    fn no_credential_shows_itself() {
        let secret = Credential::Secret(SecretString::from("hunter2"));
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        let certificate = Credential::Certificate(read(RSA).unwrap());
        assert_eq!(
            format!("{certificate:?}").len(),
            "Certificate(ClientCertificate { thumbprint: \"\", .. })".len() + 43
        );
    }
}
