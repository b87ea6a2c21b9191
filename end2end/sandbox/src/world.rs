//! Everything that changes while a sandbox runs: tenants, the app registration, grants, sessions, codes and tokens.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::faults::Faults;
use crate::grants::Grant;
use crate::keys::{KeyError, KeyRing};
use crate::ledger::Ledger;
use crate::options::SandboxOptions;
use crate::permissions;
use crate::tenants::{CONSUMER_TENANT, PERSONAL_EMAIL, Role, Tenant, seed};
use crate::throttle::Throttle;

/// The app registration that the sandbox accepts.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Whether the secret has run out.
    pub secret_expired: bool,
    /// Where answers may go.
    pub redirect_uris: Vec<String>,
    /// What it asks tenants for as an application.
    pub application_permissions: Vec<String>,
    /// What it asks for on behalf of people.
    pub delegated_permissions: Vec<String>,
    /// Whether its manifest asks for `wids` in ID tokens.
    pub wids_claim: bool,
}

impl App {
    fn new(options: &SandboxOptions) -> Self {
        Self {
            client_id: options.client_id.clone(),
            client_secret: options.client_secret.clone(),
            secret_expired: false,
            redirect_uris: options.redirect_uris.clone(),
            application_permissions: permissions::DEFAULT_APPLICATION.map(String::from).to_vec(),
            delegated_permissions: permissions::DEFAULT_DELEGATED.map(String::from).to_vec(),
            wids_claim: false,
        }
    }
}

/// Somebody as a tenant knows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant they act in.
    pub tenant: Uuid,
    /// Their object there.
    pub oid: Uuid,
    /// What they typed.
    pub email: String,
}

/// An authorization code that was handed out.
#[derive(Debug, Clone)]
pub struct Code {
    /// Who signed in.
    pub identity: Identity,
    /// The tenant segment of the authorize request.
    pub alias: String,
    /// Must come again at the token endpoint.
    pub redirect_uri: String,
    /// As asked for.
    pub scopes: Vec<String>,
    /// To be put into the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge and whether it is a hash.
    pub challenge: Option<(String, bool)>,
    /// In milliseconds.
    pub expires_ms: i64,
    /// Whether it was redeemed.
    pub used: bool,
}

/// A refresh token that was handed out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refresh {
    /// Whose it is.
    pub identity: Identity,
    /// As asked for at first.
    pub scopes: Vec<String>,
    /// In milliseconds.
    pub issued_ms: i64,
    /// Ended by the control interface.
    pub expired: bool,
}

/// What outlives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The app in each tenant.
    pub grants: BTreeMap<Uuid, Grant>,
    /// The refresh tokens.
    pub refresh: BTreeMap<String, Refresh>,
}

/// How Graph answers, beyond what is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions {
    /// Every answer waits that long.
    pub latency: Duration,
    /// No page of users is larger, whatever is preferred.
    pub page_size: Option<usize>,
}

/// The state of one sandbox.
pub struct World {
    /// In the order of the seed, then of their making.
    pub tenants: Vec<Tenant>,
    /// Where each tenant stands among them.
    places: HashMap<Uuid, usize>,
    /// The app registration.
    pub app: App,
    /// Consents and refresh tokens.
    pub kept: Kept,
    /// Who is signed in, by the browser's cookie; the newest last.
    pub sessions: HashMap<String, Vec<String>>,
    /// Codes that were handed out.
    pub codes: HashMap<String, Code>,
    /// Faults that are due.
    pub faults: Faults,
    /// How Graph answers, beyond what is asked.
    pub conditions: Conditions,
    /// How much of Graph each tenant may use.
    pub throttle: Throttle,
    /// What was asked and handed out.
    pub ledger: Ledger,
    /// What signs tokens.
    pub keys: KeyRing,
}

impl World {
    /// The world as its seed has it.
    pub fn new(options: &SandboxOptions) -> Result<Self, KeyError> {
        let tenants = seed::tenants(options.seed);
        Ok(Self {
            places: tenants.iter().enumerate().map(|(place, tenant)| (tenant.id, place)).collect(),
            tenants,
            app: App::new(options),
            kept: Kept::default(),
            sessions: HashMap::new(),
            codes: HashMap::new(),
            faults: Faults::default(),
            conditions: Conditions::default(),
            throttle: Throttle::default(),
            ledger: Ledger::default(),
            keys: KeyRing::new(options.seed)?,
        })
    }

    /// The tenant with that id.
    pub fn tenant(&self, id: Uuid) -> Option<&Tenant> {
        self.tenants.get(*self.places.get(&id)?)
    }

    /// The tenant with that id, to be changed.
    pub fn tenant_mut(&mut self, id: Uuid) -> Option<&mut Tenant> {
        self.tenants.get_mut(*self.places.get(&id)?)
    }

    /// One more tenant.
    pub fn add_tenant(&mut self, tenant: Tenant) {
        self.places.insert(tenant.id, self.tenants.len());
        self.tenants.push(tenant);
    }

    /// The tenant that a path calls by its id or a domain.
    pub fn tenant_called(&self, text: &str) -> Option<&Tenant> {
        match Uuid::parse_str(text) {
            Ok(id) => self.tenant(id),
            Err(_) => self.tenants.iter().find(|tenant| tenant.is_called(text)),
        }
    }

    /// The home tenant of an address, or the consumer tenant; none if nobody has it.
    pub fn home_of(&self, email: &str) -> Option<Uuid> {
        if email.eq_ignore_ascii_case(PERSONAL_EMAIL) {
            return Some(CONSUMER_TENANT);
        }
        let at_home = |tenant: &&Tenant| tenant.account(email).is_some_and(|account| account.home.is_none());
        self.tenants.iter().find(at_home).map(|tenant| tenant.id)
    }

    /// That address as a tenant knows it; none for strangers.
    pub fn identity(&self, email: &str, tenant: Uuid) -> Option<Identity> {
        if tenant == CONSUMER_TENANT {
            return email.eq_ignore_ascii_case(PERSONAL_EMAIL).then(|| Identity {
                tenant,
                oid: Uuid::from_u128(0x3f0c_55aa_91d2_7e41),
                email: PERSONAL_EMAIL.into(),
            });
        }
        let found = self.tenant(tenant)?;
        let account = found.account(email)?;
        Some(Identity { tenant, oid: found.directory.id(account.index), email: account.email.clone() })
    }

    /// What somebody may do in their tenant.
    pub fn role(&self, identity: &Identity) -> Role {
        self.tenant(identity.tenant)
            .and_then(|tenant| tenant.account(&identity.email))
            .map_or(Role::User, |account| account.role)
    }

    /// What somebody is called.
    pub fn display_name(&self, identity: &Identity) -> String {
        self.tenant(identity.tenant)
            .and_then(|tenant| {
                let account = tenant.account(&identity.email)?;
                let user = tenant.directory.user(account.index, &[]);
                user.get("displayName")?.as_str().map(String::from)
            })
            .unwrap_or_else(|| "Sam Someone".into())
    }

    /// Everything back to the seed; the redirect URIs stay, for they say where the app listens.
    pub fn reset(&mut self, options: &SandboxOptions) -> Result<(), KeyError> {
        let redirect_uris = std::mem::take(&mut self.app.redirect_uris);
        *self = Self::new(options)?;
        self.app.redirect_uris = redirect_uris;
        Ok(())
    }
}
