//! Microsoft's answer: whose it is, whether it may be taken, and what it comes to.

use app::domain::{
    Access, AttemptFailure, Step, Surface, TenantId, Timestamp,
    attempt::{Refusal, State, accept},
    connection::{Organisation, may_consent},
};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{BrowserName, Connect, Inner, Outcome, Shown, company_of, sha256};
use crate::{
    metrics::{self, AttemptStep},
    microsoft::{self, Authority, AuthorizeRequest, GraphError, Identity, Microsoft, MicrosoftError},
    sessions::Token,
    store::{
        StoreError,
        attempts::Attempt,
        companies::Company,
        connections::{Grant, Tied},
    },
};

/// Why an answer came to nothing, and what support may want to know.
struct Failure {
    failure: AttemptFailure,
    details: Option<String>,
}

impl From<AttemptFailure> for Failure {
    fn from(failure: AttemptFailure) -> Self {
        Self { failure, details: None }
    }
}

impl From<MicrosoftError> for Failure {
    fn from(error: MicrosoftError) -> Self {
        Self { failure: error.as_attempt_failure(), details: Some(error.details()) }
    }
}

/// How settling stops short of a connection.
enum Stop {
    Failed(Failure),
    Refused(Refusal),
    Store(StoreError),
}

impl<F: Into<Failure>> From<F> for Stop {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

impl Connect {
    /// Takes the answer that a browser brings from Microsoft, as the pairs of its query.
    pub async fn callback(
        &self,
        query: &[(String, String)],
        browser: Option<&BrowserName>,
    ) -> Result<Outcome, StoreError> {
        let inner = &*self.inner;
        let field = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let found = match field("state") {
            Some(state) => inner.store.attempt_by_state(sha256(state)).await?,
            None => None,
        };
        let (Some(attempt), Some(state), Some(microsoft)) = (found, field("state"), &inner.microsoft) else {
            return inner.unknown(browser).await;
        };
        let company = company_of(&inner.store, attempt.company).await?;
        let is_ours = browser.is_some_and(|browser| browser.hash().ct_eq(&attempt.browser_hash).into());
        if !is_ours {
            return inner.reject(&attempt, company, AttemptFailure::OtherBrowser.into(), is_ours).await;
        }
        if company.archived {
            return inner.refused(&attempt, company, Refusal::Cancelled).await;
        }
        let step = match accept(&attempt.state, attempt.begun, inner.clock.now()) {
            Ok(step) => step,
            Err(refusal) => return inner.refused(&attempt, company, refusal).await,
        };
        let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(refusal) = microsoft::Refusal::from_callback(pairs) {
            let failure = Failure { failure: refusal.as_attempt_failure(), details: Some(refusal.details()) };
            return inner.reject(&attempt, company, failure, is_ours).await;
        }
        let consented = field("admin_consent").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match (step, field("code"), consented) {
            (Step::Consent, None, true) => {
                let authority = Inner::authority_after_consent(&attempt, field("tenant"))?;
                // A second answer at once changes nothing: both windows go on to the same sign-in.
                inner.store.attempt_consented(attempt.id, &authority.to_string()).await?;
                inner.go_on(microsoft, &attempt, authority, state)
            }
            // The page was loaded again.
            (Step::SignIn, None, true) => inner.go_on(microsoft, &attempt, authority_of(&attempt)?, state),
            (Step::SignIn, Some(code), _) => {
                if !inner.store.claim_attempt(attempt.id).await? {
                    let refusal = inner.why_ended(&attempt).await?;
                    return inner.refused(&attempt, company, refusal).await;
                }
                let code = SecretString::from(code.to_owned());
                match inner.settle(microsoft, &attempt, &company, code).await {
                    Ok(tenant) => {
                        inner.work.notify_one();
                        metrics::attempt(AttemptStep::Connected);
                        tracing::info!(attempt = %attempt.id, company = %company.id, "a company was connected");
                        let shown = inner.shown(&attempt, is_ours).await?;
                        Ok(Outcome::Connected { company, tenant, shown })
                    }
                    Err(Stop::Refused(refusal)) => inner.refused(&attempt, company, refusal).await,
                    Err(Stop::Failed(failure)) => {
                        inner.store.fail_attempt(&attempt, &failure.failure).await?;
                        inner.failed(&attempt, company, failure, is_ours).await
                    }
                    Err(Stop::Store(error)) => Err(error),
                }
            }
            _ => inner.reject(&attempt, company, AttemptFailure::Mismatch.into(), is_ours).await,
        }
    }
}

impl Inner {
    /// The answer names no attempt: a forged or mangled one. If this browser has just one attempt open, that is the
    /// one that can't be finished any more.
    async fn unknown(&self, browser: Option<&BrowserName>) -> Result<Outcome, StoreError> {
        let open = match browser {
            Some(browser) => self.store.open_attempts_of_browser(browser.hash()).await?,
            None => Vec::new(),
        };
        if let [attempt] = &open[..]
            && accept(&attempt.state, attempt.begun, self.clock.now()).is_ok()
        {
            let company = company_of(&self.store, attempt.company).await?;
            return self.reject(attempt, company, AttemptFailure::Mismatch.into(), true).await;
        }
        let failure = AttemptFailure::Mismatch;
        Ok(Outcome::Failed { company: None, failure, details: None, shown: Shown::Popup })
    }

    /// Ends an attempt that is still open, because of an answer that can't be taken.
    async fn reject(
        &self,
        attempt: &Attempt,
        company: Company,
        failure: Failure,
        is_ours: bool,
    ) -> Result<Outcome, StoreError> {
        if matches!(attempt.state, State::Open(_)) {
            self.store.reject_attempt(attempt, &failure.failure).await?;
        }
        self.failed(attempt, company, failure, is_ours).await
    }

    async fn failed(
        &self,
        attempt: &Attempt,
        company: Company,
        Failure { failure, details }: Failure,
        is_ours: bool,
    ) -> Result<Outcome, StoreError> {
        let details = details.unwrap_or_default();
        metrics::attempt(AttemptStep::Failed);
        tracing::info!(attempt = %attempt.id, company = %company.id, reason = failure.title(), details, "an attempt failed");
        let details = (!details.is_empty()).then_some(details);
        let shown = self.shown(attempt, is_ours).await?;
        Ok(Outcome::Failed { company: Some(company), failure, details, shown })
    }

    /// The attempt had ended before. If the link that it began with is dead, that is what people understand.
    async fn refused(&self, attempt: &Attempt, company: Company, refusal: Refusal) -> Result<Outcome, StoreError> {
        let link = match attempt.link {
            Some(link) => self.store.link(link).await?,
            None => None,
        };
        let dead = link.and_then(|link| link.state.may_finish(attempt.begun).err());
        let refusal = dead.map_or(refusal, Refusal::Link);
        Ok(Outcome::Refused { company, refusal, shown: self.shown(attempt, true).await? })
    }

    /// Where the answer to an attempt is shown. Its link is told to the browser that came by it, and to no other.
    async fn shown(&self, attempt: &Attempt, is_ours: bool) -> Result<Shown, StoreError> {
        let link = match (attempt.surface, attempt.link) {
            (Surface::Popup, _) => return Ok(Shown::Popup),
            (Surface::Tab, _) => return Ok(Shown::Tab),
            (Surface::Link, Some(link)) if is_ours => self.store.link(link).await?,
            (Surface::Link, _) => None,
        };
        let live = link.filter(|link| link.state.may_begin(self.clock.now()).is_ok());
        let again = live.and_then(|link| {
            let token = self.vault.open(link.id.uuid(), link.sealed_token.as_deref()?).ok()?;
            Token::parse(token.expose_secret())
        });
        Ok(Shown::Client { again })
    }

    /// Where the sign-in that follows consent is made: at the expected tenant, else at the one that Microsoft's answer
    /// names. Anyone can forge that answer; it decides where to sign in, and nothing else.
    fn authority_after_consent(attempt: &Attempt, hint: Option<&str>) -> Result<Authority, StoreError> {
        let hinted = hint.and_then(|tenant| tenant.parse().ok()).filter(|tenant| *tenant != TenantId::CONSUMERS);
        Ok(match (authority_of(attempt)?, hinted) {
            (Authority::Organizations, Some(tenant)) => Authority::Tenant(tenant),
            (authority, _) => authority,
        })
    }

    fn go_on(
        &self,
        microsoft: &Microsoft,
        attempt: &Attempt,
        authority: Authority,
        state: &str,
    ) -> Result<Outcome, StoreError> {
        let verifier = self.verifier(attempt)?;
        let request = AuthorizeRequest {
            state,
            nonce: &attempt.nonce,
            challenge: PkceCodeChallenge::from_code_verifier_sha256(&verifier),
            access: attempt.access,
            prompt: None,
            login_hint: None,
        };
        Ok(Outcome::Continue(microsoft.authorize_url(&authority, request)))
    }

    fn verifier(&self, attempt: &Attempt) -> Result<PkceCodeVerifier, StoreError> {
        let verifier = self
            .vault
            .open(attempt.id.uuid(), &attempt.sealed_verifier)
            .map_err(|error| StoreError::Unexpected(format!("the verifier of attempt {}: {error}", attempt.id)))?;
        Ok(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
    }

    /// From the code to the connection. Answers the tenant's name.
    async fn settle(
        &self,
        microsoft: &Microsoft,
        attempt: &Attempt,
        company: &Company,
        code: SecretString,
    ) -> Result<String, Stop> {
        let verifier = self.verifier(attempt).map_err(Stop::Store)?;
        let authority = authority_of(attempt).map_err(Stop::Store)?;
        let sign_in = match microsoft.redeem(&authority, code, verifier, attempt.access).await {
            Ok(sign_in) => sign_in,
            Err(error) => {
                self.note_fault(&error).await.map_err(Stop::Store)?;
                return Err(error.into());
            }
        };
        self.store.platform_fault_over().await.map_err(Stop::Store)?;
        let identity = microsoft
            .verify_id_token(&sign_in.id_token, &attempt.nonce)
            .await
            .map_err(|error| Failure { failure: error.as_attempt_failure(), details: Some(error.to_string()) })?;
        if identity.tenant == TenantId::CONSUMERS {
            return Err(AttemptFailure::PersonalAccount.into());
        }
        let graph = microsoft.graph(sign_in.access_token.clone());
        let organisation = match graph.organisation().await {
            Ok(organisation) => organisation,
            Err(error) => return Err(graph_failure(&error).into()),
        };
        if !self.is_administrator(&graph, &identity).await? {
            return Err(AttemptFailure::NotAdministrator { account: identity.username }.into());
        }
        let resolved = self.resolved(microsoft, company).await?;
        let grant = Grant {
            attempt: attempt.id,
            company: company.id,
            tenant: Organisation { tenant: identity.tenant, name: organisation.name.clone() },
            default_domain: organisation.default_domain,
            resolved,
            access: attempt.access,
            connected_by: identity.username,
            link: attempt.link,
            begun: attempt.begun,
        };
        let refresh_token = sign_in.refresh_token.filter(|_| attempt.access == Access::Delegated);
        let seal =
            |id: app::domain::ConnectionId| refresh_token.as_ref().map(|token| self.vault.seal(id.uuid(), token));
        match self.store.tie(&grant, seal).await.map_err(Stop::Store)? {
            Tied::Connected => Ok(organisation.name),
            Tied::Refused(failure) => Err(failure.into()),
            Tied::AttemptEnded => Err(Stop::Refused(self.why_ended(attempt).await.map_err(Stop::Store)?)),
        }
    }

    /// Tells all if Microsoft refuses our own app registration. Anybody can bring a code that is no code, so only what
    /// is about our credential counts here.
    async fn note_fault(&self, error: &MicrosoftError) -> Result<(), StoreError> {
        if let Some(fault) = error.platform_fault().filter(|fault| fault.is_certain()) {
            self.store.platform_fault_seen(None, fault, &error.details()).await?;
        }
        Ok(())
    }

    /// Whether who signed in may consent for the tenant: by the roles in the ID token, if it has any and they are
    /// enough, else by asking Graph.
    async fn is_administrator(&self, graph: &microsoft::Graph, identity: &Identity) -> Result<bool, Stop> {
        if identity.role_template_ids.as_deref().is_some_and(may_consent) {
            return Ok(true);
        }
        let roles = graph.directory_roles().await.map_err(|error| graph_failure(&error))?;
        let ids: Vec<_> = roles.into_iter().map(|role| role.template_id).collect();
        Ok(may_consent(&ids))
    }

    /// Why an attempt that was open when it was read is not any more.
    async fn why_ended(&self, attempt: &Attempt) -> Result<Refusal, StoreError> {
        let again = self.store.attempt(attempt.id).await?;
        let now: Timestamp = self.clock.now();
        Ok(again.and_then(|again| accept(&again.state, again.begun, now).err()).unwrap_or(Refusal::AlreadyUsed))
    }
}

fn authority_of(attempt: &Attempt) -> Result<Authority, StoreError> {
    attempt.authority.parse().map_err(|_| StoreError::Unexpected(format!("the authority of attempt {}", attempt.id)))
}

/// What a failure of Graph means to the person at the popup.
fn graph_failure(error: &GraphError) -> Failure {
    let failure = match error.problem() {
        Some(app::domain::Problem::Temporary) => AttemptFailure::MicrosoftUnavailable,
        _ => AttemptFailure::Other,
    };
    Failure { failure, details: Some(error.to_string()) }
}
