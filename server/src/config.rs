//! Settings, parsed once into types that cannot be wrong.
//!
//! `config.default.toml` describes each of them. Above it lies the file of `--config`, above that the environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use app::domain::{Access, Domain, Role, TenantId};
use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::Value,
};
use lettre::message::Mailbox;
use sea_orm::sqlx::postgres::PgConnectOptions;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};
use uuid::Uuid;

use crate::{
    logo::Logo,
    mail::SmtpServer,
    microsoft::{AppRegistration, Cloud, Credential, CredentialFile, Hosts, hosts},
    staff::StaffRules,
};

const DEFAULTS: &str = include_str!("../config.default.toml");
const PREFIX: &str = "TENANTRY_";

/// Where Microsoft sends people back to.
pub const CALLBACK_PATH: &str = "/connect/callback";

/// Every setting. One that is not here is a mistake of whoever wrote it.
const KEYS: [&str; 35] = [
    "listen",
    "public_url",
    "data_dir",
    "database_url",
    "secret_key_file",
    "site_dir",
    "m365_client_id",
    "m365_client_secret",
    "m365_client_secret_file",
    "m365_certificate_file",
    "m365_access",
    "m365_cloud",
    "m365_login_url",
    "m365_graph_url",
    "sync_every",
    "probe_every",
    "sync_concurrency",
    "sync_in_server",
    "link_days",
    "msp_name",
    "msp_logo_file",
    "staff_tenant",
    "staff_domains",
    "staff_default_role",
    "smtp_url",
    "smtp_url_file",
    "mail_from",
    "smtp_ca_file",
    "webhook_private_addresses",
    "api_requests",
    "address_requests",
    "account_requests",
    "trusted_proxies",
    "otlp_endpoint",
    "log",
];

/// The settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// `listen`: where the server listens.
    pub listen: SocketAddr,
    /// `public_url`: what people type to get here.
    pub public_url: PublicUrl,
    /// `data_dir`: the embedded database and the generated key lie here.
    pub data_dir: PathBuf,
    /// `database_url`.
    pub database_url: DatabaseUrl,
    /// `secret_key_file`: the keys that seal secrets at rest.
    pub secret_key_file: PathBuf,
    /// `site_dir`: the built web app, if it is not the one at hand.
    pub site_dir: Option<PathBuf>,
    /// `m365_…`; none while no app registration is configured.
    pub m365: Option<M365Config>,
    /// `sync_…`.
    pub sync: SyncConfig,
    /// `link_days`: how many days a shared link is good for, 1 to 30.
    pub link_days: u8,
    /// `msp_…`.
    pub msp: MspConfig,
    /// `staff_…`: who may sign in with Microsoft.
    pub staff: Option<StaffRules>,
    /// `smtp_url` and `mail_from`; none where no mail is sent.
    pub mail: Option<MailConfig>,
    /// `webhook_private_addresses`: whether webhooks may lead into private networks, and without https.
    pub webhook_private_addresses: bool,
    /// `api_requests`: how many requests each token may make in a minute.
    pub api_requests: u32,
    /// `address_requests`: how many requests each address may make in a minute.
    pub address_requests: u32,
    /// `account_requests`: how many requests each account may make in a minute.
    pub account_requests: u32,
    /// `trusted_proxies`: networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// `otlp_endpoint`: the collector that spans are sent to, if there is one.
    pub otlp_endpoint: Option<Url>,
    /// `log`: a tracing filter that can be read.
    pub log: String,
}

/// `m365_…`: Microsoft 365.
#[derive(Clone, Debug)]
pub struct M365Config {
    /// Who we are to Microsoft.
    pub app: AppRegistration,
    /// `m365_access`: how tenants are read.
    pub access: Access,
    /// Where Microsoft is.
    pub hosts: Hosts,
}

/// `sync_…`: reading tenants.
#[derive(Clone, Copy, Debug)]
pub struct SyncConfig {
    /// `sync_every`: how often a company is read.
    pub every: Duration,
    /// `probe_every`: how often, at least, it is seen whether a company can still be read.
    pub probe_every: Duration,
    /// `sync_concurrency`: how many companies are read at the same time.
    pub concurrency: NonZeroUsize,
    /// `sync_in_server`: whether the server reads companies itself, or leaves that to `tenantry worker`.
    pub in_server: bool,
}

/// `msp_…`: who runs Tenantry.
#[derive(Clone, Debug)]
pub struct MspConfig {
    /// `msp_name`.
    pub name: String,
    /// `msp_logo_file`.
    pub logo: Option<Logo>,
}

/// `smtp_url`, `smtp_ca_file` and `mail_from`.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `smtp_url` or `smtp_url_file`, and what is trusted there.
    pub server: SmtpServer,
    /// `mail_from`.
    pub from: Mailbox,
}

/// What is wrong with the settings, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file of `--config` can't be read.
    #[error("{file}: {why}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// No setting has this name.
    #[error("{setting}: there is no such setting")]
    Unknown {
        /// The name, and where it was found.
        setting: String,
    },
    /// A value can't be taken.
    #[error("{setting}: {why}")]
    Invalid {
        /// The setting, and where its value was found.
        setting: String,
        /// What is wrong, and what it should be. Never the value of a secret.
        why: String,
    },
}

impl Config {
    /// Reads the settings: the defaults, then `config_file`, then the environment.
    ///
    /// `environment` is handed in, so that tests need not change the process's own.
    pub fn load<K, V>(
        config_file: Option<&Path>,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        Self::from_settings(&Settings::read(config_file, environment)?)
    }

    /// The settings in the text of a file and in an environment.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn parse<'a>(
        text: &str,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let environment = environment_layer(environment)?;
        Self::from_settings(&Settings::merge(Some((Path::new("tenantry.toml"), text)), &environment)?)
    }

    fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let data_dir = settings.required("data_dir", path)?;
        let public_url: PublicUrl = settings.required("public_url", parse)?;
        Ok(Self {
            listen: settings.required("listen", listen_address)?,
            database_url: match settings.optional("database_url", parse)? {
                Some(url) => url,
                None => DatabaseUrl::embedded(&data_dir),
            },
            secret_key_file: settings.optional("secret_key_file", path)?.unwrap_or_else(|| data_dir.join("secret.key")),
            site_dir: settings.optional("site_dir", path)?,
            m365: m365(settings, &public_url)?,
            sync: SyncConfig {
                every: settings.required("sync_every", duration)?,
                probe_every: settings.required("probe_every", duration)?,
                concurrency: settings.required("sync_concurrency", |text| {
                    text.parse().map_err(|_| "it must be a number, 1 or more".to_owned())
                })?,
                in_server: settings.required("sync_in_server", |text| {
                    text.parse().map_err(|_| "it must be true or false".to_owned())
                })?,
            },
            link_days: settings.required("link_days", link_days)?,
            msp: MspConfig {
                name: settings.required("msp_name", msp_name)?,
                logo: settings.optional("msp_logo_file", logo)?,
            },
            staff: staff(settings)?,
            mail: mail(settings)?,
            webhook_private_addresses: settings.required("webhook_private_addresses", |text| {
                text.parse().map_err(|_| "it must be true or false".to_owned())
            })?,
            api_requests: settings.required("api_requests", requests)?,
            address_requests: settings.required("address_requests", requests)?,
            account_requests: settings.required("account_requests", requests)?,
            trusted_proxies: settings.optional("trusted_proxies", networks)?.unwrap_or_default(),
            otlp_endpoint: settings.optional("otlp_endpoint", collector)?,
            log: settings.required("log", log_filter)?,
            data_dir,
            public_url,
        })
    }

    /// Where Microsoft sends people back to. Registered there, compared exactly.
    pub fn redirect_uri(&self) -> Url {
        self.public_url.join(CALLBACK_PATH)
    }

    /// Whether cookies are for https only.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.is_https()
    }
}

fn m365(settings: &Settings, public_url: &PublicUrl) -> Result<Option<M365Config>, ConfigError> {
    let client_id = settings.optional("m365_client_id", client_id)?;
    let access = settings.required("m365_access", |text| {
        Access::from_key(text).ok_or_else(|| "it must be application or delegated".to_owned())
    })?;
    let cloud = settings.required("m365_cloud", parse::<Cloud>)?;
    let host = |text: &str| hosts::parse_host(text).map_err(|error| error.to_string());
    let login = settings.optional("m365_login_url", host)?;
    let graph = settings.optional("m365_graph_url", host)?;
    let credential = credential(settings)?;
    let (client_id, (credential, credential_file)) = match (client_id, credential) {
        (Some(client_id), Some((_, credential, file))) => (client_id, (credential, file)),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            let why = "it needs a credential too: set TENANTRY_M365_CLIENT_SECRET, TENANTRY_M365_CLIENT_SECRET_FILE or \
                       TENANTRY_M365_CERTIFICATE_FILE";
            return Err(settings.invalid("m365_client_id", why));
        }
        (None, Some((key, ..))) => return Err(settings.invalid(key, "it needs TENANTRY_M365_CLIENT_ID too")),
    };
    let hosts =
        Hosts::new(cloud, login, graph).map_err(|error| settings.invalid("m365_login_url", error.to_string()))?;
    let redirect_uri = public_url.join(CALLBACK_PATH);
    let app = AppRegistration { client_id, credential, credential_file, redirect_uri };
    Ok(Some(M365Config { app, access, hosts }))
}

/// A credential, the setting that says so, and the file that it was read from.
type FoundCredential = (&'static str, Credential, Option<CredentialFile>);

/// The one credential that is set.
fn credential(settings: &Settings) -> Result<Option<FoundCredential>, ConfigError> {
    let keys = ["m365_client_secret", "m365_client_secret_file", "m365_certificate_file"];
    let set: Vec<&'static str> = keys.into_iter().filter(|key| settings.values.contains_key(key)).collect();
    let in_file = |key, kind: fn(PathBuf) -> CredentialFile| -> Result<Option<FoundCredential>, ConfigError> {
        let (credential, file) = settings.required(key, |path| {
            let file = kind(path.into());
            Ok((file.read()?, file))
        })?;
        Ok(Some((key, credential, Some(file))))
    };
    match *set {
        [] => Ok(None),
        [key @ "m365_client_secret"] => {
            let secret = settings.required(key, |text| Ok(SecretString::from(text)))?;
            Ok(Some((key, Credential::Secret(secret), None)))
        }
        [key @ "m365_client_secret_file"] => in_file(key, CredentialFile::Secret),
        [key] => in_file(key, CredentialFile::Certificate),
        [first, second, ..] => {
            let why = format!("{} is set too; only one of them can be the credential", settings.place(first));
            Err(settings.invalid(second, why))
        }
    }
}

fn staff(settings: &Settings) -> Result<Option<StaffRules>, ConfigError> {
    let tenant: Option<TenantId> = settings
        .optional("staff_tenant", |text| text.parse().map_err(|_| "it must be a tenant id (a GUID)".to_owned()))?;
    let domains = settings.optional("staff_domains", domains)?;
    let default_role = settings.required("staff_default_role", |text| match Role::from_key(text) {
        // Whoever makes accounts at Microsoft would decide who manages Tenantry.
        None | Some(Role::Owner) => Err("it must be viewer, technician or settings".to_owned()),
        Some(role) => Ok(role),
    })?;
    match tenant {
        Some(TenantId::CONSUMERS) => {
            Err(settings.invalid("staff_tenant", "this is the tenant of all personal accounts"))
        }
        Some(tenant) => Ok(Some(StaffRules { tenant, domains: domains.unwrap_or_default(), default_role })),
        None if domains.is_some() => Err(settings.invalid("staff_domains", "it needs TENANTRY_STAFF_TENANT too")),
        None => Ok(None),
    }
}

fn mail(settings: &Settings) -> Result<Option<MailConfig>, ConfigError> {
    let in_url = settings.optional("smtp_url", SmtpServer::parse)?;
    let in_file = settings.optional("smtp_url_file", |file| SmtpServer::read(Path::new(file)))?;
    let key = if in_file.is_some() { "smtp_url_file" } else { "smtp_url" };
    if in_url.is_some() && in_file.is_some() {
        let why =
            format!("{} is set too; only one of them can say where the mail server is", settings.place("smtp_url"));
        return Err(settings.invalid(key, why));
    }
    let mut server = in_url.or(in_file);
    let from = settings.optional("mail_from", |text| {
        text.parse::<Mailbox>().map_err(|_| "it must be a mail address, such as Tenantry <it@example.com>".to_owned())
    })?;
    server = match server {
        Some(server) => Some(settings.optional("smtp_ca_file", |file| server.clone().trust(file))?.unwrap_or(server)),
        None if settings.values.contains_key("smtp_ca_file") => {
            return Err(settings.invalid("smtp_ca_file", "it needs TENANTRY_SMTP_URL too"));
        }
        None => None,
    };
    match (server, from) {
        (Some(server), Some(from)) => Ok(Some(MailConfig { server, from })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(settings.invalid(key, "it needs TENANTRY_MAIL_FROM too")),
        (None, Some(_)) => Err(settings.invalid("mail_from", "it needs TENANTRY_SMTP_URL too")),
    }
}

/// The settings as texts, and where each was found.
struct Settings {
    values: BTreeMap<&'static str, Setting>,
}

struct Setting {
    text: SecretString,
    place: String,
}

impl Settings {
    fn read<K, V>(file: Option<&Path>, environment: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let environment = environment_layer(environment)?;
        let Some(file) = file else { return Self::merge(None, &environment) };
        let text = fs::read_to_string(file)
            .map_err(|error| ConfigError::File { file: file.display().to_string(), why: error.to_string() })?;
        Self::merge(Some((file, &text)), &environment)
    }

    /// The defaults, then the text of a file, then the environment.
    fn merge(file: Option<(&Path, &str)>, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut layers = Figment::from(Toml::string(DEFAULTS));
        if let Some((_, text)) = file {
            layers = layers.merge(Toml::string(text));
        }
        let file = file.map(|(file, _)| file);
        layers = layers.merge(Serialized::defaults(environment));
        let merged: BTreeMap<String, Value> = layers.extract().map_err(|error| {
            // The rest of a TOML error quotes the line, which may hold a secret.
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            ConfigError::File { file: file.map(|file| file.display().to_string()).unwrap_or_default(), why }
        })?;
        let mut values = BTreeMap::new();
        for (name, value) in merged {
            let place = match file {
                _ if environment.contains_key(&name) => env_name(&name),
                Some(file) => format!("{name} in {}", file.display()),
                None => name.clone(),
            };
            let Some(&key) = KEYS.iter().find(|&&key| key == name) else {
                return Err(ConfigError::Unknown { setting: place });
            };
            let Some(text) = text_of(&value) else {
                return Err(ConfigError::Invalid { setting: place, why: "it must be a text".to_owned() });
            };
            if !text.is_empty() {
                values.insert(key, Setting { text: text.into(), place });
            }
        }
        Ok(Self { values })
    }

    fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(setting) = self.values.get(key) else { return Ok(None) };
        read(setting.text.expose_secret()).map(Some).map_err(|why| self.invalid(key, why))
    }

    fn required<T>(&self, key: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        self.optional(key, read)?.ok_or_else(|| self.invalid(key, "it is empty"))
    }

    /// What to call a setting: by its environment variable, unless it was found elsewhere.
    fn place(&self, key: &'static str) -> String {
        self.values.get(key).map_or_else(|| env_name(key), |setting| setting.place.clone())
    }

    fn invalid(&self, key: &'static str, why: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { setting: self.place(key), why: why.into() }
    }
}

/// Those of the environment's variables that are ours and not empty.
fn environment_layer<K, V>(
    environment: impl IntoIterator<Item = (K, V)>,
) -> Result<BTreeMap<String, String>, ConfigError>
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let mut layer = BTreeMap::new();
    for (name, value) in environment {
        let name = name.into().to_string_lossy().into_owned();
        let Some(key) = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase) else { continue };
        if env_name(&key) != name || !KEYS.contains(&&*key) {
            return Err(ConfigError::Unknown { setting: name });
        }
        let value = value
            .into()
            .into_string()
            .map_err(|_| ConfigError::Invalid { setting: name, why: "it is not valid UTF-8".to_owned() })?;
        if !value.is_empty() {
            layer.insert(key, value);
        }
    }
    Ok(layer)
}

fn env_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// A number or a list in TOML means the same as its text in the environment.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.trim().to_owned()),
        Value::Bool(_, flag) => Some(flag.to_string()),
        Value::Num(_, number) => number.to_i128().map(|number| number.to_string()),
        Value::Array(_, values) => Some(values.iter().map(text_of).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}

fn parse<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside readers that can fail")]
fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => text.parse(),
    };
    address.map_err(|_| "it must be an address and a port, such as 127.0.0.1:8080 or 0.0.0.0:8080".to_owned())
}

/// Entra ID's ids are GUIDs, compared in lower case.
fn client_id(text: &str) -> Result<String, String> {
    if let Ok(guid) = Uuid::parse_str(text) {
        return Ok(guid.to_string());
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if plain { Ok(text.to_owned()) } else { Err("it must be an Application (client) ID (a GUID)".to_owned()) }
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration >= Duration::from_secs(1) => Ok(duration),
        Ok(_) => Err("it must be 1s or more".to_owned()),
        Err(_) => Err("it must be a duration, such as 30s, 15m or 6h".to_owned()),
    }
}

fn requests(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|requests| (1..=100_000_000).contains(requests))
        .ok_or_else(|| "it must be a number from 1 to 100000000".to_owned())
}

fn link_days(text: &str) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|days| (1..=30).contains(days))
        .ok_or_else(|| "it must be a number from 1 to 30".to_owned())
}

fn msp_name(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) || text.chars().count() > 100 {
        return Err("it must be one line of at most 100 characters".to_owned());
    }
    Ok(text.to_owned())
}

fn logo(file: &str) -> Result<Logo, String> {
    Logo::read(Path::new(file)).map_err(|error| format!("{file}: {error}"))
}

fn networks(text: &str) -> Result<Vec<Network>, String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
}

fn domains(text: &str) -> Result<Vec<Domain>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Domain::parse(part).map_err(|_| format!("{part} is not a domain such as example.com"))).collect()
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| "it must be a tracing filter, such as info or info,server::sync=debug".to_owned())
}

fn collector(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        matches!(url.scheme(), "http" | "https") && url.has_host() && bare && url.password().is_none()
    });
    url.ok_or_else(|| "it must be the URL of a collector, such as http://localhost:4318".to_owned())
}

/// What people type to get here: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// The address of a path that begins with a slash.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// Scheme, host and port, without a slash at the end: what browsers send as `Origin`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether it is https.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "it must be a URL without a path, such as https://tenantry.example.com";
        let url = Url::parse(text).map_err(|_| SHAPE)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
            return Err(SHAPE.to_owned());
        }
        // Browsers count these as secure contexts; anything else would send cookies and codes in plain text.
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && !local {
            return Err("it must begin with https:// (http:// is for localhost only)".to_owned());
        }
        Ok(Self(url))
    }
}

/// Where the data are: `sqlite://…` or `postgres://…`, which may hold a password.
#[derive(Clone)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    /// The embedded database in this directory.
    pub fn embedded(data_dir: &Path) -> Self {
        Self(format!("sqlite://{}", data_dir.join("tenantry.db").display()).into())
    }

    /// Whether it is the embedded database.
    pub fn is_sqlite(&self) -> bool {
        self.expose().starts_with("sqlite:")
    }

    /// The URL, password included.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sqlite() { "DatabaseUrl(sqlite)" } else { "DatabaseUrl(postgres, [redacted])" })
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("sqlite", rest)) if !rest.is_empty() => Ok(Self(text.into())),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                // Whoever connects would repeat what can't be read, password included.
                let url = Url::parse(text).map_err(|_| NOT_POSTGRES)?;
                text.parse::<PgConnectOptions>().map_err(|_| "its options, such as ?sslmode=require, can't be read")?;
                let names_user = !url.username().is_empty() || url.query_pairs().any(|(name, _)| name == "user");
                if names_user {
                    Ok(Self(text.into()))
                } else {
                    Err("it names no user: postgres://user:password@host/database")
                }
            }
            _ => Err("it must begin with sqlite:// or postgres://"),
        }
    }
}

const NOT_POSTGRES: &str = "it must be postgres://user:password@host/database, where special characters of a password are \
                            written as in any URL (%40 for @), or postgres://user@localhost/database?host=/var/run/postgresql";

/// A range of addresses, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies within it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text} is not a network such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| wrong()))?;
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    const RSA: &str = include_str!("../tests/fixtures/certificates/rsa.pem");
    const APP: (&str, &str) = ("TENANTRY_M365_CLIENT_ID", "5A6D1B0E-7c1f-4f0b-9a53-3d1c2f8e4b70");
    const SECRET: (&str, &str) = ("TENANTRY_M365_CLIENT_SECRET", "hunter2");

    fn load(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, environment.iter().copied())
    }

    fn file(text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn without_any_setting_there_are_the_documented_defaults() {
        let config = load(&[("PATH", "/bin"), ("TENANTRYX", "not ours")]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.redirect_uri().as_str(), "http://localhost:8080/connect/callback");
        assert_eq!(config.database_url.expose(), "sqlite://var/tenantry.db");
        assert_eq!(config.secret_key_file, Path::new("var/secret.key"));
        assert_eq!(config.site_dir, None);
        assert_eq!(config.sync.every, Duration::from_hours(6));
        assert_eq!((config.sync.concurrency.get(), config.sync.in_server), (16, true));
        assert_eq!((config.link_days, &*config.msp.name, &*config.log), (7, "Your MSP", "info"));
        assert!(config.m365.is_none() && config.mail.is_none() && config.trusted_proxies.is_empty());
        assert!(!config.secure_cookies());
    }

    #[test]
    fn the_default_file_names_every_setting() {
        for key in KEYS {
            let named = DEFAULTS.lines().any(|line| {
                line.trim_start_matches("# ").strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "))
            });
            assert!(named, "{key} is not in config.default.toml");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let file = file(
            "link_days = 3\nsync_in_server = false\nmsp_name = \"From the file\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n",
        );
        let environment = [("TENANTRY_MSP_NAME", "From the environment"), ("TENANTRY_LOG", "")];
        let config = Config::load(Some(file.path()), environment).unwrap();
        assert_eq!((config.link_days, &*config.msp.name, &*config.log), (3, "From the environment", "info"));
        assert_eq!((config.trusted_proxies.len(), config.sync.in_server), (2, false));
    }

    #[test]
    fn another_data_dir_moves_what_lies_in_it() {
        let config = load(&[("TENANTRY_DATA_DIR", "/srv/tenantry")]).unwrap();
        assert_eq!(config.database_url.expose(), "sqlite:///srv/tenantry/tenantry.db");
        assert_eq!(config.secret_key_file, Path::new("/srv/tenantry/secret.key"));
    }

    #[test]
    fn an_unknown_key_is_named_in_one_line() {
        let error = load(&[("TENANTRY_LISTENN", "x")]).unwrap_err();
        assert_eq!(error.to_string(), "TENANTRY_LISTENN: there is no such setting");
        let file = file("m365_secret = \"x\"\n");
        let error = Config::load(Some(file.path()), NONE).unwrap_err();
        assert_eq!(error.to_string(), format!("m365_secret in {}: there is no such setting", file.path().display()));
    }

    const NONE: [(&str, &str); 0] = [];

    #[test]
    fn a_file_that_can_not_be_read_is_named_and_not_quoted() {
        let error = Config::load(Some(Path::new("/nowhere/t.toml")), NONE).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/t.toml: "), "{error}");
        let file = file("m365_client_secret = hunter2\n");
        let error = Config::load(Some(file.path()), NONE).unwrap_err().to_string();
        assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn a_value_that_can_not_be_taken_is_named_with_what_it_should_be() {
        for (name, value, hint) in [
            ("TENANTRY_LISTEN", "8080", "127.0.0.1:8080"),
            ("TENANTRY_LISTEN", "8080", "0.0.0.0:8080"),
            ("TENANTRY_STAFF_DEFAULT_ROLE", "owner", "technician"),
            ("TENANTRY_STAFF_DOMAINS", "msp.test, not a domain", "not a domain is not a domain"),
            ("TENANTRY_STAFF_DOMAINS", "msp.test", "TENANTRY_STAFF_TENANT"),
            ("TENANTRY_PUBLIC_URL", "http://tenantry.example.com", "https://"),
            ("TENANTRY_PUBLIC_URL", "https://tenantry.example.com/app", "without a path"),
            ("TENANTRY_PUBLIC_URL", "tenantry.example.com", "URL"),
            ("TENANTRY_DATABASE_URL", "mysql://host/db", "postgres://"),
            ("TENANTRY_DATABASE_URL", "postgres://tenantry:hunter2@/tenantry", "host=/var/run/postgresql"),
            ("TENANTRY_DATABASE_URL", "postgres://tenantry:hunter2#@host/tenantry", "%40"),
            ("TENANTRY_DATABASE_URL", "postgres://host/tenantry?sslmode=hunter2", "sslmode"),
            ("TENANTRY_DATABASE_URL", "postgres:///tenantry?host=/var/run/postgresql", "user"),
            ("TENANTRY_M365_ACCESS", "both", "delegated"),
            ("TENANTRY_M365_CLOUD", "mars", "gcc-high"),
            ("TENANTRY_M365_LOGIN_URL", "http://login.example.com", "https://"),
            ("TENANTRY_M365_GRAPH_URL", "https://graph.example.com/v1.0", "path"),
            ("TENANTRY_M365_CLIENT_ID", "an id", "GUID"),
            ("TENANTRY_SYNC_EVERY", "6 bananas", "15m"),
            ("TENANTRY_SYNC_EVERY", "0s", "1s"),
            ("TENANTRY_SYNC_CONCURRENCY", "0", "1 or more"),
            ("TENANTRY_SYNC_IN_SERVER", "perhaps", "true or false"),
            ("TENANTRY_LINK_DAYS", "31", "1 to 30"),
            ("TENANTRY_LINK_DAYS", "0", "1 to 30"),
            ("TENANTRY_MSP_NAME", "two\nlines", "one line"),
            ("TENANTRY_MSP_LOGO_FILE", "/nowhere/logo.png", "/nowhere/logo.png"),
            ("TENANTRY_MSP_LOGO_FILE", "Cargo.toml", "PNG"),
            ("TENANTRY_STAFF_TENANT", "contoso.com", "GUID"),
            ("TENANTRY_SMTP_URL", "mail.example.com", "smtps://"),
            ("TENANTRY_MAIL_FROM", "nobody", "mail address"),
            ("TENANTRY_SMTP_CA_FILE", "/nowhere/ca.pem", "TENANTRY_SMTP_URL"),
            ("TENANTRY_WEBHOOK_PRIVATE_ADDRESSES", "perhaps", "true or false"),
            ("TENANTRY_TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/8"),
            ("TENANTRY_LOG", "info=debug=trace", "filter"),
        ] {
            let error = load(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains(hint) && !error.contains('\n') && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn any_address_is_listened_on() {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:8080", "[::1]:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
            ("[::]:8080", "[::]:8080"),
        ] {
            assert_eq!(load(&[("TENANTRY_LISTEN", text)]).unwrap().listen.to_string(), address);
        }
    }

    #[test]
    fn https_makes_cookies_secure() {
        let config = load(&[("TENANTRY_PUBLIC_URL", "https://tenantry.example.com/")]).unwrap();
        assert!(config.secure_cookies());
        assert_eq!(config.public_url.origin(), "https://tenantry.example.com");
        assert_eq!(config.redirect_uri().as_str(), "https://tenantry.example.com/connect/callback");
    }

    #[test]
    fn an_app_registration_needs_an_id_and_one_credential() {
        let config = load(&[APP, SECRET, ("TENANTRY_M365_ACCESS", "delegated")]).unwrap();
        let m365 = config.m365.as_ref().unwrap();
        assert_eq!(m365.app.client_id, "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70");
        assert_eq!(m365.access, Access::Delegated);
        assert_eq!(m365.hosts.login.as_str(), "https://login.microsoftonline.com/");
        assert!(!format!("{config:?}").contains("hunter2"));

        let error = load(&[APP]).unwrap_err().to_string();
        assert!(error.starts_with("TENANTRY_M365_CLIENT_ID: ") && error.contains("CLIENT_SECRET_FILE"), "{error}");
        let error = load(&[SECRET]).unwrap_err().to_string();
        assert_eq!(error, "TENANTRY_M365_CLIENT_SECRET: it needs TENANTRY_M365_CLIENT_ID too");
        let error = load(&[APP, SECRET, ("TENANTRY_M365_CERTIFICATE_FILE", "x.pem")]).unwrap_err().to_string();
        assert!(error.contains("only one") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_credential_can_lie_in_a_file() {
        let secret = file("hunter2\n");
        let path = secret.path().to_str().unwrap();
        let config = load(&[APP, ("TENANTRY_M365_CLIENT_SECRET_FILE", path)]).unwrap();
        let Credential::Secret(secret) = config.m365.unwrap().app.credential else { panic!("not a secret") };
        assert_eq!(secret.expose_secret(), "hunter2");

        let certificate = file(RSA);
        let path = certificate.path().to_str().unwrap();
        let config = load(&[APP, ("TENANTRY_M365_CERTIFICATE_FILE", path)]).unwrap();
        assert!(matches!(config.m365.unwrap().app.credential, Credential::Certificate(_)));

        for (name, file) in
            [("TENANTRY_M365_CLIENT_SECRET_FILE", file(" \n")), ("TENANTRY_M365_CERTIFICATE_FILE", file("hunter2"))]
        {
            let error = load(&[APP, (name, file.path().to_str().unwrap())]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")) && !error.contains("hunter2"), "{error}");
        }
        let error = load(&[APP, ("TENANTRY_M365_CLIENT_SECRET_FILE", "/nowhere/secret")]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/secret can't be read"), "{error}");
    }

    #[test]
    fn mail_needs_a_server_and_a_sender() {
        let server = ("TENANTRY_SMTP_URL", "smtps://user:hunter2@mail.example.com");
        let from = ("TENANTRY_MAIL_FROM", "tenantry@example.com");
        let config = load(&[server, from]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.mail.unwrap().from.to_string(), "tenantry@example.com");
        for (file, hint) in [("/nowhere/ca.pem", "can't be read"), ("Cargo.toml", "no certificate")] {
            let error = load(&[server, from, ("TENANTRY_SMTP_CA_FILE", file)]).unwrap_err().to_string();
            assert!(error.contains(hint) && !error.contains("hunter2"), "{error}");
        }
        assert!(load(&[server]).unwrap_err().to_string().contains("TENANTRY_MAIL_FROM"));
        assert!(load(&[from]).unwrap_err().to_string().contains("TENANTRY_SMTP_URL"));
    }

    #[test]
    fn whose_people_may_sign_in_is_one_rule() {
        let tenant = ("TENANTRY_STAFF_TENANT", "84841066-274d-4ec0-a5c1-276be684bdd3");
        let rules = load(&[tenant]).unwrap().staff.unwrap();
        assert_eq!((rules.domains.len(), rules.default_role), (0, Role::Viewer));
        let domains = ("TENANTRY_STAFF_DOMAINS", "msp.test, MSP.example");
        let role = ("TENANTRY_STAFF_DEFAULT_ROLE", "technician");
        let rules = load(&[tenant, domains, role]).unwrap().staff.unwrap();
        assert_eq!(rules.domains.iter().map(Domain::as_str).collect::<Vec<_>>(), ["msp.test", "msp.example"]);
        assert_eq!(rules.default_role, Role::Technician);
        let everybody = ("TENANTRY_STAFF_TENANT", "9188040d-6c67-4c5b-b112-36a304b66dad");
        assert!(load(&[everybody]).unwrap_err().to_string().contains("personal accounts"));
    }

    #[test]
    fn a_database_password_does_not_show_itself() {
        let config = load(&[("TENANTRY_DATABASE_URL", "postgres://u:hunter2@host/db")]).unwrap();
        assert!(!config.database_url.is_sqlite());
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn networks_know_their_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("fd00::/8", "fd12::1", true),
            ("::1", "::2", false),
            ("0.0.0.0/0", "::1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
    }
}
