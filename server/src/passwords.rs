//! Passwords: which ones are taken, and how they are stored (argon2id).

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use app::domain::{Email, account::PASSWORD_MIN};
use argon2::{
    Argon2, Params, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{self, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The most characters that a password has.
const PASSWORD_MAX: usize = 200;

/// How many are hashed at once. Each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// How long somebody waits for their turn. After that, there are too many for this machine.
const WAIT: Duration = Duration::from_secs(20);

/// Passwords that people choose, in lower case, one a line.
const COMMON: &str = include_str!("common-passwords.txt");

/// What people slide a finger over.
const ROWS: [&str; 4] = [
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "0123456789012345678901234567890123456789",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// The fewest letters and digits that a password has besides what everybody knows about its owner.
const BEYOND_THE_KNOWN: usize = 4;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordRefusal {
    /// It is too short.
    #[error("The password needs at least {PASSWORD_MIN} characters.")]
    TooShort,
    /// It is too long.
    #[error("The password can have {PASSWORD_MAX} characters at most.")]
    TooLong,
    /// Many people choose it, or a program guesses it early.
    #[error("This password is easy to guess. Choose another one, for instance four words that have nothing in common.")]
    Common,
    /// It is little more than the e-mail address or the product's name.
    #[error("This password is little more than your e-mail address or the name of this program. Choose another one.")]
    AboutOneself,
}

/// Why a password could not be hashed or compared.
#[derive(Debug, Error)]
pub enum HashError {
    /// Too many others are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash is none of ours, or the machine has no memory left.
    #[error("a password could not be hashed: {0}")]
    Hash(#[from] password_hash::Error),
    /// The thread ended.
    #[error("a password could not be hashed: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Whether a password for this address is taken.
pub fn check(password: &SecretString, email: &Email) -> Result<(), PasswordRefusal> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Err(PasswordRefusal::TooShort);
    }
    if length > PASSWORD_MAX {
        return Err(PasswordRefusal::TooLong);
    }
    let lower = password.to_lowercase();
    let name = email.as_str().split(['@', '+']).next().unwrap_or_default();
    if is_little_more_than(&lower, &[email.as_str(), name, "tenantry"]) {
        return Err(PasswordRefusal::AboutOneself);
    }
    if is_common(&lower) || is_pattern(&lower) { Err(PasswordRefusal::Common) } else { Ok(()) }
}

fn is_common(lower: &str) -> bool {
    static COMMON_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.lines().collect());
    let bare = lower.trim_end_matches(|c: char| !c.is_alphanumeric());
    [lower, bare].iter().any(|text| COMMON_SET.contains(text) || COMMON_SET.contains(unleet(text).as_str()))
}

/// `p4ssw0rd` is no better than `password`.
fn unleet(text: &str) -> String {
    // Digits at the end are a number and not letters.
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = word.chars().map(|c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    });
    letters.chain(text[word.len()..].chars()).collect()
}

/// The same few characters again and again, or a row of the keyboard or the alphabet.
fn is_pattern(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    let repeats = (1..=4).any(|unit| characters.iter().zip(characters.iter().skip(unit)).all(|(a, b)| a == b));
    let backwards: String = characters.iter().rev().collect();
    repeats || ROWS.iter().any(|row| row.contains(lower) || row.contains(&backwards))
}

/// Whether hardly anything is left of it without these words.
fn is_little_more_than(lower: &str, words: &[&str]) -> bool {
    let known = words.iter().filter(|word| word.chars().count() >= 3 && lower.contains(**word));
    let mut rest = lower.to_owned();
    let mut found = false;
    for word in known {
        rest = rest.replace(word, "");
        found = true;
    }
    // A year or a row of digits behind it adds next to nothing.
    let letters = rest.chars().filter(|c| c.is_alphabetic()).count();
    let others: HashSet<char> = rest.chars().filter(|c| !c.is_alphabetic()).collect();
    found && letters < BEYOND_THE_KNOWN && letters + others.len() < 2 * BEYOND_THE_KNOWN
}

/// Hashes passwords and compares them, few at once.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// OWASP's parameters: 19 MiB, two rounds, one thread.
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>
fn argon2id() -> Argon2<'static> {
    // The defaults, spelled out by a test.
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, Params::DEFAULT)
}

impl Passwords {
    /// The hash to store.
    pub async fn hash(&self, password: &SecretString) -> Result<SecretString, HashError> {
        let password = password.clone();
        self.in_turn(move || {
            let hash: PasswordHash = argon2id().hash_password(password.expose_secret().as_bytes())?;
            Ok(SecretString::from(hash.to_string()))
        })
        .await
    }

    /// Whether it is the password of this hash. Without a hash the same work is done: how long the answer takes does
    /// not tell whether there is an account.
    pub async fn verify(&self, password: &SecretString, hash: Option<&str>) -> Result<bool, HashError> {
        let password = password.clone();
        let hash = hash.map(str::to_owned);
        self.in_turn(move || {
            let password = password.expose_secret().as_bytes();
            let Some(hash) = hash else {
                let _: PasswordHash = argon2id().hash_password(password)?;
                return Ok(false);
            };
            let hash = PasswordHash::new(&hash).map_err(password_hash::Error::from)?;
            Ok(argon2id().verify_password(password, &hash).is_ok())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let Ok(Ok(turn)) = timeout(WAIT, turn).await else { return Err(HashError::Busy) };
        // The work goes on if whoever asks goes away, and its turn with it.
        spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await?
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), PasswordRefusal> {
        check(&password.into(), &Email::parse("kim.miller+it@example.com").unwrap())
    }

    #[tokio::test]
    async fn whoever_goes_away_gives_their_turn_back_when_the_work_is_done() {
        let passwords = Passwords::default();
        let (go, wait) = std::sync::mpsc::channel();
        let mut asking = Box::pin(passwords.in_turn(move || {
            wait.recv().unwrap();
            Ok(())
        }));
        assert!(futures::poll!(&mut asking).is_pending());
        drop(asking);
        assert_eq!(passwords.turns.available_permits(), AT_ONCE - 1);
        go.send(()).unwrap();
        let back = async {
            while passwords.turns.available_permits() < AT_ONCE {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(WAIT, back).await.unwrap();
    }

    #[test]
    fn a_password_that_is_easy_to_guess_is_not_taken() {
        for (password, refusal) in [
            ("short", PasswordRefusal::TooShort),
            ("password1234", PasswordRefusal::Common),
            ("P4ssw0rd1234", PasswordRefusal::Common),
            ("Password1234!", PasswordRefusal::Common),
            ("letmeinletmein", PasswordRefusal::Common),
            ("aaaaaaaaaaaaaa", PasswordRefusal::Common),
            ("abcabcabcabcab", PasswordRefusal::Common),
            ("123456789012", PasswordRefusal::Common),
            ("987654321098", PasswordRefusal::Common),
            ("abcdefghijklmn", PasswordRefusal::Common),
            ("qwertyuiopas", PasswordRefusal::Common),
            ("1qaz2wsx3edc", PasswordRefusal::Common),
            ("kim.miller2026", PasswordRefusal::AboutOneself),
            ("Tenantry2026!", PasswordRefusal::AboutOneself),
            ("kim.miller+it@example.com", PasswordRefusal::AboutOneself),
        ] {
            assert_eq!(checked(password), Err(refusal), "{password}");
        }
        assert_eq!(checked(&"word ".repeat(41)), Err(PasswordRefusal::TooLong));
    }

    #[test]
    fn a_password_that_is_not_is_taken() {
        for password in ["correct horse battery", "tenantry-demo", "kim.miller likes figs", "Zw8$kq1!tLp0"] {
            assert_eq!(checked(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn the_list_holds_what_it_is_asked_for() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.len() >= 1_000);
        for line in lines {
            assert!(line.chars().count() >= PASSWORD_MIN && line == line.to_lowercase(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_only() {
        let passwords = Passwords::default();
        let password = SecretString::from("correct horse battery");
        let hash = passwords.hash(&password).await.unwrap();
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "OWASP's parameters");
        assert_ne!(hash.expose_secret(), passwords.hash(&password).await.unwrap().expose_secret(), "salted");
        assert!(passwords.verify(&password, Some(hash.expose_secret())).await.unwrap());
        assert!(!passwords.verify(&"correct horse".into(), Some(hash.expose_secret())).await.unwrap());
        assert!(!passwords.verify(&password, None).await.unwrap());
        assert!(passwords.verify(&password, Some("nonsense")).await.is_err());
    }
}
