//! What is told to people who are not looking at the page, and when: once for each cause, and not for what passes by
//! itself within minutes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CompanyId, Lack, ReconnectReason, Timestamp};

/// How long something must last before it is told; and be over, before that is told.
pub const SETTLES_AFTER: Duration = Duration::from_mins(2);

/// How long before its end a certificate of ours is warned of.
pub const CERTIFICATE_WARNING: Duration = Duration::from_hours(30 * 24);

/// What people can choose to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A company can't be read any more.
    #[serde(rename = "connection.needs_reconnect")]
    NeedsReconnect,
    /// Something of a company can't be read.
    #[serde(rename = "connection.limited")]
    Limited,
    /// A company that this was told of can be read again.
    #[serde(rename = "connection.recovered")]
    Recovered,
    /// A company was connected by somebody with a link.
    #[serde(rename = "connection.connected")]
    Connected,
    /// Somebody with a dead link asks for a new one.
    #[serde(rename = "link.requested")]
    LinkRequested,
    /// Microsoft does not take our own app registration.
    #[serde(rename = "app.fault")]
    AppFault,
    /// Our own certificate expires soon.
    #[serde(rename = "app.certificate_expires")]
    CertificateExpires,
    /// What was told of our app registration is over.
    #[serde(rename = "app.recovered")]
    AppRecovered,
}

impl NoticeKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::NeedsReconnect,
        Self::Limited,
        Self::Recovered,
        Self::Connected,
        Self::LinkRequested,
        Self::AppFault,
        Self::CertificateExpires,
        Self::AppRecovered,
    ];

    /// Its stable name: the type of a webhook's event.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NeedsReconnect => "connection.needs_reconnect",
            Self::Limited => "connection.limited",
            Self::Recovered => "connection.recovered",
            Self::Connected => "connection.connected",
            Self::LinkRequested => "link.requested",
            Self::AppFault => "app.fault",
            Self::CertificateExpires => "app.certificate_expires",
            Self::AppRecovered => "app.recovered",
        }
    }

    /// The kind of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// What happened, for who chooses.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NeedsReconnect => "A company needs reconnecting",
            Self::Limited => "Something of a company can't be read",
            Self::Recovered => "A company is all good again",
            Self::Connected => "A company was connected with a link",
            Self::LinkRequested => "A client asks for a new link",
            Self::AppFault => "Microsoft refuses our app registration",
            Self::CertificateExpires => "Our certificate expires soon",
            Self::AppRecovered => "Our app registration is all good again",
        }
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One company's connection.
    Company(CompanyId),
    /// Our app registration, as Microsoft takes it.
    App,
    /// Our app registration's certificate.
    Certificate,
}

impl Subject {
    /// Its stable name in the database.
    pub fn key(self) -> String {
        match self {
            Self::Company(company) => company.to_string(),
            Self::App => "app".to_owned(),
            Self::Certificate => "certificate".to_owned(),
        }
    }

    /// Which company, if it is one.
    pub const fn company(self) -> Option<CompanyId> {
        match self {
            Self::Company(company) => Some(company),
            Self::App | Self::Certificate => None,
        }
    }
}

/// Why somebody is told something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// The grant is gone.
    NeedsReconnect {
        /// Why.
        reason: ReconnectReason,
    },
    /// Connected, but these data sets can't be read.
    Limited {
        /// Which, and why.
        lacks: Vec<Lack>,
    },
    /// A company that never was connected is, by somebody with a link.
    Connected,
    /// Somebody with a dead link asks for a new one.
    LinkRequested,
    /// Microsoft refuses our app registration at several tenants at once.
    AppFault {
        /// The stable name of the fault, for programs.
        fault: String,
        /// What happened and what to do, for people.
        text: String,
    },
    /// Our certificate expires soon.
    CertificateExpires {
        /// When.
        at: Timestamp,
    },
}

impl Cause {
    /// The kind of the notice that tells of it.
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::NeedsReconnect { .. } => NoticeKind::NeedsReconnect,
            Self::Limited { .. } => NoticeKind::Limited,
            Self::Connected => NoticeKind::Connected,
            Self::LinkRequested => NoticeKind::LinkRequested,
            Self::AppFault { .. } => NoticeKind::AppFault,
            Self::CertificateExpires { .. } => NoticeKind::CertificateExpires,
        }
    }

    /// The kind of the notice that it is over; none for what only happens.
    pub const fn end_kind(&self) -> Option<NoticeKind> {
        match self {
            Self::NeedsReconnect { .. } | Self::Limited { .. } => Some(NoticeKind::Recovered),
            Self::AppFault { .. } | Self::CertificateExpires { .. } => Some(NoticeKind::AppRecovered),
            Self::Connected | Self::LinkRequested => None,
        }
    }

    /// Whether who was told of this knows of `other` too: the same, or less of it.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Limited { lacks }, Self::Limited { lacks: others }) => {
                others.iter().all(|lack| lacks.contains(lack))
            }
            // The words may be another release's.
            (Self::AppFault { fault, .. }, Self::AppFault { fault: other, .. }) => fault == other,
            _ => self == other,
        }
    }
}

/// How the subject of a notice is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody can tell yet: it is being looked at.
    Unknown,
    /// All good.
    Fine,
    /// There is nothing any more that could be good or bad.
    Gone,
    /// Somebody should know.
    Trouble {
        /// What.
        cause: Cause,
        /// Since when.
        since: Timestamp,
    },
}

/// The notice of a subject that is not over, or whose end was not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Why it was raised.
    pub cause: Cause,
    /// Whether people were told.
    pub told: bool,
    /// Whether it is over, and people are about to be told that.
    pub ending: bool,
}

/// What follows for the notices of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Stay,
    /// A new notice, and an end without words to the one before, if there is one.
    Raise,
    /// The one that seemed to be over is not.
    Reopen,
    /// It is over, and people are told so if it stays that way.
    End,
    /// It is over, and nobody is told.
    Drop,
}

/// What follows from how a subject is now.
pub fn change(alarm: Option<&Alarm>, standing: &Standing) -> Change {
    match (alarm, standing) {
        (None, Standing::Trouble { .. }) => Change::Raise,
        (None, _) | (Some(_), Standing::Unknown) => Change::Stay,
        (Some(_), Standing::Gone) => Change::Drop,
        (Some(alarm), Standing::Fine) if alarm.ending => Change::Stay,
        (Some(alarm), Standing::Fine) => {
            if alarm.told {
                Change::End
            } else {
                Change::Drop
            }
        }
        (Some(alarm), Standing::Trouble { cause, .. }) if alarm.cause.covers(cause) => {
            if alarm.ending {
                Change::Reopen
            } else {
                Change::Stay
            }
        }
        (Some(_), Standing::Trouble { .. }) => Change::Raise,
    }
}

/// How our certificate stands, `at` being when it expires.
pub fn certificate_standing(expires: Option<Timestamp>, now: Timestamp) -> Standing {
    match expires {
        None => Standing::Fine,
        Some(at) if at.minus(CERTIFICATE_WARNING) > now => Standing::Fine,
        Some(at) => Standing::Trouble { cause: Cause::CertificateExpires { at }, since: at.minus(CERTIFICATE_WARNING) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DataSet, Problem};

    const EXPIRED: Cause = Cause::NeedsReconnect { reason: ReconnectReason::SignInExpired };
    const REMOVED: Cause = Cause::NeedsReconnect { reason: ReconnectReason::ConsentRemoved };

    fn limited(data_sets: &[DataSet]) -> Cause {
        let lack = |data_set: &DataSet| Lack { data_set: *data_set, problem: Problem::PermissionMissing };
        Cause::Limited { lacks: data_sets.iter().map(lack).collect() }
    }

    fn trouble(cause: Cause) -> Standing {
        Standing::Trouble { cause, since: Timestamp::from_millis(1) }
    }

    fn alarm(cause: Cause, told: bool, ending: bool) -> Alarm {
        Alarm { cause, told, ending }
    }

    #[test]
    fn each_cause_is_told_once_and_what_passes_is_not_told() {
        let both = [DataSet::Users, DataSet::Licences];
        for (name, alarm, standing, expected) in [
            ("all good stays so", None, Standing::Fine, Change::Stay),
            ("something new", None, trouble(EXPIRED), Change::Raise),
            ("the same again", Some(alarm(EXPIRED, true, false)), trouble(EXPIRED), Change::Stay),
            ("the same, not told yet", Some(alarm(EXPIRED, false, false)), trouble(EXPIRED), Change::Stay),
            ("another reason", Some(alarm(EXPIRED, true, false)), trouble(REMOVED), Change::Raise),
            ("less of the same", Some(alarm(limited(&both), true, false)), trouble(limited(&both[..1])), Change::Stay),
            ("more of the same", Some(alarm(limited(&both[..1]), true, false)), trouble(limited(&both)), Change::Raise),
            ("from bad to less bad", Some(alarm(EXPIRED, true, false)), trouble(limited(&both)), Change::Raise),
            ("it is looked at", Some(alarm(EXPIRED, true, false)), Standing::Unknown, Change::Stay),
            ("it mends", Some(alarm(EXPIRED, true, false)), Standing::Fine, Change::End),
            ("it mends before anybody was told", Some(alarm(EXPIRED, false, false)), Standing::Fine, Change::Drop),
            ("it stays mended", Some(alarm(EXPIRED, true, true)), Standing::Fine, Change::Stay),
            ("it only seemed to mend", Some(alarm(EXPIRED, true, true)), trouble(EXPIRED), Change::Reopen),
            ("it mends, and then something else", Some(alarm(EXPIRED, true, true)), trouble(REMOVED), Change::Raise),
            ("it is disconnected", Some(alarm(EXPIRED, true, false)), Standing::Gone, Change::Drop),
            ("it is disconnected after it mended", Some(alarm(EXPIRED, true, true)), Standing::Gone, Change::Drop),
            ("nothing is disconnected", None, Standing::Gone, Change::Stay),
        ] {
            assert_eq!(change(alarm.as_ref(), &standing), expected, "{name}");
        }
    }

    #[test]
    fn a_certificate_is_warned_of_thirty_days_ahead() {
        let day = Duration::from_hours(24);
        let expires = Timestamp::from_millis(0).plus(day * 365);
        assert_eq!(certificate_standing(Some(expires), expires.minus(day * 31)), Standing::Fine);
        let warned = certificate_standing(Some(expires), expires.minus(day * 29));
        assert_eq!(warned, certificate_standing(Some(expires), expires.plus(day)), "it is one cause, whenever seen");
        assert!(matches!(warned, Standing::Trouble { cause: Cause::CertificateExpires { at }, .. } if at == expires));
        assert_eq!(certificate_standing(None, expires), Standing::Fine);
    }

    #[test]
    fn stable_names_lead_back_to_what_they_name() -> Result<(), serde_json::Error> {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::from_key(kind.key()), Some(kind));
            assert_eq!(serde_json::to_value(kind)?, kind.key());
        }
        Ok(())
    }
}
