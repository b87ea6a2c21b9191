//! The flow with Microsoft, from the click on our side to a connection that is stored.

use std::sync::Arc;

use app::domain::{Access, AttemptFailure, CompanyId, LinkId, Surface, attempt::Refusal, connection::Organisation};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::Notify;
use url::Url;

use crate::{
    clock::Clock,
    microsoft::{Microsoft, MicrosoftError},
    sessions::Token,
    store::{Store, StoreError, activity::Actor, companies::Company},
    vault::Vault,
};

mod callback;
mod start;

/// The flow with Microsoft. Cheap to clone.
#[derive(Clone)]
pub struct Connect {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    microsoft: Option<Microsoft>,
    access: Access,
    /// Wakes the worker, which verifies what was just connected.
    work: Arc<Notify>,
}

/// A browser's secret name: an attempt is finished by the browser that began it, or not at all.
///
/// One name for all attempts of a browser, so that two popups at once do not overwrite each other's cookie.
#[derive(Clone)]
pub struct BrowserName(String);

/// How somebody came to begin an attempt.
pub enum Beginning<'a> {
    /// By a click on the page.
    Click {
        /// Where they sign in.
        surface: Surface,
        /// Who.
        by: &'a Actor,
    },
    /// With a link that is live.
    Link(LinkId),
}

/// Where an answer is shown, and to whom.
#[derive(Clone)]
pub enum Shown {
    /// In a window of its own, beside the page.
    Popup,
    /// In the page's own tab.
    Tab,
    /// To somebody who came by a link.
    Client {
        /// The link, if it can be tried again.
        again: Option<Token>,
    },
}

/// An attempt that began.
pub struct Started {
    /// Where the window goes on, at Microsoft.
    pub location: Url,
    /// The browser that began it.
    pub browser: BrowserName,
}

/// Why no attempt began.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no app registration to sign in to.
    #[error("Tenantry has no app registration yet. Set TENANTRY_M365_CLIENT_ID and its secret, then restart.")]
    NotConfigured,
    /// There is no such company.
    #[error("There is no such company. It may have been removed: go back and reload the page.")]
    NoSuchCompany,
    /// There is nothing to connect.
    #[error("{company} is connected already.")]
    AlreadyConnected {
        /// Which company.
        company: String,
    },
    /// Somebody changed something while Microsoft was asked.
    #[error(
        "{company} was connected, disconnected or archived meanwhile. Look at its row, and begin again if need be."
    )]
    Changed {
        /// Which company.
        company: String,
    },
    /// The database refuses.
    #[error("Something went wrong on the server. Try again in a minute.")]
    Store(#[from] StoreError),
}

/// What became of an answer of Microsoft.
pub enum Outcome {
    /// The window goes on to the sign-in.
    Continue(Url),
    /// The company is connected.
    Connected {
        /// Which company.
        company: Company,
        /// To which tenant.
        tenant: String,
        /// Where to show it.
        shown: Shown,
    },
    /// The attempt failed; nothing was stored.
    Failed {
        /// Which company, if the answer named an attempt.
        company: Option<Company>,
        /// Why.
        failure: AttemptFailure,
        /// For support.
        details: Option<String>,
        /// Where to show it.
        shown: Shown,
    },
    /// The attempt had ended before; nothing was changed.
    Refused {
        /// Which company.
        company: Company,
        /// Why.
        refusal: Refusal,
        /// Where to show it.
        shown: Shown,
    },
}

impl Connect {
    /// The flow of one app registration, or none that could be used.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        microsoft: Option<Microsoft>,
        access: Access,
        work: Arc<Notify>,
    ) -> Self {
        Self { inner: Arc::new(Inner { store, vault, clock, microsoft, access, work }) }
    }

    /// How tenants are read.
    pub fn access(&self) -> Access {
        self.inner.access
    }

    /// Where people sign in at Microsoft.
    pub fn sign_in_host(&self) -> Option<&Url> {
        self.inner.microsoft.as_ref().map(|microsoft| &microsoft.hosts().login)
    }

    /// Whether there is an app registration to sign in to.
    pub fn is_configured(&self) -> bool {
        self.inner.microsoft.is_some()
    }
}

impl Inner {
    /// The organisation that the company must belong to: its connection's, else the one that its domain resolves
    /// to, else any.
    async fn expected(&self, microsoft: &Microsoft, company: &Company) -> Result<Option<Organisation>, ExpectedError> {
        if let Some((tenant, _)) = self.store.connected_tenant(company.id).await? {
            return Ok(Some(tenant));
        }
        Ok(self.resolved(microsoft, company).await?)
    }

    /// The organisation that the company's domain resolves to.
    async fn resolved(&self, microsoft: &Microsoft, company: &Company) -> Result<Option<Organisation>, MicrosoftError> {
        let Some(domain) = &company.domain else { return Ok(None) };
        let tenant = microsoft.resolve_tenant(domain).await?;
        Ok(tenant.map(|tenant| Organisation { tenant, name: domain.to_string() }))
    }
}

#[derive(Debug, Error)]
enum ExpectedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Microsoft(#[from] MicrosoftError),
}

impl BrowserName {
    /// A new one, with 256 bits of randomness.
    fn new() -> Self {
        Self(random_token())
    }

    /// That of a browser that has none yet, by its session: it may begin two attempts at once, and each would name it anew.
    pub fn of_session(session: &Token) -> Self {
        Self(URL_SAFE_NO_PAD.encode(sha256(&format!("attempts of {}", session.expose()))))
    }

    /// The one in a cookie. Anything of the right form will do: only its hash is compared.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let is_ours = URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == 32);
        is_ours.then(|| Self(value.to_owned()))
    }

    /// As it stands in the cookie.
    pub fn cookie_value(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

fn random_token() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The company of an attempt. It can be archived meanwhile; when it is deleted, its attempts are too.
async fn company_of(store: &Store, id: CompanyId) -> Result<Company, StoreError> {
    store
        .company_or_archived(id)
        .await?
        .ok_or_else(|| StoreError::Unexpected(format!("an attempt for the company {id}")))
}
