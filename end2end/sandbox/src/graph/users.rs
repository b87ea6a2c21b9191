//! `/users`, `/users/{id}` and the shape of a user.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Asked;
use super::answer::{Answer, GraphError};
use super::cursor::{Cursor, List};
use super::query;
use crate::tenants::Tenant;

/// One of these lets a token read users.
pub const PERMISSIONS: [&str; 2] = ["User.Read.All", "Directory.Read.All"];
/// What Graph sends when nothing is selected.
const USUAL: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
const LARGEST_PAGE: usize = 999;
const USUAL_PAGE: usize = 100;

/// A user with the selected properties, or Graph's usual ones.
pub fn shape(tenant: &Tenant, index: usize, select: Option<&Vec<String>>) -> Result<Map<String, Value>, GraphError> {
    let user = tenant.directory.user(index, &tenant.subscriptions);
    match select {
        Some(names) => query::select(&user, names, "user"),
        None => query::select(&user, &USUAL.map(String::from), "user"),
    }
}

/// `GET /users`
pub fn list(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &PERMISSIONS)?;
    asked.query.refuse(&["filter", "search", "expand", "skip"])?;
    let tenant = asked.tenant()?;
    let cursor = match asked.query.get("skiptoken") {
        Some(text) => Cursor::read(text, List::Users, tenant.id).ok_or_else(|| {
            GraphError::new(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired and can no longer be included in your request.",
            )
        })?,
        None => Cursor {
            list: List::Users,
            tenant: tenant.id,
            from: 0,
            page: asked.query.top(LARGEST_PAGE)?.unwrap_or(USUAL_PAGE),
            select: asked.query.select(),
            version: 0,
            since: None,
            epoch: 0,
            issued_ms: asked.now_ms,
        },
    };
    let mut value = Vec::new();
    let mut index = cursor.from;
    while index < tenant.directory.end() && value.len() < cursor.page {
        if tenant.directory.is_present(index) {
            value.push(Value::Object(shape(tenant, index, cursor.select.as_ref())?));
        }
        index += 1;
    }
    let mut body = json!({ "@odata.context": query::context(asked.base, "users", cursor.select.as_ref()) });
    let more = (index..tenant.directory.end()).any(|index| tenant.directory.is_present(index));
    if more {
        let next = Cursor { from: index, ..cursor.clone() }.write();
        let top = cursor.page.to_string();
        body["@odata.nextLink"] = json!(query::link(asked.base, "/users", &[("$top", &top), ("$skiptoken", &next)]));
    }
    body["value"] = Value::Array(value);
    Ok(Answer::ok(body))
}

/// `GET /users/{id or user principal name}`
pub fn one(asked: &Asked<'_>, name: &str) -> Result<Answer, GraphError> {
    asked.caller.need(asked.world, &PERMISSIONS)?;
    let tenant = asked.tenant()?;
    let index = match Uuid::parse_str(name) {
        Ok(id) => tenant.directory.find(id),
        Err(_) => tenant.directory.find_by_upn(name),
    };
    entity(asked, tenant, index.ok_or_else(|| GraphError::not_found(name))?)
}

/// A user as an answer of its own.
pub fn entity(asked: &Asked<'_>, tenant: &Tenant, index: usize) -> Result<Answer, GraphError> {
    let select = asked.query.select();
    let mut body = Map::new();
    let context = format!("{}/$entity", query::context(asked.base, "users", select.as_ref()));
    body.insert("@odata.context".into(), json!(context));
    body.extend(shape(tenant, index, select.as_ref())?);
    Ok(Answer::ok(Value::Object(body)))
}
