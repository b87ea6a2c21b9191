//! The people of a tenant, computed when asked for, and the log of what changed.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::licences::Subscription;
use crate::clock;
use crate::random::{Dice, mix};

const FIRST: [&str; 64] = [
    "Olivia",
    "Liam",
    "Emma",
    "Noah",
    "Amelia",
    "Oliver",
    "Sophia",
    "Elijah",
    "Isabella",
    "Lucas",
    "Mia",
    "Mateo",
    "Ava",
    "Levi",
    "Charlotte",
    "Ezra",
    "Evelyn",
    "Asher",
    "Luna",
    "James",
    "Harper",
    "Leo",
    "Camila",
    "Luca",
    "Sofia",
    "Henry",
    "Scarlett",
    "Hudson",
    "Eleanor",
    "Ethan",
    "Hazel",
    "Jack",
    "Violet",
    "Daniel",
    "Aurora",
    "Samuel",
    "Penelope",
    "Owen",
    "Aria",
    "Wyatt",
    "Nora",
    "Julian",
    "Chloe",
    "Gabriel",
    "Ivy",
    "Miles",
    "Zoe",
    "Isaac",
    "Stella",
    "Nathan",
    "Maya",
    "Aaron",
    "Priya",
    "Arjun",
    "Mei",
    "Kenji",
    "Fatima",
    "Omar",
    "Ingrid",
    "Lars",
    "Anneke",
    "Pieter",
    "Siobhan",
    "Declan",
];
const LAST: [&str; 80] = [
    "Whitfield",
    "Okafor",
    "Lindqvist",
    "Moreno",
    "Vandermeer",
    "Castellano",
    "Hargrove",
    "Nakamura",
    "Delacroix",
    "Abernathy",
    "Brandt",
    "Chowdhury",
    "Ferreira",
    "Gallagher",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lombardi",
    "McAllister",
    "Novak",
    "Oyelaran",
    "Petrov",
    "Quintero",
    "Rosenthal",
    "Silva",
    "Thornton",
    "Ueda",
    "Vasquez",
    "Winslow",
    "Yamada",
    "Zimmermann",
    "Ashworth",
    "Blackwood",
    "Carver",
    "Dunmore",
    "Ellison",
    "Fairbanks",
    "Grantham",
    "Holloway",
    "Iverson",
    "Jimenez",
    "Kingsley",
    "Langford",
    "Marchetti",
    "Norwood",
    "Osborne",
    "Pemberton",
    "Radcliffe",
    "Sinclair",
    "Tanaka",
    "Underwood",
    "Vaughan",
    "Westbrook",
    "Xu",
    "Yates",
    "Zhang",
    "Adeyemi",
    "Bergman",
    "Costa",
    "Dimitrov",
    "Eriksen",
    "Fontaine",
    "Gupta",
    "Hoffmann",
    "Ibrahim",
    "Jokinen",
    "Kaur",
    "Larsen",
    "Mbeki",
    "Nguyen",
    "O'Brien",
    "Park",
    "Rahman",
    "Schneider",
    "Torres",
    "Urban",
    "Visser",
    "Weber",
    "Young",
];
const DEPARTMENTS: [(&str, [&str; 4]); 8] = [
    ("Sales", ["Account Manager", "Sales Representative", "Sales Director", "Business Development Manager"]),
    ("Finance", ["Accountant", "Controller", "Payroll Specialist", "Financial Analyst"]),
    ("Operations", ["Operations Manager", "Logistics Coordinator", "Office Manager", "Scheduler"]),
    ("Engineering", ["Software Engineer", "Quality Engineer", "Project Engineer", "Technician"]),
    ("Marketing", ["Content Strategist", "Brand Manager", "Designer", "Event Coordinator"]),
    ("Human Resources", ["HR Generalist", "Recruiter", "Benefits Specialist", "HR Director"]),
    ("IT", ["Systems Administrator", "Support Specialist", "Network Engineer", "IT Manager"]),
    ("Customer Service", ["Service Agent", "Team Lead", "Client Advisor", "Support Coordinator"]),
];
const COMBINATIONS: usize = FIRST.len() * LAST.len();
/// Coprime with the number of combinations, so that neighbours get different names and none comes twice.
const STRIDE: usize = 1_847;
/// Every one of so many is a guest.
const GUEST_EVERY: usize = 16;

/// Somebody with a fixed address: those who can sign in.
#[derive(Debug, Clone)]
pub struct Named {
    /// Their address.
    pub email: String,
    /// Whether they were invited from elsewhere.
    pub guest: bool,
}

/// How somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// To the recycle bin, `changed` in a delta.
    Soft,
    /// For good, `deleted` in a delta.
    Hard,
}

impl Removal {
    /// Graph's word for it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Soft => "changed",
            Self::Hard => "deleted",
        }
    }
}

/// What the newest state of somebody is, for a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// New: everything is sent.
    Added,
    /// Only what changed is sent.
    Updated,
    /// Gone.
    Removed(Removal),
}

/// Everybody in a tenant. People are computed from their number; only changes are stored.
pub struct Directory {
    seed: u64,
    original: usize,
    total: usize,
    named: Vec<Named>,
    domain: String,
    initial_domain: String,
    country: &'static str,
    created_ms: i64,
    removed: BTreeMap<usize, Removal>,
    edits: HashMap<usize, u32>,
    log: Vec<(usize, Change)>,
    epoch: u64,
}

impl Directory {
    pub(super) fn new(
        seed: u64,
        users: usize,
        named: Vec<Named>,
        domain: String,
        initial_domain: String,
        country: &'static str,
        created_ms: i64,
    ) -> Self {
        Self {
            seed,
            original: users,
            total: users,
            named,
            domain,
            initial_domain,
            country,
            created_ms,
            removed: BTreeMap::new(),
            edits: HashMap::new(),
            log: Vec::new(),
            epoch: 0,
        }
    }

    /// How many people there are.
    pub fn population(&self) -> usize {
        self.total - self.removed.len()
    }

    /// One past the highest number ever given.
    pub fn end(&self) -> usize {
        self.total
    }

    /// How many of the original people are members, not guests.
    pub fn members(&self) -> usize {
        self.rank(self.original)
    }

    /// Whether the person of that number is still there.
    pub fn is_present(&self, index: usize) -> bool {
        index < self.total && !self.removed.contains_key(&index)
    }

    /// How the person of that number left.
    pub fn removal(&self, index: usize) -> Option<Removal> {
        self.removed.get(&index).copied()
    }

    /// Whether that person came after the tenant was made.
    pub fn is_newcomer(&self, index: usize) -> bool {
        index >= self.original
    }

    /// Whether that person is a guest.
    pub fn is_guest(&self, index: usize) -> bool {
        match self.named.get(index) {
            Some(named) => named.guest,
            None => index % GUEST_EVERY == GUEST_EVERY - 1,
        }
    }

    /// How many members come before that number.
    pub fn rank(&self, index: usize) -> usize {
        let named_guests = self.named.iter().take(index).filter(|named| named.guest).count();
        index - named_guests - index / GUEST_EVERY
    }

    /// The object id of the person of that number; it holds the number, so that it can be found again.
    pub fn id(&self, index: usize) -> Uuid {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let high = scramble(number ^ mask(self.seed));
        let rest = mix(self.seed ^ mix(index as u64));
        let more = mix(rest);
        let bytes = u128::from(high) << 96 | u128::from(rest) << 32 | u128::from(more >> 32);
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }

    /// The number of the person with that object id.
    pub fn find(&self, id: Uuid) -> Option<usize> {
        let high = u32::try_from(id.as_u128() >> 96).ok()?;
        let index = usize::try_from(unscramble(high) ^ mask(self.seed)).ok()?;
        (self.is_present(index) && self.id(index) == id).then_some(index)
    }

    /// The number of the person with that user principal name.
    pub fn find_by_upn(&self, upn: &str) -> Option<usize> {
        (0..self.total)
            .filter(|index| self.is_present(*index))
            .find(|index| self.principal_name(*index).eq_ignore_ascii_case(upn))
    }

    fn name(&self, index: usize) -> (&'static str, &'static str) {
        let start = usize::try_from(self.seed % COMBINATIONS as u64).unwrap_or(0);
        let place = (start + index % COMBINATIONS * STRIDE) % COMBINATIONS;
        // A change of surname is what an edit does.
        let edits = self.edits.get(&index).copied().unwrap_or(0) as usize;
        (FIRST[place / LAST.len()], LAST[(place + edits * 7) % LAST.len()])
    }

    fn principal_name(&self, index: usize) -> String {
        let address = self.address(index);
        if self.is_guest(index) {
            return format!("{}#EXT#@{}", address.replace('@', "_"), self.initial_domain);
        }
        address
    }

    fn address(&self, index: usize) -> String {
        if let Some(named) = self.named.get(index) {
            return named.email.clone();
        }
        let start = usize::try_from(self.seed % COMBINATIONS as u64).unwrap_or(0);
        let place = (start + index % COMBINATIONS * STRIDE) % COMBINATIONS;
        let local =
            format!("{}.{}", FIRST[place / LAST.len()], LAST[place % LAST.len()]).to_lowercase().replace('\'', "");
        let cycle = match index / COMBINATIONS {
            0 => String::new(),
            cycle => (cycle + 1).to_string(),
        };
        let domain = if self.is_guest(index) { "partner.test" } else { &self.domain };
        format!("{local}{cycle}@{domain}")
    }

    /// Everything that Graph knows about the person of that number.
    pub fn user(&self, index: usize, subscriptions: &[Subscription]) -> Map<String, Value> {
        let mut dice = Dice::new(self.seed ^ mix(index as u64 + 1), "person");
        let guest = self.is_guest(index);
        let named = index < self.named.len();
        let (first, last) = self.name(index);
        let (department, titles) = DEPARTMENTS[usize::try_from(dice.below(8)).unwrap_or(0)];
        let edits = self.edits.get(&index).copied().unwrap_or(0);
        let title = titles[usize::try_from(dice.below(4) + u64::from(edits)).unwrap_or(0) % 4];
        let enabled = named || !dice.chance(5);
        let mail = named || guest || !dice.chance(4);
        let created = self.created_ms + i64::try_from(dice.below(90_000_000)).unwrap_or(0) * 1000;
        let licences: Vec<Value> = subscriptions
            .iter()
            .enumerate()
            .filter(|(number, subscription)| subscription.held_by(self, index, *number == 0))
            .map(|(_, subscription)| json!({ "skuId": subscription.sku.id, "disabledPlans": [] }))
            .collect();
        let Value::Object(user) = json!({
            "id": self.id(index),
            "displayName": format!("{first} {last}"),
            "givenName": first,
            "surname": last,
            "userPrincipalName": self.principal_name(index),
            "mail": mail.then(|| self.address(index)),
            "mailNickname": self.address(index).split('@').next(),
            "userType": if guest { "Guest" } else { "Member" },
            "accountEnabled": enabled,
            "department": (!guest).then_some(department),
            "jobTitle": (!guest).then_some(title),
            "companyName": null,
            "assignedLicenses": licences,
            "createdDateTime": clock::iso(created),
            "businessPhones": [],
            "mobilePhone": null,
            "officeLocation": null,
            "preferredLanguage": null,
            "usageLocation": self.country,
            "city": null,
            "country": null,
            "onPremisesSyncEnabled": null,
            "externalUserState": guest.then_some("Accepted"),
        }) else {
            return Map::new();
        };
        user
    }

    /// Somebody joins; their number.
    pub(super) fn add(&mut self) -> usize {
        let index = self.total;
        self.total += 1;
        self.record(index, Change::Added);
        index
    }

    /// So many people who can't sign in change their surname and job.
    pub(super) fn update(&mut self, count: usize) {
        let people: Vec<usize> =
            (self.named.len()..self.total).filter(|index| self.is_present(*index)).take(count).collect();
        for index in people {
            *self.edits.entry(index).or_default() += 1;
            self.record(index, Change::Updated);
        }
    }

    /// The last of those who can't sign in leaves: for good and to the recycle bin in turn.
    pub(super) fn delete(&mut self) -> Option<usize> {
        let index = (self.named.len()..self.total).rev().find(|index| self.is_present(*index))?;
        let removal = if self.removed.len().is_multiple_of(2) { Removal::Soft } else { Removal::Hard };
        self.removed.insert(index, removal);
        self.record(index, Change::Removed(removal));
        Some(index)
    }

    fn record(&mut self, index: usize, change: Change) {
        if self.log.is_empty() {
            self.epoch = rand::random::<u64>() | 1;
        }
        self.log.push((index, change));
    }

    /// How many changes there were.
    pub fn version(&self) -> usize {
        self.log.len()
    }

    /// Which log the version counts in; a directory back at its seed starts another.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether changes since that version can be told.
    pub fn knows(&self, epoch: u64, version: usize) -> bool {
        version <= self.log.len() && (version == 0 || epoch == self.epoch)
    }

    /// Who changed since that version, each once, with their newest state.
    pub fn changes_since(&self, version: usize) -> Vec<(usize, Change)> {
        let mut newest: BTreeMap<usize, Change> = BTreeMap::new();
        for (index, change) in self.log.iter().skip(version) {
            newest
                .entry(*index)
                .and_modify(|known| {
                    // Somebody new who then changes is still new to the client.
                    if *known != Change::Added || *change != Change::Updated {
                        *known = *change;
                    }
                })
                .or_insert(*change);
        }
        newest.into_iter().collect()
    }
}

/// An odd factor, and its inverse modulo 2³²: the number in an object id does not look like one.
const FACTOR: u32 = 0x9E37_79B1;
const INVERSE: u32 = 0x0E8B_2F51;

fn mask(seed: u64) -> u32 {
    u32::try_from(mix(seed ^ 0x6f69_6400) >> 32).unwrap_or(0)
}

fn scramble(number: u32) -> u32 {
    number.wrapping_mul(FACTOR)
}

fn unscramble(number: u32) -> u32 {
    number.wrapping_mul(INVERSE)
}
