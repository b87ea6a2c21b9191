//! What is odd about a company and its tenant although both work: two companies with one domain, a domain that is not the
//! tenant's, a tenant that is called otherwise than before. Somebody mends it, or says that it is meant so.

use serde::{Deserialize, Serialize};

use super::{CompanyId, TenantId};

/// What kind of oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddityKind {
    /// Another company in use has the same primary domain.
    SharedDomain,
    /// The company's primary domain is none that its tenant has proved to own.
    ForeignDomain,
    /// The tenant is called otherwise than when it was connected.
    TenantRenamed,
}

impl OddityKind {
    /// All of them, the one to look at first first.
    pub const ALL: [Self; 3] = [Self::SharedDomain, Self::ForeignDomain, Self::TenantRenamed];

    /// Its stable name in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::SharedDomain => "shared_domain",
            Self::ForeignDomain => "foreign_domain",
            Self::TenantRenamed => "tenant_renamed",
        }
    }

    /// The kind of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

/// A tenant, as far as it can be odd.
#[derive(Clone, Copy, Debug)]
pub struct TenantFacts<'a> {
    /// Which one.
    pub tenant: TenantId,
    /// What it calls itself.
    pub name: &'a str,
    /// What it called itself when it was connected, or what somebody said is fine since.
    pub known_name: &'a str,
    /// The domains that it has proved to own. None: they were not read.
    pub verified: &'a [String],
}

/// What there is to compare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The company's primary domain.
    pub domain: Option<&'a str>,
    /// The company itself.
    pub company: Option<CompanyId>,
    /// The companies in use that have this domain, in the order of their ids, and what they are called. The company may be
    /// among them.
    pub sharers: &'a [(CompanyId, String)],
    /// Its tenant, if it is connected.
    pub tenant: Option<TenantFacts<'a>>,
}

/// How many companies that share a domain are told apart. Where there are more, it is a domain of everybody's, such as that
/// of a mail provider: they are counted, and whoever says that it is meant so says it of as many as there will be.
pub const LISTED: usize = 20;

/// What stands for the ids of more than [`LISTED`] companies.
const MANY: &str = "*";

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// [`OddityKind::SharedDomain`]
    SharedDomain {
        /// The domain.
        domain: String,
        /// Who else has it: the first [`LISTED`] of them.
        others: Vec<(CompanyId, String)>,
        /// How many others there are in all.
        count: usize,
    },
    /// [`OddityKind::ForeignDomain`]
    ForeignDomain {
        /// The company's domain.
        domain: String,
        /// Its tenant.
        tenant: TenantId,
        /// What that calls itself.
        organisation: String,
        /// Its own domains.
        verified: Vec<String>,
    },
    /// [`OddityKind::TenantRenamed`]
    TenantRenamed {
        /// The name that was known.
        from: String,
        /// The name that it has.
        to: String,
    },
}

/// Everything odd about a company that nobody said is meant so, the one to look at first first. `accepted`: what somebody
/// said that of, as [`Oddity::seen`] tells it.
pub fn oddities(facts: &Facts<'_>, accepted: &[(OddityKind, String)]) -> Vec<Oddity> {
    let mut found = Vec::new();
    if let Some(domain) = facts.domain {
        let is_other = |(id, _): &&(CompanyId, String)| Some(*id) != facts.company;
        let is_among = facts.company.is_some_and(|own| facts.sharers.binary_search_by_key(&own, |(id, _)| *id).is_ok());
        let count = facts.sharers.len() - usize::from(is_among);
        if count > 0 {
            let others = facts.sharers.iter().filter(is_other).take(LISTED).cloned().collect();
            found.push(Oddity::SharedDomain { domain: domain.to_owned(), others, count });
        }
        if let Some(tenant) = facts.tenant
            && !tenant.verified.is_empty()
            && !tenant.verified.iter().any(|verified| is_within(domain, verified))
        {
            found.push(Oddity::ForeignDomain {
                domain: domain.to_owned(),
                tenant: tenant.tenant,
                organisation: tenant.name.to_owned(),
                verified: tenant.verified.to_vec(),
            });
        }
    }
    if let Some(tenant) = facts.tenant
        && tenant.name != tenant.known_name
    {
        found.push(Oddity::TenantRenamed { from: tenant.known_name.to_owned(), to: tenant.name.to_owned() });
    }
    found.retain(|oddity| !accepted.iter().any(|(kind, seen)| *kind == oddity.kind() && oddity.is_known_by(seen)));
    found
}

/// Whether a domain is this one or below it: whoever owns a domain owns what is below.
fn is_within(domain: &str, owned: &str) -> bool {
    let (domain, owned) = (domain.to_ascii_lowercase(), owned.to_ascii_lowercase());
    domain.strip_suffix(&owned).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Oddity {
    /// What kind.
    pub const fn kind(&self) -> OddityKind {
        match self {
            Self::SharedDomain { .. } => OddityKind::SharedDomain,
            Self::ForeignDomain { .. } => OddityKind::ForeignDomain,
            Self::TenantRenamed { .. } => OddityKind::TenantRenamed,
        }
    }

    /// In the row.
    pub fn short(&self) -> String {
        match self {
            Self::SharedDomain { others, count, .. } => match &others[..] {
                [(_, name)] => format!("Domain shared with {name}"),
                _ => format!("Domain shared with {count} companies"),
            },
            Self::ForeignDomain { .. } => "Domain is not the tenant's".to_owned(),
            Self::TenantRenamed { .. } => "Tenant was renamed".to_owned(),
        }
    }

    /// What is so.
    pub fn text(&self) -> String {
        match self {
            Self::SharedDomain { domain, others, count } => {
                let names: Vec<_> = others.iter().map(|(_, name)| name.as_str()).collect();
                let have = if *count == 1 { "has" } else { "have" };
                format!("{} {have} the domain {domain} too.", list(&names, *count))
            }
            Self::ForeignDomain { domain, organisation, verified, .. } => {
                let names: Vec<_> = verified.iter().map(String::as_str).collect();
                format!(
                    "{organisation} has not proved to own {domain}. Its verified domains: {}.",
                    list(&names, names.len())
                )
            }
            Self::TenantRenamed { from, to } => {
                format!("The tenant was called {from} when it was connected. Now it calls itself {to}.")
            }
        }
    }

    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::SharedDomain { .. } => {
                "If they are one client, archive one of them. Else correct the domain, or say that this is intended."
            }
            Self::ForeignDomain { .. } => {
                "Correct the company's domain. If the tenant is another client's, disconnect the company."
            }
            Self::TenantRenamed { .. } => "If it is still the same client, keep the new name.",
        }
    }

    /// What is called so that says: this is fine.
    pub const fn accept_label(&self) -> &'static str {
        match self {
            Self::SharedDomain { .. } | Self::ForeignDomain { .. } => "This is intended",
            Self::TenantRenamed { .. } => "Keep the new name",
        }
    }

    /// What somebody knows who says that it is meant so. It comes back only when it says something else.
    pub fn seen(&self) -> String {
        match self {
            Self::SharedDomain { domain, count, .. } if *count > LISTED => format!("{domain} {MANY}"),
            Self::SharedDomain { domain, others, .. } => {
                let mut ids: Vec<String> = others.iter().map(|(id, _)| id.to_string()).collect();
                ids.sort_unstable();
                format!("{domain} {}", ids.join(" "))
            }
            Self::ForeignDomain { domain, tenant, .. } => format!("{domain} {tenant}"),
            Self::TenantRenamed { to, .. } => to.clone(),
        }
    }

    /// Whether who knew that knows this too: of companies that share a domain, fewer are nothing new.
    fn is_known_by(&self, seen: &str) -> bool {
        match self {
            Self::SharedDomain { domain, others, count } => {
                let mut known = seen.split(' ');
                known.next() == Some(domain.as_str()) && {
                    let known: Vec<&str> = known.collect();
                    known == [MANY]
                        || *count <= LISTED && others.iter().all(|(id, _)| known.contains(&id.to_string().as_str()))
                }
            }
            _ => self.seen() == seen,
        }
    }

    /// For a row: what is odd, and after a line break what that means and what to do.
    pub fn in_row(&self) -> String {
        format!("{}\n{} {}", self.short(), self.text(), self.advice())
    }
}

/// "a, b and c", with at most five of them. `count`: how many there are, if these are not all.
fn list(names: &[&str], count: usize) -> String {
    const MOST: usize = 5;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [names @ .., last] if names.len() < MOST => format!("{} and {last}", names.join(", ")),
        names => format!("{} and {} more", names[..MOST].join(", "), count - MOST),
    }
}

/// An oddity on the company's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddityDetails {
    /// What kind.
    pub kind: OddityKind,
    /// What is odd.
    pub title: String,
    /// What that means, and what to do.
    pub text: String,
    /// The other companies that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<(CompanyId, String)>,
    /// What the button is called that says: this is fine.
    pub accept: String,
    /// What who presses it has seen.
    pub seen: String,
}

impl From<Oddity> for OddityDetails {
    fn from(oddity: Oddity) -> Self {
        Self {
            kind: oddity.kind(),
            title: oddity.short(),
            text: format!("{} {}", oddity.text(), oddity.advice()),
            accept: oddity.accept_label().to_owned(),
            seen: oddity.seen(),
            others: match oddity {
                Oddity::SharedDomain { others, .. } => others,
                _ => Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn company(number: u128) -> CompanyId {
        CompanyId::from_uuid(Uuid::from_u128(number))
    }

    fn tenant<'a>(name: &'a str, known_name: &'a str, verified: &'a [String]) -> TenantFacts<'a> {
        TenantFacts { tenant: TenantId::from_uuid(Uuid::from_u128(9)), name, known_name, verified }
    }

    fn owned(domains: &[&str]) -> Vec<String> {
        domains.iter().map(|domain| (*domain).to_owned()).collect()
    }

    /// Companies of one domain: the one that is looked at, and these.
    fn sharers(others: &[(u128, &str)]) -> Vec<(CompanyId, String)> {
        let own = (company(0), "Own".to_owned());
        std::iter::once(own).chain(others.iter().map(|(id, name)| (company(*id), (*name).to_owned()))).collect()
    }

    fn kinds(facts: &Facts<'_>) -> Vec<OddityKind> {
        oddities(facts, &[]).iter().map(Oddity::kind).collect()
    }

    #[test]
    fn nothing_is_odd_about_a_company_of_its_own() {
        let verified = owned(&["contoso.onmicrosoft.com", "Contoso.com"]);
        let all_well = tenant("Contoso", "Contoso", &verified);
        for domain in [None, Some("contoso.com"), Some("mail.contoso.com")] {
            assert_eq!(kinds(&Facts { domain, tenant: Some(all_well), ..Facts::default() }), []);
            assert_eq!(kinds(&Facts { domain, sharers: &sharers(&[]), company: Some(company(0)), tenant: None }), []);
        }
        let not_read = tenant("Contoso", "Contoso", &[]);
        assert_eq!(kinds(&Facts { domain: Some("other.com"), tenant: Some(not_read), ..Facts::default() }), []);
    }

    #[test]
    fn everything_odd_is_found_at_once() {
        let verified = owned(&["contoso.com"]);
        let (company, sharers) = (Some(company(0)), sharers(&[(1, "North")]));
        for domain in ["example.com", "mycontoso.com", "com"] {
            let tenant = Some(tenant("Contoso AG", "Contoso", &verified));
            assert_eq!(
                kinds(&Facts { domain: Some(domain), company, sharers: &sharers, tenant }),
                OddityKind::ALL,
                "{domain}"
            );
        }
    }

    #[test]
    fn it_is_told_in_words_with_what_to_do() {
        let oddity =
            Oddity::SharedDomain { domain: "a.test".into(), others: vec![(company(1), "North".into())], count: 1 };
        let row = oddity.in_row();
        assert!(row.starts_with("Domain shared with North\nNorth has the domain a.test too. If they are"), "{row}");
        let others = (1..=7).map(|number| (company(number), format!("N{number}"))).collect();
        let many = Oddity::SharedDomain { domain: "a.test".into(), others, count: 7 };
        assert_eq!(many.short(), "Domain shared with 7 companies");
        assert_eq!(many.text(), "N1, N2, N3, N4, N5 and 2 more have the domain a.test too.");
        let (from, to) = ("Contoso".to_owned(), "Contoso AG".to_owned());
        let renamed = OddityDetails::from(Oddity::TenantRenamed { from, to });
        assert_eq!((renamed.accept.as_str(), renamed.seen.as_str()), ("Keep the new name", "Contoso AG"));
        assert!(renamed.text.contains("was called Contoso when") && renamed.text.contains("calls itself Contoso AG"));
    }

    #[test]
    fn what_is_meant_so_comes_back_only_when_it_changes() {
        let verified = owned(&["contoso.com"]);
        let both = sharers(&[(1, "North"), (2, "South")]);
        let tenant = Some(tenant("Contoso", "Contoso", &verified));
        let facts = Facts { domain: Some("a.test"), company: Some(company(0)), sharers: &both, tenant };
        let accepted: Vec<_> = oddities(&facts, &[]).iter().map(|oddity| (oddity.kind(), oddity.seen())).collect();
        let left = |facts: &Facts<'_>| oddities(facts, &accepted).iter().map(Oddity::kind).collect::<Vec<_>>();
        assert_eq!(left(&facts), []);
        assert_eq!(left(&Facts { sharers: &both[..2], ..facts }), [], "fewer are nothing new");
        let renamed = sharers(&[(1, "Norden")]);
        assert_eq!(left(&Facts { sharers: &renamed, ..facts }), [], "it is about companies, not about their names");
        let more = sharers(&[(1, ""), (3, "")]);
        assert_eq!(left(&Facts { sharers: &more, ..facts }), [OddityKind::SharedDomain]);
        let elsewhere = Facts { domain: Some("b.test"), ..facts };
        assert_eq!(left(&elsewhere), [OddityKind::SharedDomain, OddityKind::ForeignDomain]);
    }

    #[test]
    fn a_domain_of_very_many_is_accepted_once_and_for_all() {
        let names: Vec<_> = (0..10_000).map(|id| (company(id), format!("N{id}"))).collect();
        let facts = |count: usize| Facts {
            domain: Some("mail.test"),
            company: Some(company(0)),
            sharers: &names[..count],
            tenant: None,
        };
        let found = oddities(&facts(10_000), &[]);
        assert_eq!(found[0].short(), "Domain shared with 9999 companies");
        assert!(found[0].text().starts_with("N1, N2, N3, N4, N5 and 9994 more have"), "{}", found[0].text());
        assert!(found[0].seen().len() < 20, "{}", found[0].seen());
        let of_many = [(OddityKind::SharedDomain, found[0].seen())];
        let of_few = [(OddityKind::SharedDomain, oddities(&facts(LISTED + 1), &[])[0].seen())];
        for (count, accepted, odd) in [
            (10_000, &of_many, false),
            (9_000, &of_many, false),
            (2, &of_many, false),
            (LISTED + 1, &of_few, false),
            (LISTED + 2, &of_few, true),
        ] {
            assert_eq!(!oddities(&facts(count), accepted).is_empty(), odd, "{count}");
        }
    }

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        for kind in OddityKind::ALL {
            assert_eq!(OddityKind::from_key(kind.key()), Some(kind));
        }
    }
}
