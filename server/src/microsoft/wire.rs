//! Microsoft Graph's JSON as Microsoft spells it. Nobody else knows that spelling.
//!
//! Unknown fields are ignored; a missing one, or null, is what the field's type makes of nothing.

use std::collections::BTreeMap;

use app::domain::{TenantId, Timestamp};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    http::timestamp,
    tenant_data::{
        Comparative, ControlProfile, ControlScore, DirectoryRole, Licence, LicenceState, Organisation, Patch,
        SecureScore, TenantDomain, UserChange, UserKind, UserPatch,
    },
};

/// One page of a collection.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default, deserialize_with = "storable")]
    pub(super) next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink", default, deserialize_with = "storable")]
    pub(super) delta_link: Option<String>,
}

/// Requests that are sent as one. <https://learn.microsoft.com/graph/json-batching>
#[derive(Serialize)]
pub(super) struct BatchRequest<'a> {
    requests: Vec<BatchStep<'a>>,
}

#[derive(Serialize)]
struct BatchStep<'a> {
    id: &'a str,
    method: &'static str,
    url: &'a str,
}

impl<'a> BatchRequest<'a> {
    /// Reads these: what each is called, and its address, which begins after the version.
    pub(super) fn reading(requests: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { requests: requests.map(|(id, url)| BatchStep { id, method: "GET", url }).collect() }
    }
}

/// The answers, in no order. Their bodies are read when it is known what they are.
#[derive(Deserialize)]
pub(super) struct BatchAnswer<'a> {
    #[serde(borrow)]
    responses: Vec<BatchPart<'a>>,
}

impl BatchAnswer<'_> {
    /// The answer to the request that was called so.
    pub(super) fn part(&self, id: &str) -> Option<&BatchPart<'_>> {
        self.responses.iter().find(|part| part.id == id)
    }

    /// All of them.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn parts(&self) -> impl Iterator<Item = &BatchPart<'_>> {
        self.responses.iter()
    }
}

#[derive(Deserialize)]
pub(super) struct BatchPart<'a> {
    id: String,
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default, deserialize_with = "null_to_default")]
    headers: BTreeMap<String, serde_json::Value>,
    #[serde(borrow)]
    pub(super) body: Option<&'a RawValue>,
}

impl BatchPart<'_> {
    /// Its headers, as far as they are ones of HTTP.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().filter_map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((name.parse().ok()?, value.parse().ok()?))
        })
    }
}

/// The body of a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub(super) error: ErrorDetail,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ErrorDetail {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) inner_error: Option<InnerError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct InnerError {
    #[serde(rename = "request-id")]
    pub(super) request_id: Option<String>,
}

/// <https://learn.microsoft.com/graph/api/resources/organization>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOrganization {
    id: Uuid,
    display_name: Option<Text>,
    country_letter_code: Option<Text>,
    #[serde(default, deserialize_with = "null_to_default")]
    verified_domains: Vec<WireVerifiedDomain>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVerifiedDomain {
    name: Text,
    #[serde(default, deserialize_with = "null_to_default")]
    is_default: bool,
    #[serde(default, deserialize_with = "null_to_default")]
    is_initial: bool,
}

impl From<WireOrganization> for Organisation {
    fn from(wire: WireOrganization) -> Self {
        let domain = |of: fn(&WireVerifiedDomain) -> bool| {
            wire.verified_domains.iter().find(|domain| of(domain)).map(|domain| domain.name.0.clone())
        };
        let (default_domain, initial_domain) = (domain(|domain| domain.is_default), domain(|domain| domain.is_initial));
        // An organisation may have no name; its domain is what people know it by then.
        let name = wire.display_name.map(String::from).filter(|name| !name.trim().is_empty());
        Self {
            tenant: TenantId::from_uuid(wire.id),
            name: name.or_else(|| default_domain.clone()).unwrap_or_else(|| wire.id.to_string()),
            default_domain,
            initial_domain,
            country: wire.country_letter_code.map(String::from),
        }
    }
}

/// <https://learn.microsoft.com/graph/api/resources/subscribedsku>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSku {
    sku_id: Uuid,
    sku_part_number: Option<Text>,
    applies_to: Option<String>,
    capability_status: Option<String>,
    #[serde(default, deserialize_with = "null_to_default")]
    consumed_units: i64,
    #[serde(default, deserialize_with = "null_to_default")]
    prepaid_units: WireUnits,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireUnits {
    #[serde(deserialize_with = "null_to_default")]
    enabled: i64,
    #[serde(deserialize_with = "null_to_default")]
    warning: i64,
    #[serde(deserialize_with = "null_to_default")]
    suspended: i64,
    #[serde(deserialize_with = "null_to_default")]
    locked_out: i64,
}

impl From<WireSku> for Licence {
    fn from(wire: WireSku) -> Self {
        let is =
            |text: &Option<String>, word: &str| text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
        let states = [
            ("Enabled", LicenceState::Enabled),
            ("Warning", LicenceState::Warning),
            ("Suspended", LicenceState::Suspended),
            ("Deleted", LicenceState::Deleted),
            ("LockedOut", LicenceState::LockedOut),
        ];
        let state = states.into_iter().find(|(word, _)| is(&wire.capability_status, word));
        Self {
            sku_id: wire.sku_id,
            part_number: wire.sku_part_number.map_or_else(|| wire.sku_id.to_string(), String::from),
            applies_to_users: is(&wire.applies_to, "User"),
            state: state.map_or(LicenceState::Other, |(_, state)| state),
            enabled: units(wire.prepaid_units.enabled),
            warning: units(wire.prepaid_units.warning),
            suspended: units(wire.prepaid_units.suspended),
            locked_out: units(wire.prepaid_units.locked_out),
            consumed: units(wire.consumed_units),
        }
    }
}

/// <https://learn.microsoft.com/graph/api/resources/domain>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDomain {
    id: Text,
    authentication_type: Option<String>,
    #[serde(default, deserialize_with = "null_to_default")]
    is_default: bool,
    #[serde(default, deserialize_with = "null_to_default")]
    is_initial: bool,
    #[serde(default, deserialize_with = "null_to_default")]
    is_verified: bool,
    #[serde(default, deserialize_with = "null_to_default")]
    supported_services: Vec<Text>,
}

impl From<WireDomain> for TenantDomain {
    fn from(wire: WireDomain) -> Self {
        Self {
            federated: wire.authentication_type.is_some_and(|kind| kind.eq_ignore_ascii_case("Federated")),
            name: wire.id.0,
            is_default: wire.is_default,
            is_initial: wire.is_initial,
            is_verified: wire.is_verified,
            services: wire.supported_services.into_iter().map(String::from).collect(),
        }
    }
}

/// <https://learn.microsoft.com/graph/api/resources/securescore>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSecureScore {
    #[serde(deserialize_with = "rfc3339")]
    created_date_time: Timestamp,
    #[serde(default, deserialize_with = "null_to_default")]
    current_score: f64,
    #[serde(default, deserialize_with = "null_to_default")]
    max_score: f64,
    #[serde(default, deserialize_with = "null_to_default")]
    average_comparative_scores: Vec<WireComparative>,
    #[serde(default, deserialize_with = "null_to_default")]
    control_scores: Vec<WireControlScore>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireComparative {
    basis: Text,
    #[serde(default, deserialize_with = "null_to_default")]
    average_score: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireControlScore {
    control_name: Text,
    #[serde(default, deserialize_with = "null_to_default")]
    score: f64,
    control_category: Option<Text>,
    description: Option<Text>,
}

impl From<WireSecureScore> for SecureScore {
    fn from(wire: WireSecureScore) -> Self {
        let comparative = |wire: WireComparative| Comparative { basis: wire.basis.0, average: wire.average_score };
        let control = |wire: WireControlScore| ControlScore {
            control: wire.control_name.0,
            score: wire.score,
            category: wire.control_category.map(String::from),
            description: wire.description.map(String::from),
        };
        Self {
            created: wire.created_date_time,
            current: wire.current_score,
            max: wire.max_score,
            comparatives: wire.average_comparative_scores.into_iter().map(comparative).collect(),
            control_scores: wire.control_scores.into_iter().map(control).collect(),
        }
    }
}

/// <https://learn.microsoft.com/graph/api/resources/securescorecontrolprofile>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireControlProfile {
    id: Text,
    title: Option<Text>,
    max_score: Option<f64>,
    service: Option<Text>,
    control_category: Option<Text>,
    tier: Option<Text>,
    user_impact: Option<Text>,
    implementation_cost: Option<Text>,
    remediation: Option<Text>,
    action_url: Option<Text>,
    rank: Option<i32>,
    #[serde(default, deserialize_with = "null_to_default")]
    deprecated: bool,
}

impl From<WireControlProfile> for ControlProfile {
    fn from(wire: WireControlProfile) -> Self {
        Self {
            id: wire.id.0,
            title: wire.title.map(String::from),
            max_score: wire.max_score,
            service: wire.service.map(String::from),
            category: wire.control_category.map(String::from),
            tier: wire.tier.map(String::from),
            user_impact: wire.user_impact.map(String::from),
            implementation_cost: wire.implementation_cost.map(String::from),
            remediation: wire.remediation.map(String::from),
            action_url: wire.action_url.map(String::from),
            rank: wire.rank,
            deprecated: wire.deprecated,
        }
    }
}

/// <https://learn.microsoft.com/graph/api/resources/directoryrole>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDirectoryRole {
    display_name: Option<String>,
    role_template_id: Option<String>,
}

impl WireDirectoryRole {
    /// Nothing for a group or an administrative unit, which may come along.
    pub(super) fn into_role(self) -> Option<DirectoryRole> {
        Some(DirectoryRole { template_id: self.role_template_id?, name: self.display_name })
    }
}

/// What a change of a user consists of.
pub(super) const USER_FIELDS: &str = "id,displayName,givenName,surname,userPrincipalName,mail,userType,\
                                      accountEnabled,department,jobTitle,assignedLicenses";

/// <https://learn.microsoft.com/graph/delta-query-users>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUser {
    id: Uuid,
    // Whether it was deleted for good or can be restored: it is gone from the directory either way.
    #[serde(rename = "@removed")]
    removed: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    display_name: Patch<String>,
    #[serde(default)]
    given_name: Patch<String>,
    #[serde(default)]
    surname: Patch<String>,
    #[serde(default)]
    user_principal_name: Patch<String>,
    #[serde(default)]
    mail: Patch<String>,
    #[serde(default)]
    user_type: Patch<String>,
    #[serde(default)]
    account_enabled: Patch<bool>,
    #[serde(default)]
    department: Patch<String>,
    #[serde(default)]
    job_title: Patch<String>,
    #[serde(default)]
    assigned_licenses: Patch<Vec<WireAssignedLicence>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAssignedLicence {
    sku_id: Uuid,
}

impl From<WireUser> for UserChange {
    fn from(wire: WireUser) -> Self {
        if wire.removed.is_some() {
            return Self::Removed { id: wire.id };
        }
        let kind = match wire.user_type {
            Patch::Unchanged => Patch::Unchanged,
            Patch::Cleared => Patch::Cleared,
            Patch::Set(kind) if kind.eq_ignore_ascii_case("Guest") => Patch::Set(UserKind::Guest),
            Patch::Set(_) => Patch::Set(UserKind::Member),
        };
        let licences = match wire.assigned_licenses {
            Patch::Unchanged => Patch::Unchanged,
            Patch::Cleared => Patch::Cleared,
            Patch::Set(licences) => Patch::Set(licences.into_iter().map(|licence| licence.sku_id).collect()),
        };
        Self::Upsert(Box::new(UserPatch {
            id: wire.id,
            display_name: wire.display_name,
            given_name: wire.given_name,
            surname: wire.surname,
            user_principal_name: wire.user_principal_name,
            mail: wire.mail,
            kind,
            account_enabled: wire.account_enabled,
            department: wire.department,
            job_title: wire.job_title,
            licences,
        }))
    }
}

/// Null clears; `#[serde(default)]` makes an absent field [`Patch::Unchanged`].
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Cleared, Self::Set))
    }
}

/// A text that a database takes: PostgreSQL knows no NUL, and a round that can't be stored would be repeated for ever.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(without_nul).map(Self)
    }
}

impl From<Text> for String {
    fn from(Text(text): Text) -> Self {
        text
    }
}

/// The same without what PostgreSQL does not take.
pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text }
}

fn storable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text>::deserialize(deserializer)?.map(String::from))
}

fn null_to_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    OffsetDateTime::parse(&text, &Rfc3339).map(timestamp).map_err(serde::de::Error::custom)
}

/// Counts are never negative; one that is would be Microsoft's mistake.
fn units(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    fn page<T: DeserializeOwned>(json: &str) -> Page<T> {
        serde_json::from_str(json).unwrap()
    }

    macro_rules! sample {
        ($name:literal) => {
            page(include_str!(concat!("../../tests/fixtures/graph/", $name, ".json")))
        };
    }

    #[test]
    fn an_organisation_is_read_as_microsoft_documents_it() {
        let page: Page<WireOrganization> = sample!("organization");
        let organisation: Organisation = page.value.into_iter().next().unwrap().into();
        let domain = Some("Contoso.onmicrosoft.com".to_owned());
        assert_eq!(organisation.tenant.to_string(), "84841066-274d-4ec0-a5c1-276be684bdd3");
        assert_eq!((&*organisation.name, organisation.country.as_deref()), ("Contoso", Some("NL")));
        assert_eq!((&organisation.default_domain, &organisation.initial_domain), (&domain, &domain));
    }

    #[test]
    fn licences_are_read_as_microsoft_documents_them() {
        let page: Page<WireSku> = sample!("subscribedSkus");
        let licences: Vec<Licence> = page.value.into_iter().map(Licence::from).collect();
        assert_eq!(licences[0].part_number, "ENTERPRISEPREMIUM");
        assert_eq!((licences[0].consumed, licences[0].assignable()), (14, 25));
        assert!(licences[0].applies_to_users);
        assert_eq!((licences[1].state, licences[1].suspended), (LicenceState::Suspended, 25));
        assert_eq!(licences[1].assignable(), 0);
    }

    #[test]
    fn secure_scores_are_read_as_microsoft_documents_them() {
        let page: Page<WireSecureScore> = sample!("secureScores");
        let score: SecureScore = page.value.into_iter().next().unwrap().into();
        assert_eq!(score.created.as_millis(), 1_553_008_860_000); // 2019-03-19T15:21:00Z
        assert_eq!(format!("{} {}", score.current, score.max), "387 697");
        assert_eq!(score.comparatives[0].basis, "AllTenants");
        assert_eq!(score.control_scores[0].control, "AdminMFA");
        assert_eq!(score.control_scores[0].category.as_deref(), Some("Identity"));
    }

    #[test]
    fn users_are_read_as_microsoft_documents_them() {
        let page: Page<WireUser> = sample!("users-delta-1");
        assert!(page.next_link.is_some() && page.delta_link.is_none());
        let changes: Vec<UserChange> = page.value.into_iter().map(UserChange::from).collect();
        let UserChange::Upsert(cameron) = &changes[0] else { panic!("not an upsert") };
        assert_eq!(cameron.display_name, Patch::Set("Cameron White".into()));
        assert_eq!(cameron.mail, Patch::Unchanged);
        let gone = "86462606-fde0-4fc4-9e0c-a20eb73e54c6".parse().unwrap();
        assert_eq!(changes[2], UserChange::Removed { id: gone });
        let last: Page<WireUser> = sample!("users-delta-2");
        assert!(last.next_link.is_none() && last.delta_link.is_some());
    }

    #[test]
    fn an_absent_property_is_unchanged_and_null_clears_it() {
        let sku = "c7df2760-2c81-4ef7-b578-5b5392b571df";
        let user: WireUser = serde_json::from_value(json!({
            "id": "ffff7b1a-13b6-477b-8c0c-380905cd99f7", "mail": null, "userType": "Guest", "accountEnabled": false,
            "assignedLicenses": [{"skuId": sku, "disabledPlans": []}], "jobTitle": "CFO", "somethingNew": {"a": 1},
        }))
        .unwrap();
        let UserChange::Upsert(patch) = UserChange::from(user) else { panic!("not an upsert") };
        assert_eq!(patch.mail, Patch::Cleared);
        assert_eq!(patch.department, Patch::Unchanged);
        assert_eq!(patch.kind, Patch::Set(UserKind::Guest));
        assert_eq!(patch.account_enabled, Patch::Set(false));
        assert_eq!(patch.licences, Patch::Set(vec![sku.parse().unwrap()]));
        let before = Some("before".to_owned());
        assert_eq!(patch.mail.over(before.clone()), None);
        assert_eq!(patch.department.over(before.clone()), before);
        assert_eq!(patch.job_title.over(before), Some("CFO".to_owned()));
    }

    #[test]
    fn what_no_database_takes_is_left_out() {
        let organisation = page::<WireOrganization>(
            r#"{"value":[{"id":"84841066-274d-4ec0-a5c1-276be684bdd3","displayName":"Con\u0000toso"}],
                "@odata.nextLink":"https://graph.microsoft.com/v1.0/\u0000x"}"#,
        );
        assert_eq!(organisation.next_link.as_deref(), Some("https://graph.microsoft.com/v1.0/x"));
        let organisation: Vec<_> = organisation.value.into_iter().map(Organisation::from).collect();
        assert_eq!(organisation[0].name, "Contoso");
    }

    #[test]
    fn what_is_missing_is_tolerated() {
        let sku: WireSku = serde_json::from_value(json!({
            "skuId": "c7df2760-2c81-4ef7-b578-5b5392b571df", "prepaidUnits": null, "consumedUnits": -1,
            "capabilityStatus": "Frozen",
        }))
        .unwrap();
        let licence = Licence::from(sku);
        assert_eq!((licence.assignable(), licence.consumed, licence.state), (0, 0, LicenceState::Other));
        assert!(!licence.applies_to_users);
        let domain: WireDomain =
            serde_json::from_value(json!({"id": "contoso.com", "authenticationType": "Federated"})).unwrap();
        let domain = TenantDomain::from(domain);
        assert!(domain.federated && !domain.is_default && domain.services.is_empty());
        let score: WireSecureScore = serde_json::from_value(
            json!({"createdDateTime": "2026-11-21T00:00:00.0000000Z", "maxScore": null, "controlScores": null}),
        )
        .unwrap();
        assert!(SecureScore::from(score).control_scores.is_empty());
        let profile: WireControlProfile = serde_json::from_value(json!({"id": "AdminMFA"})).unwrap();
        assert_eq!(ControlProfile::from(profile).title, None);
        let nameless: WireOrganization =
            serde_json::from_value(json!({"id": "84841066-274d-4ec0-a5c1-276be684bdd3", "verifiedDomains": null}))
                .unwrap();
        assert_eq!(Organisation::from(nameless).name, "84841066-274d-4ec0-a5c1-276be684bdd3");
    }
}
