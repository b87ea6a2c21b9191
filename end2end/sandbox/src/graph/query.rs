//! The query options, as far as Graph honours them here.

use serde_json::{Map, Value};

use super::answer::GraphError;

/// The query string of a request.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string; `$` may be left out or encoded.
    pub fn read(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.trim_start_matches('$').to_ascii_lowercase(), value.into_owned()))
            .collect();
        Self { pairs }
    }

    /// The option of that name, without its `$`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Refuses options that this request does not support.
    pub fn refuse(&self, names: &[&str]) -> Result<(), GraphError> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(GraphError::new(
                400,
                "Request_UnsupportedQuery",
                format!("The query option '${name}' is not supported here."),
            )),
            None => Ok(()),
        }
    }

    /// `$top` within its bounds.
    pub fn top(&self, most: usize) -> Result<Option<usize>, GraphError> {
        let Some(text) = self.get("top") else { return Ok(None) };
        match text.parse() {
            Ok(top) if (1..=most).contains(&top) => Ok(Some(top)),
            _ => Err(GraphError::bad_request(format!(
                "Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive."
            ))),
        }
    }

    /// The names in `$select`, in order.
    pub fn select(&self) -> Option<Vec<String>> {
        let names = self.get("select")?.split(',').map(|name| name.trim().to_string());
        Some(names.filter(|name| !name.is_empty()).collect())
    }
}

/// Keeps the selected properties, in the order asked for; one that the type does not have is refused.
pub fn select(object: &Map<String, Value>, names: &[String], kind: &str) -> Result<Map<String, Value>, GraphError> {
    let mut selected = Map::new();
    for name in names {
        let Some((key, value)) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) else {
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
            );
            return Err(GraphError::new(400, "BadRequest", message));
        };
        selected.insert(key.clone(), value.clone());
    }
    Ok(selected)
}

/// The same for values that may not be objects.
pub fn select_value(value: Value, names: Option<&Vec<String>>, kind: &str) -> Result<Value, GraphError> {
    match (value, names) {
        (Value::Object(object), Some(names)) => select(&object, names, kind).map(Value::Object),
        (value, _) => Ok(value),
    }
}

/// `@odata.context` of a set.
pub fn context(base: &str, set: &str, select: Option<&Vec<String>>) -> String {
    let selected = select.map_or(String::new(), |names| format!("({})", names.join(",")));
    format!("{base}/v1.0/$metadata#{set}{selected}")
}

/// Adds a parameter to a link.
pub fn link(base: &str, path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, value);
    }
    format!("{base}/v1.0{path}?{}", query.finish().replace("%24", "$"))
}
