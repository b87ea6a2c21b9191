//! Who we are to Microsoft: the app registration, and how we prove it.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::domain::{Timestamp, platform::RENEW_BEFORE};
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
    /// Where that was read from, if it was a file: a new one may be put there at any time.
    pub credential_file: Option<CredentialFile>,
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

impl Credential {
    /// Whether it is the same secret, or the same certificate.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(one), Self::Secret(other)) => one.expose_secret() == other.expose_secret(),
            (Self::Certificate(one), Self::Certificate(other)) => one.thumbprint == other.thumbprint,
            _ => false,
        }
    }
}

/// A file that holds a credential.
#[derive(Clone, Debug)]
pub enum CredentialFile {
    /// Nothing but a secret.
    Secret(PathBuf),
    /// A certificate and its key, as PEM.
    Certificate(PathBuf),
}

impl CredentialFile {
    /// Reads it. The error names the file and holds nothing of it.
    pub fn read(&self) -> Result<Credential, String> {
        let (Self::Secret(path) | Self::Certificate(path)) = self;
        let text = fs::read_to_string(path)
            .map(SecretString::from)
            .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        match self {
            Self::Secret(_) => match text.expose_secret().trim() {
                "" => Err("the file is empty".to_owned()),
                secret => Ok(Credential::Secret(SecretString::from(secret))),
            },
            Self::Certificate(_) => {
                ClientCertificate::from_pem(&text).map(Credential::Certificate).map_err(|error| error.to_string())
            }
        }
    }
}

/// The credential in use.
#[derive(Debug)]
pub(super) struct CurrentCredential {
    file: Option<CredentialFile>,
    /// With the time of the last look into the file.
    state: Mutex<(Arc<Credential>, Timestamp)>,
}

/// How often at most the file is looked into because the certificate ends soon.
const LOOK_EVERY: Duration = Duration::from_mins(1);

impl CurrentCredential {
    pub(super) fn of(app: &AppRegistration) -> Self {
        let state = Mutex::new((Arc::new(app.credential.clone()), Timestamp::from_millis(0)));
        Self { file: app.credential_file.clone(), state }
    }

    pub(super) fn get(&self) -> Arc<Credential> {
        self.state().0.clone()
    }

    /// After `refused` was: whether there is another one by now. Looks into the file.
    pub(super) fn is_newer_than(&self, refused: &Arc<Credential>, now: Timestamp) -> bool {
        self.look(now);
        !Arc::ptr_eq(refused, &self.state().0)
    }

    /// When the certificate ends, if there is one. Looks into the file if that is soon.
    pub(super) fn certificate_ends(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = |credential: &Credential| match credential {
            Credential::Secret(_) => None,
            Credential::Certificate(certificate) => Some(certificate.not_after()),
        };
        let (credential, looked) = self.state().clone();
        let soon = ends(&credential).is_some_and(|ends| ends.since(now) < RENEW_BEFORE);
        if soon && now.since(looked) >= LOOK_EVERY {
            self.look(now);
        }
        ends(&self.get())
    }

    /// A file that can't be read changes nothing: somebody may be writing it.
    fn look(&self, now: Timestamp) {
        let Some(file) = &self.file else { return };
        let read = file.read();
        let mut state = self.state();
        state.1 = now;
        match read {
            Ok(new) if !new.is(&state.0) => {
                tracing::info!("the credential's file holds a new one");
                state.0 = Arc::new(new);
            }
            Ok(_) => {}
            Err(why) => tracing::warn!(why, "the credential's file can't be used; the one from before is kept"),
        }
    }

    fn state(&self) -> MutexGuard<'_, (Arc<Credential>, Timestamp)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn a_credential_is_read_again_when_it_was_refused_and_a_broken_file_changes_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        let app = AppRegistration {
            client_id: CLIENT_ID.into(),
            credential: Credential::Secret("old".into()),
            credential_file: Some(CredentialFile::Secret(file.path().into())),
            redirect_uri: Url::parse("http://localhost/").unwrap(),
        };
        let current = CurrentCredential::of(&app);
        let old = current.get();
        for unusable in ["old\n", ""] {
            write(unusable);
            assert!(!current.is_newer_than(&old, NOW), "{unusable:?}");
        }
        write("new\n");
        assert!(current.is_newer_than(&old, NOW));
        let Credential::Secret(new) = &*current.get() else { panic!("a secret") };
        assert_eq!(new.expose_secret(), "new");
        assert!(!current.is_newer_than(&current.get(), NOW));
    }

    #[test]
    fn a_certificate_that_ends_soon_is_looked_for_once_a_minute() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), OTHER_RSA).unwrap();
        let (old, new) = (read(RSA).unwrap(), read(OTHER_RSA).unwrap());
        let app = AppRegistration {
            client_id: CLIENT_ID.into(),
            credential: Credential::Certificate(old.clone()),
            credential_file: Some(CredentialFile::Certificate(file.path().into())),
            redirect_uri: Url::parse("http://localhost/").unwrap(),
        };
        let current = CurrentCredential::of(&app);
        let early = old.not_after().minus(RENEW_BEFORE);
        assert_eq!(current.certificate_ends(early), Some(old.not_after()), "there is time");
        let soon = early.plus(Duration::from_secs(1));
        assert_eq!(current.certificate_ends(soon), Some(new.not_after()));
        std::fs::write(file.path(), RSA).unwrap();
        let later = new.not_after();
        assert_eq!(current.certificate_ends(later), Some(old.not_after()));
        std::fs::write(file.path(), OTHER_RSA).unwrap();
        assert_eq!(current.certificate_ends(later.plus(Duration::from_secs(59))), Some(old.not_after()));
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
