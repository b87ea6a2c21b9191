//! What the document says of every operation alike: who may ask, what can go wrong, and the events that webhooks are
//! sent. Who may ask is read from the server's one table.

use app::domain::{NoticeKind, Scope, webhook::TEST_EVENT};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{OpenApi, RefOr, schema::Schema},
};

use super::{
    super::caller::{Access, access},
    idempotency::KEY_MAX,
    problem::{Code, PROBLEM_JSON, Problem},
};
use crate::webhooks::event::Event;

/// What holds for all of it, a heading and its text each.
pub const RULES: [(&str, &str); 6] = [
    (
        "Tokens",
        "An owner makes a token under Settings › API: it is shown once, lets do what its scopes say and its \
         maker's role allows, and is good for a year at most. It ends when it is revoked, and when its maker's \
         account is deactivated. What a program does is written down as done by its maker, by this token. Cookies \
         count for nothing here.",
    ),
    (
        "Lists",
        "A page has `limit` entries, and `next_cursor` where there are more; the header `Link` has the whole \
         address of the next page. A cursor is good for the list and the filters that it was made for. What is \
         added, changed or archived meanwhile makes no entry come twice, and none be missed that was there all the \
         time. Users, licences, domains and scores are in the order of names: one whose name, or whose company's, \
         changes meanwhile may come twice or be missed.",
    ),
    (
        "Doing things once",
        "Send an `Idempotency-Key` of your own with a POST, such as a UUID. Sent again within a day, by the same \
         token and with the same body, it is answered as the first time, with `Idempotency-Replayed: true`, and \
         nothing is done twice. Another body is refused with 422, and a request that is still being worked on with \
         409. What was refused may be sent again under its key; what failed with 500 or 503 may have been done, and \
         is answered 409 under its key from then on.",
    ),
    (
        "Changing things safely",
        "A company's answer has an `ETag`. Send it as `If-Match` with a change, and 412 says that somebody else \
         was faster.",
    ),
    (
        "How much",
        "Each token may ask so many times in a minute: `RateLimit-Limit` says how many, `RateLimit-Remaining` how \
         many are left now, `RateLimit-Reset` in how many seconds all of them are there again. Whoever asks more \
         is answered 429, with `Retry-After`.",
    ),
    (
        "Problems",
        "What goes wrong is answered as `application/problem+json` (RFC 9457): `code` is its stable name, `detail` \
         says what to do, `errors` names the fields. A field or a parameter that is not known is refused.",
    ),
];

/// The document, whole.
pub fn finished(mut document: OpenApi) -> Value {
    let components = document.components.get_or_insert_default();
    components.schemas.extend(Problem::schemas());
    let mut schemas = Vec::<(String, RefOr<Schema>)>::new();
    Event::schemas(&mut schemas);
    schemas.push((Event::name().into_owned(), Event::schema()));
    components.schemas.extend(schemas);
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let rules: Vec<String> = RULES.iter().map(|(title, text)| format!("## {title}\n\n{text}")).collect();
    let about = document["info"]["description"].as_str().unwrap_or_default();
    document["info"]["description"] = format!("{about}\n\n{}", rules.join("\n\n")).into();
    document["servers"] = json!([{ "url": "/" }]);
    let scopes: Vec<String> = Scope::ALL.iter().map(|scope| format!("`{}`: {}.", scope.key(), scope.label())).collect();
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "tny_…",
            "description": format!("{} Scopes: {}", RULES[0].1, scopes.join(" ")),
        },
    });
    document["components"]["responses"] = problem_responses();
    document["components"]["headers"] = headers();
    document["webhooks"] = webhooks();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, methods) in paths {
            let Some(methods) = methods.as_object_mut() else { continue };
            for (method, operation) in methods {
                finish(path, &method.to_uppercase(), operation);
            }
        }
    }
    document
}

fn finish(path: &str, method: &str, operation: &mut Value) {
    if let Some(Access::Token(methods)) = access(path)
        && let Some((_, scope)) = methods.iter().find(|(name, _)| *name == method)
    {
        operation["security"] = json!([{ "token": [scope.key()] }]);
    }
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut parameters {
        never_null(&mut parameter["schema"]);
    }
    if method == "POST" {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "A key of your own: sent again with it within a day, the request is answered the same.",
            "schema": { "type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$" },
        }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let is_list = operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "cursor"));
    if let Some(responses) = operation["responses"].as_object_mut() {
        for response in responses.values_mut() {
            for header in ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
                response["headers"][header] = reference("headers", header);
            }
            if is_list {
                response["headers"]["Link"] = reference("headers", "Link");
            }
            if method == "POST" {
                response["headers"]["Idempotency-Replayed"] = reference("headers", "Idempotency-Replayed");
            }
        }
    }
    let has_body = !operation["requestBody"].is_null();
    let mut statuses = vec![400, 401, 403, 406, 421, 429, 500, 503];
    if path.contains('{') {
        statuses.push(404);
    }
    if method == "POST" || method == "PATCH" {
        statuses.extend([408, 409, 413, 422]);
    }
    if is_list {
        statuses.push(422);
    }
    if method == "PATCH" {
        statuses.push(412);
    }
    if has_body {
        statuses.push(415);
    }
    statuses.sort_unstable();
    for status in statuses {
        operation["responses"][status.to_string()] = reference("responses", &format!("Problem{status}"));
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// A parameter that may be left out is not sent as null.
fn never_null(schema: &mut Value) {
    if let Some(types) = schema["type"].as_array() {
        let types: Vec<Value> = types.iter().filter(|name| **name != "null").cloned().collect();
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choices: Vec<Value> = choices.iter().filter(|choice| choice["type"] != "null").cloned().collect();
        if let [only] = choices.as_slice() {
            *schema = only.clone();
        }
    }
}

fn problem_responses() -> Value {
    let mut responses = Map::new();
    for code in Code::ALL {
        let (status, name) = (code.status().as_u16(), format!("Problem{}", code.status().as_u16()));
        let titles: Vec<String> = Code::ALL
            .into_iter()
            .filter(|other| other.status().as_u16() == status)
            .map(|other| format!("`{}`: {}.", other.key(), other.title()))
            .collect();
        let mut response = json!({
            "description": titles.join(" "),
            "content": { PROBLEM_JSON: { "schema": reference("schemas", "Problem") } },
        });
        for header in match status {
            401 => &["WWW-Authenticate"][..],
            409 | 429 => &["Retry-After"],
            _ => &[],
        } {
            response["headers"][*header] = reference("headers", header);
        }
        responses.insert(name, response);
    }
    responses.into()
}

fn headers() -> Value {
    let number = |text: &str| json!({ "description": text, "schema": { "type": "integer", "minimum": 0 } });
    let text = |text: &str| json!({ "description": text, "schema": { "type": "string" } });
    json!({
        "RateLimit-Limit": number("How many requests the token may make in a minute."),
        "RateLimit-Remaining": number("How many it may make now."),
        "RateLimit-Reset": number("In how many seconds it may make all of them again."),
        "Retry-After": number("In how many seconds to ask again."),
        "WWW-Authenticate": text("What is missing (RFC 6750)."),
        "Link": text("The address of the next page, as `rel=\"next\"`. Not there: this is the last one."),
        "Idempotency-Replayed": text("`true`: this is the answer to an earlier request with the same key."),
    })
}

/// How a receiver knows that an event is ours.
const SIGNED: &str = "Signed as Standard Webhooks wants it (https://www.standardwebhooks.com): HMAC-SHA256 of \
                      `{webhook-id}.{webhook-timestamp}.{body}` with the webhook's secret. A delivery that is not \
                      answered with 2xx within 15 seconds is tried again for three days.";

/// The events, as they are sent to whoever is named under Settings › Notifications.
fn webhooks() -> Value {
    let header = |name: &str, text: &str, kind: &str| {
        let schema = json!({ "type": kind });
        json!({ "name": name, "in": "header", "required": true, "description": text, "schema": schema })
    };
    let kinds = NoticeKind::ALL.iter().map(|kind| (kind.key(), kind.label()));
    let mut webhooks = Map::new();
    for (key, label) in kinds.chain([(TEST_EVENT, "Somebody tries the webhook out: nothing happened")]) {
        let operation = json!({
            "summary": label,
            "description": SIGNED,
            "operationId": format!("event_{}", key.replace('.', "_")),
            "tags": ["Events"],
            "security": [],
            "parameters": [
                header("webhook-id", "Which delivery it is: the same at each try.", "string"),
                header("webhook-timestamp", "When it was sent, in seconds since 1970.", "integer"),
                header(
                    "webhook-signature",
                    "`v1,` and the signature in base64; two, with a blank between, while a secret is replaced.",
                    "string"
                ),
            ],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": {
                    "allOf": [
                        reference("schemas", "Event"),
                        { "type": "object", "properties": { "type": { "type": "string", "const": key } } },
                    ],
                } } },
            },
            "responses": {
                "2XX": { "description": "The event was taken." },
                "410": { "description": "The receiver is gone: nothing more is sent to it." },
            },
        });
        webhooks.insert(key.to_owned(), json!({ "post": operation }));
    }
    webhooks.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::{caller::ACCESS, v1};

    /// Every `$ref` in it.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.insert(target.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_operation_is_in_the_table_with_its_scope_and_every_row_is_described() {
        let document = v1::document();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let scope = operation["security"][0]["token"][0].as_str();
                described.insert((path.clone(), method.to_uppercase(), scope.unwrap_or("none").to_owned()));
            }
        }
        let mut table = BTreeSet::new();
        for (path, access) in ACCESS {
            if let Access::Token(methods) = access {
                for (method, scope) in *methods {
                    table.insert(((*path).to_owned(), (*method).to_owned(), scope.key().to_owned()));
                }
            }
        }
        assert_eq!(described, table);
    }

    #[test]
    fn what_the_document_refers_to_is_in_it() {
        let document = v1::document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 30, "{found:?}");
        for target in found {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }

    #[test]
    fn every_event_is_described() {
        let document = v1::document();
        for kind in NoticeKind::ALL {
            let event = &document["webhooks"][kind.key()]["post"];
            assert_eq!(event["summary"], kind.label(), "{kind:?}");
            assert_eq!(event["parameters"].as_array().map(Vec::len), Some(3));
        }
        assert!(document["webhooks"][TEST_EVENT].is_object());
    }

    #[test]
    fn a_parameter_is_left_out_and_not_null() {
        let document = v1::document();
        let parameters = document["paths"]["/api/v1/connections"]["get"]["parameters"].as_array().unwrap();
        let schema = |name: &str| &parameters.iter().find(|one| one["name"] == name).unwrap()["schema"];
        assert_eq!(schema("limit")["type"], "integer");
        assert_eq!(schema("limit")["maximum"], 200);
        assert_eq!(schema("needs_somebody")["type"], "boolean");
        assert_eq!(schema("status")["$ref"], "#/components/schemas/ConnectionStatus");
    }
}
