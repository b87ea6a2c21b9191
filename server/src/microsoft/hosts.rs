//! Where Microsoft is: its clouds, or another host that speaks the same.

use std::{fmt, str::FromStr};

use app::domain::TenantId;
use thiserror::Error;
use url::{Host, Url};

/// One of Microsoft's clouds. Tokens do not cross them, and each needs an app registration of its own.
/// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// Worldwide, GCC included.
    #[default]
    Global,
    /// US Government L4.
    GccHigh,
    /// US Government L5.
    Dod,
    /// Operated by 21Vianet. It has no Secure Score.
    China,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Global, Self::GccHigh, Self::Dod, Self::China];

    /// Its name in the settings.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::GccHigh => "gcc-high",
            Self::Dod => "dod",
            Self::China => "china",
        }
    }

    const fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::GccHigh | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    const fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::GccHigh => "https://graph.microsoft.us",
            Self::Dod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Where administrators look after their tenant.
    pub(super) const fn admin_center(self) -> &'static str {
        match self {
            Self::Global => "https://entra.microsoft.com",
            Self::GccHigh | Self::Dod => "https://entra.microsoft.us",
            Self::China => "https://entra.microsoftonline.cn",
        }
    }

    /// What Microsoft Graph PowerShell calls it. None: it is taken without being named.
    pub(super) const fn powershell_environment(self) -> Option<&'static str> {
        match self {
            Self::Global => None,
            Self::GccHigh => Some("USGov"),
            Self::Dod => Some("USGovDoD"),
            Self::China => Some("China"),
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A text that names none of the clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it must be global, gcc-high, dod or china")]
pub struct UnknownCloud;

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|cloud| cloud.key() == text).ok_or(UnknownCloud)
    }
}

/// Why a URL can't stand for one of Microsoft's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HostError {
    /// Not a URL at all, or not one with a host.
    #[error("it is not a URL such as https://login.microsoftonline.com")]
    NotAUrl,
    /// Tokens and secrets would go over the network in plain text.
    #[error("it must begin with https:// (http:// is for loopback addresses only)")]
    NotEncrypted,
    /// Paths are Microsoft's, not ours to move.
    #[error("it must not have a path, a query, a fragment or a user name")]
    MoreThanAHost,
}

/// Where Microsoft is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Where people sign in and tokens are handed out.
    pub login: Url,
    /// Where a tenant's data are read.
    pub graph: Url,
    /// What Graph is called in scopes belongs to the cloud, wherever the host is.
    cloud: Cloud,
}

impl Hosts {
    /// The hosts of a cloud, each of which may be replaced by another.
    pub fn new(cloud: Cloud, login: Option<Url>, graph: Option<Url>) -> Result<Self, HostError> {
        let login = login.map_or_else(|| parse_host(cloud.login()), Ok)?;
        let graph = graph.map_or_else(|| parse_host(cloud.graph()), Ok)?;
        Ok(Self { login, graph, cloud })
    }

    /// Which cloud they are of.
    pub const fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// A scope of Microsoft Graph, such as `https://graph.microsoft.com/.default`.
    pub(super) fn scope(&self, name: &str) -> String {
        format!("{}/{name}", self.cloud.graph())
    }

    /// A granted scope without the resource before it: Microsoft writes them both ways.
    pub(super) fn short_scope<'a>(&self, scope: &'a str) -> &'a str {
        scope.strip_prefix(self.cloud.graph()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(scope)
    }

    /// The issuer of a tenant's ID tokens.
    pub(super) fn issuer(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/v2.0", origin(&self.login))
    }

    /// The issuer that Microsoft writes where it means any tenant's.
    pub(super) fn issuer_template(&self) -> String {
        format!("{}/{{tenantid}}/v2.0", origin(&self.login))
    }

    pub(super) fn login_url(&self, path: &str) -> Url {
        with_path(&self.login, path)
    }

    pub(super) fn graph_url(&self, path: &str) -> Url {
        with_path(&self.graph, &format!("v1.0/{path}"))
    }
}

/// Takes a URL that names a host and nothing else.
pub fn parse_host(text: &str) -> Result<Url, HostError> {
    let url = Url::parse(text).map_err(|_| HostError::NotAUrl)?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(HostError::NotAUrl);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(HostError::NotEncrypted);
    }
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare { Ok(url) } else { Err(HostError::MoreThanAHost) }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Scheme, host and port, without a slash at the end.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_hosts_and_a_name() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.key().parse(), Ok(cloud));
            let hosts = Hosts::new(cloud, None, None).unwrap();
            assert_eq!(hosts.login.scheme(), "https");
            assert_eq!(origin(&hosts.graph), cloud.graph());
        }
        assert_eq!("mars".parse::<Cloud>(), Err(UnknownCloud));
    }

    #[test]
    fn another_host_keeps_the_clouds_scopes() {
        let sandbox = parse_host("http://127.0.0.1:8090").unwrap();
        let hosts = Hosts::new(Cloud::Dod, Some(sandbox.clone()), Some(sandbox)).unwrap();
        assert_eq!(hosts.scope(".default"), "https://dod-graph.microsoft.us/.default");
        assert_eq!(hosts.short_scope("https://dod-graph.microsoft.us/User.Read.All"), "User.Read.All");
        assert_eq!(hosts.short_scope("User.Read.All"), "User.Read.All");
        assert_eq!(hosts.issuer_template(), "http://127.0.0.1:8090/{tenantid}/v2.0");
        assert_eq!(hosts.graph_url("users/delta").as_str(), "http://127.0.0.1:8090/v1.0/users/delta");
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_plain_text() {
        for (text, error) in [
            ("http://login.example", HostError::NotEncrypted),
            ("http://localhost.example", HostError::NotEncrypted),
            ("ftp://login.example", HostError::NotAUrl),
            ("login.example", HostError::NotAUrl),
            ("https://login.example/path", HostError::MoreThanAHost),
            ("https://login.example/?query", HostError::MoreThanAHost),
            ("https://user@login.example/", HostError::MoreThanAHost),
        ] {
            assert_eq!(parse_host(text), Err(error), "{text}");
        }
        for text in ["http://localhost:8090", "http://127.0.0.1:8090/", "http://[::1]:8090", "https://login.example"] {
            assert!(parse_host(text).is_ok(), "{text}");
        }
    }
}
