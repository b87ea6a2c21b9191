//! Signing in and out.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{
    api::{
        accounts::Invitation,
        sessions::{Credentials, NewAccount, SignInOptions},
    },
    domain::{Email, Me, Role},
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{
    clock::Clock,
    failure::internal,
    passwords::{self, HashError, Passwords},
    rate::whole_seconds,
    store::{
        Store, StoreError,
        accounts::{Account, Added, Newcomer, StoredInvitation},
        activity::Actor,
        sessions::TokenHash,
        throttle::{Counted, Try},
    },
};

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 100;

/// The secret in a session's cookie or in a one-time link: 256 bits. Stored as a hash only.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The one in a cookie or in a link, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::may_be(text).then(|| Self(text.into()))
    }

    /// Whether this can be one.
    pub fn may_be(text: &str) -> bool {
        URL_SAFE_NO_PAD.decode_slice(text, &mut [0; 33]).is_ok_and(|bytes| bytes == 32)
    }

    /// As it stands in the cookie or in the link.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// As it is stored.
    pub fn hash(&self) -> TokenHash {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

/// Somebody who is signed in, for the time of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub me: Me,
    /// By which session.
    pub session: TokenHash,
}

impl Caller {
    /// As somebody who does something.
    pub fn actor(&self) -> Actor {
        Actor::signed_in(&self.me)
    }
}

/// An account as its owner sees it.
pub fn me(account: Account) -> Me {
    Me {
        has_password: account.password_hash().is_some(),
        id: account.id,
        email: account.email,
        name: account.name,
        role: account.role,
    }
}

/// What a response has besides its body.
#[derive(Clone, Default)]
pub struct Reply(Arc<Mutex<Extras>>);

/// See [`Reply`].
#[derive(Default)]
pub struct Extras {
    /// What becomes of the session's cookie.
    pub cookie: Option<CookieChange>,
    /// How long to wait before asking again.
    pub retry_after: Option<Duration>,
}

/// What becomes of the session's cookie.
pub enum CookieChange {
    /// A session begins.
    Set(Token),
    /// It ends.
    Remove,
}

impl Reply {
    /// What was left in it.
    pub fn take(&self) -> Extras {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_cookie(&self, cookie: CookieChange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cookie = Some(cookie);
    }

    fn retry_after(&self, wait: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retry_after = Some(wait);
    }
}

/// What signing in needs, whoever does it.
pub struct SignIn {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// What the page Sign in offers.
    pub options: SignInOptions,
}

/// Signing in and out, for one request.
pub struct Sessions {
    /// What it needs.
    pub sign_in: Arc<SignIn>,
    /// Who asks, if they are signed in.
    pub caller: Option<Caller>,
    /// From where.
    pub address: IpAddr,
    /// Where the cookie is left for the response.
    pub reply: Reply,
}

impl Sessions {
    fn caller(&self) -> Result<&Caller, AppError> {
        self.caller.as_ref().ok_or_else(unauthorized)
    }

    /// Counts a try, or says when the next one may be made.
    async fn count(&self, tried: &Try, whose: &str) -> Result<Counted, AppError> {
        let counted = self.sign_in.store.count_try(tried).await.map_err(internal)?;
        let wait = match counted {
            Ok(counted) => return Ok(counted),
            Err(wait) => wait,
        };
        self.reply.retry_after(wait);
        tracing::info!(address = %self.address, retry_after_secs = wait.as_secs(), "a sign-in has to wait");
        let why = format!("Too many tries for {whose}, from {}", self.address);
        self.sign_in.store.sign_in_refused(why).await.map_err(internal)?;
        let text = format!("Too many sign-ins failed. Try again in {}.", for_people(wait));
        Err(AppError::new(ErrorCode::TooManyRequests, text))
    }

    async fn stored_invitation(&self, token: &str) -> Result<(Token, StoredInvitation), AppError> {
        let not_valid =
            || AppError::new(ErrorCode::NotFound, "This link is not valid. Ask whoever sent it for a new one.");
        let token = Token::parse(token).ok_or_else(not_valid)?;
        let invitation = self.sign_in.store.invitation(token.hash()).await.map_err(internal)?;
        let invitation = invitation.ok_or_else(not_valid)?;
        if invitation.used {
            return Err(AppError::new(ErrorCode::Conflict, "This link has already been used. Sign in instead."));
        }
        if self.sign_in.clock.now() >= invitation.expires {
            return Err(expired(&invitation));
        }
        Ok((token, invitation))
    }
}

#[async_trait]
impl ports::Sessions for Sessions {
    async fn options(&self) -> Result<SignInOptions, AppError> {
        Ok(self.sign_in.options.clone())
    }

    async fn sign_in(&self, credentials: Credentials) -> Result<Me, AppError> {
        let wrong = || AppError::new(ErrorCode::Unauthorized, "The e-mail address or password is wrong.");
        let password = SecretString::from(credentials.password);
        let Ok(email) = Email::parse(&credentials.email) else { return Err(wrong()) };
        let store = &self.sign_in.store;
        let account = store.account_by_email(&email).await.map_err(internal)?;
        // What people type as their address can be anything, a password too. One that has an account is one.
        let whose = account.as_ref().map_or("an address without an account", |account| account.email.as_str());
        let tried = Try::new(&email, self.address);
        let counted = self.count(&tried, whose).await?;
        let hash = account.as_ref().and_then(Account::password_hash);
        let right = self.sign_in.passwords.verify(&password, hash).await.map_err(hashing)?;
        let Some(account) = account.as_ref().filter(|_| right) else {
            let why = format!("A wrong password for {whose}, from {}", self.address);
            store.sign_in_refused(why).await.map_err(internal)?;
            return Err(wrong());
        };
        // Whoever knows the password may know this too.
        if !account.active {
            store.sign_in_refused(format!("{whose} is deactivated")).await.map_err(internal)?;
            return Err(AppError::new(ErrorCode::Forbidden, "Your account is deactivated. Ask an owner."));
        }
        let token = Token::random();
        if !store.begin_session(account, token.hash(), "With a password").await.map_err(internal)? {
            return Err(wrong());
        }
        store.try_succeeded(&tried, counted).await.map_err(internal)?;
        self.reply.set_cookie(CookieChange::Set(token));
        Ok(me(account.clone()))
    }

    async fn sign_out(&self) -> Result<(), AppError> {
        let caller = self.caller()?;
        self.sign_in.store.end_session(caller.session, &caller.actor()).await.map_err(internal)?;
        self.reply.set_cookie(CookieChange::Remove);
        Ok(())
    }

    async fn me(&self) -> Result<Me, AppError> {
        Ok(self.caller()?.me.clone())
    }

    async fn change_password(&self, current: String, new: String) -> Result<(), AppError> {
        let caller = self.caller()?;
        let (current, new) = (SecretString::from(current), SecretString::from(new));
        let store = &self.sign_in.store;
        let account = store.account(caller.me.id).await.map_err(internal)?.ok_or_else(unauthorized)?;
        let email = Email::parse(&account.email)
            .map_err(|_| internal(StoreError::Unexpected(format!("the address of account {}", account.id))))?;
        let tried = Try::new(&email, self.address);
        let counted = self.count(&tried, &account.email).await?;
        if !self.sign_in.passwords.verify(&current, account.password_hash()).await.map_err(hashing)? {
            return Err(AppError::new(ErrorCode::Invalid, "The current password is wrong."));
        }
        store.try_succeeded(&tried, counted).await.map_err(internal)?;
        passwords::check(&new, &email).map_err(|refusal| AppError::new(ErrorCode::Invalid, refusal.to_string()))?;
        let hash = self.sign_in.passwords.hash(&new).await.map_err(hashing)?;
        if !store.change_password(&account, &hash, caller.session).await.map_err(internal)? {
            return Err(AppError::new(ErrorCode::Conflict, "The password was changed meanwhile. Try again."));
        }
        Ok(())
    }

    async fn invitation(&self, token: String) -> Result<Invitation, AppError> {
        let (_, StoredInvitation { email, role, .. }) = self.stored_invitation(&token).await?;
        Ok(Invitation { email, role, msp: self.sign_in.options.msp.clone() })
    }

    async fn accept_invitation(&self, new: NewAccount) -> Result<Me, AppError> {
        let invalid = |text: String| AppError::new(ErrorCode::Invalid, text);
        let (link, invitation) = self.stored_invitation(&new.token).await?;
        let password = SecretString::from(new.password);
        let email = Email::parse(invitation.email.as_deref().unwrap_or(&new.email))
            .map_err(|_| invalid("This is not an e-mail address such as kim@example.com.".to_owned()))?;
        let name = person_name(&new.name).map_err(|why| invalid(why.to_owned()))?;
        passwords::check(&password, &email).map_err(|refusal| invalid(refusal.to_string()))?;
        let password_hash = self.sign_in.passwords.hash(&password).await.map_err(hashing)?;
        let token = Token::random();
        let newcomer = Newcomer { email, name, password_hash, session: token.hash() };
        match self.sign_in.store.accept_invitation(link.hash(), newcomer).await.map_err(internal)? {
            Some(Added::Made(account)) => {
                self.reply.set_cookie(CookieChange::Set(token));
                Ok(me(account))
            }
            Some(Added::EmailTaken) => Err(AppError::new(
                ErrorCode::Conflict,
                "There is an account with this e-mail address. Sign in instead.",
            )),
            None => Err(expired(&invitation)),
        }
    }
}

/// A person's name as it is kept.
pub fn person_name(text: &str) -> Result<String, &'static str> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err("Enter a name.");
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err("The name is too long, or has characters that no name has.");
    }
    Ok(name)
}

fn unauthorized() -> AppError {
    AppError::new(ErrorCode::Unauthorized, "You are not signed in, or your session has ended. Sign in again.")
}

fn expired(invitation: &StoredInvitation) -> AppError {
    let text = match (&invitation.email, invitation.role) {
        (None, Role::Owner) => "This link is not good any more. Restart Tenantry to get a new one.",
        _ => "This link has expired. Ask an owner for a new one.",
    };
    AppError::new(ErrorCode::Conflict, text)
}

fn hashing(error: HashError) -> AppError {
    match error {
        HashError::Busy => {
            AppError::new(ErrorCode::Unavailable, "Too many people are signing in just now. Try again in a minute.")
        }
        error => internal(StoreError::Unexpected(error.to_string())),
    }
}

fn for_people(wait: Duration) -> String {
    let seconds = whole_seconds(wait);
    match seconds {
        1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_in_words_and_never_too_short() {
        for (millis, words) in [(1, "1 second"), (1_001, "2 seconds"), (90_000, "90 seconds"), (90_001, "2 minutes")] {
            assert_eq!(for_people(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn a_name_is_tidied_up() {
        assert_eq!(person_name("  Kim \t Miller "), Ok("Kim Miller".to_owned()));
        assert!(person_name(" ").is_err() && person_name(&"x".repeat(101)).is_err() && person_name("a\u{7}b").is_err());
    }

    #[test]
    fn a_token_is_known_by_its_form_and_never_shown() {
        let token = Token::random();
        assert_eq!(Token::parse(token.expose()).map(|same| same.hash()), Some(token.hash()));
        assert!(Token::parse("short").is_none());
    }
}
