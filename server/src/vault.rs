//! Seals secrets at rest (AES-256-GCM), each bound to the row that it belongs to.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
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

/// The keys of a file, the newest first. Sealing uses the newest, opening whichever one sealed. A file that changes is read
/// again: keys are rotated while servers run.
pub struct Vault {
    path: PathBuf,
    held: RwLock<Held>,
}

/// What was read, and when the file had been written then.
struct Held {
    keys: Arc<Keys>,
    written: Option<Written>,
}

/// The newest, and those that may still have to open something.
struct Keys {
    newest: Key,
    older: Vec<Key>,
}

struct Key {
    id: KeyId,
    cipher: Aes256Gcm,
    /// As it stands in the file.
    line: SecretString,
}

/// Tells keys apart: the beginning of a key's SHA-256. What is sealed begins with it.
pub type KeyId = [u8; KEY_ID_BYTES];

/// Why the key file can't be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It can't be read, made or written.
    #[error("the key file {path} can't be read or written: {source}")]
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
    /// What older keys seal, or may have sealed, is not sealed anew yet.
    #[error("the key file {path} was changed less than two minutes ago, and a server may still use an older key: wait")]
    TooSoon {
        /// Which file.
        path: PathBuf,
    },
    /// There is none, and what is in the database was sealed with one.
    #[error(
        "the key file {path} is missing, and the database holds secrets that were sealed with it. Put it back from where \
         you keep it. If it is lost, make a new one (openssl rand -base64 32): delegated connections are then to be \
         reconnected, live links and the secrets of webhooks to be made anew"
    )]
    Lost {
        /// Which file.
        path: PathBuf,
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
    /// Reads the key file.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        Ok(Self { path: path.to_owned(), held: RwLock::new(Held::read(path)?) })
    }

    /// Reads the key file, and makes it (mode 0600, one random key) if there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make(path).map_err(io_error(path))?;
                // Read back: of two servers that start at once, both use the file that is there.
                Self::read(path)
            }
            read => read,
        }
    }

    /// Where the keys are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a new key in front of those in the file, and seals with it from now on. The file is replaced in one step.
    pub fn add_key(&self) -> Result<(), KeyFileError> {
        self.change_file(|keys| {
            let older = keys.all().map(|key| key.line.expose_secret().to_owned());
            Some(std::iter::once(new_line()).chain(older).collect())
        })
    }

    /// Takes all keys but `only` out of the file, with which everything is sealed. Not soon after it was changed: a server
    /// may have sealed something before, and be about to store it. Nor if `only` is not the newest any more.
    pub fn forget_older_keys(&self, only: KeyId, at_least_old: Duration) -> Result<(), KeyFileError> {
        self.change_file(|keys| {
            let age = written(&self.path).and_then(|(at, _)| at.elapsed().ok());
            let is_old = age.is_some_and(|age| age >= at_least_old);
            (is_old && keys.newest.id == only).then(|| vec![keys.newest.line.expose_secret().to_owned()])
        })
    }

    /// One change after the other, whichever process makes it. The new lines, or none where it is too soon for a change.
    fn change_file(&self, change: impl FnOnce(&Keys) -> Option<Vec<String>>) -> Result<(), KeyFileError> {
        let _lock = lock(&self.path).map_err(io_error(&self.path))?;
        let now = Held::read(&self.path)?;
        let Some(lines) = change(&now.keys) else { return Err(KeyFileError::TooSoon { path: self.path.clone() }) };
        let text = lines.join("\n") + "\n";
        replace(&self.path, &text).map_err(io_error(&self.path))?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held::read(&self.path)?;
        Ok(())
    }

    /// What the newest key is told by.
    pub fn newest(&self) -> KeyId {
        self.keys().newest.id
    }

    /// Whether one of the keys has this id.
    pub fn knows(&self, id: &[u8]) -> bool {
        self.keys().all().any(|key| key.id == id)
    }

    /// The keys in the file as it is now. One that can't be read at the moment changes nothing.
    fn keys(&self) -> Arc<Keys> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let written = written(&self.path);
        if written.is_none() || written == held.written {
            return Arc::clone(&held.keys);
        }
        drop(held);
        match Held::read(&self.path) {
            Ok(read) => {
                let keys = Arc::clone(&read.keys);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = read;
                tracing::info!("the key file was read again");
                keys
            }
            Err(error) => {
                tracing::warn!(%error, "the key file changed and can't be read; the keys that were in it are used");
                Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).keys)
            }
        }
    }

    /// Seals a secret of the row with this id: key id, nonce, ciphertext.
    ///
    /// # Panics
    /// Never: the cipher refuses only what is longer than 64 GiB.
    pub fn seal(&self, row: Uuid, secret: &SecretString) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: row.as_bytes() };
        let keys = self.keys();
        #[expect(clippy::expect_used, reason = "AES-GCM fails only beyond 64 GiB, and no secret is that long")]
        let sealed = keys.newest.cipher.encrypt(&Nonce::from(nonce), payload).expect("the secret is short");
        [keys.newest.id.as_slice(), &nonce, &sealed].concat()
    }

    /// Opens what was sealed for the row with this id.
    pub fn open(&self, row: Uuid, sealed: &[u8]) -> Result<SecretString, OpenError> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_BYTES).ok_or(OpenError::Tampered)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_BYTES).ok_or(OpenError::Tampered)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| OpenError::Tampered)?;
        let keys = self.keys();
        let key = keys.all().find(|key| key.id == id).ok_or(OpenError::UnknownKey)?;
        let payload = Payload { msg: ciphertext, aad: row.as_bytes() };
        let plain = key.cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| OpenError::Tampered)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| OpenError::Tampered)
    }
}

impl Held {
    fn read(path: &Path) -> Result<Self, KeyFileError> {
        // Asked first: a change meanwhile is then read once more, and not overlooked.
        let written = written(path);
        let text = fs::read_to_string(path).map_err(io_error(path))?;
        Ok(Self { keys: Arc::new(Keys::parse(&text, path)?), written })
    }
}

impl Keys {
    fn parse(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let malformed = || KeyFileError::Malformed { path: path.to_owned(), line: index + 1 };
            keys.push(Key::parse(line.trim()).ok_or_else(malformed)?);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or_else(|| KeyFileError::Malformed { path: path.to_owned(), line: 1 })?;
        Ok(Self { newest, older: keys.collect() })
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

fn new_line() -> String {
    let mut bytes = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}

/// What a file is told by to have changed: clocks of file systems tick slowly, so its length counts too.
type Written = (SystemTime, u64);

fn written(path: &Path) -> Option<Written> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    |source| KeyFileError::Io { path, source }
}

/// A file beside this one: `secret.key.new`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    name.into()
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line).ok()?;
        let cipher = Aes256Gcm::new_from_slice(&bytes).ok()?;
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&Sha256::digest(&bytes)[..KEY_ID_BYTES]);
        Some(Self { id, cipher, line: line.into() })
    }
}

/// Makes sure that a name in a folder outlives a power failure, as what the file holds does.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Makes a key file with one key, unless there is one.
fn make(path: &Path) -> io::Result<()> {
    let _lock = lock(path)?;
    if path.try_exists()? { Ok(()) } else { replace(path, &format!("{}\n", new_line())) }
}

/// Whoever changes a key file holds this: one process after the other. It belongs to whom the key file belongs to.
fn lock(path: &Path) -> io::Result<fs::File> {
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(beside(path, "lock"))?;
    give_to_owner_of(path, &lock)?;
    lock.lock()?;
    Ok(lock)
}

/// Gives a file to whom the key file belongs to: who rotates keys as root does not lock out the user that the server runs
/// as. Others than root can't give files away, and keep what they write. Answers whether it is of the same user and group.
#[cfg(unix)]
fn give_to_owner_of(path: &Path, file: &fs::File) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let owner = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(true);
    }
    match fchown(file, Some(owner.uid()), Some(owner.gid())) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        given => given.map(|()| true),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn give_to_owner_of(_: &Path, _: &fs::File) -> io::Result<bool> {
    Ok(false)
}

/// Puts a file in its place that only its owner may read, or those who could read the one before. Whoever reads finds that
/// one, or this one whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = beside(path, "new");
    // What is left of a change that was cut off.
    fs::remove_file(&new).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let file = write_new(&new, text.as_bytes())?;
    // Whoever could read the one before can read this one. Of another group, its mode would let in others.
    if give_to_owner_of(path, &file)? {
        file.set_permissions(fs::metadata(path)?.permissions())?;
    }
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder_of(path)
}

/// Writes a file that only its owner may read.
fn write_new(path: &Path, content: &[u8]) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(lines: &[[u8; KEY_BYTES]]) -> Vault {
        let text = lines.iter().map(|key| STANDARD.encode(key)).collect::<Vec<_>>().join("\n");
        let path = PathBuf::from("no such file");
        let keys = Arc::new(Keys::parse(&text, &path).expect("these are keys"));
        Vault { path, held: RwLock::new(Held { keys, written: None }) }
    }

    #[cfg(unix)]
    #[test]
    fn who_could_read_the_key_file_can_read_it_after_a_rotation() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let vault = Vault::open_or_create(&path).expect("a key file");
        let mode = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        vault.add_key().expect("another key");
        assert_eq!(mode(), 0o640);
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
    fn a_key_that_is_added_is_used_by_who_read_the_file_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret.key");
        let row = Uuid::from_u128(1);
        let server = Vault::open_or_create(&path).expect("it is made");
        let (first, before) = (server.newest(), server.seal(row, &SecretString::from("before")));

        let command = Vault::read(&path).expect("it is found");
        command.add_key().expect("a key is added");
        let after = command.seal(row, &SecretString::from("after"));
        assert_eq!(server.open(row, &after).expect("it opens").expose_secret(), "after");
        assert_eq!(server.open(row, &before).expect("it opens").expose_secret(), "before");
        assert_eq!(server.newest(), command.newest());
        assert!(server.knows(&first) && server.newest() != first);

        let second = command.newest();
        let too_soon = command.forget_older_keys(second, Duration::from_hours(1));
        assert!(matches!(too_soon, Err(KeyFileError::TooSoon { .. })) && command.knows(&first));
        let another = command.forget_older_keys(first, Duration::ZERO);
        assert!(matches!(another, Err(KeyFileError::TooSoon { .. })) && command.knows(&first));
        command.forget_older_keys(second, Duration::ZERO).expect("they are forgotten");
        assert!(!command.knows(&first) && command.open(row, &after).is_ok());
        assert_eq!(command.open(row, &before).err(), Some(OpenError::UnknownKey));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_keeps_its_owner_whoever_adds_a_key() {
        use std::os::unix::fs::{MetadataExt as _, chown};

        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret.key");
        let vault = Vault::open_or_create(&path).expect("it is made");
        // Only root can: for others it stays theirs.
        drop(chown(&path, Some(12_345), Some(54_321)));
        let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).expect("it is there");
        let before = owner(&path);
        vault.add_key().expect("a key is added");
        assert_eq!((owner(&path), owner(&beside(&path, "lock"))), (before, before));
    }

    #[test]
    fn a_key_file_that_is_being_edited_does_no_harm() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret.key");
        let row = Uuid::from_u128(1);
        let vault = Vault::open_or_create(&path).expect("it is made");
        let sealed = vault.seal(row, &SecretString::from("secret"));
        fs::write(&path, "half a li").expect("it is written");
        assert!(vault.open(row, &sealed).is_ok() && vault.add_key().is_err());
        fs::remove_file(&path).expect("it is removed");
        assert!(vault.open(row, &sealed).is_ok());
    }

    #[test]
    fn a_malformed_key_file_is_refused_with_its_line() {
        let text = format!("{}\nnot a key\n", STANDARD.encode([1; KEY_BYTES]));
        let error = Keys::parse(&text, Path::new("secret.key")).err().expect("it is refused");
        assert!(error.to_string().contains("secret.key, line 2"), "{error}");
        assert!(Keys::parse("", Path::new("secret.key")).is_err());
    }
}
