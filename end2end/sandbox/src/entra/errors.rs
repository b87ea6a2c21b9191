//! Entra ID's errors: their numbers, words and bodies.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::clock;
use crate::random::random_uuid;

/// An error of Entra ID.
#[derive(Debug, Clone)]
pub struct AadError {
    /// The number after `AADSTS`.
    pub code: u32,
    /// The OAuth error.
    pub error: Cow<'static, str>,
    /// Of a token endpoint's answer.
    pub status: StatusCode,
    /// What follows the number.
    pub message: String,
    /// Microsoft's finer word, sometimes present.
    pub suberror: Option<Cow<'static, str>>,
}

impl AadError {
    /// The error of that number in Microsoft's usual words.
    pub fn new(code: u32) -> Self {
        let (error, message) = known(code);
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let suberror = match code {
            65001 => Some("consent_required"),
            700_082 | 700_084 | 50_173 => Some("bad_token"),
            50_076 | 50_079 | 50_074 | 50_158 => Some("basic_action"),
            53_000..=53_004 => Some("message_only"),
            _ => None,
        };
        Self { code, error: error.into(), status, message: message.into(), suberror: suberror.map(Cow::Borrowed) }
    }

    /// The same with other words.
    pub fn because(code: u32, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(code) }
    }

    /// The number and the words, in one line.
    pub fn line(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.message)
    }

    /// `error_uri` of bodies and redirects.
    pub fn uri(&self, base: &str) -> String {
        format!("{base}/error?code={}", self.code)
    }

    /// The body of a token endpoint's refusal.
    pub fn answer(&self, base: &str, now_ms: i64) -> Response {
        let trace = random_uuid();
        let correlation = random_uuid();
        let timestamp = clock::spaced(now_ms);
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "{}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {timestamp}",
                self.line()
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": self.uri(base),
        });
        if let Some(suberror) = &self.suberror {
            body["suberror"] = json!(suberror);
        }
        if self.suberror.as_deref() == Some("basic_action") {
            let claims =
                r#"{"access_token":{"polids":{"essential":true,"values":["b3c0dd7c-6d7b-4d1e-9c38-0d6f1b9d4c55"]}}}"#;
            body["claims"] = json!(claims);
        }
        (self.status, Json(body)).into_response()
    }
}

/// The OAuth error and the words for a number.
#[expect(clippy::too_many_lines, reason = "a table, one line per number")]
fn known(code: u32) -> (&'static str, &'static str) {
    match code {
        65004 => ("access_denied", "User declined to consent to access the app."),
        65001 => (
            "invalid_grant",
            "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
        ),
        65005 => (
            "invalid_resource",
            "The application needs access to a service that your organization has not subscribed to or enabled.",
        ),
        90_093..=90_095 => {
            ("access_denied", "Need admin approval. The application needs permission that only an admin can grant.")
        }
        50_020 => (
            "access_denied",
            "User account from another identity provider does not exist in this tenant and cannot access the application.",
        ),
        50_034 => ("access_denied", "The user account does not exist in this directory."),
        50_105 => (
            "access_denied",
            "Your administrator has configured the application to block users unless they are specifically granted access to it.",
        ),
        50_126 => ("invalid_grant", "Error validating credentials due to invalid username or password."),
        50_058 => ("login_required", "A silent sign-in request was sent but no user is signed in."),
        16_000 => ("interaction_required", "Select another account to sign in with."),
        700_016 => (
            "unauthorized_client",
            "Application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
        ),
        7_000_229 => ("invalid_client", "The client application is missing service principal in the tenant."),
        7_000_112 => ("unauthorized_client", "Application is disabled."),
        7_000_215 => (
            "invalid_client",
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
        ),
        7_000_222 => (
            "invalid_client",
            "The provided client secret keys for the app are expired. Create new keys for your app, or consider using certificate credentials for added security.",
        ),
        7_000_218 => (
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ),
        700_027 => (
            "invalid_client",
            "The certificate with identifier used to sign the client assertion is not registered on application, or the assertion is not valid.",
        ),
        700_025 => (
            "invalid_client",
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        ),
        70_002 => ("invalid_client", "The client credentials are not valid."),
        50_011 => (
            "invalid_request",
            "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
        ),
        50_194 => ("invalid_request", "Application is not configured as a multi-tenant application."),
        700_054 => ("unsupported_response_type", "response_type is not enabled for the application."),
        70_003 => ("unsupported_grant_type", "The app requested an unsupported grant type."),
        70_011 => ("invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
        650_053 => ("invalid_scope", "The application asked for a scope that doesn't exist on the resource."),
        650_051 => ("invalid_client", "The application is being set up in the tenant by another request. Try again."),
        70_000 => ("invalid_grant", "Provided grant is invalid or malformed."),
        70_008 => (
            "invalid_grant",
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
        ),
        700_082 => ("invalid_grant", "The refresh token has expired due to inactivity."),
        50_173 => (
            "invalid_grant",
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
        ),
        70_043 => (
            "invalid_grant",
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        ),
        50_074 | 50_076 | 50_079 => (
            "interaction_required",
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
        ),
        50_158 => ("interaction_required", "External security challenge was not satisfied."),
        53_000..=53_004 | 530_032 | 530_034 => {
            ("invalid_grant", "Access has been blocked by Conditional Access policies.")
        }
        90_002 => (
            "invalid_request",
            "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
        ),
        90_014 | 900_144 => ("invalid_request", "The required field is missing from the request."),
        90_023 => ("invalid_request", "The request is not valid: an unsupported value was given."),
        54_005 => (
            "invalid_grant",
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        ),
        501_481 => (
            "invalid_grant",
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ),
        700_005 => {
            ("invalid_grant", "Provided Authorization Code is intended to use against other tenant, thus rejected.")
        }
        9_002_326 => (
            "invalid_request",
            "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
        ),
        1_002_012 => (
            "invalid_scope",
            "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
        ),
        90_033 | 90_006 | 90_012 | 90_024 | 90_055 | 50_033 | 50_087 => {
            ("temporarily_unavailable", "A transient error has occurred. Please try again.")
        }
        50_196 => ("invalid_grant", "The server terminated an operation because it encountered a client request loop."),
        _ => ("invalid_grant", "The request was refused."),
    }
}
