//! The beginning of an attempt.

use app::domain::{Access, Action, AttemptId, CompanyId, Step, Surface};
use oauth2::PkceCodeChallenge;
use secrecy::SecretString;

use super::{Beginning, BrowserName, Connect, ExpectedError, StartError, Started, random_token, sha256};
use crate::{
    clock::Mint as _,
    metrics::{self, AttemptStep},
    microsoft::{Authority, AuthorizeRequest, Prompt},
    store::{activity::Actor, attempts::NewAttempt},
};

impl Connect {
    /// Stores an attempt and says where the window goes.
    ///
    /// `browser` is the name in the browser's cookie, if it has one.
    pub async fn start(
        &self,
        company: CompanyId,
        browser: Option<BrowserName>,
        beginning: Beginning<'_>,
    ) -> Result<Started, StartError> {
        let inner = &self.inner;
        let microsoft = inner.microsoft.as_ref().ok_or(StartError::NotConfigured)?;
        let company = inner.store.company(company).await?.ok_or(StartError::NoSuchCompany)?;
        let reconnect = match inner.store.company_rows_of(&[company.id]).await?.into_iter().next() {
            Some(row) if row.status.allows(Action::SignIn) => row.tenant.is_some(),
            Some(row) if row.status.allows(Action::Reconnect) => true,
            _ => return Err(StartError::AlreadyConnected { company: company.name }),
        };
        let expected = match inner.expected(microsoft, &company).await {
            Ok(expected) => expected,
            Err(ExpectedError::Store(error)) => return Err(error.into()),
            Err(ExpectedError::Microsoft(error)) => {
                // The sign-in page is where the person would notice it too. The rule is checked at the end anyway.
                tracing::warn!(%error, company = %company.id, "the company's domain could not be resolved");
                None
            }
        };
        let authority = expected.map_or(Authority::Organizations, |expected| Authority::Tenant(expected.tenant));

        let holder = Actor::link_holder();
        let (surface, link, by) = match beginning {
            Beginning::Click { surface, by } => (surface, None, by),
            Beginning::Link(link) => (Surface::Link, Some(link), &holder),
        };
        let id = AttemptId::mint(inner.clock.now());
        let (state, nonce) = (random_token(), random_token());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (step, location) = match inner.access {
            Access::Application => (Step::Consent, microsoft.admin_consent_url(&authority, &state)),
            Access::Delegated => {
                let prompt = Some(if reconnect { Prompt::Consent } else { Prompt::SelectAccount });
                let request = AuthorizeRequest {
                    state: &state,
                    nonce: &nonce,
                    challenge,
                    access: inner.access,
                    prompt,
                    login_hint: None,
                };
                (Step::SignIn, microsoft.authorize_url(&authority, request))
            }
        };
        let browser = browser.unwrap_or_else(BrowserName::new);
        let sealed_verifier = inner.vault.seal(id.uuid(), &SecretString::from(verifier.into_secret()));
        let attempt = NewAttempt {
            id,
            company: company.id,
            browser_hash: browser.hash(),
            state_hash: sha256(&state),
            sealed_verifier,
            nonce,
            authority: authority.to_string(),
            access: inner.access,
            surface,
            step,
            link,
            renews: reconnect,
        };
        if !inner.store.begin_attempt(attempt, by).await? {
            return Err(StartError::Changed { company: company.name });
        }
        metrics::attempt(AttemptStep::Started);
        tracing::info!(attempt = %id, company = %company.id, "an attempt began");
        Ok(Started { location, browser })
    }
}
