//! A campaign: links for many companies that were made together, and how far each company is with its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CampaignId, CompanyId, DeadLink, LinkEnd, LinkState, Template, Timestamp, link::open_request};

/// How many days before a link expires its client is reminded, where nobody says otherwise.
pub const REMIND_DAYS: u8 = 2;

/// The most days that that can be.
pub const REMIND_DAYS_MAX: u8 = 6;

const DAY: Duration = Duration::from_hours(24);

/// How long after each failed try to send a mail to a client the next one comes. A link does not live long.
const SCHEDULE: [Duration; 4] =
    [Duration::from_secs(30), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(2)];

/// When to try again after `tries` failed ones, one at least; none once the mail is given up.
pub fn next_try(tries: u32) -> Option<Duration> {
    usize::try_from(tries).ok().and_then(|tries| SCHEDULE.get(tries.saturating_sub(1))).copied()
}

/// When the client of a link is reminded, if at all: who was written to shortly before that needs no reminder.
pub fn reminder_at(expires: Timestamp, days: u8, sent_at: Timestamp) -> Option<Timestamp> {
    Some(expires.minus(DAY * u32::from(days))).filter(|at| sent_at.plus(DAY / 2) <= *at)
}

/// What a campaign is called: 1 to 100 characters in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignName(String);

/// Why a text is no campaign's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CampaignNameError {
    /// More than [`CampaignName::MAX`] characters.
    #[error("The campaign's name is longer than {} characters. Shorten it.", CampaignName::MAX)]
    TooLong,
    /// Line breaks and the like.
    #[error("The campaign's name contains control characters. Write it in one line.")]
    Control,
}

impl CampaignName {
    /// The most characters that a name has.
    pub const MAX: usize = 100;

    /// Takes a text as people write it; nothing but blanks is none.
    pub fn parse(text: &str) -> Result<Option<Self>, CampaignNameError> {
        let name = text.trim();
        if name.chars().any(char::is_control) {
            Err(CampaignNameError::Control)
        } else if name.chars().count() > Self::MAX {
            Err(CampaignNameError::TooLong)
        } else {
            Ok((!name.is_empty()).then(|| Self(name.to_owned())))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What clients are written, ready to be sent, and when they are reminded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailTexts {
    /// What they are written.
    pub template: Template,
    /// How many days before a link expires its client is reminded. None: not at all.
    pub remind_days: Option<u8>,
}

/// How far a company is. Derived by [`CampaignFacts::state`], and stored nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Its link is there, and nobody has told the client.
    NotSent,
    /// A mail with it is on its way.
    Sending,
    /// It could not be sent.
    Failed,
    /// It was sent, by mail or by hand.
    Sent,
    /// Somebody opened it.
    Opened,
    /// It is dead, and somebody asks for another.
    Asked,
    /// Its time is over.
    Expired,
    /// Somebody withdrew it.
    Withdrawn,
    /// A newer one was made for the company, outside of this campaign.
    Replaced,
    /// The company is connected.
    Connected,
    /// It was, and is not any more.
    Disconnected,
    /// The company was put away.
    Archived,
}

impl CampaignState {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 12] = [
        Self::NotSent,
        Self::Sending,
        Self::Failed,
        Self::Sent,
        Self::Opened,
        Self::Asked,
        Self::Expired,
        Self::Withdrawn,
        Self::Replaced,
        Self::Connected,
        Self::Disconnected,
        Self::Archived,
    ];

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotSent => "Not sent",
            Self::Sending => "Sending…",
            Self::Failed => "Sending failed",
            Self::Sent => "Sent",
            Self::Opened => "Opened",
            Self::Asked => "Asked for a new one",
            Self::Expired => "Expired",
            Self::Withdrawn => "Withdrawn",
            Self::Replaced => "Replaced",
            Self::Connected => "Connected",
            Self::Disconnected => "Not connected any more",
            Self::Archived => "Archived",
        }
    }

    /// What a person may do with such a company, what it most likely is first.
    pub const fn actions(self) -> &'static [CampaignAction] {
        use CampaignAction::{MarkSent, Renew, RenewAndSend, Send, SendAgain, Withdraw};

        match self {
            Self::NotSent => &[Send, MarkSent, Renew, Withdraw],
            Self::Sending => &[Withdraw],
            Self::Failed => &[SendAgain, MarkSent, Renew, Withdraw],
            Self::Sent | Self::Opened => &[SendAgain, Renew, Withdraw],
            Self::Asked => &[RenewAndSend, Renew],
            Self::Expired | Self::Withdrawn | Self::Replaced | Self::Disconnected => &[Renew, RenewAndSend],
            Self::Connected | Self::Archived => &[],
        }
    }

    /// Whether a person may do this with such a company.
    pub fn allows(self, action: CampaignAction) -> bool {
        self.actions().contains(&action)
    }

    /// Why no mail is sent, if none is. `again`: also where one was sent before.
    pub const fn refuses_mail(self, again: bool) -> Option<&'static str> {
        match self {
            Self::NotSent | Self::Failed => None,
            Self::Sent | Self::Opened if again => None,
            Self::Sent | Self::Opened => Some("Its link was sent already."),
            Self::Sending => Some("A mail is on its way already."),
            Self::Connected => Some("It is connected."),
            Self::Archived => Some("It is archived."),
            Self::Asked | Self::Expired | Self::Withdrawn | Self::Replaced | Self::Disconnected => {
                Some("Its link leads nowhere any more. Generate a new one.")
            }
        }
    }
}

/// Something that a person may do with a company of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignAction {
    /// Send the link by mail.
    Send,
    /// Send it once more.
    SendAgain,
    /// It was sent in another way.
    MarkSent,
    /// Make a new link.
    Renew,
    /// The same, and send it by mail.
    RenewAndSend,
    /// End the link.
    Withdraw,
}

impl CampaignAction {
    /// Its words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Send => "Send e-mail",
            Self::SendAgain => "Send again",
            Self::MarkSent => "Mark as sent",
            Self::Renew => "Generate new link",
            Self::RenewAndSend => "Generate new link and send",
            Self::Withdraw => "Withdraw",
        }
    }

    /// Whether it may stand on a row's own button, which becomes another action once that is done. What ends a link is in
    /// the menu alone.
    pub const fn may_be_main(self) -> bool {
        !matches!(self, Self::Withdraw)
    }

    /// Whether it takes a mail server and an address.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Send | Self::SendAgain | Self::RenewAndSend)
    }
}

/// What is known of a company's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignLink {
    /// What decides whether it leads anywhere.
    pub state: LinkState,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// When somebody opened it last.
    pub opened_at: Option<Timestamp>,
}

/// What is known of the latest mail with a company's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignMail {
    /// When somebody wanted it sent.
    pub made_at: Timestamp,
    /// Whether it is still to be sent, or tried once more.
    pub due: bool,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// All that decides how far a company is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignFacts {
    /// Whether the company was put away.
    pub archived: bool,
    /// When it got its link.
    pub since: Timestamp,
    /// The link. None: it was so long ago that it is forgotten.
    pub link: Option<CampaignLink>,
    /// When the company was connected last, if it is.
    pub connected_at: Option<Timestamp>,
    /// Since when somebody asks for a new link.
    pub requested_at: Option<Timestamp>,
    /// When somebody said that the link was sent in another way than by our mail.
    pub by_hand_at: Option<Timestamp>,
    /// The latest mail with the link.
    pub mail: Option<CampaignMail>,
}

impl CampaignFacts {
    /// How far the company is, and since when, if that is known.
    pub fn state(&self, now: Timestamp) -> (CampaignState, Option<Timestamp>) {
        use CampaignState::{Archived, Asked, Connected, Disconnected, Expired, Replaced, Withdrawn};

        let dead = match self.link.map(|link| (link, link.state.may_begin(now))) {
            Some((link, Ok(()))) if !self.archived => return self.of_live(link),
            Some((_, Err(dead))) => Some(dead),
            _ => None,
        };
        let ended_at = self.link.and_then(|link| link.ended_at);
        let used = matches!(dead, Some(DeadLink::Ended(LinkEnd::Used | LinkEnd::Overtaken)));
        let connected_at = self.connected_at.filter(|at| *at >= self.since);
        let asked = open_request(self.requested_at, now).filter(|at| *at >= self.since);
        match dead {
            // By this link, or in another way since.
            _ if connected_at.is_some() => (Connected, connected_at),
            _ if used && self.connected_at.is_some() => (Connected, ended_at),
            _ if self.archived => (Archived, None),
            _ if asked.is_some() => (Asked, asked),
            _ if used => (Disconnected, None),
            Some(DeadLink::Ended(LinkEnd::Replaced)) => (Replaced, ended_at),
            Some(DeadLink::Ended(_)) => (Withdrawn, ended_at),
            Some(DeadLink::Expired) | None => (Expired, self.link.map(|link| link.state.expires)),
        }
    }

    /// Why no mail with the link is sent now, if none is. `again`: also where one was sent before.
    pub fn refuses_mail(&self, now: Timestamp, again: bool) -> Option<&'static str> {
        // Somebody who opened the link, or got it in another way, hides it.
        let is_due = self.mail.is_some_and(|mail| mail.due);
        let on_its_way = is_due.then(|| CampaignState::Sending.refuses_mail(again)).flatten();
        self.state(now).0.refuses_mail(again).or(on_its_way)
    }

    fn of_live(&self, link: CampaignLink) -> (CampaignState, Option<Timestamp>) {
        use CampaignState::{Failed, NotSent, Opened, Sending, Sent};

        if link.opened_at.is_some() {
            return (Opened, link.opened_at);
        }
        // What happened last counts.
        let mail = self.mail.filter(|mail| self.by_hand_at.is_none_or(|at| at < mail.made_at));
        match (mail, self.by_hand_at) {
            (Some(mail), _) if mail.due => (Sending, Some(mail.made_at)),
            (Some(mail), _) if mail.sent_at.is_some() => (Sent, mail.sent_at),
            (Some(mail), _) => (Failed, Some(mail.made_at)),
            (None, Some(at)) => (Sent, Some(at)),
            (None, None) => (NotSent, None),
        }
    }
}

/// A company of a campaign. Flat, for the browser reads it in fewer bytes of program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRow {
    /// The company.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// Its contact's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How far it is.
    pub state: CampaignState,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Until when its link is good, if it is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A campaign in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignSummary {
    /// Which one.
    pub id: CampaignId,
    /// What it is called.
    pub name: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// How many companies it has.
    pub companies: u32,
    /// How many of them are connected.
    pub connected: u32,
    /// How many wait for somebody here: not sent, failed, or asking for a new link.
    pub waiting: u32,
}

impl CampaignSummary {
    /// Counts a company.
    pub const fn count(&mut self, state: CampaignState) {
        self.companies += 1;
        match state {
            CampaignState::Connected => self.connected += 1,
            CampaignState::NotSent | CampaignState::Failed | CampaignState::Asked => self.waiting += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample};

    use super::*;

    const MADE: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn hours(hours: u64) -> Timestamp {
        MADE.plus(Duration::from_hours(hours))
    }

    fn link() -> CampaignLink {
        CampaignLink { state: LinkState { expires: hours(7 * 24), end: None }, ended_at: None, opened_at: None }
    }

    fn ended(end: LinkEnd) -> CampaignLink {
        CampaignLink { state: LinkState { end: Some(end), ..link().state }, ended_at: Some(hours(5)), ..link() }
    }

    fn facts() -> CampaignFacts {
        CampaignFacts {
            archived: false,
            since: MADE,
            link: Some(link()),
            connected_at: None,
            requested_at: None,
            by_hand_at: None,
            mail: None,
        }
    }

    fn mail(made: u64, due: bool, sent: Option<u64>) -> CampaignMail {
        CampaignMail { made_at: hours(made), due, sent_at: sent.map(hours) }
    }

    #[test]
    fn while_a_mail_is_on_its_way_no_other_one_is_sent() {
        let opened = CampaignLink { opened_at: Some(hours(3)), ..link() };
        let refuses = |link, mail| {
            let facts = CampaignFacts { link: Some(link), mail: Some(mail), by_hand_at: Some(hours(4)), ..facts() };
            [false, true].map(|again| facts.refuses_mail(hours(5), again).is_some())
        };
        for link in [link(), opened] {
            assert_eq!(refuses(link, mail(1, true, None)), [true, true], "{link:?}");
            assert_eq!(refuses(link, mail(1, false, Some(2))), [true, false], "{link:?}");
        }
    }

    #[test]
    fn a_live_link_is_as_far_as_what_happened_last() {
        use CampaignState::{Failed, NotSent, Opened, Sending, Sent};

        let with = |mail: Option<CampaignMail>, by_hand: Option<u64>, opened: Option<u64>| {
            let link = CampaignLink { opened_at: opened.map(hours), ..link() };
            let facts = CampaignFacts { mail, by_hand_at: by_hand.map(hours), link: Some(link), ..facts() };
            facts.state(hours(10))
        };
        for (mail, by_hand, opened, expected) in [
            (None, None, None, (NotSent, None)),
            (Some(mail(1, true, None)), None, None, (Sending, Some(1))),
            (Some(mail(1, false, Some(2))), None, None, (Sent, Some(2))),
            (Some(mail(1, false, None)), None, None, (Failed, Some(1))),
            (None, Some(3), None, (Sent, Some(3))),
            (Some(mail(1, false, None)), Some(3), None, (Sent, Some(3))),
            (Some(mail(4, true, None)), Some(3), None, (Sending, Some(4))),
            (Some(mail(1, false, None)), None, Some(6), (Opened, Some(6))),
        ] {
            let expected = (expected.0, expected.1.map(hours));
            assert_eq!(with(mail, by_hand, opened), expected, "{mail:?} {by_hand:?} {opened:?}");
        }
    }

    #[test]
    fn a_dead_link_says_what_became_of_it() {
        use CampaignState::{Asked, Connected, Disconnected, Expired, Replaced, Withdrawn};

        let connected = Some(hours(5));
        for (link, connected_at, requested_at, now, expected) in [
            (Some(ended(LinkEnd::Used)), connected, None, 6, (Connected, connected)),
            (Some(ended(LinkEnd::Overtaken)), connected, None, 6, (Connected, connected)),
            // Connected in another way since.
            (Some(ended(LinkEnd::Withdrawn)), Some(hours(6)), None, 7, (Connected, Some(hours(6)))),
            (Some(link()), Some(hours(200)), None, 300, (Connected, Some(hours(200)))),
            // A renewed access that did not work: the one of before is back.
            (Some(ended(LinkEnd::Used)), Some(MADE.minus(DAY)), None, 6, (Connected, connected)),
            (Some(ended(LinkEnd::Used)), None, None, 6, (Disconnected, None)),
            (Some(ended(LinkEnd::Withdrawn)), None, None, 6, (Withdrawn, connected)),
            (Some(ended(LinkEnd::Replaced)), None, None, 6, (Replaced, connected)),
            (Some(ended(LinkEnd::Withdrawn)), None, Some(hours(6)), 7, (Asked, Some(hours(6)))),
            (Some(link()), None, Some(hours(170)), 171, (Asked, Some(hours(170)))),
            (Some(link()), None, None, 7 * 24, (Expired, Some(hours(7 * 24)))),
            // Nobody waits for ever.
            (Some(link()), None, Some(hours(170)), 170 + 7 * 24, (Expired, Some(hours(7 * 24)))),
            // Whoever asked before got this one.
            (Some(ended(LinkEnd::Withdrawn)), None, Some(MADE.minus(DAY)), 6, (Withdrawn, connected)),
            (None, None, None, 5_000, (Expired, None)),
        ] {
            let facts = CampaignFacts { link, connected_at, requested_at, ..facts() };
            assert_eq!(facts.state(hours(now)), expected, "{facts:?}");
        }
        // What needs renewing is not connected by what was before.
        let renews = CampaignFacts { connected_at: Some(MADE.minus(DAY)), ..facts() };
        assert_eq!(renews.state(hours(1)).0, CampaignState::NotSent);
        assert_eq!(renews.state(hours(200)).0, Expired);
    }

    #[test]
    fn an_archived_company_is_that_and_nothing_is_done_with_it() {
        let archived = CampaignFacts { archived: true, ..facts() };
        assert_eq!(archived.state(hours(1)), (CampaignState::Archived, None));
        assert_eq!(CampaignState::Archived.actions(), []);
    }

    #[test]
    fn a_reminder_comes_days_before_the_end_to_who_was_written_to_before_that() {
        let expires = hours(7 * 24);
        assert_eq!(reminder_at(expires, 2, MADE), Some(hours(5 * 24)));
        assert_eq!(reminder_at(expires, 6, MADE), Some(hours(24)));
        assert_eq!(reminder_at(expires, 2, hours(5 * 24 - 12)), Some(hours(5 * 24)));
        assert_eq!(reminder_at(expires, 2, hours(5 * 24 - 11)), None);
        assert_eq!(reminder_at(hours(24), 2, MADE), None);
    }

    #[test]
    fn a_mail_is_tried_five_times_within_three_hours() {
        let waits: Vec<_> = (1..).map_while(next_try).collect();
        assert_eq!(waits.len(), 4);
        assert!(waits.iter().sum::<Duration>() < Duration::from_hours(3));
    }

    #[test]
    fn a_name_is_one_short_line_or_none() {
        assert_eq!(CampaignName::parse(" \t "), Ok(None));
        assert_eq!(CampaignName::parse(" May "), Ok(Some(CampaignName("May".into()))));
        assert_eq!(CampaignName::parse("a\nb"), Err(CampaignNameError::Control));
        assert_eq!(CampaignName::parse(&"é".repeat(101)), Err(CampaignNameError::TooLong));
    }

    proptest! {
        #[test]
        fn only_a_live_link_is_sent_or_withdrawn(
            archived: bool,
            expires in 1_u64..200,
            end in option::of(sample::select(&LinkEnd::ALL[..])),
            opened in option::of(0_u64..200),
            connected in option::of(0_u64..200),
            requested in option::of(0_u64..200),
            by_hand in option::of(0_u64..200),
            mailed in option::of((0_u64..200, any::<bool>(), option::of(0_u64..200))),
            now in 0_u64..400,
        ) {
            let link = CampaignLink {
                state: LinkState { expires: hours(expires), end },
                ended_at: end.map(|_| hours(1)),
                opened_at: opened.map(hours),
            };
            let facts = CampaignFacts {
                archived,
                since: MADE,
                link: Some(link),
                connected_at: connected.map(hours),
                requested_at: requested.map(hours),
                by_hand_at: by_hand.map(hours),
                mail: mailed.map(|(made, due, sent)| mail(made, due, sent)),
            };
            let (state, _) = facts.state(hours(now));
            let is_live = !archived && link.state.may_begin(hours(now)).is_ok();
            prop_assert_eq!(state.allows(CampaignAction::Withdraw), is_live);
            prop_assert!(is_live || state.refuses_mail(true).is_some());
            // What is offered is what is taken.
            for (action, again) in [(CampaignAction::Send, false), (CampaignAction::SendAgain, true)] {
                prop_assert!(!state.allows(action) || state.refuses_mail(again).is_none());
            }
            prop_assert!(!state.allows(CampaignAction::Renew) || !matches!(state, CampaignState::Connected));
        }
    }
}
