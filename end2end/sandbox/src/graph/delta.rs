//! `/users/delta`: everybody at first, then only what changed.

use serde_json::{Map, Value, json};

use super::answer::{Answer, GraphError};
use super::cursor::{Cursor, List};
use super::query;
use super::{Asked, users};
use crate::tenants::Tenant;
use crate::tenants::directory::{Change, Removal};

/// Delta links live seven days.
const LIFETIME_MS: i64 = 7 * 24 * 3_600 * 1000;
const USUAL_PAGE: usize = 200;
/// What an edit changes; the rest stays away from the item.
const EDITED: [&str; 5] = ["displayName", "givenName", "surname", "jobTitle", "mail"];

/// `GET /users/delta`
pub fn delta(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &users::PERMISSIONS)?;
    asked.query.refuse(&["top", "orderby", "expand", "search", "filter"])?;
    let tenant = asked.tenant()?;
    let cursor = begin(asked, tenant)?;
    let (value, next) = match cursor.since {
        None => first_round(tenant, &cursor)?,
        Some(since) => changes(tenant, &cursor, since)?,
    };
    let mut body = json!({ "@odata.context": query::context(asked.base, "users", cursor.select.as_ref()) });
    if let Some(from) = next {
        let token = Cursor { from, issued_ms: asked.now_ms, ..cursor }.write();
        body["@odata.nextLink"] = json!(query::link(asked.base, "/users/delta", &[("$skiptoken", &token)]));
    } else {
        let token = Cursor { from: 0, since: Some(cursor.version), issued_ms: asked.now_ms, ..cursor }.write();
        body["@odata.deltaLink"] = json!(query::link(asked.base, "/users/delta", &[("$deltatoken", &token)]));
    }
    body["value"] = Value::Array(value);
    Ok(Answer::ok(body))
}

/// Where this request goes on, or why it has to start anew.
fn begin(asked: &Asked<'_>, tenant: &Tenant) -> Result<Cursor, GraphError> {
    let directory = &tenant.directory;
    let start = Cursor {
        list: List::Delta,
        tenant: tenant.id,
        from: 0,
        page: page_size_of(asked).unwrap_or(USUAL_PAGE),
        select: asked.query.select(),
        version: directory.version(),
        since: None,
        epoch: directory.epoch(),
        issued_ms: asked.now_ms,
    };
    let fresh = asked.query.get("deltatoken");
    let Some(text) = asked.query.get("skiptoken").or(fresh).filter(|text| !text.is_empty()) else { return Ok(start) };
    if fresh == Some("latest") {
        return Ok(Cursor { since: Some(directory.version()), ..start });
    }
    let Some(cursor) = Cursor::read(text, List::Delta, tenant.id) else { return Err(gone(asked, None)) };
    let old = asked.now_ms >= cursor.issued_ms + LIFETIME_MS;
    if old || !directory.knows(cursor.epoch, cursor.since.unwrap_or(cursor.version)) {
        return Err(gone(asked, cursor.select));
    }
    let page = page_size_of(asked).unwrap_or(cursor.page);
    if fresh.is_some() {
        // A new round: it ends at what is the newest now.
        return Ok(Cursor { page, version: directory.version(), epoch: directory.epoch(), ..cursor });
    }
    Ok(Cursor { page, ..cursor })
}

fn page_size(prefer: &str) -> Option<usize> {
    let (_, size) = prefer.split_once("odata.maxpagesize=")?;
    let digits: String = size.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(|size: usize| size.clamp(1, 999))
}

/// The page size that is preferred, within what Graph gives.
fn page_size_of(asked: &Asked<'_>) -> Option<usize> {
    let most = asked.world.conditions.page_size;
    page_size(asked.prefer).map(|size| most.map_or(size, |most| size.min(most))).or(most)
}

/// 410: with the address of a full round.
fn gone(asked: &Asked<'_>, select: Option<Vec<String>>) -> GraphError {
    let mut error = GraphError::new(
        410,
        "syncStateNotFound",
        "The sync state generation is not found. Please start a new full synchronization.",
    );
    let select = select.map(|names| names.join(","));
    let mut parameters = vec![("$deltatoken", "")];
    parameters.extend(select.as_deref().map(|names| ("$select", names)));
    error.headers.push(("location", query::link(asked.base, "/users/delta", &parameters)));
    error
}

type Page = (Vec<Value>, Option<usize>);

fn first_round(tenant: &Tenant, cursor: &Cursor) -> Result<Page, GraphError> {
    let end = tenant.directory.end();
    let stop = (cursor.from + cursor.page).min(end);
    let mut value = Vec::new();
    for index in cursor.from..stop {
        value.push(match tenant.directory.removal(index) {
            Some(removal) => removed(tenant, index, removal),
            None => whole(tenant, index, cursor.select.as_ref())?,
        });
    }
    Ok((value, (stop < end).then_some(stop)))
}

fn changes(tenant: &Tenant, cursor: &Cursor, since: usize) -> Result<Page, GraphError> {
    let changes = tenant.directory.changes_since(since);
    let stop = (cursor.from + cursor.page).min(changes.len());
    let mut value = Vec::new();
    for (index, change) in changes.get(cursor.from..stop).unwrap_or_default() {
        value.push(match change {
            Change::Added => whole(tenant, *index, cursor.select.as_ref())?,
            Change::Updated => edited(tenant, *index, cursor.select.as_ref())?,
            Change::Removed(removal) => removed(tenant, *index, *removal),
        });
    }
    Ok((value, (stop < changes.len()).then_some(stop)))
}

/// Everything that was selected, and the id in any case.
fn whole(tenant: &Tenant, index: usize, select: Option<&Vec<String>>) -> Result<Value, GraphError> {
    let mut user = users::shape(tenant, index, select)?;
    user.insert("id".into(), json!(tenant.directory.id(index)));
    Ok(Value::Object(user))
}

/// Only what an edit changes of what was selected.
fn edited(tenant: &Tenant, index: usize, select: Option<&Vec<String>>) -> Result<Value, GraphError> {
    let user: Map<String, Value> = users::shape(tenant, index, select)?
        .into_iter()
        .filter(|(name, _)| EDITED.contains(&name.as_str()))
        .chain([("id".to_string(), json!(tenant.directory.id(index)))])
        .collect();
    Ok(Value::Object(user))
}

fn removed(tenant: &Tenant, index: usize, removal: Removal) -> Value {
    json!({ "id": tenant.directory.id(index), "@removed": { "reason": removal.reason() } })
}

#[cfg(test)]
mod tests {
    use super::page_size;

    #[test]
    fn the_page_size_is_read_from_prefer() {
        assert_eq!(page_size("odata.maxpagesize=50"), Some(50));
        assert_eq!(page_size("return=minimal, odata.maxpagesize=5000"), Some(999));
        assert_eq!(page_size("return=minimal"), None);
    }
}
