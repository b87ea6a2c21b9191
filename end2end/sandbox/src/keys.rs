//! The RSA keys that sign tokens, and their rotation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::random::Dice;

/// Keys by seed and number.
type Made = Mutex<HashMap<(u64, u32), Arc<SigningKey>>>;

/// Shared by the whole process: making a key takes a noticeable part of a second, and tests start many sandboxes.
static MADE: OnceLock<Made> = OnceLock::new();

/// One RSA key with the id that tokens name it by.
pub struct SigningKey {
    kid: String,
    modulus: String,
    exponent: String,
    signing: RsaKeyPair,
    decoding: DecodingKey,
}

impl SigningKey {
    /// The key of that number; made once per process.
    fn get(seed: u64, number: u32) -> Result<Arc<Self>, KeyError> {
        let made = MADE.get_or_init(Mutex::default);
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.get(&(seed, number)) {
            return Ok(key.clone());
        }
        let key = Arc::new(Self::make(seed, number)?);
        made.insert((seed, number), key.clone());
        Ok(key)
    }

    fn make(seed: u64, number: u32) -> Result<Self, KeyError> {
        let mut dice = Dice::new(seed, &format!("signing key {number}"));
        let key = RsaPrivateKey::new(&mut dice, 2048)?;
        let der = key.to_pkcs1_der().map_err(rsa::Error::from)?;
        let modulus = encode(key.n());
        let exponent = encode(key.e());
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(&Sha256::digest(modulus.as_bytes())[..20]),
            decoding: DecodingKey::from_rsa_components(&modulus, &exponent)?,
            signing: RsaKeyPair::from_der(der.as_bytes()).map_err(|_| KeyError::Refused)?,
            modulus,
            exponent,
        })
    }

    fn jwk(&self, issuer: &str) -> Value {
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "x5t": self.kid,
            "n": self.modulus,
            "e": self.exponent,
            "issuer": issuer,
        })
    }
}

fn encode(number: &BigUint) -> String {
    URL_SAFE_NO_PAD.encode(number.to_bytes_be())
}

/// The keys of one sandbox: the newest signs, the newest two are published.
pub struct KeyRing {
    seed: u64,
    keys: Vec<Arc<SigningKey>>,
    /// The claims of tokens whose signature is known to be good: each comes with many requests.
    verified: Mutex<HashMap<String, Arc<Value>>>,
}

/// So many of them are kept.
const MOST_KNOWN: usize = 20_000;

impl KeyRing {
    /// The keys that belong to a seed.
    pub fn new(seed: u64) -> Result<Self, KeyError> {
        let keys = vec![SigningKey::get(seed, 0)?, SigningKey::get(seed, 1)?];
        Ok(Self { seed, keys, verified: Mutex::default() })
    }

    /// From now on a new key signs, which no earlier key set contained.
    pub fn rotate(&mut self) -> Result<(), KeyError> {
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(SigningKey::get(self.seed, number)?);
        Ok(())
    }

    /// The published key set, each key with the issuer it is for.
    pub fn jwks(&self, issuer: &str) -> Value {
        let newest = self.keys.iter().rev().take(2);
        json!({ "keys": newest.map(|key| key.jwk(issuer)).collect::<Vec<_>>() })
    }

    /// Signs claims; `kid` replaces the key's own id, for the tests of clients.
    pub fn sign(&self, claims: &Value, kid: Option<String>) -> Result<String, KeyError> {
        let key = self.keys.last().ok_or(KeyError::Empty)?;
        let is_honest = kid.is_none();
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid.unwrap_or_else(|| key.kid.clone()) });
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; key.signing.public().modulus_len()];
        key.signing
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| KeyError::Refused)?;
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        if is_honest {
            self.remember(&token, Arc::new(claims.clone()));
        }
        Ok(token)
    }

    /// The claims of a token that one of these keys signed, whatever its dates.
    pub fn verify(&self, token: &str) -> Option<Arc<Value>> {
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        if known.is_some() {
            return known;
        }
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.kid == kid)?;
        let validation = signature_only(vec![Algorithm::RS256]);
        let data = jsonwebtoken::decode::<Value>(token, &key.decoding, &validation).ok()?;
        let claims = Arc::new(data.claims);
        self.remember(token, claims.clone());
        Some(claims)
    }

    fn remember(&self, token: &str, claims: Arc<Value>) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MOST_KNOWN {
            verified.clear();
        }
        verified.insert(token.to_owned(), claims);
    }
}

/// Checks the signature and leaves the claims to the caller, whose clock may be another.
pub fn signature_only(algorithms: Vec<Algorithm>) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.algorithms = algorithms;
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// A key could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// RSA refused.
    #[error("cannot make a signing key: {0}")]
    Rsa(#[from] rsa::Error),
    /// The token library refused.
    #[error("cannot use a signing key: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The key is not taken, or does not sign.
    #[error("cannot sign a token with this key")]
    Refused,
    /// There is no key at all.
    #[error("there is no signing key")]
    Empty,
}
