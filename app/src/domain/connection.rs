//! The verified tie between one company and one tenant, and the rules for tying it.

use serde::{Deserialize, Serialize};

use super::{AttemptFailure, CompanyId, TenantId, Timestamp};

/// How we read a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// As ourselves (client credentials), after tenant-wide admin consent. Nothing secret is kept per tenant.
    #[default]
    Application,
    /// As the administrator who signed in, with their refresh token.
    Delegated,
}

impl Access {
    /// Its stable name in settings and in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Delegated => "delegated",
        }
    }

    /// The access of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Application, Self::Delegated].into_iter().find(|access| access.key() == key)
    }
}

/// Where a connection stands. What limits it is known by its data sets, and not stored again here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The tenant is known; the grant is not yet seen in effect.
    Verifying,
    /// The grant is in effect.
    Active,
    /// The grant is gone. The data stay, as of their date.
    NeedsReconnect(ReconnectReason),
}

/// Why a tenant can't be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconnectReason {
    /// The permissions were removed or have changed.
    ConsentRemoved,
    /// The app was removed from the tenant.
    AppRemoved,
    /// The app is disabled in the tenant, or needs an assignment there.
    AppDisabled,
    /// The sign-in was not used for too long.
    SignInExpired,
    /// Sessions were revoked, or a password was reset.
    SessionsRevoked,
    /// The tenant asks for more proof, such as multi-factor authentication.
    MoreProofNeeded,
    /// A Conditional Access policy stops us.
    BlockedByPolicy,
    /// The tenant was deleted, or moved to another cloud.
    TenantGone,
    /// Microsoft refuses for a reason that we have no words for.
    Refused,
}

impl ReconnectReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ConsentRemoved,
        Self::AppRemoved,
        Self::AppDisabled,
        Self::SignInExpired,
        Self::SessionsRevoked,
        Self::MoreProofNeeded,
        Self::BlockedByPolicy,
        Self::TenantGone,
        Self::Refused,
    ];

    /// Its stable name in the database and in logs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ConsentRemoved => "consent_removed",
            Self::AppRemoved => "app_removed",
            Self::AppDisabled => "app_disabled",
            Self::SignInExpired => "sign_in_expired",
            Self::SessionsRevoked => "sessions_revoked",
            Self::MoreProofNeeded => "more_proof_needed",
            Self::BlockedByPolicy => "blocked_by_policy",
            Self::TenantGone => "tenant_gone",
            Self::Refused => "refused",
        }
    }

    /// The reason of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.key() == key)
    }

    /// What happened, in a few words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ConsentRemoved => "Permissions were removed or have changed",
            Self::AppRemoved => "The app was removed from the tenant",
            Self::AppDisabled => "The app is disabled in the tenant",
            Self::SignInExpired => "The sign-in expired",
            Self::SessionsRevoked => "Sessions were revoked or the password was reset",
            Self::MoreProofNeeded => "Multi-factor authentication is needed",
            Self::BlockedByPolicy => "A Conditional Access policy blocks it",
            Self::TenantGone => "The tenant was not found",
            Self::Refused => "Microsoft refuses access",
        }
    }

    /// The same in a count of companies: "5 permissions removed".
    pub const fn short(self) -> &'static str {
        match self {
            Self::ConsentRemoved => "permissions removed",
            Self::AppRemoved => "app removed",
            Self::AppDisabled => "app disabled",
            Self::SignInExpired => "sign-in expired",
            Self::SessionsRevoked => "sessions revoked",
            Self::MoreProofNeeded => "second factor needed",
            Self::BlockedByPolicy => "blocked by a policy",
            Self::TenantGone => "tenant not found",
            Self::Refused => "access refused",
        }
    }

    /// What to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ConsentRemoved => "An administrator of the company grants them again, with Reconnect or with a link.",
            Self::AppRemoved => "An administrator of the company adds it again, with Reconnect or with a link.",
            Self::AppDisabled => {
                "The company's administrator first lets people sign in to the app and turns “Assignment required” off, in \
                 Entra ID under Enterprise apps. Then check again."
            }
            Self::SignInExpired => "An administrator of the company signs in again, with Reconnect or with a link.",
            Self::SessionsRevoked => {
                "An administrator of the company signs in with the new password, with Reconnect or with a link."
            }
            Self::MoreProofNeeded => {
                "Whoever signs in has to confirm it with a second factor, so send a link to the company's administrator."
            }
            Self::BlockedByPolicy => {
                "The company's administrator first makes an exception for the app in the Conditional Access policy. Then \
                 check again."
            }
            Self::TenantGone => {
                "Ask the company whether its tenant still exists. If it has moved to another one, disconnect the company \
                 and connect it anew."
            }
            Self::Refused => {
                "Check again. If it stays so, an administrator of the company renews the access with Reconnect."
            }
        }
    }

    /// What fits best of what can be done about it here.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::ConsentRemoved | Self::AppRemoved | Self::SignInExpired | Self::SessionsRevoked => Remedy::Reconnect,
            Self::MoreProofNeeded => Remedy::SendLink,
            Self::AppDisabled | Self::BlockedByPolicy | Self::TenantGone => Remedy::AskAdministrator,
            Self::Refused => Remedy::CheckAgain,
        }
    }
}

/// What helps a company whose access is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// An administrator of the company signs in here, or with a link.
    Reconnect,
    /// They have to do it themselves: a link.
    SendLink,
    /// They have to change something in their tenant first. Then it is looked at again.
    AskAdministrator,
    /// It is looked at again.
    CheckAgain,
}

impl Remedy {
    /// Whether renewing the access is all that it takes.
    pub const fn renews(self) -> bool {
        matches!(self, Self::Reconnect | Self::SendLink)
    }
}

/// An organisation as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name, or its domain where the name is not known.
    pub name: String,
}

/// What is known when somebody has proved to be an administrator of a tenant.
#[derive(Clone, Debug)]
pub struct TenantClaim<'a> {
    /// The company that is to be connected.
    pub company: CompanyId,
    /// The tenant of who signed in, as the ID token proves it.
    pub signed_in: &'a Organisation,
    /// The tenant that the company must have: its connection's, else the one that its domain resolves to.
    pub expected: Option<&'a Organisation>,
    /// The company that holds this tenant already, and its name.
    pub holder: Option<(CompanyId, &'a str)>,
}

/// The tenant rules: not the consumer tenant; the expected one; not another company's.
pub fn may_tie(claim: &TenantClaim<'_>) -> Result<(), AttemptFailure> {
    if claim.signed_in.tenant == TenantId::CONSUMERS {
        return Err(AttemptFailure::PersonalAccount);
    }
    if let Some(expected) = claim.expected
        && expected.tenant != claim.signed_in.tenant
    {
        return Err(AttemptFailure::WrongOrganisation {
            signed_in: claim.signed_in.name.clone(),
            expected: expected.name.clone(),
        });
    }
    match claim.holder {
        Some((holder, name)) if holder != claim.company => {
            Err(AttemptFailure::TenantTaken { signed_in: claim.signed_in.name.clone(), company: name.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The directory roles that may consent to an app for the whole tenant, application permissions included.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
pub const CONSENTING_ROLES: [&str; 2] = [
    // Global Administrator
    "62e90394-69f5-4237-9190-012177145e10",
    // Privileged Role Administrator
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
];

/// Whether somebody with these role template ids may consent for the tenant.
pub fn may_consent<S: AsRef<str>>(role_template_ids: &[S]) -> bool {
    role_template_ids.iter().any(|id| CONSENTING_ROLES.iter().any(|role| role.eq_ignore_ascii_case(id.as_ref())))
}

/// What of a connection its row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// Where it stands.
    pub phase: Phase,
    /// Since when it stands there.
    pub phase_since: Timestamp,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn organisation(number: u128, name: &str) -> Organisation {
        Organisation { tenant: TenantId::from_uuid(Uuid::from_u128(number)), name: name.into() }
    }

    fn company(number: u128) -> CompanyId {
        CompanyId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn the_tenant_of_the_domain_is_tied() {
        let contoso = organisation(1, "Contoso");
        let claim = TenantClaim { company: company(1), signed_in: &contoso, expected: Some(&contoso), holder: None };
        assert_eq!(may_tie(&claim), Ok(()));
        assert_eq!(may_tie(&TenantClaim { expected: None, ..claim.clone() }), Ok(()));
        assert_eq!(may_tie(&TenantClaim { holder: Some((company(1), "Contoso")), ..claim }), Ok(()));
    }

    #[test]
    fn a_personal_account_is_refused_whatever_was_expected() {
        let personal = Organisation { tenant: TenantId::CONSUMERS, name: "someone".into() };
        let claim = TenantClaim { company: company(1), signed_in: &personal, expected: None, holder: None };
        assert_eq!(may_tie(&claim), Err(AttemptFailure::PersonalAccount));
    }

    #[test]
    fn another_tenant_than_the_expected_is_refused_and_both_are_named() {
        let (contoso, fabrikam) = (organisation(1, "Contoso"), organisation(2, "Fabrikam"));
        let claim = TenantClaim { company: company(1), signed_in: &fabrikam, expected: Some(&contoso), holder: None };
        let expected = AttemptFailure::WrongOrganisation { signed_in: "Fabrikam".into(), expected: "Contoso".into() };
        assert_eq!(may_tie(&claim), Err(expected));
    }

    #[test]
    fn another_companys_tenant_is_refused_and_the_company_is_named() {
        let contoso = organisation(1, "Contoso");
        let holder = Some((company(2), "Contoso Holding"));
        let claim = TenantClaim { company: company(1), signed_in: &contoso, expected: None, holder };
        let expected = AttemptFailure::TenantTaken { signed_in: "Contoso".into(), company: "Contoso Holding".into() };
        assert_eq!(may_tie(&claim), Err(expected));
    }

    #[test]
    fn every_members_role_is_not_an_administrators() {
        assert!(!may_consent(&["b79fbf4d-3ef9-4689-8143-76b194e85509"]));
        assert!(!may_consent::<&str>(&[]));
        assert!(may_consent(&["b79fbf4d-3ef9-4689-8143-76b194e85509", "62E90394-69F5-4237-9190-012177145E10"]));
    }

    #[test]
    fn each_reason_has_its_words_and_one_thing_that_helps() {
        for (reason, short, remedy) in [
            (ReconnectReason::ConsentRemoved, "permissions removed", Remedy::Reconnect),
            (ReconnectReason::AppRemoved, "app removed", Remedy::Reconnect),
            (ReconnectReason::AppDisabled, "app disabled", Remedy::AskAdministrator),
            (ReconnectReason::SignInExpired, "sign-in expired", Remedy::Reconnect),
            (ReconnectReason::SessionsRevoked, "sessions revoked", Remedy::Reconnect),
            (ReconnectReason::MoreProofNeeded, "second factor needed", Remedy::SendLink),
            (ReconnectReason::BlockedByPolicy, "blocked by a policy", Remedy::AskAdministrator),
            (ReconnectReason::TenantGone, "tenant not found", Remedy::AskAdministrator),
            (ReconnectReason::Refused, "access refused", Remedy::CheckAgain),
        ] {
            assert_eq!((reason.short(), reason.remedy()), (short, remedy));
        }
    }

    #[test]
    fn the_advice_names_what_the_remedy_is() {
        for reason in ReconnectReason::ALL {
            let (advice, names) = (reason.advice(), |words: &str| reason.advice().contains(words));
            let fits = match reason.remedy() {
                Remedy::Reconnect => names("Reconnect") && names("a link"),
                Remedy::SendLink => names("send a link") && !names("Reconnect"),
                Remedy::AskAdministrator => names("check again") && names("administrator") || names("Ask the company"),
                Remedy::CheckAgain => names("Check again"),
            };
            assert!(fits && advice.ends_with('.'), "{reason:?}: {advice}");
        }
    }

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for reason in ReconnectReason::ALL {
            assert_eq!(ReconnectReason::from_key(reason.key()), Some(reason));
        }
        for access in [Access::Application, Access::Delegated] {
            assert_eq!(Access::from_key(access.key()), Some(access));
        }
    }
}
