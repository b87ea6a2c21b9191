//! Is this configuration able to connect a tenant? Asks Microsoft what can be asked, and says what to mend.

use std::{fmt, str::FromStr, sync::Arc};

use app::domain::{Access, DataSet, Domain, TenantId, Timestamp, platform::RENEW_BEFORE};
use thiserror::Error;

use crate::{
    clock::Clock,
    config::{Config, M365Config},
    microsoft::{AppToken, Class, Credential, GraphError, Microsoft, MicrosoftError, SignInService},
    startup,
};

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order.
    Ok,
    /// Something has to be mended before companies can be connected.
    Failed,
    /// It could not be found out.
    Unknown,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, in a few words.
    pub what: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, and what to mend.
    pub say: String,
}

impl Finding {
    fn new(what: &'static str, outcome: Outcome, say: impl Into<String>) -> Self {
        Self { what, outcome, say: say.into() }
    }
}

/// A tenant as people name it: by its id or by one of its domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantName {
    /// By its id.
    Id(TenantId),
    /// By a domain.
    Domain(Domain),
}

/// A text that names no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a tenant is named by its id or by one of its domains, such as contoso.com")]
pub struct TenantNameError;

impl FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Domain::parse(text).map(Self::Domain).map_err(|_| TenantNameError),
        }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}

/// Checks everything that can be checked from here, in the order in which it should be mended.
///
/// The credential is tried at `tenant`, else at the first of those that are connected.
pub async fn run(
    config: &Config,
    tenant: Option<&TenantName>,
    connected: &[TenantId],
    clock: Arc<dyn Clock>,
) -> Vec<Finding> {
    let Some(m365) = &config.m365 else {
        let say = "No app registration is configured. Register an app in Microsoft Entra (Accounts in any \
                   organizational directory), then set TENANTRY_M365_CLIENT_ID and TENANTRY_M365_CLIENT_SECRET, \
                   TENANTRY_M365_CLIENT_SECRET_FILE or TENANTRY_M365_CERTIFICATE_FILE.";
        let findings = [Finding::new("Settings", Outcome::Failed, say), redirect_uri(config)];
        return findings.into_iter().chain(mail_server(config).await).collect();
    };
    let settings = format!("The app {} reads tenants with {} access.", m365.app.client_id, m365.access.key());
    let mut findings = vec![Finding::new("Settings", Outcome::Ok, settings), redirect_uri(config)];
    findings.extend(certificate(&m365.app.credential, clock.now()));
    let microsoft = match Microsoft::new(m365.hosts.clone(), m365.app.clone(), clock) {
        Ok(microsoft) => microsoft,
        Err(error) => {
            let say = format!("This machine's TLS or proxy setup can't be used: {error}");
            findings.push(Finding::new("Network", Outcome::Failed, say));
            return findings;
        }
    };
    findings.push(sign_in_service(&microsoft).await);
    findings.push(signing_keys(&microsoft).await);
    findings.push(graph(&microsoft).await);
    findings.extend(credential(&microsoft, m365, tenant, connected).await);
    findings.extend(mail_server(config).await);
    findings
}

fn redirect_uri(config: &Config) -> Finding {
    let say = format!(
        "Not known from here. Register exactly {} as a redirect URI of the platform “Web”.",
        config.redirect_uri()
    );
    Finding::new("Redirect URI", Outcome::Unknown, say)
}

fn certificate(credential: &Credential, now: Timestamp) -> Option<Finding> {
    let Credential::Certificate(certificate) = credential else { return None };
    let left = certificate.not_after().since(now);
    let days = left.as_secs() / 86_400;
    let thumbprint = certificate.thumbprint();
    let (outcome, say) = if left.is_zero() {
        let say = format!("The certificate {thumbprint} has expired. Upload a new one, and change the file.");
        (Outcome::Failed, say)
    } else if left < RENEW_BEFORE {
        (Outcome::Ok, format!("The certificate {thumbprint} expires in {days} days: renew it soon."))
    } else {
        (Outcome::Ok, format!("The certificate {thumbprint} is valid for another {days} days."))
    };
    Some(Finding::new("Client certificate", outcome, say))
}

async fn sign_in_service(microsoft: &Microsoft) -> Finding {
    let login = &microsoft.hosts().login;
    let (outcome, say) = match microsoft.sign_in_service().await {
        Ok(SignInService::AsExpected) => (Outcome::Ok, format!("{login} answers.")),
        Ok(SignInService::OtherIssuer { says, expected }) => {
            let say = format!(
                "{login} issues tokens in the name of {says}, and only {expected} is accepted. Check \
                 TENANTRY_M365_CLOUD and TENANTRY_M365_LOGIN_URL."
            );
            (Outcome::Failed, say)
        }
        Err(error) => (Outcome::Failed, unreachable(login.as_str(), &error.details())),
    };
    Finding::new("Sign-in service", outcome, say)
}

async fn signing_keys(microsoft: &Microsoft) -> Finding {
    let (outcome, say) = match microsoft.fetch_signing_keys().await {
        Ok(keys) => (Outcome::Ok, format!("{} keys that sign-ins are verified with.", keys.len())),
        Err(error) => {
            (Outcome::Failed, format!("The keys that sign-ins are verified with can't be read: {}.", error.details()))
        }
    };
    Finding::new("Signing keys", outcome, say)
}

async fn graph(microsoft: &Microsoft) -> Finding {
    let graph = &microsoft.hosts().graph;
    let (outcome, say) = match microsoft.graph_answers().await {
        Ok(true) => (Outcome::Ok, format!("{graph} answers.")),
        Ok(false) => {
            let say = format!(
                "{graph} answers, but not as Microsoft Graph does. Check TENANTRY_M365_CLOUD and \
                 TENANTRY_M365_GRAPH_URL, and any proxy."
            );
            (Outcome::Failed, say)
        }
        Err(error) => (Outcome::Failed, unreachable(graph.as_str(), &graph_details(&error))),
    };
    Finding::new("Microsoft Graph", outcome, say)
}

/// Goes all the way to the mail server but for a mail.
async fn mail_server(config: &Config) -> Option<Finding> {
    let address = config.mail.as_ref()?.server.address();
    let (outcome, say) = match startup::mailer(config) {
        Ok(None) => return None,
        Ok(Some(mailer)) => match mailer.try_out().await {
            Ok(()) => (Outcome::Ok, format!("{address} answers, and takes what TENANTRY_SMTP_URL says.")),
            Err(error) => (Outcome::Failed, format!("{address}: {error}")),
        },
        Err(error) => (Outcome::Failed, error.to_string()),
    };
    Some(Finding::new("Mail server", outcome, say))
}

fn unreachable(host: &str, why: &str) -> String {
    format!("{host} could not be asked ({why}). Check the network, any proxy (HTTPS_PROXY) and firewall.")
}

fn graph_details(error: &GraphError) -> String {
    match error {
        GraphError::Temporary { source: Some(source), .. } if source.is_timeout() => "no answer in time".to_owned(),
        GraphError::Temporary { source: Some(_), .. } => "no connection".to_owned(),
        error => error.to_string(),
    }
}

/// Tries the credential at a tenant, and looks at what the token permits.
async fn credential(
    microsoft: &Microsoft,
    m365: &M365Config,
    tenant: Option<&TenantName>,
    connected: &[TenantId],
) -> Vec<Finding> {
    const CREDENTIAL: &str = "Credential";
    let tenant = match (tenant, connected.first()) {
        (Some(TenantName::Id(id)), _) | (None, Some(id)) => *id,
        (Some(TenantName::Domain(domain)), _) => match microsoft.resolve_tenant(domain).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => {
                let say = format!("{domain} belongs to no tenant of this cloud. Name another one with --tenant.");
                return vec![Finding::new(CREDENTIAL, Outcome::Unknown, say)];
            }
            Err(error) => {
                let say = format!("The tenant of {domain} could not be found ({}).", error.details());
                return vec![Finding::new(CREDENTIAL, Outcome::Unknown, say)];
            }
        },
        (None, None) => {
            let say = "Not tried: it can be tried at a tenant only. Name one with --tenant DOMAIN, such as your own.";
            return vec![Finding::new(CREDENTIAL, Outcome::Unknown, say)];
        }
    };
    match microsoft.app_token(tenant).await {
        Ok(token) => {
            let accepted = Finding::new(CREDENTIAL, Outcome::Ok, format!("Accepted at the tenant {tenant}."));
            vec![accepted, permissions(m365.access, tenant, &token)]
        }
        Err(error) => vec![Finding::new(CREDENTIAL, credential_outcome(&error), credential_advice(tenant, &error))],
    }
}

fn credential_outcome(error: &MicrosoftError) -> Outcome {
    match error.class() {
        Class::Platform => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn credential_advice(tenant: TenantId, error: &MicrosoftError) -> String {
    let details = error.details();
    let number = match error {
        MicrosoftError::Refused(refusal) => refusal.number,
        _ => None,
    };
    match (error.class(), number) {
        (_, Some(7_000_222)) => format!(
            "The client secret has expired: make a new one in Microsoft Entra (Certificates & secrets) and set it \
             ({details})."
        ),
        (_, Some(7_000_215)) => format!("The client secret is wrong: set the secret's value, not its id ({details})."),
        (_, Some(700_027 | 700_025)) => format!(
            "The certificate is not the one that is uploaded to the app registration: upload it under Certificates & \
             secrets ({details})."
        ),
        (Class::Platform, _) => format!("Microsoft does not accept the app registration ({details})."),
        (Class::Transient, _) => format!("Not tried: Microsoft is out of order or could not be reached ({details})."),
        _ => format!(
            "The tenant {tenant} does not know the app, or has not consented to it: connect it first, or name another \
             one with --tenant ({details})."
        ),
    }
}

fn permissions(access: Access, tenant: TenantId, token: &AppToken) -> Finding {
    const PERMISSIONS: &str = "Permissions";
    if access == Access::Delegated {
        let say = "Not known from here: with delegated access each administrator's sign-in shows what was granted.";
        return Finding::new(PERMISSIONS, Outcome::Unknown, say);
    }
    let missing: Vec<String> = DataSet::ALL
        .into_iter()
        .filter(|data_set| !data_set.permissions(access).iter().any(|&permission| token.roles.contains(permission)))
        .map(|data_set| {
            let permission = data_set.permissions(access).first().copied().unwrap_or_default();
            format!("{permission} (for {})", data_set.label())
        })
        .collect();
    if missing.is_empty() {
        return Finding::new(PERMISSIONS, Outcome::Ok, format!("All are in force at the tenant {tenant}."));
    }
    let say = format!(
        "Not in force at the tenant {tenant}: {}. Add them to the app registration as application permissions of \
         Microsoft Graph, then connect the tenant again.",
        missing.join(", ")
    );
    Finding::new(PERMISSIONS, Outcome::Failed, say)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::sync::Mutex;

    use axum::{
        Json, Router,
        http::StatusCode,
        response::{IntoResponse, Response},
        routing::{get, post},
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
    /// Any 2048 bits.
    const MODULUS: [u8; 256] = [0xa5; 256];

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_334_400_000)
        }
    }

    fn token(roles: &[&str]) -> Value {
        let payload = URL_SAFE_NO_PAD.encode(json!({"roles": roles}).to_string());
        json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("e30.{payload}.sig")})
    }

    fn refused(number: u32) -> Response {
        let body = json!({"error": "invalid_client", "error_codes": [number]});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    }

    /// Stands in for Microsoft, with this answer at the token endpoint.
    async fn findings(access: &str, tenant: Option<&str>, answer: Response) -> Vec<Finding> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let metadata = |tenant: &str| json!({"issuer": format!("{host}/{tenant}/v2.0")});
        let key = json!({"kty": "RSA", "kid": "one", "n": URL_SAFE_NO_PAD.encode(MODULUS), "e": "AQAB"});
        let (general, contoso) = (metadata("{tenantid}"), metadata(TENANT));
        let answer = Arc::new(Mutex::new(Some(answer)));
        let router = Router::new()
            .route("/organizations/v2.0/.well-known/openid-configuration", get(async move || Json(general)))
            .route("/contoso.com/v2.0/.well-known/openid-configuration", get(async move || Json(contoso)))
            .route("/organizations/discovery/v2.0/keys", get(async move || Json(json!({"keys": [key]}))))
            .route("/v1.0/organization", get(async || StatusCode::UNAUTHORIZED))
            .route(
                &format!("/{TENANT}/oauth2/v2.0/token"),
                post(async move || answer.lock().unwrap().take().unwrap_or_else(|| refused(0))),
            );
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let environment = [
            ("TENANTRY_M365_CLIENT_ID", "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70"),
            ("TENANTRY_M365_CLIENT_SECRET", "hunter2"),
            ("TENANTRY_M365_ACCESS", access),
            ("TENANTRY_M365_LOGIN_URL", &host),
            ("TENANTRY_M365_GRAPH_URL", &host),
        ];
        let config = Config::load(None, environment).unwrap();
        let tenant: Option<TenantName> = tenant.map(|name| name.parse().unwrap());
        run(&config, tenant.as_ref(), &[], Arc::new(StoppedClock)).await
    }

    fn find<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("{what}: {findings:?}"))
    }

    #[tokio::test]
    async fn a_configuration_without_an_app_registration_is_told_how_to_get_one() {
        let config = Config::load(None, [("PATH", "")]).unwrap();
        let findings = run(&config, None, &[], Arc::new(StoppedClock)).await;
        assert_eq!(find(&findings, "Settings").outcome, Outcome::Failed);
        assert!(find(&findings, "Redirect URI").say.contains("http://localhost:8080/connect/callback"));
    }

    #[tokio::test]
    async fn all_that_is_in_order_is_said_to_be() {
        let roles = [
            "Organization.Read.All",
            "User.Read.All",
            "LicenseAssignment.Read.All",
            "Domain.Read.All",
            "SecurityEvents.Read.All",
        ];
        let findings = findings("application", Some("contoso.com"), Json(token(&roles)).into_response()).await;
        for what in ["Settings", "Sign-in service", "Signing keys", "Microsoft Graph", "Credential", "Permissions"] {
            assert_eq!(find(&findings, what).outcome, Outcome::Ok, "{what}: {findings:?}");
        }
        assert!(!format!("{findings:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn missing_permissions_are_named() {
        let answer = Json(token(&["Directory.Read.All"])).into_response();
        let findings = findings("application", Some(TENANT), answer).await;
        let permissions = find(&findings, "Permissions");
        assert_eq!(permissions.outcome, Outcome::Failed);
        assert!(permissions.say.contains("SecurityEvents.Read.All (for Secure Score)"), "{}", permissions.say);
        assert!(!permissions.say.contains("User.Read.All"), "{}", permissions.say);
    }

    #[tokio::test]
    async fn a_bad_credential_is_told_from_a_tenant_that_does_not_know_us() {
        for (number, outcome, hint) in [
            (7_000_222, Outcome::Failed, "has expired"),
            (7_000_215, Outcome::Failed, "is wrong"),
            (700_027, Outcome::Failed, "upload"),
            (70002, Outcome::Failed, "app registration"),
            (7_000_229, Outcome::Unknown, "connect it first"),
            (650_051, Outcome::Unknown, "Not tried"),
        ] {
            let findings = findings("application", Some(TENANT), refused(number)).await;
            let credential = find(&findings, "Credential");
            assert_eq!(credential.outcome, outcome, "{number}");
            assert!(credential.say.contains(hint), "{}", credential.say);
        }
    }

    #[tokio::test]
    async fn what_can_not_be_known_is_said_to_be_unknown() {
        let found = findings("application", None, refused(0)).await;
        let credential = find(&found, "Credential");
        assert_eq!(credential.outcome, Outcome::Unknown);
        assert!(credential.say.contains("--tenant DOMAIN"));
        let found = findings("delegated", Some(TENANT), Json(token(&[])).into_response()).await;
        assert_eq!(find(&found, "Permissions").outcome, Outcome::Unknown);
    }

    #[tokio::test]
    async fn nobody_at_home_fails_with_what_to_look_at() {
        let environment = [
            ("TENANTRY_M365_CLIENT_ID", "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70"),
            ("TENANTRY_M365_CLIENT_SECRET", "hunter2"),
            ("TENANTRY_M365_LOGIN_URL", "http://127.0.0.1:1"),
            ("TENANTRY_M365_GRAPH_URL", "http://127.0.0.1:1"),
        ];
        let config = Config::load(None, environment).unwrap();
        let findings = run(&config, None, &[], Arc::new(StoppedClock)).await;
        for what in ["Sign-in service", "Signing keys", "Microsoft Graph"] {
            assert_eq!(find(&findings, what).outcome, Outcome::Failed, "{what}");
        }
        assert!(find(&findings, "Sign-in service").say.contains("firewall"));
    }
}
