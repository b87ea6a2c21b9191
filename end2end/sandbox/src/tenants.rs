//! The tenants: organisations with their domains, people, licences and Secure Score.

pub mod directory;
pub mod licences;
pub mod scores;
pub mod seed;

use serde_json::{Value, json};
use uuid::Uuid;

use self::directory::{Directory, Named};
use self::licences::Subscription;
use self::scores::ScoreCurve;
use crate::random::Dice;

/// The tenant of all personal Microsoft accounts.
pub const CONSUMER_TENANT: Uuid = Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);
/// The sandbox's personal account, which belongs to no organisation.
pub const PERSONAL_EMAIL: &str = "someone@outlook.test";
/// Everybody's password.
pub const PASSWORD: &str = "sandbox-password";

/// A Microsoft 365 tenant.
pub struct Tenant {
    /// The directory's id.
    pub id: Uuid,
    /// The organisation's name.
    pub name: String,
    /// The domain that people use; the default one.
    pub domain: String,
    /// Every domain, the default one first.
    pub domains: Vec<Domain>,
    /// Two letters.
    pub country: &'static str,
    /// When the tenant was made, in milliseconds.
    pub created_ms: i64,
    /// Who can sign in.
    pub accounts: Vec<Account>,
    /// Everybody in it.
    pub directory: Directory,
    /// What was bought.
    pub subscriptions: Vec<Subscription>,
    /// Absent in tenants too new to have one.
    pub scores: Option<ScoreCurve>,
}

/// A domain name of a tenant.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "Graph's own properties, independent of each other")]
pub struct Domain {
    /// The name itself.
    pub name: String,
    /// The one that new users get.
    pub is_default: bool,
    /// The `onmicrosoft.com` one.
    pub is_initial: bool,
    /// Whether ownership was proved.
    pub is_verified: bool,
    /// Whether another identity provider signs its people in.
    pub federated: bool,
}

impl Domain {
    /// `Federated` or `Managed`.
    pub fn authentication_type(&self) -> &'static str {
        if self.federated { "Federated" } else { "Managed" }
    }
}

/// What somebody may do in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May do everything.
    GlobalAdministrator,
    /// May grant delegated permissions, but no application permissions of Graph.
    ApplicationAdministrator,
    /// A Global Administrator whose home is another tenant.
    GuestAdministrator,
    /// May do nothing special.
    User,
}

impl Role {
    /// The word in the control interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "Global Administrator",
            Self::ApplicationAdministrator => "Application Administrator",
            Self::GuestAdministrator => "Guest Administrator",
            Self::User => "User",
        }
    }

    /// The directory role's display name and template id, for those who hold one.
    pub fn directory_role(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::GlobalAdministrator | Self::GuestAdministrator => {
                Some(("Global Administrator", "62e90394-69f5-4237-9190-012177145e10"))
            }
            Self::ApplicationAdministrator => {
                Some(("Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"))
            }
            Self::User => None,
        }
    }

    /// May grant application permissions for the whole tenant.
    pub fn may_grant_application(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::GuestAdministrator)
    }

    /// May grant delegated permissions for the whole tenant.
    pub fn may_grant_delegated(self) -> bool {
        self != Self::User
    }
}

/// Somebody who can sign in to a tenant.
#[derive(Debug, Clone)]
pub struct Account {
    /// What is typed on the sign-in page.
    pub email: String,
    /// What they may do here.
    pub role: Role,
    /// Their home tenant, for guests.
    pub home: Option<Uuid>,
    /// Their number in the directory.
    pub index: usize,
}

/// What a tenant is made from.
pub struct Blueprint {
    /// The organisation's name.
    pub name: String,
    /// Its own domain.
    pub domain: String,
    /// How many people its directory holds.
    pub users: usize,
    /// Whether another identity provider signs its people in.
    pub federated: bool,
    /// What was bought; empty means the usual for its size.
    pub subscriptions: Vec<Subscription>,
    /// Whether it has a Secure Score yet.
    pub secure_score: bool,
    /// The guest administrator's address and home tenant.
    pub guest: Option<(String, Uuid)>,
}

impl Tenant {
    /// Makes a tenant; the same seed and domain give the same one.
    pub fn new(seed: u64, blueprint: Blueprint) -> Self {
        let Blueprint { name, domain, users, federated, subscriptions, secure_score, guest } = blueprint;
        let mut dice = Dice::new(seed, &domain);
        let id = dice.uuid();
        let label: String = domain.chars().take_while(|c| *c != '.').filter(char::is_ascii_alphanumeric).collect();
        let initial = format!("{label}.onmicrosoft.com");
        let country = ["US", "US", "US", "GB", "NL", "DE", "CA", "IE"][usize::try_from(dice.below(8)).unwrap_or(0)];

        let mut domains = vec![
            Domain { name: domain.clone(), is_default: true, is_initial: false, is_verified: true, federated },
            Domain { name: initial.clone(), is_default: false, is_initial: true, is_verified: true, federated: false },
        ];
        if users > 100 {
            domains.push(Domain {
                name: format!("mail.{domain}"),
                is_default: false,
                is_initial: false,
                is_verified: true,
                federated,
            });
        }
        if dice.chance(20) {
            domains.push(Domain {
                name: format!("new.{domain}"),
                is_default: false,
                is_initial: false,
                is_verified: false,
                federated: false,
            });
        }

        let mut accounts = vec![
            Account { email: format!("admin@{domain}"), role: Role::GlobalAdministrator, home: None, index: 0 },
            Account { email: format!("user@{domain}"), role: Role::User, home: None, index: 1 },
        ];
        if users > 20 {
            accounts.push(Account {
                email: format!("appadmin@{domain}"),
                role: Role::ApplicationAdministrator,
                home: None,
                index: 2,
            });
        }
        if let Some((email, home)) = guest {
            let index = accounts.len();
            accounts.push(Account { email, role: Role::GuestAdministrator, home: Some(home), index });
        }
        let named = accounts
            .iter()
            .map(|account| Named { email: account.email.clone(), guest: account.home.is_some() })
            .collect();
        let created_ms = 1_420_000_000_000 + i64::try_from(dice.below(250_000_000)).unwrap_or(0) * 1000;
        let directory =
            Directory::new(dice.roll(), users.max(accounts.len()), named, domain.clone(), initial, country, created_ms);
        let subscriptions =
            if subscriptions.is_empty() { licences::usual(&mut dice, directory.members()) } else { subscriptions };
        let scores = secure_score.then(|| ScoreCurve::new(dice.roll()));
        Self { id, name, domain, domains, country, created_ms, accounts, directory, subscriptions, scores }
    }

    /// Whether a verified domain, as it stands in a path, means this tenant.
    pub fn is_called(&self, text: &str) -> bool {
        self.domains.iter().any(|domain| domain.is_verified && domain.name.eq_ignore_ascii_case(text))
    }

    /// The account of that address here, guests included.
    pub fn account(&self, email: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email))
    }

    /// The account whose object id this is.
    pub fn account_by_oid(&self, oid: Uuid) -> Option<&Account> {
        self.accounts.iter().find(|account| self.directory.id(account.index) == oid)
    }

    /// As the control interface shows it.
    pub fn summary(&self) -> Value {
        let accounts: Vec<_> = self
            .accounts
            .iter()
            .map(|account| {
                json!({
                    "email": account.email,
                    "password": PASSWORD,
                    "role": account.role.name(),
                    "home_tenant": account.home,
                    "oid": self.directory.id(account.index),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "name": self.name,
            "domain": self.domain,
            "users": self.directory.population(),
            "accounts": accounts,
        })
    }

    /// Adds, changes and removes people; answers what the directory holds afterwards.
    pub fn change_users(&mut self, add: usize, update: usize, delete: usize) -> usize {
        for _ in 0..add {
            let newcomer = self.directory.add();
            if let Some(first) = self.subscriptions.first_mut()
                && first.held_by(&self.directory, newcomer, true)
            {
                first.newcomers += 1;
            }
        }
        self.directory.update(update);
        for _ in 0..delete {
            let Some(gone) = self.directory.delete() else { break };
            for (number, subscription) in self.subscriptions.iter_mut().enumerate() {
                if subscription.held_by(&self.directory, gone, number == 0) {
                    subscription.given_back += 1;
                }
            }
        }
        self.directory.population()
    }
}
