//! Consent, sign-in and tokens: OAuth 2.0 as Entra ID speaks it.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use app::domain::{Access, TenantId, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::{
    Microsoft,
    errors::{Class, MicrosoftError, Refusal},
    http::{NoAnswer, retry_after, send},
    registration::Credential,
};

/// Token answers are a few kilobytes.
const TOKEN_LIMIT: usize = 1 << 20;
/// What Entra ID means when it does not say how long a token lives.
const USUAL_LIFE: Duration = Duration::from_hours(1);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whose sign-in page it is: the tenant segment in the path of Entra ID's URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authority {
    /// Any organisation's: who signs in lands in their own.
    Organizations,
    /// This tenant's: who signs in, guests included, signs in there.
    Tenant(TenantId),
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organizations => f.write_str("organizations"),
            Self::Tenant(tenant) => tenant.fmt(f),
        }
    }
}

/// A text that names no authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an authority is “organizations” or a tenant id")]
pub struct AuthorityError;

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "organizations" {
            Ok(Self::Organizations)
        } else {
            text.parse().map(Self::Tenant).map_err(|_| AuthorityError)
        }
    }
}

/// What Microsoft shall ask the person for, whatever it remembers of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Which account.
    SelectAccount,
    /// Consent, again.
    Consent,
    /// The password, again.
    Login,
}

impl Prompt {
    const fn key(self) -> &'static str {
        match self {
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::Login => "login",
        }
    }
}

/// What goes into the address of a sign-in.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// Comes back with the answer and finds the attempt.
    pub state: &'a str,
    /// Comes back inside the ID token and ties it to the attempt.
    pub nonce: &'a str,
    /// Ties the code to the attempt's verifier.
    pub challenge: PkceCodeChallenge,
    /// What the sign-in is for. With [`Access::Application`] it only proves who signed in.
    pub access: Access,
    /// What to ask the person for.
    pub prompt: Option<Prompt>,
    /// Whose sign-in it is, if that is known. Not sent with [`Prompt::SelectAccount`], which contradicts it.
    pub login_hint: Option<&'a str>,
}

/// What a sign-in yields.
#[derive(Debug)]
pub struct SignIn {
    /// For Graph, as the person.
    pub access_token: SecretString,
    /// Only with [`Access::Delegated`].
    pub refresh_token: Option<SecretString>,
    /// Who signed in, still to be verified.
    pub id_token: SecretString,
    /// What was really granted, without the resource before it.
    pub scopes: BTreeSet<String>,
    /// When the access token ends.
    pub expires_at: Timestamp,
}

/// An access token as ourselves.
#[derive(Debug)]
pub struct AppToken {
    /// For Graph.
    pub token: SecretString,
    /// When it came.
    pub issued_at: Timestamp,
    /// The application permissions that are in force, read from the token *without verifying it*: a hint which data
    /// sets can be read. Graph decides. Empty where no consent is in effect yet.
    pub roles: BTreeSet<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a refresh token yields.
#[derive(Debug)]
pub struct Refreshed {
    /// For Graph, as the person.
    pub access_token: SecretString,
    /// When it came.
    pub issued_at: Timestamp,
    /// The one to use from now on. The old one keeps working for its own time.
    pub refresh_token: Option<SecretString>,
    /// What was really granted, without the resource before it.
    pub scopes: BTreeSet<String>,
    /// When the access token ends.
    pub expires_at: Timestamp,
}

/// The ID token beside OAuth's own fields. oauth2 wants it serialisable; it is never written.
#[derive(Deserialize, Serialize)]
struct IdTokenField {
    #[serde(default, skip_serializing)]
    id_token: Option<String>,
}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField([redacted])")
    }
}

impl ExtraTokenFields for IdTokenField {}

/// What is traded for tokens.
enum Exchange {
    /// A code, and what ties it to the attempt.
    Code(SecretString, PkceCodeVerifier),
    /// A refresh token.
    Refresh(RefreshToken),
    /// Nothing but our own credential.
    Ourselves,
}

type Tokens = StandardTokenResponse<IdTokenField, BasicTokenType>;

type OauthClient = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

type TokenAnswer = BoxFuture<'static, Result<oauth2::HttpResponse, MicrosoftError>>;

impl Microsoft {
    /// Where an administrator consents for the whole tenant.
    ///
    /// What comes back from there proves nothing: anyone can forge it.
    /// <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    pub fn admin_consent_url(&self, authority: &Authority, state: &str) -> Url {
        let mut url = self.login_url(&format!("{authority}/v2.0/adminconsent"));
        url.query_pairs_mut()
            .append_pair("client_id", &self.app().client_id)
            .append_pair("redirect_uri", self.app().redirect_uri.as_str())
            .append_pair("scope", &self.hosts().scope(".default"))
            .append_pair("state", state);
        url
    }

    /// Where somebody signs in (and, with [`Access::Delegated`], consents).
    /// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
    pub fn authorize_url(&self, authority: &Authority, request: AuthorizeRequest<'_>) -> Url {
        let scopes = self.sign_in_scopes(request.access);
        self.authorize_url_for(authority, request, scopes)
    }

    /// Where somebody of a tenant shows who they are, and nothing else is asked for.
    pub fn identify_url(&self, tenant: TenantId, request: AuthorizeRequest<'_>) -> Url {
        let scopes = ["openid", "profile"].map(|name| Scope::new(name.to_owned()));
        self.authorize_url_for(&Authority::Tenant(tenant), request, scopes.into())
    }

    fn authorize_url_for(&self, authority: &Authority, request: AuthorizeRequest<'_>, scopes: Vec<Scope>) -> Url {
        let client = self.oauth_client(authority, &self.shared.credential.get());
        let state = CsrfToken::new(request.state.to_owned());
        let mut authorization = client
            .authorize_url(|| state)
            .add_scopes(scopes)
            .set_pkce_challenge(request.challenge)
            // A form post would come from another site, and browsers would not send our cookie with it.
            .add_extra_param("response_mode", "query")
            .add_extra_param("nonce", request.nonce.to_owned());
        if let Some(prompt) = request.prompt {
            authorization = authorization.add_extra_param("prompt", prompt.key());
        }
        if let Some(hint) = request.login_hint.filter(|_| request.prompt != Some(Prompt::SelectAccount)) {
            authorization = authorization.add_extra_param("login_hint", hint.to_owned());
        }
        authorization.url().0
    }

    /// Trades a code for tokens. A code works once, and only at the authority that it came from.
    pub async fn redeem(
        &self,
        authority: &Authority,
        code: SecretString,
        verifier: PkceCodeVerifier,
        access: Access,
    ) -> Result<SignIn, MicrosoftError> {
        let tokens = self.tokens(authority, &Exchange::Code(code, verifier)).await?;
        let id_token = tokens.extra_fields().id_token.clone().ok_or(MicrosoftError::Unreadable("no ID token"))?;
        let refresh_token = refresh_token(&tokens);
        if access == Access::Delegated && refresh_token.is_none() {
            return Err(MicrosoftError::Unreadable("no refresh token"));
        }
        Ok(SignIn {
            access_token: access_token(&tokens),
            refresh_token,
            id_token: id_token.into(),
            scopes: self.scopes(&tokens),
            expires_at: self.expiry(&tokens),
        })
    }

    /// A new token as ourselves. Permissions are baked into it: what changes at Microsoft shows in the next one.
    pub async fn app_token(&self, tenant: TenantId) -> Result<AppToken, MicrosoftError> {
        let tokens = self.tokens(&Authority::Tenant(tenant), &Exchange::Ourselves).await?;
        let token = access_token(&tokens);
        let issued_at = self.shared.clock.now();
        Ok(AppToken { roles: roles(&token), token, issued_at, expires_at: self.expiry(&tokens) })
    }

    /// New tokens as the person who signed in.
    pub async fn refresh(&self, tenant: TenantId, token: &SecretString) -> Result<Refreshed, MicrosoftError> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let tokens = self.tokens(&Authority::Tenant(tenant), &Exchange::Refresh(token)).await?;
        Ok(Refreshed {
            access_token: access_token(&tokens),
            issued_at: self.shared.clock.now(),
            refresh_token: refresh_token(&tokens),
            scopes: self.scopes(&tokens),
            expires_at: self.expiry(&tokens),
        })
    }

    /// Asks once more where our credential was refused and its file holds another one by now. Nothing is used up by a
    /// request whose credential is refused.
    async fn tokens(&self, authority: &Authority, exchange: &Exchange) -> Result<Tokens, MicrosoftError> {
        let current = &self.shared.credential;
        let credential = current.get();
        match self.tokens_with(authority, exchange, &credential).await {
            Err(error)
                if error.class() == Class::Platform && current.is_newer_than(&credential, self.shared.clock.now()) =>
            {
                self.tokens_with(authority, exchange, &current.get()).await
            }
            asked => asked,
        }
    }

    async fn tokens_with(
        &self,
        authority: &Authority,
        exchange: &Exchange,
        credential: &Credential,
    ) -> Result<Tokens, MicrosoftError> {
        let client = self.oauth_client(authority, credential);
        let http = self.token_endpoint();
        let assertion = self.assertion(authority, credential)?;
        let tokens = match exchange {
            Exchange::Code(code, verifier) => {
                let code = AuthorizationCode::new(code.expose_secret().to_owned());
                let verifier = PkceCodeVerifier::new(verifier.secret().clone());
                let mut request = client.exchange_code(code).set_pkce_verifier(verifier);
                for (name, value) in assertion {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Exchange::Refresh(token) => {
                let mut request =
                    client.exchange_refresh_token(token).add_scopes(self.sign_in_scopes(Access::Delegated));
                for (name, value) in assertion {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Exchange::Ourselves => {
                let scope = Scope::new(self.hosts().scope(".default"));
                let mut request = client.exchange_client_credentials().add_scope(scope);
                for (name, value) in assertion {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
        };
        tokens.map_err(unwrap_error)
    }

    fn token_url(&self, authority: &Authority) -> Url {
        self.login_url(&format!("{authority}/oauth2/v2.0/token"))
    }

    fn oauth_client(&self, authority: &Authority, credential: &Credential) -> OauthClient {
        let mut client = Client::new(ClientId::new(self.app().client_id.clone()))
            // The secret goes into the body: Microsoft's own libraries do so.
            .set_auth_type(AuthType::RequestBody)
            .set_redirect_uri(RedirectUrl::from_url(self.app().redirect_uri.clone()))
            .set_auth_uri(AuthUrl::from_url(self.login_url(&format!("{authority}/oauth2/v2.0/authorize"))))
            .set_token_uri(TokenUrl::from_url(self.token_url(authority)));
        if let Credential::Secret(secret) = credential {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        client
    }

    /// What takes the place of a secret in a token request, when we have a certificate.
    fn assertion(
        &self,
        authority: &Authority,
        credential: &Credential,
    ) -> Result<Vec<(&'static str, String)>, MicrosoftError> {
        let Credential::Certificate(certificate) = credential else { return Ok(Vec::new()) };
        let now = self.shared.clock.now();
        let assertion = certificate.assertion(&self.app().client_id, &self.token_url(authority), now)?;
        Ok(vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion.expose_secret().to_owned()),
        ])
    }

    fn sign_in_scopes(&self, access: Access) -> Vec<Scope> {
        let scopes: &[&str] = match access {
            // `User.Read` lets us ask for the signer's roles, and nothing about anybody else.
            Access::Application => &["openid", "profile"],
            Access::Delegated => &["openid", "profile", "offline_access"],
        };
        let graph = match access {
            Access::Application => "User.Read",
            Access::Delegated => ".default",
        };
        let names = scopes.iter().map(|&name| name.to_owned()).chain([self.hosts().scope(graph)]);
        names.map(Scope::new).collect()
    }

    /// What oauth2 sends with. It borrows nothing: with a borrowed client the compiler can't tell that the future may
    /// move between threads.
    fn token_endpoint(&self) -> impl Fn(oauth2::HttpRequest) -> TokenAnswer + 'static {
        let microsoft = self.clone();
        move |request| {
            let microsoft = microsoft.clone();
            Box::pin(async move { microsoft.token_request(request).await })
        }
    }

    /// Sends what oauth2 wants to send. A refusal leaves here, before oauth2 would keep its body.
    async fn token_request(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, MicrosoftError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let request = self.shared.http.request(parts.method, url).headers(parts.headers).body(body);
        let answer = send(request, TOKEN_LIMIT).await.map_err(no_answer)?;
        if answer.status != http::StatusCode::OK {
            let wait = retry_after(&answer.headers, self.shared.clock.now());
            return Err(MicrosoftError::Refused(Refusal::from_answer(answer.status, &answer.body, wait)));
        }
        let mut response = oauth2::HttpResponse::new(answer.body);
        if let Some(kind) = answer.headers.get(CONTENT_TYPE) {
            response.headers_mut().insert(CONTENT_TYPE, kind.clone());
        }
        Ok(response)
    }

    fn scopes(&self, tokens: &Tokens) -> BTreeSet<String> {
        let scopes = tokens.scopes().map(Vec::as_slice).unwrap_or_default();
        scopes
            .iter()
            .map(|scope| self.hosts().short_scope(scope).to_owned())
            .filter(|scope| !scope.is_empty())
            .collect()
    }

    fn expiry(&self, tokens: &Tokens) -> Timestamp {
        self.shared.clock.now().plus(tokens.expires_in().unwrap_or(USUAL_LIFE))
    }
}

pub(super) fn no_answer(reason: NoAnswer) -> MicrosoftError {
    match reason {
        NoAnswer::Network(error) | NoAnswer::Cut(error) => MicrosoftError::Unreachable(error),
        NoAnswer::TooLarge => MicrosoftError::Unreadable("too large"),
    }
}

/// oauth2's own errors hold bodies, which may hold tokens: only ours get through.
fn unwrap_error(error: RequestTokenError<MicrosoftError, BasicErrorResponse>) -> MicrosoftError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(_) => MicrosoftError::Unreadable("an error with status 200"),
        RequestTokenError::Parse(..) => MicrosoftError::Unreadable("not a token response"),
        RequestTokenError::Other(_) => MicrosoftError::Unreadable("not JSON"),
    }
}

fn access_token(tokens: &Tokens) -> SecretString {
    AccessToken::secret(tokens.access_token()).clone().into()
}

fn refresh_token(tokens: &Tokens) -> Option<SecretString> {
    tokens.refresh_token().map(|token| token.secret().clone().into())
}

/// Microsoft calls access tokens opaque to us; should they become so, no role is seen here, and Graph still decides.
fn roles(token: &SecretString) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        roles: BTreeSet<String>,
    }
    let payload = token.expose_secret().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|json| serde_json::from_slice::<Payload>(&json).ok()).map(|p| p.roles).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::{
        collections::HashMap,
        sync::{Arc, Mutex},
    };

    use app::domain::{AttemptFailure, schedule::Round};
    use axum::{
        Form, Json, Router,
        extract::State,
        http::HeaderMap,
        response::{IntoResponse, Response},
        routing::post,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::microsoft::{
        ClientCertificate,
        testing::{CLIENT_ID, NOW, RSA, SECRET, client, serve, served},
    };

    const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";

    fn microsoft() -> Microsoft {
        client("https://login.microsoftonline.com", Credential::Secret(SECRET.into()))
    }

    fn query(url: &Url) -> HashMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    fn request(access: Access, prompt: Option<Prompt>) -> (AuthorizeRequest<'static>, PkceCodeVerifier) {
        let verifier = PkceCodeVerifier::new("v".repeat(43));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let hint = Some("admin@contoso.com");
        (AuthorizeRequest { state: "s&t", nonce: "n", challenge, access, prompt, login_hint: hint }, verifier)
    }

    #[test]
    fn consent_is_asked_for_as_microsoft_documents_it() {
        let url = microsoft().admin_consent_url(&Authority::Organizations, "s&t");
        assert_eq!(url.path(), "/organizations/v2.0/adminconsent");
        let expected = [
            ("client_id", CLIENT_ID),
            ("redirect_uri", "http://localhost:8080/connect/callback"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("state", "s&t"),
        ];
        assert_eq!(query(&url), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_sign_in_is_asked_for_as_microsoft_documents_it() {
        let tenant = Authority::Tenant(TENANT.parse().unwrap());
        let (request, _) = request(Access::Application, None);
        let url = microsoft().authorize_url(&tenant, request);
        assert_eq!(url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
        let query = query(&url);
        for (name, value) in [
            ("response_type", "code"),
            ("response_mode", "query"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", "http://localhost:8080/connect/callback"),
            ("scope", "openid profile https://graph.microsoft.com/User.Read"),
            ("state", "s&t"),
            ("nonce", "n"),
            ("code_challenge_method", "S256"),
            ("login_hint", "admin@contoso.com"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(query["code_challenge"].len(), 43);
        assert!(!query.contains_key("prompt"));
    }

    #[test]
    fn delegated_access_asks_for_everything_at_once_and_a_choice_of_account_takes_no_hint() {
        let (request, _) = request(Access::Delegated, Some(Prompt::SelectAccount));
        let query = query(&microsoft().authorize_url(&Authority::Organizations, request));
        assert_eq!(query["scope"], "openid profile offline_access https://graph.microsoft.com/.default");
        assert_eq!(query["prompt"], "select_account");
        assert!(!query.contains_key("login_hint"));
    }

    #[test]
    fn an_authority_survives_the_database() {
        for authority in [Authority::Organizations, Authority::Tenant(TENANT.parse().unwrap())] {
            assert_eq!(authority.to_string().parse(), Ok(authority));
        }
        assert_eq!("common".parse::<Authority>(), Err(AuthorityError));
    }

    #[derive(Clone, Default)]
    struct Endpoint {
        asked: Arc<Mutex<Vec<HashMap<String, String>>>>,
    }

    async fn token(
        State(endpoint): State<Endpoint>,
        headers: HeaderMap,
        Form(form): Form<HashMap<String, String>>,
    ) -> Json<Value> {
        assert!(!headers.contains_key("origin") && !headers.contains_key("authorization"));
        assert_eq!(headers["user-agent"], concat!("Tenantry/", env!("CARGO_PKG_VERSION")));
        let payload = URL_SAFE_NO_PAD.encode(json!({"roles": ["User.Read.All", "Domain.Read.All"]}).to_string());
        let mut body = json!({
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": format!("e30.{payload}.sig"),
        });
        if form["grant_type"] != "client_credentials" {
            body["scope"] = "openid https://graph.microsoft.com/User.Read.All Domain.Read.All".into();
            body["id_token"] = "the.id.token".into();
            body["refresh_token"] = "the-refresh-token".into();
        }
        endpoint.asked.lock().unwrap().push(form);
        Json(body)
    }

    fn endpoint() -> (Router, Endpoint) {
        let endpoint = Endpoint::default();
        (
            Router::new().route(&format!("/{TENANT}/oauth2/v2.0/token"), post(token)).with_state(endpoint.clone()),
            endpoint,
        )
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[tokio::test]
    async fn a_code_is_traded_for_tokens_with_secret_and_verifier() {
        let (router, endpoint) = endpoint();
        let (microsoft, _) = served(router).await;
        let (_, verifier) = request(Access::Delegated, None);
        let tenant = Authority::Tenant(TENANT.parse().unwrap());
        let redeemed = microsoft.redeem(&tenant, "the-code".into(), verifier, Access::Delegated).await.unwrap();
        assert_eq!(redeemed.id_token.expose_secret(), "the.id.token");
        assert_eq!(redeemed.refresh_token.as_ref().unwrap().expose_secret(), "the-refresh-token");
        assert_eq!(redeemed.scopes, set(&["Domain.Read.All", "User.Read.All", "openid"]));
        assert_eq!(redeemed.expires_at, NOW.plus(Duration::from_secs(3_599)));
        let debug = format!("{redeemed:?}");
        assert!(!debug.contains("the-refresh") && !debug.contains("the.id") && !debug.contains("e30."), "{debug}");
        let form = endpoint.asked.lock().unwrap().pop().unwrap();
        for (name, value) in [
            ("grant_type", "authorization_code"),
            ("code", "the-code"),
            ("code_verifier", &"v".repeat(43)),
            ("client_id", CLIENT_ID),
            ("client_secret", SECRET),
            ("redirect_uri", "http://localhost:8080/connect/callback"),
        ] {
            assert_eq!(form[name], value, "{name}");
        }
    }

    #[tokio::test]
    async fn an_app_token_shows_the_permissions_in_force() {
        let (router, endpoint) = endpoint();
        let (microsoft, _) = served(router).await;
        let token = microsoft.app_token(TENANT.parse().unwrap()).await.unwrap();
        assert_eq!(token.roles, set(&["Domain.Read.All", "User.Read.All"]));
        let form = endpoint.asked.lock().unwrap().pop().unwrap();
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["scope"], "https://graph.microsoft.com/.default");
    }

    #[tokio::test]
    async fn a_certificate_takes_the_place_of_the_secret() {
        let (router, endpoint) = endpoint();
        let certificate = ClientCertificate::from_pem(&RSA.into()).unwrap();
        let microsoft = client(&serve(router).await, Credential::Certificate(certificate));
        let refreshed = microsoft.refresh(TENANT.parse().unwrap(), &"old".into()).await.unwrap();
        assert_eq!(refreshed.refresh_token.unwrap().expose_secret(), "the-refresh-token");
        let form = endpoint.asked.lock().unwrap().pop().unwrap();
        assert_eq!(form["grant_type"], "refresh_token");
        assert_eq!(form["refresh_token"], "old");
        assert_eq!(form["client_assertion_type"], ASSERTION_TYPE);
        assert_eq!(form["client_assertion"].split('.').count(), 3);
        assert!(!form.contains_key("client_secret"));
    }

    async fn error_of(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> MicrosoftError {
        let (microsoft, _) = served(Router::new().fallback(move || std::future::ready(answer()))).await;
        microsoft.app_token(TENANT.parse().unwrap()).await.unwrap_err()
    }

    #[tokio::test]
    async fn refusals_carry_what_follows_from_them_and_no_text_of_microsofts() {
        const EXPIRED: &str = include_str!("../../tests/fixtures/graph/token-error-700082.json");
        let error = error_of(|| (http::StatusCode::BAD_REQUEST, EXPIRED).into_response()).await;
        assert!(matches!(error.as_round(), Round::NoGrant(_)));
        assert!(!format!("{error} {error:?}").contains("inactivity"));
        let error = error_of(|| (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "17")]).into_response()).await;
        assert_eq!(error.as_round(), Round::Unavailable { retry_after: Some(Duration::from_secs(17)) });
    }

    #[tokio::test]
    async fn answers_that_make_no_sense_are_unreadable_and_do_not_leak() {
        for body in ["", "{}", r#"{"access_token":"leaked"}"#, "<html>leaked"] {
            let error = error_of(move || ([(CONTENT_TYPE, "application/json")], body).into_response()).await;
            assert!(matches!(error, MicrosoftError::Unreadable(_)), "{body}");
            assert!(!format!("{error} {error:?} {}", error.details()).contains("leaked"));
            assert_eq!(error.as_attempt_failure(), AttemptFailure::MicrosoftUnavailable);
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let error = error_of(|| axum::response::Redirect::temporary("/elsewhere").into_response()).await;
        assert!(matches!(error, MicrosoftError::Refused(refusal) if refusal.status == Some(307)));
    }

    #[test]
    fn the_futures_can_move_between_threads() {
        fn send<T: Send>(_: T) {}
        let microsoft = microsoft();
        send(microsoft.app_token(TENANT.parse().unwrap()));
        send(microsoft.refresh(TENANT.parse().unwrap(), &"t".into()));
        let (_, verifier) = request(Access::Delegated, None);
        send(microsoft.redeem(&Authority::Organizations, "c".into(), verifier, Access::Delegated));
    }
}
