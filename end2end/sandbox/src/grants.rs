//! What the tenants and their people granted to the app.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::faults::ConsentDelay;
use crate::random::random_uuid;

/// The app's presence in one tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// The app's object there.
    pub service_principal: Uuid,
    roles: BTreeSet<String>,
    pending: Option<Pending>,
    tenant_scopes: BTreeSet<String>,
    user_scopes: BTreeMap<Uuid, BTreeSet<String>>,
}

/// Application permissions that were granted but are not in force yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    roles: BTreeSet<String>,
    from_ms: i64,
    code: Option<u32>,
}

impl Default for Grant {
    fn default() -> Self {
        Self {
            service_principal: random_uuid(),
            roles: BTreeSet::new(),
            pending: None,
            tenant_scopes: BTreeSet::new(),
            user_scopes: BTreeMap::new(),
        }
    }
}

impl Grant {
    /// An administrator grants application permissions, which replace the earlier set.
    pub fn grant_roles(&mut self, roles: BTreeSet<String>, now_ms: i64, delay: Option<&ConsentDelay>) {
        self.roles = self.roles(now_ms);
        match delay {
            Some(delay) if !roles.is_subset(&self.roles) => {
                self.pending = Some(Pending { roles, from_ms: now_ms + delay.delay_ms, code: delay.code });
            }
            _ => {
                self.roles = roles;
                self.pending = None;
            }
        }
    }

    /// An administrator grants scopes for everybody.
    pub fn grant_tenant(&mut self, scopes: impl IntoIterator<Item = String>) {
        self.tenant_scopes.extend(scopes);
    }

    /// Somebody grants scopes for themselves.
    pub fn grant_user(&mut self, oid: Uuid, scopes: impl IntoIterator<Item = String>) {
        self.user_scopes.entry(oid).or_default().extend(scopes);
    }

    /// The application permissions in force.
    pub fn roles(&self, now_ms: i64) -> BTreeSet<String> {
        match &self.pending {
            Some(pending) if now_ms >= pending.from_ms => pending.roles.clone(),
            _ => self.roles.clone(),
        }
    }

    /// The error that app-only tokens are refused with until a consent takes effect.
    pub fn refusal(&self, now_ms: i64) -> Option<u32> {
        self.pending.as_ref().filter(|pending| now_ms < pending.from_ms)?.code
    }

    /// The scopes that hold for a person.
    pub fn scopes(&self, oid: Uuid) -> BTreeSet<String> {
        let own = self.user_scopes.get(&oid);
        self.tenant_scopes.iter().chain(own.into_iter().flatten()).cloned().collect()
    }
}
