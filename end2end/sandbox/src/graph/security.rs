//! `/security/secureScores` and `/security/secureScoreControlProfiles`.

use serde_json::{Value, json};

use super::Asked;
use super::answer::{Answer, GraphError};
use super::cursor::{Cursor, List};
use super::query;
use crate::tenants::scores::{self, DAYS};

const PERMISSIONS: [&str; 1] = ["SecurityEvents.Read.All"];

/// `GET /security/secureScores`: a day each, the newest first; none in a tenant without a score.
pub fn secure_scores(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &PERMISSIONS)?;
    let tenant = asked.tenant()?;
    let cursor = match asked.query.get("skiptoken") {
        Some(text) => {
            Cursor::read(text, List::Scores, tenant.id).ok_or_else(|| GraphError::bad_request("Invalid $skiptoken."))?
        }
        None => Cursor {
            list: List::Scores,
            tenant: tenant.id,
            from: asked.query.get("skip").and_then(|skip| skip.parse().ok()).unwrap_or(0),
            page: asked.query.top(1000)?.unwrap_or(30),
            select: asked.query.select(),
            version: 0,
            since: None,
            epoch: 0,
            issued_ms: asked.now_ms,
        },
    };
    let days = if tenant.scores.is_some() { usize::try_from(DAYS).unwrap_or(0) } else { 0 };
    let stop = (cursor.from + cursor.page).min(days);
    let mut value = Vec::new();
    if let Some(curve) = &tenant.scores {
        for age in cursor.from..stop {
            let day = curve.day(tenant, asked.now_ms, i64::try_from(age).unwrap_or(DAYS));
            value.push(query::select_value(day, cursor.select.as_ref(), "secureScore")?);
        }
    }
    let mut body =
        json!({ "@odata.context": query::context(asked.base, "Security/secureScores", cursor.select.as_ref()) });
    if stop < days {
        let next = Cursor { from: stop, ..cursor.clone() }.write();
        let top = cursor.page.to_string();
        body["@odata.nextLink"] =
            json!(query::link(asked.base, "/security/secureScores", &[("$top", &top), ("$skiptoken", &next)]));
    }
    body["value"] = Value::Array(value);
    Ok(Answer::ok(body))
}

/// `GET /security/secureScoreControlProfiles`
pub fn control_profiles(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &PERMISSIONS)?;
    let tenant = asked.tenant()?;
    let select = asked.query.select();
    let mut profiles = if tenant.scores.is_some() { scores::profiles(tenant.id) } else { Vec::new() };
    if let Some(top) = asked.query.top(1000)? {
        profiles.truncate(top);
    }
    let value: Result<Vec<Value>, GraphError> = profiles
        .into_iter()
        .map(|profile| query::select_value(profile, select.as_ref(), "secureScoreControlProfile"))
        .collect();
    Ok(Answer::ok(json!({
        "@odata.context": query::context(asked.base, "Security/secureScoreControlProfiles", select.as_ref()),
        "value": value?,
    })))
}
