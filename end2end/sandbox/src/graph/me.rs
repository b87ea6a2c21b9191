//! `/me` and what the person behind a token is a member of.

use serde_json::{Value, json};

use super::answer::{Answer, GraphError};
use super::{Asked, query, users};
use crate::random::Dice;

const PERMISSIONS: [&str; 4] = ["User.Read", "User.Read.All", "User.ReadBasic.All", "Directory.Read.All"];

/// `GET /me`
pub fn me(asked: &Asked<'_>) -> Result<Answer, GraphError> {
    let oid = asked.caller.me()?;
    asked.caller.need_scope(&PERMISSIONS)?;
    let tenant = asked.tenant()?;
    let index = tenant.directory.find(oid).ok_or_else(|| GraphError::not_found(&oid.to_string()))?;
    users::entity(asked, tenant, index)
}

/// `GET /me/transitiveMemberOf`, and only the directory roles of it.
pub fn member_of(asked: &Asked<'_>, roles_only: bool) -> Result<Answer, GraphError> {
    let oid = asked.caller.me()?;
    asked.caller.need_scope(&PERMISSIONS)?;
    let tenant = asked.tenant()?;
    let role = tenant.account_by_oid(oid).and_then(|account| account.role.directory_role());
    let select = asked.query.select();
    let mut value = Vec::new();
    if let Some((name, template)) = role {
        let id = Dice::new(tenant.id.as_u64_pair().0, template).uuid();
        let role = json!({
            "id": id,
            "deletedDateTime": null,
            "description": format!("{name} of {}", tenant.name),
            "displayName": name,
            "roleTemplateId": template,
        });
        value.push(typed("directoryRole", query::select_value(role, select.as_ref(), "directoryRole")?));
    }
    if !roles_only {
        let group = json!({
            "id": Dice::new(tenant.id.as_u64_pair().0, "all company").uuid(),
            "deletedDateTime": null,
            "description": "Everybody in the company.",
            "displayName": "All Company",
            "roleTemplateId": null,
        });
        value.push(typed("group", query::select_value(group, select.as_ref(), "directoryObject")?));
    }
    let set = if roles_only { "directoryRoles" } else { "directoryObjects" };
    Ok(Answer::ok(json!({ "@odata.context": query::context(asked.base, set, select.as_ref()), "value": value })))
}

fn typed(kind: &str, mut value: Value) -> Value {
    value["@odata.type"] = json!(format!("#microsoft.graph.{kind}"));
    value
}
