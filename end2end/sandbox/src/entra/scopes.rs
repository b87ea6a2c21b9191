//! The `scope` parameter: scopes of OIDC, scopes of Graph, or Graph's `.default`.

use super::errors::AadError;
use crate::permissions::{self, OIDC};

/// A `scope` parameter, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// `openid`, `profile`, `email`, `offline_access`
    pub oidc: Vec<String>,
    /// Graph's permissions, without the resource in front.
    pub graph: Vec<String>,
    /// Whether `.default` was asked for.
    pub default: bool,
    /// Whether Graph's permissions were written with the resource in front.
    full: bool,
    resource: String,
}

impl Scopes {
    /// Takes the parameter apart; refuses what Entra ID refuses.
    pub fn read(text: &str) -> Result<Self, AadError> {
        let mut scopes = Self { resource: "https://graph.microsoft.com".into(), ..Self::default() };
        for item in text.split_whitespace() {
            if OIDC.contains(&item.to_ascii_lowercase().as_str()) {
                scopes.oidc.push(item.to_ascii_lowercase());
                continue;
            }
            let name = match item.rsplit_once('/') {
                Some((resource, name)) => {
                    if !resource.contains("://") {
                        return Err(AadError::because(
                            70_011,
                            format!(
                                "The provided value for the input parameter 'scope' is not valid. The scope {item} is not valid."
                            ),
                        ));
                    }
                    scopes.full = true;
                    scopes.resource = resource.trim_end_matches('/').into();
                    name
                }
                None => item,
            };
            if name == ".default" {
                scopes.default = true;
            } else if let Some(known) = permissions::find(name) {
                scopes.graph.push(known.name.into());
            } else {
                return Err(AadError::because(
                    650_053,
                    format!(
                        "The application asked for scope '{name}' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'."
                    ),
                ));
            }
        }
        if scopes.default && !scopes.graph.is_empty() {
            return Err(AadError::because(
                70_011,
                format!(
                    "The provided value for the input parameter 'scope' is not valid. The scope {text} is not valid. .default scope can't be combined with resource-specific scopes."
                ),
            ));
        }
        Ok(scopes)
    }

    /// The parameter as it can be read again.
    pub fn all(&self) -> Vec<String> {
        let graph = self.graph.iter().map(|name| self.spelt(name));
        let default = self.default.then(|| format!("{}/.default", self.resource));
        self.oidc.iter().cloned().chain(graph).chain(default).collect()
    }

    /// Whether that scope of OIDC was asked for.
    pub fn has(&self, oidc: &str) -> bool {
        self.oidc.iter().any(|scope| scope == oidc)
    }

    /// The `scope` of a token response: everything granted, spelt as it was asked for.
    pub fn granted<'a>(&self, granted: impl IntoIterator<Item = &'a String>) -> String {
        let graph: Vec<String> =
            granted.into_iter().filter(|name| !OIDC.contains(&name.as_str())).map(|name| self.spelt(name)).collect();
        let oidc = self.oidc.iter().filter(|scope| *scope != "offline_access").cloned();
        let default = self.default.then(|| format!("{}/.default", self.resource));
        oidc.chain(graph).chain(default).collect::<Vec<_>>().join(" ")
    }

    fn spelt(&self, name: &str) -> String {
        if self.full { format!("{}/{name}", self.resource) } else { name.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_may_stand_with_openid_but_not_with_graphs_scopes() {
        let scopes = Scopes::read("openid offline_access https://graph.microsoft.com/.default")
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert!(scopes.default && scopes.has("openid") && scopes.graph.is_empty());
        assert_eq!(Scopes::read("https://graph.microsoft.com/.default User.Read").err().map(|e| e.code), Some(70_011));
    }

    #[test]
    fn a_scope_that_graph_does_not_have_is_refused() {
        assert_eq!(Scopes::read("User.Frobnicate").err().map(|e| e.code), Some(650_053));
    }

    #[test]
    fn granted_scopes_are_spelt_as_they_were_asked_for() {
        let granted = ["User.Read".to_string(), "openid".to_string()];
        let spelt = |text| Scopes::read(text).map(|scopes| scopes.granted(&granted)).unwrap_or_default();
        assert_eq!(spelt("openid User.Read"), "openid User.Read");
        assert_eq!(
            spelt("https://graph.microsoft.com/.default"),
            "https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default"
        );
    }
}
