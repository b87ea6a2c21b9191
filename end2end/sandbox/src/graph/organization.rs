//! `/organization`, `/subscribedSkus` and `/domains`.

use serde_json::{Value, json};

use super::Asked;
use super::answer::{Answer, GraphError};
use super::query;
use crate::clock;
use crate::tenants::Domain;

/// A set of things, each with the selected properties.
fn set(asked: &Asked<'_>, name: &str, kind: &str, things: Vec<Value>) -> Result<Answer, GraphError> {
    let select = asked.query.select();
    let value: Result<Vec<Value>, GraphError> =
        things.into_iter().map(|thing| query::select_value(thing, select.as_ref(), kind)).collect();
    Ok(Answer::ok(json!({
        "@odata.context": query::context(asked.base, name, select.as_ref()),
        "value": value?,
    })))
}

/// `GET /organization`: one element.
pub fn organization(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need_scope(&["User.Read", "User.Read.All", "Organization.Read.All", "Directory.Read.All"])?;
    let tenant = asked.tenant()?;
    let verified: Vec<Value> = tenant
        .domains
        .iter()
        .filter(|domain| domain.is_verified)
        .map(|domain| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "name": domain.name,
                "type": domain.authentication_type(),
            })
        })
        .collect();
    let organisation = json!({
        "id": tenant.id,
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": tenant.country,
        "createdDateTime": clock::iso(tenant.created_ms),
        "displayName": tenant.name,
        "preferredLanguage": "en",
        "tenantType": "AAD",
        "directorySizeQuota": { "used": tenant.directory.population(), "total": 50_000 },
        "technicalNotificationMails": [format!("admin@{}", tenant.domain)],
        "onPremisesSyncEnabled": null,
        "assignedPlans": [],
        "verifiedDomains": verified,
    });
    set(asked, "organization", "organization", vec![organisation])
}

/// `GET /subscribedSkus`
pub fn subscribed_skus(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &["LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All"])?;
    asked.query.refuse(&["top", "filter", "expand", "search", "skip"])?;
    let tenant = asked.tenant()?;
    let skus = tenant.subscriptions.iter().map(|subscription| subscription.sku_json(tenant.id, &tenant.name)).collect();
    set(asked, "subscribedSkus", "subscribedSku", skus)
}

fn domain(domain: &Domain) -> Value {
    let services =
        if domain.is_verified { json!(["Email", "OfficeCommunicationsOnline", "Intune"]) } else { json!([]) };
    json!({
        "id": domain.name,
        "authenticationType": domain.authentication_type(),
        "availabilityStatus": null,
        "isAdminManaged": true,
        "isDefault": domain.is_default,
        "isInitial": domain.is_initial,
        "isRoot": domain.name.matches('.').count() == 1,
        "isVerified": domain.is_verified,
        "supportedServices": services,
        "passwordValidityPeriodInDays": 2_147_483_647,
        "passwordNotificationWindowInDays": 14,
        "state": null,
    })
}

/// `GET /domains`
pub fn domains(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &["Domain.Read.All", "Directory.Read.All"])?;
    let tenant = asked.tenant()?;
    let mut list: Vec<&Domain> = tenant.domains.iter().collect();
    if let Some(top) = asked.query.top(999)? {
        list.truncate(top);
    }
    set(asked, "domains", "domain", list.into_iter().map(domain).collect())
}

/// `GET /domains/{name}`
pub fn one_domain(asked: &Asked<'_>, name: &str) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &["Domain.Read.All", "Directory.Read.All"])?;
    let tenant = asked.tenant()?;
    let found = tenant.domains.iter().find(|known| known.name.eq_ignore_ascii_case(name));
    let value = query::select_value(
        domain(found.ok_or_else(|| GraphError::not_found(name))?),
        asked.query.select().as_ref(),
        "domain",
    )?;
    Ok(Answer::ok(value))
}
