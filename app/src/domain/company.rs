//! A client of the MSP, and its row on the page.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Access, AttemptFailure, CompanyId, Lack, LinkSummary, Phase, Problem, ReconnectReason, Remedy, Timestamp,
    connection::ConnectionFacts, schedule::CONSENT_SETTLES_WITHIN,
};

/// A company's name: 1 to 200 characters, without line breaks or blanks around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyName(String);

/// Why a text is no company's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("the name is empty")]
    Empty,
    /// More than [`CompanyName::MAX`] characters.
    #[error("the name is longer than {} characters", CompanyName::MAX)]
    TooLong,
    /// Characters that no name has.
    #[error("the name contains control characters")]
    Control,
}

impl CompanyName {
    /// The most characters a name may have.
    pub const MAX: usize = 200;

    /// Takes a text as people write it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.is_empty() {
            Err(NameError::Empty)
        } else if name.chars().any(char::is_control) {
            Err(NameError::Control)
        } else if name.chars().count() > Self::MAX {
            Err(NameError::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A domain name in lower case ASCII, such as `contoso.com` (RFC 1123; international ones as `xn--…`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// Why a text is no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not a domain name such as contoso.com")]
pub struct DomainError;

impl Domain {
    /// Takes a domain as people write it: upper case, blanks around it and a dot at its end do no harm.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let trimmed = text.trim();
        let domain = trimmed.strip_suffix('.').unwrap_or(trimmed).to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let numeric_end = domain.rsplit('.').next().is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_digit()));
        if domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label) && !numeric_end {
            Ok(Self(domain))
        } else {
            Err(DomainError)
        }
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of a row. Derived from connection, attempt and data sets by [`derive_status`], and stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing has tied the company to a tenant.
    NotConnected,
    /// A link is live ([`CompanyRow::link`] says until when), and nobody is at Microsoft.
    LinkSent,
    /// Somebody is at Microsoft.
    SigningIn {
        /// When the row goes back by itself.
        until: Timestamp,
        /// Whether a connection behind it still counts as connected.
        connected: bool,
    },
    /// The tenant is known, the grant not yet in effect.
    Verifying {
        /// Since when.
        since: Timestamp,
        /// Whether it takes longer than Microsoft's own delay explains, so that asking again may help.
        slow: bool,
    },
    /// Everything that we ask for may be read.
    Connected,
    /// Connected, but some data sets can't be read.
    Limited {
        /// Which, and why.
        lacks: Vec<Lack>,
    },
    /// The grant is gone.
    NeedsReconnect {
        /// Why.
        reason: ReconnectReason,
        /// Since when.
        since: Timestamp,
    },
}

impl Status {
    /// The word in the row.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotConnected => "Not connected",
            Self::LinkSent => "Link sent",
            Self::SigningIn { .. } => "Signing in…",
            Self::Verifying { .. } => "Verifying…",
            Self::Connected => "Connected",
            Self::Limited { .. } => "Limited",
            Self::NeedsReconnect { .. } => "Needs reconnect",
        }
    }

    /// Whether it counts in the progress bar.
    pub const fn counts_as_connected(&self) -> bool {
        matches!(self, Self::Connected | Self::Limited { .. } | Self::SigningIn { connected: true, .. })
    }

    /// Whether it will change by itself within minutes.
    pub const fn in_flux(&self) -> bool {
        matches!(self, Self::SigningIn { .. } | Self::Verifying { .. })
    }

    /// Whether somebody should do something about a company that was connected.
    pub const fn needs_attention(&self) -> bool {
        matches!(self, Self::NeedsReconnect { .. } | Self::Limited { .. })
    }

    /// Why somebody should, if so.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::NeedsReconnect { reason, .. } => Some(Cause::Lost(*reason)),
            Self::Limited { lacks } => {
                let any = |problem| lacks.iter().any(|lack| lack.problem == problem);
                Some(match () {
                    () if any(Problem::PermissionMissing) => Cause::PermissionMissing,
                    () if any(Problem::NewPermission) => Cause::NewPermission,
                    () => Cause::NotAvailable,
                })
            }
            _ => None,
        }
    }

    /// What a person may do with such a row, the main action first.
    pub fn actions(&self) -> &'static [Action] {
        match self {
            Self::NotConnected | Self::LinkSent => &[Action::SignIn, Action::GenerateLink],
            Self::SigningIn { connected: false, .. } => &[Action::SignIn, Action::Cancel, Action::GenerateLink],
            Self::SigningIn { connected: true, .. } => {
                &[Action::SignIn, Action::Cancel, Action::GenerateLink, Action::SyncNow]
            }
            Self::Verifying { slow: false, .. } | Self::Connected => &[Action::SyncNow],
            Self::Verifying { slow: true, .. } | Self::Limited { .. } => {
                &[Action::Reconnect, Action::GenerateLink, Action::SyncNow]
            }
            Self::NeedsReconnect { reason, .. } => match reason.remedy() {
                Remedy::Reconnect => &[Action::Reconnect, Action::GenerateLink, Action::SyncNow],
                Remedy::SendLink => &[Action::GenerateLink, Action::Reconnect, Action::SyncNow],
                Remedy::AskAdministrator | Remedy::CheckAgain => {
                    &[Action::SyncNow, Action::Reconnect, Action::GenerateLink]
                }
            },
        }
    }

    /// Whether a person may do this with such a row.
    pub fn allows(&self, action: Action) -> bool {
        self.actions().contains(&action)
    }
}

/// What companies that need somebody are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing can be read any more.
    Lost(ReconnectReason),
    /// A permission is missing.
    PermissionMissing,
    /// A permission is missing that nobody was asked for before.
    NewPermission,
    /// The tenant does not have what is to be read.
    NotAvailable,
}

impl Cause {
    /// All of them, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Self> {
        ReconnectReason::ALL.into_iter().map(Self::Lost).chain([
            Self::PermissionMissing,
            Self::NewPermission,
            Self::NotAvailable,
        ])
    }

    /// Its stable name in addresses.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Lost(reason) => reason.key(),
            Self::PermissionMissing => Problem::PermissionMissing.key(),
            Self::NewPermission => Problem::NewPermission.key(),
            Self::NotAvailable => Problem::NotAvailable.key(),
        }
    }

    /// The cause of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::all().find(|cause| cause.key() == key)
    }

    /// In a count of companies: "5 permissions removed".
    pub const fn short(self) -> &'static str {
        match self {
            Self::Lost(reason) => reason.short(),
            Self::PermissionMissing => "permissions missing",
            Self::NewPermission => "new permissions needed",
            Self::NotAvailable => "not all data available",
        }
    }

    /// Whether nothing can be read any more.
    pub const fn is_lost(self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// What can be done for all companies of the group at once, if anything.
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Lost(reason) if !reason.remedy().renews() => Some(Action::SyncNow),
            Self::Lost(_) | Self::PermissionMissing | Self::NewPermission => Some(Action::GenerateLink),
            Self::NotAvailable => None,
        }
    }
}

/// Something that a person may do with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin an attempt in a popup (or another one, while one is open).
    SignIn,
    /// End the open attempts.
    Cancel,
    /// Begin an attempt for the tenant of the connection.
    Reconnect,
    /// Make a link that lets somebody else begin one.
    GenerateLink,
    /// The same, with a note of one's own.
    GenerateLinkWithNote,
    /// End the live link. Whether there is one, the row says, and not its state.
    WithdrawLink,
    /// Write to the client about the live link.
    WriteToClient,
    /// Read the tenant's data now.
    SyncNow,
}

/// The state of a row, from what is stored.
///
/// `open_until` is the latest deadline of the company's open attempts; one that has passed no longer counts. `link` is
/// the company's latest link.
pub fn derive_status(
    connection: Option<&ConnectionFacts>,
    open_until: Option<Timestamp>,
    link: Option<&LinkSummary>,
    lacks: &[Lack],
    now: Timestamp,
) -> Status {
    let settled = match connection {
        None if link.is_some_and(|link| link.is_live(now)) => Status::LinkSent,
        None => Status::NotConnected,
        Some(facts) => match facts.phase {
            Phase::Verifying => Status::Verifying {
                since: facts.phase_since,
                slow: now.since(facts.phase_since) >= CONSENT_SETTLES_WITHIN,
            },
            Phase::NeedsReconnect(reason) => Status::NeedsReconnect { reason, since: facts.phase_since },
            Phase::Active if lacks.is_empty() => Status::Connected,
            Phase::Active => Status::Limited { lacks: lacks.to_vec() },
        },
    };
    match open_until {
        Some(until) if now < until => Status::SigningIn { until, connected: settled.counts_as_connected() },
        _ => settled,
    }
}

/// Licences that can be assigned to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceUse {
    /// Assigned.
    pub used: u32,
    /// Could be assigned. May be less than `used`.
    pub assignable: u32,
}

/// What a row says about the tenant's data, as of the last sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// People and guests in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Licences that can be assigned to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licences: Option<LicenceUse>,
    /// Secure Score in whole percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_score: Option<u8>,
}

impl Figures {
    /// A score in whole percent of the best possible one; none if nothing can be scored.
    pub fn percent(current: f64, max: f64) -> Option<u8> {
        let percent = (current / max * 100.0).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to 0..=100")]
        (max > 0.0 && percent.is_finite()).then(|| percent.clamp(0.0, 100.0) as u8)
    }
}

/// Why the last attempt of a company that is not connected failed: in words, for a browser does nothing with it but show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTry {
    /// What happened ([`AttemptFailure::title`]).
    pub title: String,
    /// What that means and what to do ([`AttemptFailure::advice`]).
    pub advice: String,
    /// When.
    pub at: Timestamp,
}

impl LastTry {
    /// An attempt that failed for this reason.
    pub fn new(failure: &AttemptFailure, at: Timestamp) -> Self {
        Self { title: failure.title().to_owned(), advice: failure.advice(), at }
    }
}

/// A company as the page M365 companies shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyRow {
    /// Which company.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// Its primary domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The name of its tenant, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Its state.
    pub status: Status,
    /// What the last sync found.
    #[serde(default)]
    pub figures: Figures,
    /// When a sync last succeeded, at least in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Timestamp>,
    /// How many people the sync has seen so far, while it reads all of them. Grows, about once a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_so_far: Option<u32>,
    /// Whether the first sync is still to come or under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_sync: bool,
    /// Why the last attempt failed, unless one succeeded or is open since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_try: Option<LastTry>,
    /// Its latest link, live or dead; none where no link could be made and none is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSummary>,
    /// Since when somebody who opened a dead link asks for a new one. None once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_requested_at: Option<Timestamp>,
    /// Its id in another program, such as a PSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whom to ask there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Where they read mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What it is grouped by, with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// How its tenant is read, if it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// What its state means, in words ([`Status::in_words`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_words: Option<String>,
    /// What is odd about it, and after a line break what to do ([`super::Oddity::in_row`]).
    pub oddity: Option<String>,
    /// The number of this state of the row: of two, the one with the larger number is newer.
    pub revision: i64,
}

impl CompanyRow {
    /// The link that still leads somewhere.
    pub fn live_link(&self, now: Timestamp) -> Option<&LinkSummary> {
        self.link.as_ref().filter(|link| link.is_live(now))
    }

    /// What it is grouped by.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        tags(self.tags.as_deref().unwrap_or_default())
    }

    /// The state as of now: a link may have expired since the server told the row.
    pub fn status_at(&self, now: Timestamp) -> &Status {
        match &self.status {
            Status::LinkSent if self.live_link(now).is_none() => &Status::NotConnected,
            status => status,
        }
    }

    /// What the button that makes a link is called.
    pub fn generate_link_label(&self, now: Timestamp) -> &'static str {
        match &self.link {
            Some(link) if !link.is_live(now) => "Generate new link",
            _ => "Generate Link",
        }
    }
}

/// The tags in a text that has commas between them.
pub fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty())
}

/// How many companies are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Connected or Limited.
    pub connected: usize,
    /// All of them.
    pub total: usize,
}

impl Progress {
    /// Counts rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a CompanyRow>) -> Self {
        rows.into_iter().fold(Self::default(), |progress, row| Self {
            connected: progress.connected + usize::from(row.status.counts_as_connected()),
            total: progress.total + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{DataSet, LinkEnd, Problem};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn facts(phase: Phase) -> ConnectionFacts {
        ConnectionFacts { phase, phase_since: NOW }
    }

    #[test]
    fn a_name_is_trimmed_and_not_empty() {
        assert_eq!(CompanyName::parse("  Contoso Ltd ").map(|name| name.to_string()), Ok("Contoso Ltd".into()));
        assert_eq!(CompanyName::parse(" \t "), Err(NameError::Empty));
        assert_eq!(CompanyName::parse("a\nb"), Err(NameError::Control));
        assert_eq!(CompanyName::parse(&"é".repeat(201)), Err(NameError::TooLong));
        assert!(CompanyName::parse(&"é".repeat(200)).is_ok());
    }

    #[test]
    fn a_domain_is_taken_as_people_write_it() {
        assert_eq!(Domain::parse(" Contoso.COM. ").map(|domain| domain.to_string()), Ok("contoso.com".into()));
        for wrong in ["", "contoso", "https://contoso.com", "a..b", "-a.com", "a-.com", "con toso.com", "10.0.0.1"] {
            assert_eq!(Domain::parse(wrong), Err(DomainError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parsing_a_domain_twice_changes_nothing(text in "\\PC{0,40}|[a-zA-Z0-9.-]{1,40}") {
            if let Ok(domain) = Domain::parse(&text) {
                prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain));
            }
        }
    }

    #[test]
    fn an_open_attempt_covers_the_state_behind_it_until_its_deadline() {
        let until = NOW.plus(Duration::from_secs(1));
        assert_eq!(derive_status(None, Some(until), None, &[], NOW), Status::SigningIn { until, connected: false });
        assert_eq!(derive_status(None, Some(until), None, &[], until), Status::NotConnected);
        let active = facts(Phase::Active);
        assert_eq!(
            derive_status(Some(&active), Some(until), None, &[], NOW),
            Status::SigningIn { until, connected: true }
        );
    }

    #[test]
    fn a_verification_that_takes_longer_than_microsoft_explains_is_slow() {
        let status = |after| derive_status(Some(&facts(Phase::Verifying)), None, None, &[], NOW.plus(after));
        let since = NOW;
        assert_eq!(status(Duration::from_secs(119)), Status::Verifying { since, slow: false });
        assert_eq!(status(Duration::from_mins(2)), Status::Verifying { since, slow: true });
    }

    #[test]
    fn a_lack_makes_an_active_connection_limited_and_no_other() {
        let lacks = [Lack { data_set: DataSet::SecureScore, problem: Problem::PermissionMissing }];
        let status = |phase| derive_status(Some(&facts(phase)), None, None, &lacks, NOW);
        assert_eq!(status(Phase::Active), Status::Limited { lacks: lacks.to_vec() });
        assert_eq!(status(Phase::Verifying), Status::Verifying { since: NOW, slow: false });
        let reason = ReconnectReason::AppRemoved;
        assert_eq!(status(Phase::NeedsReconnect(reason)), Status::NeedsReconnect { reason, since: NOW });
        assert_eq!(derive_status(Some(&facts(Phase::Active)), None, None, &[], NOW), Status::Connected);
    }

    #[test]
    fn a_live_link_shows_until_it_ends_or_somebody_signs_in_or_the_company_is_connected() {
        let expires = NOW.plus(Duration::from_secs(1));
        let link = LinkSummary { expires, end: None, opens: 0, opened_at: None, note: None };
        assert_eq!(derive_status(None, None, Some(&link), &[], NOW), Status::LinkSent);
        assert_eq!(derive_status(None, None, Some(&link), &[], expires), Status::NotConnected);
        let withdrawn = LinkSummary { end: Some(LinkEnd::Withdrawn), ..link.clone() };
        assert_eq!(derive_status(None, None, Some(&withdrawn), &[], NOW), Status::NotConnected);
        let signing_in = Status::SigningIn { until: expires, connected: false };
        assert_eq!(derive_status(None, Some(expires), Some(&link), &[], NOW), signing_in);
        let reason = ReconnectReason::AppRemoved;
        let needs_reconnect = derive_status(Some(&facts(Phase::NeedsReconnect(reason))), None, Some(&link), &[], NOW);
        assert_eq!(needs_reconnect, Status::NeedsReconnect { reason, since: NOW });
    }

    #[test]
    fn a_row_whose_link_expired_goes_back_by_itself() {
        let expires = NOW.plus(Duration::from_secs(1));
        let link = LinkSummary { expires, end: None, opens: 2, opened_at: Some(NOW), note: None };
        let row = CompanyRow {
            id: CompanyId::from_uuid(uuid::Uuid::nil()),
            name: "Contoso".into(),
            domain: None,
            tenant: None,
            status: Status::LinkSent,
            figures: Figures::default(),
            synced_at: None,
            first_sync: false,
            users_so_far: None,
            last_try: None,
            link: Some(link),
            link_requested_at: None,
            external_id: None,
            contact: None,
            email: None,
            tags: None,
            access: None,
            in_words: None,
            oddity: None,
            revision: 1,
        };
        assert_eq!((row.status_at(NOW), row.generate_link_label(NOW)), (&Status::LinkSent, "Generate Link"));
        let after = (row.status_at(expires), row.generate_link_label(expires));
        assert_eq!(after, (&Status::NotConnected, "Generate new link"));
    }

    #[test]
    fn a_score_is_shown_in_whole_percent() {
        assert_eq!(Figures::percent(387.0, 697.0), Some(56));
        assert_eq!(Figures::percent(0.0, 10.0), Some(0));
        assert_eq!(Figures::percent(3.0, 0.0), None);
        assert_eq!(Figures::percent(f64::NAN, 10.0), None);
    }

    #[test]
    fn who_lost_access_is_offered_what_fits_first_and_can_always_reconnect() {
        for (reason, main) in [
            (ReconnectReason::ConsentRemoved, Action::Reconnect),
            (ReconnectReason::MoreProofNeeded, Action::GenerateLink),
            (ReconnectReason::BlockedByPolicy, Action::SyncNow),
            (ReconnectReason::Refused, Action::SyncNow),
        ] {
            assert_eq!(Status::NeedsReconnect { reason, since: NOW }.actions().first(), Some(&main), "{reason:?}");
        }
        for reason in ReconnectReason::ALL {
            let status = Status::NeedsReconnect { reason, since: NOW };
            for action in [Action::Reconnect, Action::GenerateLink, Action::SyncNow] {
                assert!(status.allows(action), "{reason:?} {action:?}");
            }
        }
    }

    #[test]
    fn companies_that_need_somebody_are_grouped_by_what_helps_them() {
        let lack = |problem| Lack { data_set: DataSet::SecureScore, problem };
        let limited = |problems: &[Problem]| Status::Limited { lacks: problems.iter().copied().map(lack).collect() };
        let (missing, new, absent) = (Problem::PermissionMissing, Problem::NewPermission, Problem::NotAvailable);
        assert_eq!(limited(&[absent, new, missing]).cause(), Some(Cause::PermissionMissing));
        assert_eq!(limited(&[absent, new]).cause(), Some(Cause::NewPermission));
        assert_eq!(limited(&[absent]).cause(), Some(Cause::NotAvailable));
        let reason = ReconnectReason::TenantGone;
        assert_eq!(Status::NeedsReconnect { reason, since: NOW }.cause(), Some(Cause::Lost(reason)));
        assert_eq!((Status::Connected.cause(), Status::NotConnected.cause()), (None, None));
        for cause in Cause::all() {
            assert_eq!(Cause::from_key(cause.key()), Some(cause));
        }
        let action = |reason| Cause::Lost(reason).action();
        assert_eq!(action(ReconnectReason::AppRemoved), Some(Action::GenerateLink));
        assert_eq!(action(ReconnectReason::AppDisabled), Some(Action::SyncNow));
        assert_eq!(Cause::NotAvailable.action(), None);
    }

    #[test]
    fn every_state_but_a_settled_one_offers_a_way_on() {
        let until = NOW;
        for (status, main) in [
            (Status::NotConnected, Action::SignIn),
            (Status::SigningIn { until, connected: false }, Action::SignIn),
            (Status::NeedsReconnect { reason: ReconnectReason::AppRemoved, since: NOW }, Action::Reconnect),
            (Status::Limited { lacks: vec![] }, Action::Reconnect),
            (Status::Verifying { since: NOW, slow: true }, Action::Reconnect),
        ] {
            assert_eq!(status.actions().first(), Some(&main), "{status:?}");
        }
        assert!(!Status::Connected.allows(Action::SignIn));
        assert!(!Status::Verifying { since: NOW, slow: false }.allows(Action::Reconnect));
    }
}
