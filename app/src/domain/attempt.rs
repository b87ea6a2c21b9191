//! One try at connecting a company: from the click on our side to Microsoft's answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DeadLink, ReconnectReason, Timestamp};

/// How long a row says "Signing in…" before it goes back by itself.
pub const DEADLINE: Duration = Duration::from_mins(15);

/// How long after its beginning an answer of Microsoft still counts. The person may have been looking for a phone.
pub const LATE_ANSWER: Duration = Duration::from_hours(1);

/// How long the server may take to settle an answer. After that, it was interrupted and will not go on.
pub const SETTLE_WITHIN: Duration = Duration::from_mins(2);

/// What an attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An administrator's consent for the whole tenant (`/adminconsent`). Proves nothing about who gave it.
    Consent,
    /// The sign-in that proves who the administrator is, and of which tenant.
    SignIn,
}

/// Where the person signs in, and so where the answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// A window of its own, which closes itself.
    #[default]
    Popup,
    /// The page's own tab, which goes back to the page.
    Tab,
    /// Where somebody opened a link, who has no page of ours to go back to. Never asked for by a browser.
    #[serde(skip)]
    Link,
}

/// What an attempt is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The person is at Microsoft.
    Open(Step),
    /// An answer arrived and is being settled. An attempt is claimed once.
    Claimed {
        /// When it arrived.
        at: Timestamp,
    },
    /// Nothing more will happen.
    Ended(Ending),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The company is connected.
    Connected,
    /// Somebody pressed Cancel.
    Cancelled,
    /// Another attempt connected the company first.
    Overtaken,
    /// It failed. Nothing was stored.
    Failed(AttemptFailure),
}

/// Why a browser's answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It came later than an answer may come.
    TooLate,
    /// The answer was taken before.
    AlreadyUsed,
    /// Somebody pressed Cancel meanwhile.
    Cancelled,
    /// Another attempt connected the company meanwhile.
    Overtaken,
    /// The link that it began with is dead.
    Link(DeadLink),
}

/// Whether an answer of Microsoft may be taken now.
pub fn accept(state: &State, begun: Timestamp, now: Timestamp) -> Result<Step, Refusal> {
    match state {
        State::Open(step) if now.since(begun) <= LATE_ANSWER => Ok(*step),
        State::Open(_) => Err(Refusal::TooLate),
        State::Claimed { .. } | State::Ended(Ending::Connected | Ending::Failed(_)) => Err(Refusal::AlreadyUsed),
        State::Ended(Ending::Cancelled) => Err(Refusal::Cancelled),
        State::Ended(Ending::Overtaken) => Err(Refusal::Overtaken),
    }
}

/// Why an attempt failed, as far as people need to know. Nothing was stored in any of these cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptFailure {
    /// The administrator pressed Cancel on the consent page.
    Declined,
    /// Who signed in may not consent for the organisation.
    NotAdministrator {
        /// Who signed in, as their organisation calls them.
        account: String,
    },
    /// A personal Microsoft account, which has no organisation.
    PersonalAccount,
    /// Who signed in belongs to another organisation than the company's.
    WrongOrganisation {
        /// The organisation of who signed in.
        signed_in: String,
        /// The organisation that was expected.
        expected: String,
    },
    /// The tenant is connected to another company already.
    TenantTaken {
        /// The organisation of who signed in.
        signed_in: String,
        /// The company that the tenant is connected to.
        company: String,
    },
    /// The account can't be used at this organisation (Microsoft said so).
    AccountRefused,
    /// A policy of the organisation, or a setting of the app there, stands in the way.
    TenantPolicy,
    /// More proof (such as multi-factor authentication) is wanted.
    MoreProofNeeded,
    /// Our own app registration is wrong or its secret has expired.
    AppRegistration,
    /// Microsoft could not be reached or is out of order.
    MicrosoftUnavailable,
    /// Microsoft's proof of who signed in does not hold.
    ProofInvalid,
    /// The answer came to another browser than the one that began.
    OtherBrowser,
    /// The answer does not match what was asked.
    Mismatch,
    /// The server was stopped while it settled the answer.
    Interrupted,
    /// The sign-in was in order, but what it granted did not work. What was there before is in use again.
    GrantRefused {
        /// Why not.
        reason: ReconnectReason,
    },
    /// Something that Microsoft said and that we have no words for.
    Other,
}

impl AttemptFailure {
    /// What happened, as a heading.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Declined => "Consent was declined",
            Self::NotAdministrator { .. } => "This account is not an administrator",
            Self::PersonalAccount => "That is a personal account",
            Self::WrongOrganisation { .. } => "That account belongs to another organisation",
            Self::TenantTaken { .. } => "This organisation is connected already",
            Self::AccountRefused => "That account can't be used here",
            Self::TenantPolicy => "The organisation does not allow this yet",
            Self::MoreProofNeeded => "Microsoft wants more proof",
            Self::AppRegistration => "Tenantry's app registration needs attention",
            Self::MicrosoftUnavailable => "Microsoft could not be reached",
            Self::ProofInvalid => "The sign-in could not be verified",
            Self::OtherBrowser => "This sign-in was begun in another browser",
            Self::Mismatch => "This answer does not belong to the sign-in",
            Self::Interrupted => "The sign-in was interrupted",
            Self::GrantRefused { .. } => "The new sign-in gives no access",
            Self::Other => "Microsoft refused the sign-in",
        }
    }

    /// What that means and what to do, in a sentence or two.
    pub fn advice(&self) -> String {
        match self {
            Self::Declined => "Nothing changed. To connect, sign in again and choose Accept.".into(),
            Self::NotAdministrator { account } => format!(
                "{account} signed in, but may not grant permissions for the organisation. Sign in as a Global \
                 Administrator or a Privileged Role Administrator."
            ),
            Self::PersonalAccount => {
                "A personal Microsoft account has no organisation to connect. Sign in with a work account of the \
                 company."
                    .into()
            }
            Self::WrongOrganisation { signed_in, expected } => format!(
                "The account belongs to {signed_in}, but this company's organisation is {expected}. Sign in with an \
                 administrator of {expected}, or correct the company's domain."
            ),
            Self::TenantTaken { signed_in, company } => format!(
                "{signed_in} is connected to the company {company}. A tenant can belong to one company only: sign in \
                 with another organisation's administrator, or disconnect {company} first."
            ),
            Self::AccountRefused => "Microsoft does not let that account sign in to this organisation. Choose \
                                     another account of the company."
                .into(),
            Self::TenantPolicy => "A policy or setting of the organisation stops the app. Ask its administrator to \
                                   allow it in Microsoft Entra, then try again."
                .into(),
            Self::MoreProofNeeded => "Sign in again and complete what Microsoft asks for, such as a code from the \
                                      authenticator app."
                .into(),
            Self::AppRegistration => "This is not the client's fault. Whoever runs Tenantry finds what to mend with \
                                      the command “tenantry check”."
                .into(),
            Self::MicrosoftUnavailable => "Nothing changed. Try again in a minute.".into(),
            Self::ProofInvalid => "Nothing was stored. Sign in again; if this happens twice, tell whoever runs \
                                   Tenantry."
                .into(),
            Self::OtherBrowser => "Go back to the page where you began, and sign in again there, with cookies \
                                   allowed."
                .into(),
            Self::Mismatch | Self::Interrupted => "Nothing was stored. Go back to the page and sign in again.".into(),
            Self::GrantRefused { reason } => format!(
                "Microsoft took the sign-in, but then gave no access with it: {}. The connection is as it was before. \
                 Mend that first, then reconnect.",
                reason.label()
            ),
            Self::Other => "Nothing was stored. Try again; the details help support if it happens twice.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn an_answer_after_the_deadline_but_within_the_hour_counts() {
        let open = State::Open(Step::SignIn);
        assert_eq!(accept(&open, BEGUN, BEGUN.plus(DEADLINE + Duration::from_secs(1))), Ok(Step::SignIn));
        assert_eq!(accept(&open, BEGUN, BEGUN.plus(LATE_ANSWER)), Ok(Step::SignIn));
        let late = BEGUN.plus(LATE_ANSWER + Duration::from_millis(1));
        assert_eq!(accept(&open, BEGUN, late), Err(Refusal::TooLate));
    }

    #[test]
    fn an_attempt_is_used_once() {
        let claimed = State::Claimed { at: BEGUN };
        assert_eq!(accept(&claimed, BEGUN, BEGUN), Err(Refusal::AlreadyUsed));
        for (ending, refusal) in [
            (Ending::Connected, Refusal::AlreadyUsed),
            (Ending::Failed(AttemptFailure::Declined), Refusal::AlreadyUsed),
            (Ending::Cancelled, Refusal::Cancelled),
            (Ending::Overtaken, Refusal::Overtaken),
        ] {
            assert_eq!(accept(&State::Ended(ending), BEGUN, BEGUN), Err(refusal));
        }
    }
}
