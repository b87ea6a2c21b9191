//! Proves to a receiver that an event is ours, and when it was sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use rand::RngCore as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use thiserror::Error;

/// What a secret begins with, so that people know one.
const PREFIX: &str = "whsec_";

const SECRET_BYTES: usize = 32;

/// A secret is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the secret is not one of a webhook")]
pub struct SecretError;

/// A new secret.
pub fn new_secret() -> SecretString {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    SecretString::from(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// The signature of an event that is sent at this time, in seconds.
pub fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &str) -> Result<String, SecretError> {
    let key = secret.expose_secret().strip_prefix(PREFIX).and_then(|key| STANDARD.decode(key).ok());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.ok_or(SecretError)?).map_err(|_| SecretError)?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_example_of_standard_webhooks_is_signed_as_they_do() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn another_text_is_no_secret() {
        for text in ["", "whsec_", "whsec_not base64!", "c2VjcmV0"] {
            let signed = sign(&SecretString::from(text), "1", 1, "{}");
            assert_eq!(signed.is_err(), text != "whsec_", "{text}");
        }
        assert!(sign(&new_secret(), "1", 1, "{}").is_ok());
    }
}
