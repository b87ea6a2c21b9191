//! App-only tokens, kept per tenant until shortly before they end. Whoever asks meanwhile shares the request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::domain::{TenantId, Timestamp};
use futures::{FutureExt as _, future::BoxFuture, future::Shared};

use super::{AppToken, Microsoft, MicrosoftError};
use crate::metrics;

/// A token that ends sooner is not begun with: a round may take a while.
const MARGIN: Duration = Duration::from_mins(5);

/// What a request for a token came to. Shared by all who asked meanwhile.
type Outcome = Result<Arc<AppToken>, Arc<Refused>>;

/// Why there is no token, and until when it is no use to ask again.
#[derive(Debug)]
struct Refused {
    error: Arc<MicrosoftError>,
    not_before: Option<Timestamp>,
}

/// The tokens, and the requests that are under way.
#[derive(Default)]
pub(super) struct TokenCache {
    tenants: Mutex<HashMap<TenantId, Shared<BoxFuture<'static, Outcome>>>>,
}

impl TokenCache {
    /// What is known of a tenant's token, if that can still be used, or the request that is under way for it.
    fn usable(&self, tenant: TenantId, now: Timestamp) -> Option<Shared<BoxFuture<'static, Outcome>>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tenants.get(&tenant)?;
        known.peek().is_none_or(|outcome| is_usable(outcome, now)).then(|| known.clone())
    }

    /// Begins a request, unless somebody else just did. Outcomes that are over are forgotten.
    fn begin(
        &self,
        tenant: TenantId,
        now: Timestamp,
        request: BoxFuture<'static, Outcome>,
    ) -> Shared<BoxFuture<'static, Outcome>> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, known| known.peek().is_none_or(|outcome| is_usable(outcome, now)));
        tenants.entry(tenant).or_insert_with(|| request.shared()).clone()
    }
}

fn is_usable(outcome: &Outcome, now: Timestamp) -> bool {
    match outcome {
        Ok(token) => now.plus(MARGIN) < token.expires_at,
        // Asking sooner than Microsoft wishes would only be refused again.
        Err(refused) => refused.not_before.is_some_and(|not_before| now < not_before),
    }
}

impl Microsoft {
    /// A token as ourselves: the one at hand, or a new one.
    pub async fn cached_app_token(&self, tenant: TenantId) -> Result<Arc<AppToken>, Arc<MicrosoftError>> {
        let now = self.shared.clock.now();
        let cache = &self.shared.tokens;
        let outcome = match cache.usable(tenant, now) {
            Some(known) => known,
            None => cache.begin(tenant, now, self.clone().ask(tenant).boxed()),
        };
        outcome.await.map_err(|refused| refused.error.clone())
    }

    /// Forgets the tenant's token if it came before `then`. Permissions are baked into tokens.
    pub fn forget_app_token_of_before(&self, tenant: TenantId, then: Timestamp) {
        let mut tenants = self.shared.tokens.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = |outcome: &Outcome| outcome.as_ref().is_ok_and(|token| token.issued_at < then);
        if tenants.get(&tenant).and_then(Shared::peek).is_some_and(is_older) {
            tenants.remove(&tenant);
        }
    }

    /// Forgets the tenant's token: Graph does not take it, or a newer one would say more. Permissions are baked into
    /// tokens.
    pub fn forget_app_token(&self, tenant: TenantId) {
        self.shared.tokens.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }

    async fn ask(self, tenant: TenantId) -> Outcome {
        let answer = self.app_token(tenant).await;
        metrics::token(answer.is_ok());
        answer.map(Arc::new).map_err(|error| {
            let not_before = error.retry_after().map(|wait| self.shared.clock.now().plus(wait));
            Arc::new(Refused { error: Arc::new(error), not_before })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use axum::{
        Json, Router,
        extract::State,
        http::StatusCode,
        response::{IntoResponse as _, Response},
        routing::post,
    };
    use serde_json::json;

    use super::*;
    use crate::{
        clock::Clock,
        microsoft::{
            Credential,
            testing::{NOW, client_by, serve},
        },
    };

    #[derive(Clone, Default)]
    struct Endpoint {
        asked: Arc<AtomicUsize>,
        refuses: Arc<AtomicUsize>,
    }

    async fn token(State(endpoint): State<Endpoint>) -> Response {
        let number = endpoint.asked.fetch_add(1, Ordering::SeqCst);
        // Others come in meanwhile.
        tokio::task::yield_now().await;
        if endpoint.refuses.load(Ordering::SeqCst) > number {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], "{}").into_response();
        }
        Json(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": format!("e30.e30.{number}") }))
            .into_response()
    }

    struct MovedClock(AtomicI64);

    impl Clock for MovedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(NOW.as_millis() + self.0.load(Ordering::SeqCst))
        }
    }

    async fn start(endpoint: &Endpoint) -> (Microsoft, Arc<MovedClock>) {
        let router = Router::new().route("/{tenant}/oauth2/v2.0/token", post(token)).with_state(endpoint.clone());
        let clock = Arc::new(MovedClock(AtomicI64::new(0)));
        (client_by(&serve(router).await, Credential::Secret("s".into()), clock.clone()), clock)
    }

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_request_and_each_tenant_has_its_own() {
        let endpoint = Endpoint::default();
        let (microsoft, _) = start(&endpoint).await;
        let asked = futures::future::join_all((0..20).map(|_| microsoft.cached_app_token(tenant(1)))).await;
        assert_eq!(endpoint.asked.load(Ordering::SeqCst), 1);
        let first = asked[0].as_ref().unwrap();
        assert!(asked.iter().all(|token| Arc::ptr_eq(token.as_ref().unwrap(), first)));
        microsoft.cached_app_token(tenant(2)).await.unwrap();
        assert_eq!(endpoint.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_token_is_kept_until_shortly_before_its_end_or_until_it_is_forgotten() {
        let endpoint = Endpoint::default();
        let (microsoft, clock) = start(&endpoint).await;
        for (advance_secs, asked) in [(0, 1), (3_290, 1), (10, 2), (0, 2)] {
            clock.0.fetch_add(advance_secs * 1_000, Ordering::SeqCst);
            microsoft.cached_app_token(tenant(1)).await.unwrap();
            assert_eq!(endpoint.asked.load(Ordering::SeqCst), asked, "{advance_secs}");
        }
        microsoft.forget_app_token(tenant(1));
        microsoft.cached_app_token(tenant(1)).await.unwrap();
        assert_eq!(endpoint.asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_refusal_is_repeated_until_microsoft_may_be_asked_again() {
        let endpoint = Endpoint::default();
        endpoint.refuses.store(1, Ordering::SeqCst);
        let (microsoft, clock) = start(&endpoint).await;
        for _ in 0..3 {
            assert_eq!(
                microsoft.cached_app_token(tenant(1)).await.unwrap_err().retry_after(),
                Some(Duration::from_secs(30))
            );
        }
        assert_eq!(endpoint.asked.load(Ordering::SeqCst), 1);
        clock.0.fetch_add(30_000, Ordering::SeqCst);
        microsoft.cached_app_token(tenant(1)).await.unwrap();
    }
}
