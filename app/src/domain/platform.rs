//! Our own app registration at Microsoft. What is wrong with it hits all companies, and is no company's fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What Microsoft does not accept about our app registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlatformFault {
    /// The client secret has expired.
    SecretExpired,
    /// The client secret is not one of the app registration's.
    SecretWrong,
    /// The certificate is not one of the app registration's, or has expired.
    CertificateRefused,
    /// The certificate's private key can't sign.
    KeyUnusable,
    /// The app registration does not take such a credential.
    CredentialRefused,
    /// Something else about the app registration, such as scopes or multi-tenancy; or else about one tenant.
    Settings,
}

impl PlatformFault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SecretExpired,
        Self::SecretWrong,
        Self::CertificateRefused,
        Self::KeyUnusable,
        Self::CredentialRefused,
        Self::Settings,
    ];

    /// Its stable name in the database and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::SecretExpired => "secret_expired",
            Self::SecretWrong => "secret_wrong",
            Self::CertificateRefused => "certificate_refused",
            Self::KeyUnusable => "key_unusable",
            Self::CredentialRefused => "credential_refused",
            Self::Settings => "settings",
        }
    }

    /// The fault of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.key() == key)
    }

    /// Whether one refusal is enough to know that it is ours. Otherwise a single tenant may be odd.
    pub const fn is_certain(self) -> bool {
        !matches!(self, Self::Settings)
    }

    /// What happened.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SecretExpired => "The client secret of Tenantry’s app registration has expired",
            Self::SecretWrong => "The client secret of Tenantry’s app registration is wrong",
            Self::CertificateRefused => "Microsoft does not accept the certificate of Tenantry’s app registration",
            Self::KeyUnusable => "The private key of Tenantry’s certificate can’t sign",
            Self::CredentialRefused => "Microsoft does not accept the credential of Tenantry’s app registration",
            Self::Settings => "Microsoft does not accept Tenantry’s app registration",
        }
    }

    /// What to mend.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::SecretExpired => {
                "Make a new client secret in Microsoft Entra, under App registrations › Certificates & secrets, and put \
                 its value into the file of TENANTRY_M365_CLIENT_SECRET_FILE."
            }
            Self::SecretWrong => {
                "The file of TENANTRY_M365_CLIENT_SECRET_FILE must hold the secret’s value, not its id, and the secret \
                 must not have been deleted in Microsoft Entra."
            }
            Self::CertificateRefused => {
                "Upload the certificate in Microsoft Entra, under App registrations › Certificates & secrets; if it has \
                 expired, put a new one into the file of TENANTRY_M365_CERTIFICATE_FILE first."
            }
            Self::KeyUnusable => {
                "Put an RSA key of 2048 bits or more and its certificate into the file of TENANTRY_M365_CERTIFICATE_FILE."
            }
            Self::CredentialRefused => {
                "Look at the app registration in Microsoft Entra: it must be a confidential client (platform Web) with a \
                 client secret or certificate."
            }
            Self::Settings => {
                "Check the app registration in Microsoft Entra: accounts in any organizational directory, the redirect \
                 URI, and its API permissions. “tenantry check” says what is known."
            }
        }
    }
}

/// How long before the certificate's end everybody is told.
pub const RENEW_BEFORE: Duration = Duration::from_hours(24 * 30);

/// Something about our own app registration that somebody has to mend. In words: it is seldom shown, and no page decides
/// anything by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformNotice {
    /// What happened.
    pub title: String,
    /// What it means, and what to mend.
    pub advice: String,
    /// Since when. None: it is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What support wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl PlatformNotice {
    /// That Microsoft refuses us.
    pub fn of_fault(fault: PlatformFault, since: Timestamp, details: String) -> Self {
        let advice = format!(
            "No company can be read or connected until this is mended; none of them has to do anything. {} What is in a \
             file is read again by itself, anything else after a restart; then all goes on by itself.",
            fault.advice()
        );
        Self { title: fault.title().to_owned(), advice, since: Some(since), details: Some(details) }
    }

    /// That our certificate ends soon, or has ended. None while there is time.
    pub fn of_certificate(not_after: Timestamp, now: Timestamp) -> Option<Self> {
        let left = not_after.since(now);
        let title = match left.as_secs() / 86_400 {
            _ if left >= RENEW_BEFORE => return None,
            _ if left.is_zero() => "The certificate of Tenantry’s app registration has expired".to_owned(),
            0 => "The certificate of Tenantry’s app registration expires within a day".to_owned(),
            1 => "The certificate of Tenantry’s app registration expires in 1 day".to_owned(),
            days => format!("The certificate of Tenantry’s app registration expires in {days} days"),
        };
        let advice = "From then on no company can be read or connected. Upload a new one in Microsoft Entra, under App \
                      registrations › Certificates & secrets, then put it and its key into the file of \
                      TENANTRY_M365_CERTIFICATE_FILE, which is read again by itself.";
        Some(Self { title, advice: advice.to_owned(), since: None, details: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for fault in PlatformFault::ALL {
            assert_eq!(PlatformFault::from_key(fault.key()), Some(fault));
        }
        assert_eq!(PlatformFault::from_key("bad_weather"), None);
    }

    #[test]
    fn a_certificate_is_spoken_of_thirty_days_before_its_end() {
        let end = Timestamp::from_millis(1_800_000_000_000);
        let title = |left| PlatformNotice::of_certificate(end, end.minus(left)).map(|notice| notice.title);
        assert_eq!(title(RENEW_BEFORE), None);
        for (left, says) in [
            (RENEW_BEFORE.saturating_sub(Duration::from_secs(1)), "expires in 29 days"),
            (Duration::from_hours(47), "expires in 1 day"),
            (Duration::from_hours(23), "expires within a day"),
            (Duration::ZERO, "has expired"),
        ] {
            assert!(title(left).is_some_and(|title| title.ends_with(says)), "{says}");
        }
    }
}
