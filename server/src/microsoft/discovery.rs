//! What Microsoft says about itself without any credentials: its metadata, and whose tenant a domain is.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use app::domain::{Domain, TenantId, Timestamp};
use serde::Deserialize;

use super::{
    Microsoft,
    errors::{Class, MicrosoftError, Refusal},
    hosts,
    http::{retry_after, send},
    sign_in::no_answer,
};

const METADATA_LIMIT: usize = 1 << 20;
const FOUND_LIVES: Duration = Duration::from_mins(10);
/// Short: somebody may just have corrected a typing error at Microsoft.
const NOT_FOUND_LIVES: Duration = Duration::from_mins(1);
const MOST_REMEMBERED: usize = 10_000;
/// Unknown tenant; not a tenant's name at all; deleted; in another cloud.
const NO_TENANT: [u32; 6] = [90002, 90038, 900_021, 900_023, 5_000_224, 50059];

/// What Microsoft's metadata say about its sign-in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInService {
    /// As we expect.
    AsExpected,
    /// Its tokens would carry another issuer than we accept.
    OtherIssuer {
        /// What it says.
        says: String,
        /// What we accept.
        expected: String,
    },
}

impl Microsoft {
    /// The tenant that a domain belongs to; none if no organisation's does.
    pub async fn resolve_tenant(&self, domain: &Domain) -> Result<Option<TenantId>, MicrosoftError> {
        if let Some(Remembered { tenant, .. }) = self.shared.tenants.get(domain, self.shared.clock.now()) {
            return Ok(tenant);
        }
        let found = match self.metadata(domain.as_str()).await {
            Ok(metadata) => Some(tenant_of(&metadata.issuer)?),
            Err(MicrosoftError::Refused(refusal)) if says_no_tenant(&refusal) => None,
            Err(error) => return Err(error),
        };
        // A domain of personal accounts is no organisation's.
        let found = found.filter(|&tenant| tenant != TenantId::CONSUMERS);
        self.shared.tenants.put(domain.clone(), found, self.shared.clock.now());
        Ok(found)
    }

    /// Asks the sign-in service about itself.
    pub async fn sign_in_service(&self) -> Result<SignInService, MicrosoftError> {
        let (says, expected) = (self.metadata("organizations").await?.issuer, self.hosts().issuer_template());
        Ok(if says == expected {
            SignInService::AsExpected
        } else {
            // It is printed: nothing but a URL may get through.
            let says =
                url::Url::parse(&says).map_or_else(|_| "something unreadable".to_owned(), |url| hosts::origin(&url));
            SignInService::OtherIssuer { says, expected }
        })
    }

    /// `tenant` is `organizations`, a tenant id or a domain name: none of them needs escaping.
    async fn metadata(&self, tenant: &str) -> Result<Metadata, MicrosoftError> {
        let request = self.shared.http.get(self.login_url(&format!("{tenant}/v2.0/.well-known/openid-configuration")));
        let answer = send(request, METADATA_LIMIT).await.map_err(no_answer)?;
        if answer.status != http::StatusCode::OK {
            let wait = retry_after(&answer.headers, self.shared.clock.now());
            return Err(MicrosoftError::Refused(Refusal::from_answer(answer.status, &answer.body, wait)));
        }
        serde_json::from_slice(&answer.body).map_err(|_| MicrosoftError::Unreadable("not OpenID metadata"))
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
}

/// The tenant in an issuer such as `https://login.microsoftonline.com/{tenant}/v2.0`.
fn tenant_of(issuer: &str) -> Result<TenantId, MicrosoftError> {
    let segment = issuer.strip_suffix("/v2.0").and_then(|rest| rest.rsplit('/').next());
    segment.and_then(|text| text.parse().ok()).ok_or(MicrosoftError::Unreadable("an issuer without a tenant"))
}

fn says_no_tenant(refusal: &Refusal) -> bool {
    refusal.class != Class::Transient
        && (refusal.error == "invalid_tenant" || refusal.number.is_some_and(|number| NO_TENANT.contains(&number)))
}

/// Whose tenant a domain was found to be, for a while.
#[derive(Default)]
pub(super) struct TenantCache {
    found: Mutex<HashMap<Domain, Remembered>>,
}

#[derive(Clone, Copy)]
struct Remembered {
    /// None: the domain is no tenant's.
    tenant: Option<TenantId>,
    until: Timestamp,
}

impl TenantCache {
    fn get(&self, domain: &Domain, now: Timestamp) -> Option<Remembered> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(domain).copied().filter(|remembered| now < remembered.until)
    }

    fn put(&self, domain: Domain, tenant: Option<TenantId>, now: Timestamp) {
        let lives = if tenant.is_some() { FOUND_LIVES } else { NOT_FOUND_LIVES };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MOST_REMEMBERED {
            found.retain(|_, remembered| now < remembered.until);
        }
        if found.len() >= MOST_REMEMBERED {
            found.clear();
        }
        found.insert(domain, Remembered { tenant, until: now.plus(lives) });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn the_issuer_names_the_tenant() {
        let tenant: TenantId = "84841066-274d-4ec0-a5c1-276be684bdd3".parse().unwrap();
        let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        assert_eq!(tenant_of(&issuer).unwrap(), tenant);
        for wrong in ["https://login.microsoftonline.com/{tenantid}/v2.0", "https://login.microsoftonline.com/", ""] {
            assert!(tenant_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_found_is_remembered_longer_than_what_was_not() {
        let cache = TenantCache::default();
        let (known, unknown) = (Domain::parse("contoso.com").unwrap(), Domain::parse("nobody.example").unwrap());
        cache.put(known.clone(), Some(TenantId::CONSUMERS), NOW);
        cache.put(unknown.clone(), None, NOW);
        let get = |domain, now| cache.get(domain, now).map(|remembered| remembered.tenant);
        assert_eq!(get(&known, NOW), Some(Some(TenantId::CONSUMERS)));
        assert_eq!(get(&unknown, NOW), Some(None));
        let later = NOW.plus(NOT_FOUND_LIVES);
        assert_eq!(get(&unknown, later), None);
        assert_eq!(get(&known, later), Some(Some(TenantId::CONSUMERS)));
        assert_eq!(get(&known, NOW.plus(FOUND_LIVES)), None);
    }

    #[test]
    fn the_memory_is_bounded() {
        let cache = TenantCache::default();
        for number in 0..=MOST_REMEMBERED {
            cache.put(Domain::parse(&format!("d{number}.example")).unwrap(), None, NOW);
        }
        assert!(cache.found.lock().unwrap().len() <= MOST_REMEMBERED);
    }
}
