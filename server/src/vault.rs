//! Seals secrets at rest (AES-256-GCM), each bound to the row that it belongs to.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::RngCore as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use uuid::Uuid;

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;

/// The keys, the newest first. Sealing uses the newest, opening whichever one sealed.
pub struct Vault {
    newest: Key,
    older: Vec<Key>,
}

struct Key {
    id: [u8; KEY_ID_BYTES],
    cipher: Aes256Gcm,
}

/// Why the key file can't be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It can't be read or made.
    #[error("the key file {path} can't be read or made: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no key, or something else than keys.
    #[error(
        "the key file {path}, line {line}: expected 32 random bytes in base64 (make one with: openssl rand -base64 32)"
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

/// Why something sealed can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// None of the keys in the key file sealed it.
    #[error("it was sealed with a key that is not in the key file; put the key back as a further line")]
    UnknownKey,
    /// It was changed, belongs to another row, or was never sealed here.
    #[error("it was changed since it was sealed")]
    Tampered,
}

impl Vault {
    /// Reads the key file, and makes it (mode 0600, one random key) if there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyFileError> {
        let io_error = |source| KeyFileError::Io { path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; KEY_BYTES];
                rand::rng().fill_bytes(&mut bytes);
                let line = STANDARD.encode(bytes) + "\n";
                write_private(path, line.as_bytes()).map_err(io_error)?;
                // Read back: of two servers that start at once, both use the file that is there.
                Self::parse(&fs::read_to_string(path).map_err(io_error)?, path)
            }
            Err(error) => Err(io_error(error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let malformed = || KeyFileError::Malformed { path: path.to_owned(), line: index + 1 };
            let bytes = STANDARD.decode(line.trim()).map_err(|_| malformed())?;
            keys.push(Key::new(&bytes).ok_or_else(malformed)?);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or_else(|| KeyFileError::Malformed { path: path.to_owned(), line: 1 })?;
        Ok(Self { newest, older: keys.collect() })
    }

    /// Seals a secret of the row with this id: key id, nonce, ciphertext.
    ///
    /// # Panics
    /// Never: the cipher refuses only what is longer than 64 GiB.
    pub fn seal(&self, row: Uuid, secret: &SecretString) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: row.as_bytes() };
        #[expect(clippy::expect_used, reason = "AES-GCM fails only beyond 64 GiB, and no secret is that long")]
        let sealed = self.newest.cipher.encrypt(&Nonce::from(nonce), payload).expect("the secret is short");
        [self.newest.id.as_slice(), &nonce, &sealed].concat()
    }

    /// Opens what was sealed for the row with this id.
    pub fn open(&self, row: Uuid, sealed: &[u8]) -> Result<SecretString, OpenError> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_BYTES).ok_or(OpenError::Tampered)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_BYTES).ok_or(OpenError::Tampered)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| OpenError::Tampered)?;
        let key =
            std::iter::once(&self.newest).chain(&self.older).find(|key| key.id == id).ok_or(OpenError::UnknownKey)?;
        let payload = Payload { msg: ciphertext, aad: row.as_bytes() };
        let plain = key.cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| OpenError::Tampered)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| OpenError::Tampered)
    }
}

impl Key {
    fn new(bytes: &[u8]) -> Option<Self> {
        let cipher = Aes256Gcm::new_from_slice(bytes).ok()?;
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&Sha256::digest(bytes)[..KEY_ID_BYTES]);
        Some(Self { id, cipher })
    }
}

/// Writes a file that only its owner may read, unless there is one already.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            file.write_all(content)?;
            file.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(lines: &[[u8; KEY_BYTES]]) -> Vault {
        let text = lines.iter().map(|key| STANDARD.encode(key)).collect::<Vec<_>>().join("\n");
        Vault::parse(&text, Path::new("secret.key")).expect("these are keys")
    }

    #[test]
    fn what_was_sealed_opens_for_its_row_only() {
        let vault = vault(&[[1; KEY_BYTES]]);
        let (row, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = vault.seal(row, &SecretString::from("a refresh token"));
        assert!(!sealed.windows(7).any(|window| window == b"refresh"));
        assert_eq!(vault.open(row, &sealed).expect("it opens").expose_secret(), "a refresh token");
        assert_eq!(vault.open(other, &sealed).err(), Some(OpenError::Tampered));
        assert_eq!(vault.open(row, &sealed[..10]).err(), Some(OpenError::Tampered));
    }

    #[test]
    fn an_older_key_still_opens() {
        let row = Uuid::from_u128(1);
        let sealed = vault(&[[1; KEY_BYTES]]).seal(row, &SecretString::from("secret"));
        assert!(vault(&[[2; KEY_BYTES], [1; KEY_BYTES]]).open(row, &sealed).is_ok());
        assert_eq!(vault(&[[2; KEY_BYTES]]).open(row, &sealed).err(), Some(OpenError::UnknownKey));
    }

    #[test]
    fn a_missing_key_file_is_made_private_and_found_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret.key");
        let row = Uuid::from_u128(1);
        let sealed = Vault::open_or_create(&path).expect("it is made").seal(row, &SecretString::from("secret"));
        assert!(Vault::open_or_create(&path).expect("it is found").open(row, &sealed).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_malformed_key_file_is_refused_with_its_line() {
        let text = format!("{}\nnot a key\n", STANDARD.encode([1; KEY_BYTES]));
        let error = Vault::parse(&text, Path::new("secret.key")).err().expect("it is refused");
        assert!(error.to_string().contains("secret.key, line 2"), "{error}");
        assert!(Vault::parse("", Path::new("secret.key")).is_err());
    }
}
