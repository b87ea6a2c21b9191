//! A link: an address that lets somebody else connect one company. Used up by a success only.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{AttemptFailure, CompanyId, Email, Template, Timestamp};

/// Where a link leads, before its token.
pub const PATH: &str = "/c/";

/// How long asking for a new link stands, if none is made.
const REQUEST_STANDS: Duration = Duration::from_hours(7 * 24);

/// What the maker of a link wants to remember with it, such as a ticket's number. Never shown to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkNote(String);

/// Why a text is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// More than [`LinkNote::MAX`] characters.
    #[error("The note is longer than {} characters. Shorten it.", LinkNote::MAX)]
    TooLong,
    /// Line breaks and the like.
    #[error("The note contains control characters. Write it in one line.")]
    Control,
}

impl LinkNote {
    /// The most characters that a note has.
    pub const MAX: usize = 100;

    /// Takes a text as people write it; nothing but blanks is none.
    pub fn parse(text: &str) -> Result<Option<Self>, NoteError> {
        let note = text.trim();
        if note.chars().any(char::is_control) {
            Err(NoteError::Control)
        } else if note.chars().count() > Self::MAX {
            Err(NoteError::TooLong)
        } else {
            Ok((!note.is_empty()).then(|| Self(note.to_owned())))
        }
    }

    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a link ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkEnd {
    /// Somebody connected the company with it.
    Used,
    /// Somebody withdrew it.
    Withdrawn,
    /// A newer one was made for the company.
    Replaced,
    /// The company was connected in another way.
    Overtaken,
}

impl LinkEnd {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Used, Self::Withdrawn, Self::Replaced, Self::Overtaken];

    /// Its stable name in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
            Self::Overtaken => "overtaken",
        }
    }

    /// The end of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.key() == key)
    }
}

/// Why a link leads nowhere any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLink {
    /// Its time is over.
    Expired,
    /// It ended before its time.
    Ended(LinkEnd),
}

impl DeadLink {
    /// What happened, as a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Expired => "This link has expired",
            Self::Ended(LinkEnd::Used) => "This link has already been used",
            Self::Ended(LinkEnd::Withdrawn | LinkEnd::Replaced | LinkEnd::Overtaken) => "This link was withdrawn",
        }
    }

    /// What that means for who opened it.
    pub fn explanation(self, company: &str) -> String {
        match self {
            Self::Expired => "For your safety, links are good for a limited time only.".into(),
            Self::Ended(LinkEnd::Used) => {
                format!("{company} was connected with it. There is nothing left to do, and nothing was changed now.")
            }
            Self::Ended(LinkEnd::Withdrawn) => "It was called back before it was used. Nothing was changed.".into(),
            Self::Ended(LinkEnd::Replaced) => {
                "A newer link was made in its place. Use that one: look for it where you got this one.".into()
            }
            Self::Ended(LinkEnd::Overtaken) => {
                format!("{company} has been connected in another way meanwhile. There is nothing left to do.")
            }
        }
    }

    /// Whether somebody who opened it may want another.
    pub const fn may_want_another(self) -> bool {
        !matches!(self, Self::Ended(LinkEnd::Overtaken))
    }
}

/// What decides whether a link leads anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// From when on it is dead by itself.
    pub expires: Timestamp,
    /// How it ended before that, if it did.
    pub end: Option<LinkEnd>,
}

impl LinkState {
    /// Whether an attempt may begin with it now.
    pub fn may_begin(self, now: Timestamp) -> Result<(), DeadLink> {
        match self.end {
            Some(end) => Err(DeadLink::Ended(end)),
            None if now >= self.expires => Err(DeadLink::Expired),
            None => Ok(()),
        }
    }

    /// Whether an attempt that began at this time may use it up. How long after that it may, the attempt decides.
    pub fn may_finish(self, begun: Timestamp) -> Result<(), DeadLink> {
        self.may_begin(begun)
    }
}

/// What a company's row shows of its latest link. A connected company's row has none, unless that link is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSummary {
    /// From when on it is dead by itself.
    pub expires: Timestamp,
    /// How it ended before that, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LinkEnd>,
    /// How often people opened it, robots apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub opens: u32,
    /// When somebody opened it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// What its maker wanted to remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl LinkSummary {
    /// Whether it still leads somewhere.
    pub fn is_live(&self, now: Timestamp) -> bool {
        LinkState { expires: self.expires, end: self.end }.may_begin(now).is_ok()
    }
}

/// A live link in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// The company that it connects.
    pub company: CompanyId,
    /// Its name.
    pub company_name: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// The rest.
    #[serde(flatten)]
    pub link: LinkSummary,
}

/// Who writes to a client about which link.
#[derive(Clone, Copy)]
pub struct MessageParts<'a> {
    /// The client.
    pub company: &'a str,
    /// Whom one writes to there. Empty: somebody.
    pub contact: &'a str,
    /// The MSP.
    pub msp: &'a str,
    /// Who writes.
    pub sender: &'a str,
    /// The link.
    pub url: &'a str,
    /// Until when it is good, as people read it.
    pub until: &'a str,
}

/// A text that a technician can send to the client: subject and body. The body holds the link, so it is not for logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMessage {
    /// The company's contact, if that is an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The subject.
    pub subject: String,
    /// The body, lines ended by `\n`.
    pub body: String,
}

impl fmt::Debug for LinkMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkMessage").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl LinkMessage {
    /// Writes it.
    pub fn write(parts: &MessageParts<'_>, to: Option<String>) -> Self {
        Self::fill(&Template::default(), parts, to)
    }

    /// Writes it as somebody wants it.
    pub fn fill(template: &Template, parts: &MessageParts<'_>, to: Option<String>) -> Self {
        let (subject, body) = template.fill(parts);
        Self { to, subject, body }
    }
}

/// Since when somebody waits for a new link. One that nobody made is not waited for for ever: a connected company needs
/// none, and whoever still wants one asks again.
pub fn open_request(requested_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    requested_at.filter(|at| now.since(*at) < REQUEST_STANDS)
}

/// The e-mail address in what somebody wrote down as a company's contact, such as `Kim Abel <kim@contoso.com>`.
pub fn address_in(contact: &str) -> Option<Email> {
    contact
        .split(|c: char| c.is_whitespace() || "<>(),;".contains(c))
        .find_map(|word| Email::parse(word.trim_end_matches('.')).ok())
}

/// What a failed attempt means to somebody who came by a link: they know neither Tenantry nor the MSP's other clients.
pub fn advice_for_client(failure: &AttemptFailure, msp: &str) -> String {
    match failure {
        AttemptFailure::WrongOrganisation { signed_in, expected } => format!(
            "The account belongs to {signed_in}, but this link is for {expected}. Sign in with an administrator of \
             {expected}; the link still works."
        ),
        AttemptFailure::TenantTaken { signed_in, .. } => {
            format!("{signed_in} is connected to {msp} already. If you think that is wrong, ask {msp}.")
        }
        AttemptFailure::AppRegistration => {
            format!("This is not your fault: {msp} has to mend its app. Tell them, and try again later.")
        }
        AttemptFailure::ProofInvalid => {
            format!("Nothing was stored. Try again; if this happens twice, tell {msp}.")
        }
        AttemptFailure::OtherBrowser => {
            "Open the link again in the browser that you want to use, and continue there, with cookies allowed.".into()
        }
        AttemptFailure::Mismatch | AttemptFailure::Interrupted => "Nothing was stored. Open the link again.".into(),
        AttemptFailure::Other => format!("Nothing was stored. Try again; the details help {msp} if it happens twice."),
        AttemptFailure::Declined
        | AttemptFailure::NotAdministrator { .. }
        | AttemptFailure::PersonalAccount
        | AttemptFailure::AccountRefused
        | AttemptFailure::TenantPolicy
        | AttemptFailure::MoreProofNeeded
        | AttemptFailure::GrantRefused { .. }
        | AttemptFailure::MicrosoftUnavailable => failure.advice(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn week() -> LinkState {
        LinkState { expires: MADE.plus(Duration::from_hours(7 * 24)), end: None }
    }

    #[test]
    fn a_link_expires_to_the_millisecond() {
        let expires = week().expires;
        assert_eq!(week().may_begin(expires.minus(Duration::from_millis(1))), Ok(()));
        assert_eq!(week().may_begin(expires), Err(DeadLink::Expired));
    }

    #[test]
    fn what_began_before_the_end_of_its_time_may_be_finished_after_it() {
        assert_eq!(week().may_finish(week().expires.minus(Duration::from_millis(1))), Ok(()));
        assert_eq!(week().may_finish(week().expires), Err(DeadLink::Expired));
    }

    #[test]
    fn a_link_that_ended_is_neither_begun_nor_finished_and_says_how_it_ended() {
        for end in LinkEnd::ALL {
            let ended = LinkState { end: Some(end), ..week() };
            assert_eq!(ended.may_begin(MADE), Err(DeadLink::Ended(end)));
            assert_eq!(ended.may_finish(MADE), Err(DeadLink::Ended(end)));
            assert_eq!(ended.may_begin(ended.expires), Err(DeadLink::Ended(end)), "how it ended says more");
            assert_eq!(LinkEnd::from_key(end.key()), Some(end));
        }
    }

    #[test]
    fn a_note_is_one_short_line_or_none() {
        assert_eq!(LinkNote::parse(" \t "), Ok(None));
        assert_eq!(LinkNote::parse(" #4711 ").map(|note| note.map(|note| note.0)), Ok(Some("#4711".into())));
        assert_eq!(LinkNote::parse("a\nb"), Err(NoteError::Control));
        assert_eq!(LinkNote::parse(&"é".repeat(101)), Err(NoteError::TooLong));
    }

    #[test]
    fn a_summary_takes_few_bytes_while_nothing_happened() -> Result<(), serde_json::Error> {
        let new = LinkSummary { expires: MADE, end: None, opens: 0, opened_at: None, note: None };
        assert_eq!(serde_json::to_string(&new)?, r#"{"expires":1700000000000}"#);
        assert_eq!(serde_json::from_str::<LinkSummary>(r#"{"expires":1700000000000}"#)?, new);
        Ok(())
    }

    #[test]
    fn a_client_is_not_told_about_other_clients() {
        let taken = AttemptFailure::TenantTaken { signed_in: "Contoso".into(), company: "Fabrikam".into() };
        assert!(!advice_for_client(&taken, "Acme IT").contains("Fabrikam"));
        let wrong = AttemptFailure::WrongOrganisation { signed_in: "Fabrikam".into(), expected: "Contoso".into() };
        let advice = advice_for_client(&wrong, "Acme IT");
        assert!(advice.contains("Fabrikam") && advice.contains("Contoso"));
    }

    #[test]
    fn a_wish_for_a_new_link_does_not_stand_for_ever() {
        assert_eq!(open_request(Some(MADE), MADE.plus(REQUEST_STANDS).minus(Duration::from_millis(1))), Some(MADE));
        assert_eq!(open_request(Some(MADE), MADE.plus(REQUEST_STANDS)), None);
    }

    #[test]
    fn a_contact_is_written_down_as_people_do() {
        for contact in ["Kim Abel <Kim@contoso.com>", "Ask kim@contoso.com.", "Kim, kim@contoso.com; +1 555 0100"] {
            assert_eq!(address_in(contact).map(|email| email.to_string()).as_deref(), Some("kim@contoso.com"));
        }
        assert_eq!(address_in("Kim Abel, +1 555 0100"), None);
    }

    #[test]
    fn a_message_holds_the_link_and_does_not_show_it_in_a_log() {
        let url = "https://tenantry.example/c/secret";
        let parts = MessageParts {
            company: "Contoso",
            contact: "Kim Abel",
            msp: "Acme IT",
            sender: "Kim",
            url,
            until: "30 November 2026, 9:00 UTC",
        };
        let message = LinkMessage::write(&parts, None);
        assert!(message.body.contains(&format!("\n{url}\n")) && message.body.contains("30 November 2026"));
        assert!(!format!("{message:?}").contains("secret"));
    }
}
