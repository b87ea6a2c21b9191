//! The catalogue of what Entra ID refuses with, and what follows from each refusal.

use std::time::Duration;

use app::domain::{AttemptFailure, PlatformFault, ReconnectReason, schedule::Round};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::registration::SigningError;

/// What a refusal means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// This company has to be connected anew.
    Reconnect(ReconnectReason),
    /// Our own app registration is broken. It hits all companies, and is no company's fault.
    Platform,
    /// It passes by itself.
    Transient,
    /// The person who signed in can try again.
    Person(PersonCause),
    /// The client's administrator has to change something; then the company has to be connected anew.
    TheirAdmin(ReconnectReason),
}

/// What the person who signed in did, or could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonCause {
    /// Pressed Cancel on the consent page.
    Declined,
    /// May not consent for the organisation.
    NotAdministrator,
    /// The account does not belong there.
    AccountRefused,
    /// The sign-in was used before, mixed up with another, or took too long.
    StartAgain,
    /// Something that we have no words for.
    Other,
}

/// An AADSTS number that we know.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The number.
    pub number: u32,
    /// The values of `error` that it refines; any, if there are none. Under another one it is not believed: Microsoft
    /// may change numbers, and an `invalid_client` must not end a company's connection by accident.
    pub errors: &'static [&'static str],
    /// What it means.
    pub class: Class,
}

const fn entry(number: u32, errors: &'static [&'static str], class: Class) -> Entry {
    Entry { number, errors, class }
}

const ANY: &[&str] = &[];
const DECLINED: &[&str] = &["access_denied", "consent_required", "permission_denied"];
const DENIED: &[&str] = &["access_denied", "invalid_grant", "invalid_request", "interaction_required"];
const CLIENT: &[&str] = &["invalid_client"];
const TENANTS_CLIENT: &[&str] = &["unauthorized_client", "invalid_client"];
const REQUEST: &[&str] =
    &["invalid_request", "invalid_scope", "invalid_client", "unauthorized_client", "invalid_resource"];
const GRANT: &[&str] = &["invalid_grant"];
const CONSENT: &[&str] = &["invalid_grant", "consent_required", "interaction_required", "access_denied"];
const PROOF: &[&str] = &["invalid_grant", "interaction_required", "login_required", "access_denied"];
const TENANT: &[&str] = &["invalid_request", "invalid_tenant", "invalid_grant"];

/// Every number that we know.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
pub const CATALOGUE: &[Entry] = &[
    // The person at the popup.
    entry(65004, DECLINED, Class::Person(PersonCause::Declined)),
    entry(90093, DENIED, Class::Person(PersonCause::NotAdministrator)),
    entry(90094, DENIED, Class::Person(PersonCause::NotAdministrator)),
    entry(90095, DENIED, Class::Person(PersonCause::NotAdministrator)),
    entry(16000, DENIED, Class::Person(PersonCause::AccountRefused)),
    entry(50014, DENIED, Class::Person(PersonCause::AccountRefused)),
    entry(50020, DENIED, Class::Person(PersonCause::AccountRefused)),
    entry(50034, DENIED, Class::Person(PersonCause::AccountRefused)),
    entry(54005, GRANT, Class::Person(PersonCause::StartAgain)),
    entry(501_481, GRANT, Class::Person(PersonCause::StartAgain)),
    entry(700_005, GRANT, Class::Person(PersonCause::StartAgain)),
    // The grant is gone.
    entry(65001, CONSENT, Class::Reconnect(ReconnectReason::ConsentRemoved)),
    entry(700_016, TENANTS_CLIENT, Class::Reconnect(ReconnectReason::AppRemoved)),
    entry(7_000_229, TENANTS_CLIENT, Class::Reconnect(ReconnectReason::AppRemoved)),
    entry(70000, GRANT, Class::Reconnect(ReconnectReason::SignInExpired)),
    entry(70008, GRANT, Class::Reconnect(ReconnectReason::SignInExpired)),
    entry(700_082, GRANT, Class::Reconnect(ReconnectReason::SignInExpired)),
    // The tenant's sign-in frequency policy. Application access does not suffer from it.
    entry(70043, GRANT, Class::Reconnect(ReconnectReason::SignInExpired)),
    entry(50089, GRANT, Class::Reconnect(ReconnectReason::SessionsRevoked)),
    entry(50132, GRANT, Class::Reconnect(ReconnectReason::SessionsRevoked)),
    entry(50133, GRANT, Class::Reconnect(ReconnectReason::SessionsRevoked)),
    entry(50173, GRANT, Class::Reconnect(ReconnectReason::SessionsRevoked)),
    entry(50072, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    entry(50074, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    entry(50076, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    entry(50078, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    entry(50079, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    entry(50158, PROOF, Class::Reconnect(ReconnectReason::MoreProofNeeded)),
    // Something in the client's tenant stands in the way.
    entry(7_000_112, TENANTS_CLIENT, Class::TheirAdmin(ReconnectReason::AppDisabled)),
    entry(50105, DENIED, Class::TheirAdmin(ReconnectReason::AppDisabled)),
    entry(53000, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(53001, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(53002, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(53003, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(53004, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(530_032, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(530_034, PROOF, Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
    entry(90002, TENANT, Class::TheirAdmin(ReconnectReason::TenantGone)),
    entry(90038, TENANT, Class::TheirAdmin(ReconnectReason::TenantGone)),
    entry(5_000_224, TENANT, Class::TheirAdmin(ReconnectReason::TenantGone)),
    // Our app registration.
    entry(70002, CLIENT, Class::Platform),
    entry(700_025, CLIENT, Class::Platform),
    entry(700_027, CLIENT, Class::Platform),
    entry(7_000_215, CLIENT, Class::Platform),
    entry(7_000_218, CLIENT, Class::Platform),
    entry(7_000_222, CLIENT, Class::Platform),
    entry(50011, REQUEST, Class::Platform),
    entry(50194, REQUEST, Class::Platform),
    entry(65005, REQUEST, Class::Platform),
    entry(70011, REQUEST, Class::Platform),
    entry(700_054, REQUEST, Class::Platform),
    // It passes by itself.
    entry(50033, ANY, Class::Transient),
    entry(50087, ANY, Class::Transient),
    // A client that asks too often in a loop. Microsoft wants a long pause.
    entry(50196, ANY, Class::Transient),
    // The app is still being set up in the tenant: seconds after consent.
    entry(650_051, ANY, Class::Transient),
    entry(90006, ANY, Class::Transient),
    entry(90012, ANY, Class::Transient),
    entry(90024, ANY, Class::Transient),
    entry(90033, ANY, Class::Transient),
    entry(90055, ANY, Class::Transient),
];

/// How long to stay away after AADSTS50196.
const LOOP_DETECTED_WAIT: Duration = Duration::from_mins(30);

/// Decides on `error` and `suberror`; the number refines.
fn classify(error: &str, suberror: Option<&str>, number: Option<u32>) -> Class {
    if matches!(error, "server_error" | "temporarily_unavailable" | "slow_down") {
        return Class::Transient;
    }
    let known = number.and_then(|number| CATALOGUE.iter().find(|entry| entry.number == number));
    if let Some(entry) = known
        && (entry.errors.is_empty() || entry.errors.contains(&error))
    {
        return entry.class;
    }
    match (error, suberror) {
        (_, Some("consent_required")) | ("consent_required", _) => Class::Reconnect(ReconnectReason::ConsentRemoved),
        ("invalid_grant" | "interaction_required", Some("bad_token" | "token_expired")) => {
            Class::Reconnect(ReconnectReason::SignInExpired)
        }
        ("invalid_grant" | "interaction_required", Some("basic_action" | "additional_action")) => {
            Class::Reconnect(ReconnectReason::MoreProofNeeded)
        }
        ("invalid_grant" | "interaction_required", Some("message_only" | "protection_policy_required")) => {
            Class::TheirAdmin(ReconnectReason::BlockedByPolicy)
        }
        ("invalid_grant" | "interaction_required", Some("user_password_expired")) => {
            Class::Reconnect(ReconnectReason::SessionsRevoked)
        }
        ("interaction_required" | "login_required", _) => Class::Reconnect(ReconnectReason::MoreProofNeeded),
        ("invalid_grant" | "unauthorized_client", _) => Class::Reconnect(ReconnectReason::Refused),
        ("permission_denied", _) | ("access_denied", Some("cancel")) => Class::Person(PersonCause::Declined),
        // Without a number it is what OAuth says it is: the person said no.
        ("access_denied", _) if number.is_none() => Class::Person(PersonCause::Declined),
        ("access_denied", _) => Class::Person(PersonCause::Other),
        ("invalid_tenant", _) => Class::TheirAdmin(ReconnectReason::TenantGone),
        (
            "invalid_client"
            | "invalid_request"
            | "invalid_scope"
            | "invalid_resource"
            | "unsupported_grant_type"
            | "unsupported_response_type",
            _,
        ) => Class::Platform,
        // Marks no company, stops nothing, and is tried again ever more slowly.
        _ => Class::Transient,
    }
}

/// What Entra ID refused with: enough to act on and to find it in Microsoft's logs. Its texts are not kept, because
/// they repeat what they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What follows from it.
    pub class: Class,
    /// The HTTP status; none for a refusal that came with a redirect.
    pub status: Option<u16>,
    /// OAuth's `error`, such as `invalid_grant`.
    pub error: String,
    /// The number after `AADSTS`.
    pub number: Option<u32>,
    /// Microsoft's name for the request.
    pub trace_id: Option<String>,
    /// Microsoft's name for the whole sign-in.
    pub correlation_id: Option<String>,
    /// How long Microsoft asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads the body of an answer that is no success. One that can't be read is judged by its status.
    pub(super) fn from_answer(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Self {
        let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let description = body.error_description.as_deref().unwrap_or_default();
        let number = body.error_codes.get(0).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let number = number.or_else(|| aadsts_number(description));
        let error = word(body.error.as_deref().unwrap_or_default());
        let transient = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || error.is_empty();
        let class = if transient { Class::Transient } else { classify(&error, body.suberror.as_deref(), number) };
        let retry_after = retry_after.or((number == Some(50196)).then_some(LOOP_DETECTED_WAIT));
        Self {
            class,
            status: Some(status.as_u16()),
            error,
            number,
            trace_id: body.trace_id.as_deref().and_then(id).or_else(|| id_after(description, "Trace ID:")),
            correlation_id: body
                .correlation_id
                .as_deref()
                .and_then(id)
                .or_else(|| id_after(description, "Correlation ID:")),
            retry_after,
        }
    }

    /// Reads the query of a redirect that Microsoft sent somebody back with, if it tells of a refusal.
    ///
    /// Anyone can forge such a redirect: it may end an attempt, and nothing more.
    pub fn from_callback<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let (mut error, mut suberror, mut description) = (None, None, "");
        for (name, value) in query {
            match name {
                "error" => error = Some(word(value)),
                "error_subcode" | "suberror" => suberror = Some(value),
                "error_description" => description = value,
                _ => {}
            }
        }
        let error = error?;
        let number = aadsts_number(description);
        let class = match classify(&error, suberror, number) {
            // In a browser, consent that is wanted and was not given has been declined.
            Class::Reconnect(ReconnectReason::ConsentRemoved) => Class::Person(PersonCause::Declined),
            // Nothing was tried that could pass by itself; the word is simply unknown.
            Class::Transient if !known_to_pass(&error, number) => Class::Person(PersonCause::Other),
            class => class,
        };
        Some(Self {
            class,
            status: None,
            error,
            number,
            trace_id: id_after(description, "Trace ID:"),
            correlation_id: id_after(description, "Correlation ID:"),
            retry_after: None,
        })
    }

    /// What it means to the person at the popup.
    pub fn as_attempt_failure(&self) -> AttemptFailure {
        match self.class {
            Class::Person(PersonCause::Declined) | Class::Reconnect(ReconnectReason::ConsentRemoved) => {
                AttemptFailure::Declined
            }
            // Microsoft does not say which account it was.
            Class::Person(PersonCause::NotAdministrator) => {
                AttemptFailure::NotAdministrator { account: "This account".to_owned() }
            }
            Class::Person(PersonCause::AccountRefused) => AttemptFailure::AccountRefused,
            Class::Person(PersonCause::StartAgain) | Class::Reconnect(ReconnectReason::SignInExpired) => {
                AttemptFailure::Mismatch
            }
            // Nobody has been connected yet: an app that Microsoft can't find is one that is wrongly registered.
            Class::Platform | Class::Reconnect(ReconnectReason::AppRemoved) => AttemptFailure::AppRegistration,
            Class::Transient => AttemptFailure::MicrosoftUnavailable,
            Class::Reconnect(ReconnectReason::MoreProofNeeded) => AttemptFailure::MoreProofNeeded,
            Class::Reconnect(ReconnectReason::BlockedByPolicy | ReconnectReason::AppDisabled)
            | Class::TheirAdmin(ReconnectReason::BlockedByPolicy | ReconnectReason::AppDisabled) => {
                AttemptFailure::TenantPolicy
            }
            Class::Person(PersonCause::Other) | Class::Reconnect(_) | Class::TheirAdmin(_) => AttemptFailure::Other,
        }
    }

    /// What it means to a round of reading a tenant.
    pub fn as_round(&self) -> Round {
        match self.class {
            Class::Reconnect(reason) | Class::TheirAdmin(reason) => Round::NoGrant(reason),
            Class::Platform => Round::AppRegistration,
            Class::Transient => Round::Unavailable { retry_after: self.retry_after },
            Class::Person(PersonCause::Declined) => Round::NoGrant(ReconnectReason::ConsentRemoved),
            Class::Person(PersonCause::StartAgain) => Round::NoGrant(ReconnectReason::SignInExpired),
            Class::Person(_) => Round::NoGrant(ReconnectReason::Refused),
        }
    }

    /// What is wrong with our own app registration, if that is what it says.
    pub fn platform_fault(&self) -> Option<PlatformFault> {
        let is_clients = self.error == "invalid_client";
        (self.class == Class::Platform).then_some(match self.number {
            Some(7_000_222) if is_clients => PlatformFault::SecretExpired,
            Some(7_000_215 | 7_000_218) if is_clients => PlatformFault::SecretWrong,
            Some(700_027) if is_clients => PlatformFault::CertificateRefused,
            Some(70002 | 700_025) if is_clients => PlatformFault::CredentialRefused,
            _ => PlatformFault::Settings,
        })
    }

    /// One line for support, such as `invalid_grant AADSTS700082, trace id …, correlation id …`.
    pub fn details(&self) -> String {
        let mut details = match (&*self.error, self.status) {
            ("", Some(status)) => format!("HTTP {status}"),
            (error, _) => error.to_owned(),
        };
        if let Some(number) = self.number {
            details.extend([" AADSTS", &number.to_string()]);
        }
        for (name, id) in [("trace id", &self.trace_id), ("correlation id", &self.correlation_id)] {
            if let Some(id) = id {
                details.extend([", ", name, " ", id]);
            }
        }
        details
    }
}

/// Why Entra ID gave us no token, or no answer that can be used. Never holds a token, a secret, a code or a body.
#[derive(Debug, Error)]
pub enum MicrosoftError {
    /// No answer.
    #[error("Microsoft could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that says no.
    #[error("Microsoft refused: {}", .0.details())]
    Refused(Refusal),
    /// A success that we do not understand; what is wrong with it.
    #[error("Microsoft's answer can't be read: {0}")]
    Unreadable(&'static str),
    /// Our own certificate can't prove who we are.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl MicrosoftError {
    /// What follows from it.
    pub const fn class(&self) -> Class {
        match self {
            Self::Refused(refusal) => refusal.class,
            Self::Unreachable(_) | Self::Unreadable(_) => Class::Transient,
            Self::Signing(_) => Class::Platform,
        }
    }

    /// What is wrong with our own app registration, if that is what it says.
    pub fn platform_fault(&self) -> Option<PlatformFault> {
        match self {
            Self::Refused(refusal) => refusal.platform_fault(),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
            Self::Signing(_) => Some(PlatformFault::KeyUnusable),
        }
    }

    /// How long Microsoft asks to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// What it means to the person at the popup.
    pub fn as_attempt_failure(&self) -> AttemptFailure {
        match self {
            Self::Refused(refusal) => refusal.as_attempt_failure(),
            Self::Unreachable(_) | Self::Unreadable(_) => AttemptFailure::MicrosoftUnavailable,
            Self::Signing(_) => AttemptFailure::AppRegistration,
        }
    }

    /// What it means to a round of reading a tenant.
    pub fn as_round(&self) -> Round {
        match self {
            Self::Refused(refusal) => refusal.as_round(),
            Self::Unreachable(_) | Self::Unreadable(_) => Round::Unavailable { retry_after: None },
            Self::Signing(_) => Round::AppRegistration,
        }
    }

    /// One line for support.
    pub fn details(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.details(),
            Self::Unreachable(error) if error.is_timeout() => "no answer in time".to_owned(),
            Self::Unreachable(error) if error.is_connect() => "no connection".to_owned(),
            Self::Unreachable(_) => "the connection was lost".to_owned(),
            Self::Unreadable(what) => format!("unreadable answer: {what}"),
            Self::Signing(error) => error.to_string(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: Option<String>,
    suberror: Option<String>,
    error_description: Option<String>,
    error_codes: Value,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

fn known_to_pass(error: &str, number: Option<u32>) -> bool {
    matches!(error, "server_error" | "temporarily_unavailable" | "slow_down")
        || number.is_some_and(|number| {
            CATALOGUE.iter().any(|entry| entry.number == number && entry.class == Class::Transient)
        })
}

/// The number in a text such as `AADSTS65004: The resource owner …`.
fn aadsts_number(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// The id on the line that begins so.
fn id_after(description: &str, label: &str) -> Option<String> {
    let (_, rest) = description.split_once(label)?;
    id(rest.lines().next()?.trim().split(' ').next()?)
}

/// Ids are GUIDs. Anything else is not repeated.
pub(super) fn id(text: &str) -> Option<String> {
    uuid::Uuid::parse_str(text.trim()).ok().map(|id| id.to_string())
}

/// Error codes are short words. Anything else is not repeated.
pub(super) fn word(text: &str) -> String {
    let is_word =
        text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_word { text.to_owned() } else { "unknown".to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    const EXPIRED: &str = include_str!("../../tests/fixtures/graph/token-error-700082.json");

    fn refuse(error: &str, number: u32) -> Refusal {
        let body = format!(r#"{{"error":"{error}","error_codes":[{number}]}}"#);
        Refusal::from_answer(StatusCode::BAD_REQUEST, body.as_bytes(), None)
    }

    fn callback(error: &str, description: &str) -> Refusal {
        let query = [("error", error), ("error_description", description), ("state", "s")];
        Refusal::from_callback(query).unwrap()
    }

    #[test]
    fn every_number_has_its_class() {
        use Class::{Person, Platform, Reconnect, TheirAdmin, Transient};
        use PersonCause::{AccountRefused, Declined, NotAdministrator, StartAgain};
        use ReconnectReason::{
            AppDisabled, AppRemoved, BlockedByPolicy, ConsentRemoved, MoreProofNeeded, SessionsRevoked, SignInExpired,
            TenantGone,
        };
        let table: [(&str, &[u32], Class); 24] = [
            ("access_denied", &[65004], Person(Declined)),
            ("consent_required", &[65004], Person(Declined)),
            ("permission_denied", &[65004], Person(Declined)),
            ("access_denied", &[90094, 90093, 90095], Person(NotAdministrator)),
            ("access_denied", &[50020, 50034, 16000, 50014], Person(AccountRefused)),
            ("invalid_grant", &[65001], Reconnect(ConsentRemoved)),
            ("consent_required", &[65001], Reconnect(ConsentRemoved)),
            ("unauthorized_client", &[700_016], Reconnect(AppRemoved)),
            ("invalid_client", &[7_000_229], Reconnect(AppRemoved)),
            ("unauthorized_client", &[7_000_112], TheirAdmin(AppDisabled)),
            ("access_denied", &[50105], TheirAdmin(AppDisabled)),
            ("invalid_client", &[7_000_215, 70002, 7_000_222, 700_027, 7_000_218, 700_025], Platform),
            ("invalid_request", &[50011, 50194, 700_054], Platform),
            ("invalid_scope", &[70011, 65005], Platform),
            ("invalid_grant", &[70000, 70008, 700_082], Reconnect(SignInExpired)),
            ("invalid_grant", &[50173, 50132, 50133, 50089], Reconnect(SessionsRevoked)),
            ("invalid_grant", &[70043], Reconnect(SignInExpired)),
            ("invalid_grant", &[50076, 50079, 50074, 50072, 50078, 50158], Reconnect(MoreProofNeeded)),
            ("interaction_required", &[50076, 50079, 50074, 50072, 50078, 50158], Reconnect(MoreProofNeeded)),
            ("invalid_grant", &[53000, 53001, 53002, 53003, 53004, 530_032, 530_034], TheirAdmin(BlockedByPolicy)),
            ("invalid_request", &[90002, 90038, 5_000_224], TheirAdmin(TenantGone)),
            ("invalid_grant", &[90033, 90006, 90012, 90024, 90055, 50033, 50087, 50196], Transient),
            ("invalid_client", &[650_051], Transient),
            ("invalid_grant", &[54005, 501_481, 700_005], Person(StartAgain)),
        ];
        for (error, numbers, class) in table {
            for &number in numbers {
                assert_eq!(refuse(error, number).class, class, "{error} {number}");
            }
        }
        let tested: Vec<u32> = table.iter().flat_map(|(_, numbers, _)| numbers.iter().copied()).collect();
        for entry in CATALOGUE {
            assert!(tested.contains(&entry.number), "{} is in the catalogue only", entry.number);
        }
    }

    #[test]
    fn a_number_is_not_believed_against_the_error() {
        assert_eq!(refuse("invalid_client", 700_082).class, Class::Platform);
        assert_eq!(refuse("invalid_grant", 7_000_222).class, Class::Reconnect(ReconnectReason::Refused));
        assert_eq!(refuse("temporarily_unavailable", 65001).class, Class::Transient);
    }

    #[test]
    fn unknown_numbers_fall_to_a_class_that_does_no_harm() {
        for (error, class) in [
            ("invalid_client", Class::Platform),
            ("invalid_request", Class::Platform),
            ("invalid_grant", Class::Reconnect(ReconnectReason::Refused)),
            ("interaction_required", Class::Reconnect(ReconnectReason::MoreProofNeeded)),
            ("access_denied", Class::Person(PersonCause::Other)),
            ("server_error", Class::Transient),
            ("a_word_of_next_year", Class::Transient),
        ] {
            assert_eq!(refuse(error, 123_456).class, class, "{error}");
        }
    }

    #[test]
    fn a_fault_of_ours_is_named_and_is_certain_only_where_it_is_about_the_credential() {
        for (error, number, fault) in [
            ("invalid_client", 7_000_222, Some(PlatformFault::SecretExpired)),
            ("invalid_client", 7_000_215, Some(PlatformFault::SecretWrong)),
            ("invalid_client", 7_000_218, Some(PlatformFault::SecretWrong)),
            ("invalid_client", 700_027, Some(PlatformFault::CertificateRefused)),
            ("invalid_client", 70002, Some(PlatformFault::CredentialRefused)),
            ("invalid_client", 123_456, Some(PlatformFault::Settings)),
            ("invalid_request", 50194, Some(PlatformFault::Settings)),
            ("invalid_request", 7_000_222, Some(PlatformFault::Settings)),
            ("invalid_client", 7_000_229, None),
            ("invalid_grant", 65001, None),
        ] {
            assert_eq!(refuse(error, number).platform_fault(), fault, "{error} {number}");
        }
        assert_eq!(MicrosoftError::Signing(SigningError).platform_fault(), Some(PlatformFault::KeyUnusable));
    }

    #[test]
    fn the_suberror_decides_where_the_number_is_unknown() {
        for (suberror, class) in [
            ("bad_token", Class::Reconnect(ReconnectReason::SignInExpired)),
            ("consent_required", Class::Reconnect(ReconnectReason::ConsentRemoved)),
            ("basic_action", Class::Reconnect(ReconnectReason::MoreProofNeeded)),
            ("message_only", Class::TheirAdmin(ReconnectReason::BlockedByPolicy)),
        ] {
            let body = format!(r#"{{"error":"invalid_grant","suberror":"{suberror}"}}"#);
            assert_eq!(Refusal::from_answer(StatusCode::BAD_REQUEST, body.as_bytes(), None).class, class);
        }
    }

    #[test]
    fn a_busy_or_broken_server_is_transient_whatever_it_says() {
        for status in
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE]
        {
            let wait = Some(Duration::from_secs(7));
            let refusal = Refusal::from_answer(status, EXPIRED.as_bytes(), wait);
            assert_eq!(refusal.as_round(), Round::Unavailable { retry_after: wait });
            assert_eq!(Refusal::from_answer(status, b"<html>", None).class, Class::Transient);
        }
        let looping = refuse("invalid_grant", 50196);
        assert_eq!(looping.as_round(), Round::Unavailable { retry_after: Some(LOOP_DETECTED_WAIT) });
    }

    #[test]
    fn of_a_refusal_only_names_and_numbers_are_kept() {
        let refusal = Refusal::from_answer(StatusCode::BAD_REQUEST, EXPIRED.as_bytes(), None);
        assert_eq!(
            refusal.details(),
            "invalid_grant AADSTS700082, trace id 255d1aef-8c98-452f-ac51-23d051240864, correlation id \
             fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7"
        );
        let echo = r#"{"error":"0.AAAsecret token","trace_id":"secret","error_description":"AADSTS7: secret"}"#;
        let refusal = Refusal::from_answer(StatusCode::BAD_REQUEST, echo.as_bytes(), None);
        assert_eq!(refusal.details(), "unknown AADSTS7");
        assert!(!format!("{refusal:?}").contains("secret"));
    }

    #[test]
    fn a_callback_tells_why() {
        let declined = "AADSTS65004: User declined to consent to access the app.\r\n\
                        Trace ID: 255d1aef-8c98-452f-ac51-23d051240864\r\n\
                        Correlation ID: fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7\r\nTimestamp: 2026-11-22 08:00:00Z";
        for (error, description, failure) in [
            ("access_denied", declined, AttemptFailure::Declined),
            ("access_denied", "", AttemptFailure::Declined),
            ("consent_required", "", AttemptFailure::Declined),
            ("consent_required", "AADSTS65001: …", AttemptFailure::Declined),
            ("permission_denied", "", AttemptFailure::Declined),
            ("access_denied", "AADSTS50105: …", AttemptFailure::TenantPolicy),
            ("access_denied", "AADSTS53003: …", AttemptFailure::TenantPolicy),
            ("access_denied", "AADSTS50020: …", AttemptFailure::AccountRefused),
            ("interaction_required", "AADSTS50076: …", AttemptFailure::MoreProofNeeded),
            ("invalid_request", "AADSTS50194: …", AttemptFailure::AppRegistration),
            ("unauthorized_client", "AADSTS700016: …", AttemptFailure::AppRegistration),
            ("server_error", "", AttemptFailure::MicrosoftUnavailable),
            ("temporarily_unavailable", "AADSTS90033", AttemptFailure::MicrosoftUnavailable),
            ("access_denied", "AADSTS1234567: …", AttemptFailure::Other),
            ("whatever", "", AttemptFailure::Other),
        ] {
            assert_eq!(callback(error, description).as_attempt_failure(), failure, "{error} {description}");
        }
        let not_an_administrator = callback("access_denied", "AADSTS90094: …").as_attempt_failure();
        assert!(matches!(not_an_administrator, AttemptFailure::NotAdministrator { .. }));
        assert!(callback("access_denied", declined).details().ends_with("fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7"));
        let cancelled =
            [("error", "access_denied"), ("error_subcode", "cancel"), ("error_description", "AADSTS999: …")];
        assert_eq!(Refusal::from_callback(cancelled).unwrap().as_attempt_failure(), AttemptFailure::Declined);
        assert_eq!(Refusal::from_callback([("code", "c"), ("state", "s")]), None);
    }

    #[test]
    fn a_round_learns_what_follows() {
        assert_eq!(refuse("invalid_client", 7_000_222).as_round(), Round::AppRegistration);
        assert_eq!(refuse("invalid_grant", 65001).as_round(), Round::NoGrant(ReconnectReason::ConsentRemoved));
        assert_eq!(refuse("invalid_grant", 53003).as_round(), Round::NoGrant(ReconnectReason::BlockedByPolicy));
        assert_eq!(refuse("invalid_client", 650_051).as_round(), Round::Unavailable { retry_after: None });
    }
}
