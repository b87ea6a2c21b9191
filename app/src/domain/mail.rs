//! Mail to people: to whom, what, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Email, NoticeKind, Timestamp};

/// The most addresses that mail goes to.
pub const RECIPIENTS_MAX: usize = 20;

/// How long one mail collects what comes together.
pub const COLLECTS_FOR: Duration = Duration::from_mins(3);

const DAY_MINUTES: u16 = 24 * 60;

/// How long after each failed try the next one comes.
const SCHEDULE: [Duration; 7] = [
    Duration::from_secs(30),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(12),
    Duration::from_hours(24),
];

/// When to try again after `tries` failed ones, one at least; none once the mail is given up.
pub fn next_try(tries: u32) -> Option<Duration> {
    usize::try_from(tries).ok().and_then(|tries| SCHEDULE.get(tries.saturating_sub(1))).copied()
}

/// When mail is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailPace {
    /// Minutes after something happened.
    #[default]
    Soon,
    /// Once a day, if something happened.
    Daily {
        /// At this minute of the day, UTC.
        minute: u16,
    },
}

impl MailPace {
    /// When what happened at `first` and after it is sent.
    pub fn sends_at(self, first: Timestamp) -> Timestamp {
        match self {
            Self::Soon => first.plus(COLLECTS_FOR),
            Self::Daily { minute } => {
                let day = i64::from(DAY_MINUTES) * 60_000;
                let today = first.as_millis().div_euclid(day) * day + i64::from(minute % DAY_MINUTES) * 60_000;
                Timestamp::from_millis(if today > first.as_millis() { today } else { today + day })
            }
        }
    }
}

/// Who is sent what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSettings {
    /// The addresses. Empty: no mail.
    pub recipients: Vec<String>,
    /// What is told.
    pub kinds: Vec<NoticeKind>,
    /// When.
    pub pace: MailPace,
}

impl Default for MailSettings {
    fn default() -> Self {
        let kinds = NoticeKind::ALL.into_iter().filter(|kind| *kind != NoticeKind::Connected).collect();
        Self { recipients: Vec::new(), kinds, pace: MailPace::default() }
    }
}

impl MailSettings {
    /// Takes addresses as people write them: one a line, or between commas. Answers the one that is none.
    pub fn parse_recipients(text: &str) -> Result<Vec<String>, String> {
        let mut recipients = Vec::new();
        for part in text.split(['\n', ',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
            let email = Email::parse(part).map_err(|_| part.to_owned())?.as_str().to_owned();
            if !recipients.contains(&email) {
                recipients.push(email);
            }
        }
        Ok(recipients)
    }
}

/// A mail that could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFailure {
    /// To whom.
    pub recipient: String,
    /// What happened, and what to do.
    pub problem: String,
    /// When it was tried.
    pub at: Timestamp,
    /// When it is tried next. None: it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_mail_comes_at_the_next_such_minute() {
        let hour = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let at_seven = MailPace::Daily { minute: 7 * 60 };
        for (first, expected) in [(6, 7), (7, 31), (8, 31), (30, 31)] {
            assert_eq!(at_seven.sends_at(hour(first)), hour(expected), "{first}");
        }
        assert_eq!(MailPace::Soon.sends_at(hour(6)), hour(6).plus(COLLECTS_FOR));
    }

    #[test]
    fn recipients_are_written_in_any_way() {
        let parsed = MailSettings::parse_recipients("Kim@Example.com, \n ops@example.com;kim@example.com\n");
        assert_eq!(parsed, Ok(vec!["kim@example.com".to_owned(), "ops@example.com".to_owned()]));
        assert_eq!(MailSettings::parse_recipients("kim"), Err("kim".to_owned()));
        assert_eq!(MailSettings::parse_recipients(" "), Ok(Vec::new()));
    }

    #[test]
    fn a_mail_is_tried_for_two_days() {
        let waits: Vec<_> = (1..).map_while(next_try).collect();
        assert_eq!(waits.len(), 7);
        assert!(waits.iter().sum::<Duration>() > Duration::from_hours(44));
    }
}
