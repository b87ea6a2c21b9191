//! Graph's throttling: a budget of resource units for each tenant, as a token bucket.
//!
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Microsoft's window.
const WINDOW_MS: i64 = 10_000;

/// What is enforced. Nothing is, until a test says so.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Units in a window; absent means Microsoft's number for a tenant of that size.
    units: Option<u32>,
    /// The window; absent means Microsoft's ten seconds.
    window_ms: Option<i64>,
}

impl Budget {
    fn units(&self, people: usize) -> u32 {
        self.units.unwrap_or(match people {
            0..50 => 3_500,
            50..=500 => 5_000,
            _ => 8_000,
        })
    }

    fn window_ms(&self) -> i64 {
        self.window_ms.unwrap_or(WINDOW_MS).max(1)
    }
}

#[derive(Debug)]
struct Bucket {
    /// In thousandths of a unit.
    level: i64,
    filled_ms: i64,
}

/// The budgets of all tenants, and how they were kept.
#[derive(Debug, Default)]
pub struct Throttle {
    budget: Option<Budget>,
    buckets: HashMap<Uuid, Bucket>,
    /// Before when something was asked not to be asked for again.
    not_before_ms: HashMap<(Uuid, String), i64>,
    throttled: u64,
    early: u64,
    spent: u64,
    /// When the first request came, and what had been spent of how much by the time of the last refusal.
    first_ms: Option<i64>,
    used: (u64, i64),
}

impl Throttle {
    /// Begins to enforce a budget, or ends it. Counts begin at zero.
    pub fn enforce(&mut self, budget: Option<Budget>) {
        *self = Self { budget, ..Self::default() };
    }

    /// Takes the price of a request out of the tenant's bucket; or says after how many seconds to ask again.
    pub fn admit(&mut self, tenant: Uuid, people: usize, path: &str, query: &str, now_ms: i64) -> Result<(), u32> {
        let key = (tenant, path.to_owned());
        if self.not_before_ms.get(&key).is_some_and(|not_before| now_ms < *not_before) {
            self.early += 1;
        }
        let Some(budget) = self.budget else { return Ok(()) };
        let price = price(path, query);
        let (full, window) = (i64::from(budget.units(people)) * 1_000, budget.window_ms());
        let first_ms = *self.first_ms.get_or_insert(now_ms);
        let bucket = self.buckets.entry(tenant).or_insert(Bucket { level: full, filled_ms: now_ms });
        bucket.level = full.min(bucket.level + full * (now_ms - bucket.filled_ms).max(0) / window);
        bucket.filled_ms = now_ms;
        if bucket.level >= i64::from(price) * 1_000 {
            bucket.level -= i64::from(price) * 1_000;
            self.spent += u64::from(price);
            return Ok(());
        }
        let wait_ms = (full - bucket.level) * window / full;
        let seconds = u32::try_from(wait_ms.max(1).div_euclid(1_000) + i64::from(wait_ms % 1_000 > 0)).unwrap_or(1);
        self.used = (self.spent, (full + full * (now_ms - first_ms) / window) / 1_000);
        self.wait(tenant, path, seconds, now_ms);
        Err(seconds)
    }

    /// Remembers that somebody was asked to wait.
    pub fn wait(&mut self, tenant: Uuid, path: &str, seconds: u32, now_ms: i64) {
        self.throttled += 1;
        self.not_before_ms.insert((tenant, path.to_owned()), now_ms + i64::from(seconds) * 1_000);
    }

    /// How many requests were asked to wait, how many came before their time, and how many units were spent; and until
    /// the last refusal, how many of how many there were.
    pub fn counts(&self) -> Value {
        let (spent, of) = self.used;
        json!({
            "throttled": self.throttled, "early": self.early, "units": self.spent,
            "until_last_refusal": { "units": spent, "of": of },
        })
    }
}

/// Microsoft's price of a request: users 2, licences 3, others 1; `$select`, which links keep, is worth 1.
fn price(path: &str, query: &str) -> u32 {
    let price = match path {
        path if path.starts_with("/v1.0/users") => 2_u32,
        path if path.starts_with("/v1.0/subscribedSkus") => 3,
        _ => 1,
    };
    let selects = ["$select", "%24select", "token="].iter().any(|word| query.contains(word));
    price.saturating_sub(u32::from(selects)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_says_how_long_to_wait_and_fills_again() {
        let mut throttle = Throttle::default();
        throttle.enforce(Some(Budget { units: Some(4), window_ms: Some(2_000) }));
        let tenant = Uuid::nil();
        let mut ask = |now_ms| throttle.admit(tenant, 10, "/v1.0/users/delta", "", now_ms);
        assert_eq!((ask(0), ask(0)), (Ok(()), Ok(())));
        assert_eq!(ask(0), Err(2));
        assert_eq!(ask(1_000), Ok(()), "half of it is back, and the price is half");
        let used = json!({ "units": 4, "of": 4 });
        let counts = json!({ "throttled": 1, "early": 1, "units": 6, "until_last_refusal": used });
        assert_eq!(throttle.counts(), counts);
    }

    #[test]
    fn prices_are_microsofts() {
        assert_eq!(price("/v1.0/users/delta", "$select=id"), 1);
        assert_eq!(price("/v1.0/users/delta", ""), 2);
        assert_eq!(price("/v1.0/subscribedSkus", "$select=skuId"), 2);
        assert_eq!(price("/v1.0/domains", "$select=id"), 1);
    }
}
