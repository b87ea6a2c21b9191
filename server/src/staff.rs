//! Signing in with Microsoft: people of the MSP's own tenant.

use std::{fmt, sync::Arc, time::Duration};

use app::domain::{Access, Domain, Email, Role, TenantId, Timestamp, account::safe_return_path};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use url::Url;
use uuid::Uuid;

use crate::{
    clock::Clock,
    microsoft::{self, Authority, AuthorizeRequest, Microsoft, MicrosoftError, Prompt},
    sessions::{Token, person_name},
    store::{
        Store, StoreError,
        accounts::{StaffEntry, StaffMember},
    },
    vault::Vault,
};

/// How long somebody may take at Microsoft.
pub const PATIENCE: Duration = Duration::from_mins(15);

/// What the sealed cookie is sealed for: it can't stand in for anything else that is sealed.
const PURPOSE: Uuid = Uuid::from_u128(0x5f3c_1a52_8d0e_4b6b_9a57_7374_6166_6601);

/// Who may sign in with Microsoft.
#[derive(Clone, Debug)]
pub struct StaffRules {
    /// The MSP's own tenant.
    pub tenant: TenantId,
    /// Whoever has an address of these domains gets an account.
    pub domains: Vec<Domain>,
    /// What such an account may do.
    pub default_role: Role,
}

/// Signs people of the MSP's tenant in.
#[derive(Clone)]
pub struct Staff {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    microsoft: Microsoft,
    rules: StaffRules,
}

/// A sign-in that began. It is kept by the browser that began it, sealed.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    begun: Timestamp,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Where a sign-in goes on.
pub struct Begun {
    /// At Microsoft.
    pub location: Url,
    /// What the browser keeps.
    pub sealed: String,
}

/// Why somebody is not signed in, for people.
#[derive(Debug, Error)]
pub enum StaffRefusal {
    /// They pressed Cancel.
    #[error("The sign-in was cancelled, or Microsoft refused it. Try again, or sign in with a password.")]
    Declined,
    /// They took too long.
    #[error("The sign-in took too long. Begin again.")]
    TooLate,
    /// Microsoft is out of order, or does not accept our app registration.
    #[error("Microsoft could not confirm who you are. Try again in a minute, or sign in with a password.")]
    NoProof,
    /// Another tenant, or a guest.
    #[error("This account does not belong to the organisation whose people may sign in here.")]
    OtherOrganisation,
    /// They have no account.
    #[error("There is no account for you here. Ask an owner to invite you.")]
    NoAccount,
    /// Theirs is deactivated.
    #[error("Your account is deactivated. Ask an owner.")]
    Deactivated,
    /// The address belonged to somebody else before.
    #[error("The account of this e-mail address belongs to somebody else. Ask an owner.")]
    SomebodyElse,
}

/// What came of a sign-in.
pub enum StaffOutcome {
    /// A session began.
    SignedIn {
        /// Its secret.
        token: Token,
        /// Where they wanted to go.
        next: String,
    },
    /// None did.
    Refused(StaffRefusal),
}

/// How finishing stops short.
enum Stop {
    Refused(StaffRefusal, String),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MicrosoftError> for Stop {
    fn from(error: MicrosoftError) -> Self {
        tracing::warn!(details = error.details(), "Microsoft did not confirm a staff member");
        Self::Refused(StaffRefusal::NoProof, "no proof".to_owned())
    }
}

impl Staff {
    /// By these rules.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        microsoft: Microsoft,
        rules: StaffRules,
    ) -> Self {
        Self { inner: Arc::new(Inner { store, vault, clock, microsoft, rules }) }
    }

    /// Begins a sign-in that ends at this path.
    pub fn begin(&self, next: Option<&str>) -> Result<Begun, StoreError> {
        let inner = &*self.inner;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let pending = Pending {
            state: Token::random().expose().to_owned(),
            nonce: Token::random().expose().to_owned(),
            verifier: verifier.into_secret(),
            next: next.and_then(safe_return_path).unwrap_or("/").to_owned(),
            begun: inner.clock.now(),
        };
        let request = AuthorizeRequest {
            state: &pending.state,
            nonce: &pending.nonce,
            challenge,
            access: Access::Application,
            prompt: Some(Prompt::SelectAccount),
            login_hint: None,
        };
        let location = inner.microsoft.identify_url(inner.rules.tenant, request);
        let json = serde_json::to_string(&pending).map_err(|error| StoreError::Unexpected(error.to_string()))?;
        let sealed = URL_SAFE_NO_PAD.encode(inner.vault.seal(PURPOSE, &json.into()));
        Ok(Begun { location, sealed })
    }

    /// The sign-in that an answer of Microsoft with this `state` belongs to, if this browser began it.
    pub fn pending(&self, sealed: &str, state: &str) -> Option<Pending> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let json = self.inner.vault.open(PURPOSE, &sealed).ok()?;
        let pending: Pending = serde_json::from_str(json.expose_secret()).ok()?;
        bool::from(pending.state.as_bytes().ct_eq(state.as_bytes())).then_some(pending)
    }

    /// Takes the answer that a browser brings from Microsoft.
    pub async fn finish(&self, pending: Pending, query: &[(String, String)]) -> Result<StaffOutcome, StoreError> {
        let inner = &*self.inner;
        match inner.settle(&pending, query).await {
            Ok(token) => Ok(StaffOutcome::SignedIn { token, next: pending.next }),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Refused(refusal, who)) => {
                inner.store.sign_in_refused(format!("With Microsoft: {who}. {refusal}")).await?;
                Ok(StaffOutcome::Refused(refusal))
            }
        }
    }
}

impl Inner {
    async fn settle(&self, pending: &Pending, query: &[(String, String)]) -> Result<Token, Stop> {
        let refused = |refusal, who: &str| Err(Stop::Refused(refusal, who.to_owned()));
        if self.clock.now().since(pending.begun) > PATIENCE {
            return refused(StaffRefusal::TooLate, "too late");
        }
        let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(refusal) = microsoft::Refusal::from_callback(pairs) {
            tracing::info!(details = refusal.details(), "a staff member did not sign in");
            return refused(StaffRefusal::Declined, "declined");
        }
        let Some((_, code)) = query.iter().find(|(name, _)| name == "code") else {
            return refused(StaffRefusal::NoProof, "no code");
        };
        let authority = Authority::Tenant(self.rules.tenant);
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let code = SecretString::from(code.clone());
        let sign_in = self.microsoft.redeem(&authority, code, verifier, Access::Application).await?;
        let identity = match self.microsoft.verify_id_token(&sign_in.id_token, &pending.nonce).await {
            Ok(identity) => identity,
            Err(error) => {
                tracing::warn!(%error, "an ID token of a staff member proves nothing");
                return refused(StaffRefusal::NoProof, "no proof");
            }
        };
        let who = identity.username.as_str();
        if identity.tenant != self.rules.tenant || identity.guest {
            return refused(StaffRefusal::OtherOrganisation, who);
        }
        let email = Email::parse(who).ok();
        let role_if_new = email
            .as_ref()
            .filter(|email| self.rules.domains.iter().any(|domain| domain.as_str() == email.domain()))
            .map(|_| self.rules.default_role);
        let name = identity.name.as_deref().and_then(|name| person_name(name).ok()).unwrap_or_else(|| who.to_owned());
        let member =
            StaffMember { tenant: identity.tenant, object: identity.object_id.clone(), email, name, role_if_new };
        let token = Token::random();
        match self.store.enter_staff(member, token.hash()).await? {
            StaffEntry::Account(_) => Ok(token),
            StaffEntry::NoAccount => refused(StaffRefusal::NoAccount, who),
            StaffEntry::Deactivated => refused(StaffRefusal::Deactivated, who),
            StaffEntry::SomebodyElse => refused(StaffRefusal::SomebodyElse, who),
        }
    }
}
