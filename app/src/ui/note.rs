//! The line under a row's state: why it is so, and what that means.

use super::{
    ago::{ago, ahead, count},
    state::{Entry, Wish},
};
use crate::domain::{Action, LastTry, LinkSummary, Status, Timestamp};

/// A few words, and an explanation where they need one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The words.
    pub words: String,
    /// What they mean, a paragraph each.
    pub explanation: Vec<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Since when it is so, where the row says that itself.
    pub since: Option<Timestamp>,
    /// Until when something can be used.
    pub until: Option<Timestamp>,
}

impl Note {
    /// The note of a company, if its state needs one.
    pub fn of(entry: &Entry, now: Timestamp) -> Option<Self> {
        let plain = |words: &str| Some(Self { words: words.into(), ..Self::default() });
        let link = entry.live_link(now);
        let settled = match &*entry.status(now) {
            Status::SigningIn { .. } if entry.wish() == Some(Wish::Cancel) => return plain("Cancelling"),
            Status::SigningIn { .. } => return plain("Waiting for the sign-in"),
            Status::Verifying { slow: false, .. } => return plain("Microsoft applies the consent"),
            Status::Verifying { slow: true, .. } => return plain("No consent in effect yet"),
            Status::Limited { .. } => entry.row.in_words.as_deref().map(Self::of_words),
            Status::NeedsReconnect { since, .. } => {
                let words = entry.row.in_words.as_deref().map(Self::of_words);
                words.map(|note| Self { since: Some(*since), ..note })
            }
            Status::LinkSent => None,
            Status::NotConnected | Status::Connected => entry
                .row
                .last_try
                .as_ref()
                .map(|last_try| Self {
                    words: last_try.title.clone(),
                    explanation: vec![last_try.advice.clone()],
                    at: Some(last_try.at),
                    ..Self::default()
                })
                .or_else(|| entry.row.link.as_ref().and_then(|link| Self::of_expired(link, now)))
                .or_else(|| Self::of_kept_data(entry)),
        };
        let note = match (link, settled) {
            (Some(link), None) => Some(Self::of_link(link, entry.row.last_try.as_ref(), now)),
            (Some(link), Some(note)) => Some(note.with_link(link, now)),
            (None, settled) if entry.row.link_requested_at.is_some() => Some(Self::of_request(entry, settled, now)),
            (None, settled) => settled,
        };
        match &entry.row.oddity {
            Some(oddity) => Some(Self::with_oddity(note, oddity)),
            None => note,
        }
    }

    /// What is odd, where nothing more urgent is to be said; else below that.
    fn with_oddity(note: Option<Self>, oddity: &str) -> Self {
        let (words, text) = oddity.split_once('\n').unwrap_or((oddity, ""));
        let mut note = note.unwrap_or_default();
        if note.words.is_empty() {
            words.clone_into(&mut note.words);
        } else {
            note.explanation.push(words.to_owned() + ".");
        }
        note.explanation.push(text.to_owned());
        note
    }

    /// How a live link fares.
    fn of_link(link: &LinkSummary, last_try: Option<&LastTry>, now: Timestamp) -> Self {
        // A try before the link was opened did not come by it.
        let failed = last_try.filter(|last_try| link.opened_at.is_some_and(|opened| opened <= last_try.at));
        let happened = failed.map_or_else(|| opened(link), |_| "last try failed".into());
        let mut explanation = vec![match (link.opens, link.opened_at) {
            (0, _) | (_, None) => "Nobody has opened it yet.".to_owned(),
            (_, Some(at)) => format!("{}, last {}.", capital(&opened(link)), ago(at, now)),
        }];
        if let Some(LastTry { title, advice, at }) = failed {
            explanation.push(format!("The last try failed {}: {title}. {advice}", ago(*at, now)));
        }
        explanation.extend(link.note.as_ref().map(|note| format!("Note: {note}")));
        let words = format!("{happened}, expires {}", ahead(link.expires, now));
        Self { words, explanation, until: Some(link.expires), ..Self::default() }
    }

    /// The same note, where a link is live besides.
    fn with_link(mut self, link: &LinkSummary, now: Timestamp) -> Self {
        let words = format!("{}, expires {}", opened(link), ahead(link.expires, now));
        self.words.push_str(", link sent");
        self.explanation.push(format!("A link is live: {words}."));
        self.explanation.extend(link.note.as_ref().map(|note| format!("Note: {note}")));
        self
    }

    fn of_expired(link: &LinkSummary, now: Timestamp) -> Option<Self> {
        (link.end.is_none() && !link.is_live(now)).then(|| Self {
            words: format!("Link expired, {}", if link.opens == 0 { "never opened".into() } else { opened(link) }),
            explanation: std::iter::once("It leads nowhere any more. Generate a new one if it is still needed.".into())
                .chain(link.note.as_ref().map(|note| format!("Note: {note}")))
                .collect(),
            at: Some(link.expires),
            ..Self::default()
        })
    }

    /// What is left of a connection.
    fn of_kept_data(entry: &Entry) -> Option<Self> {
        (entry.row.tenant.is_none() && entry.row.synced_at.is_some()).then(|| Self {
            words: "Disconnected, data kept".into(),
            explanation: vec!["What was read until then stays, as of the last sync.".into()],
            ..Self::default()
        })
    }

    /// Somebody waits for a new link. What else there is to say stands below that.
    fn of_request(entry: &Entry, settled: Option<Self>, now: Timestamp) -> Self {
        let text = if entry.allows(Action::GenerateLink, now) {
            "Somebody opened a link that leads nowhere any more, and asks for a new one. Generate it, and send it to them."
        } else {
            "Somebody opened a link that leads nowhere any more, and asks for a new one. The company is connected: tell \
             them that there is nothing left to do."
        };
        let settled = settled.into_iter().flat_map(|note| std::iter::once(note.words).chain(note.explanation));
        Self {
            words: "New link requested".into(),
            explanation: std::iter::once(text.to_owned()).chain(settled).collect(),
            at: entry.row.link_requested_at,
            ..Self::default()
        }
    }

    /// What the server has put into words: a line of them, and what they mean.
    fn of_words(text: &str) -> Self {
        let mut lines = text.lines().map(str::to_owned);
        Self { words: lines.next().unwrap_or_default(), explanation: lines.collect(), ..Self::default() }
    }
}

/// "opened 2 times".
fn opened(link: &LinkSummary) -> String {
    match link.opens {
        0 => "not opened yet".into(),
        opens => format!("opened {}", count(opens.into(), "time")),
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{AttemptFailure, CompanyId, CompanyRow, Figures, LinkEnd, ReconnectReason},
        ui::state::Rows,
    };

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const MINUTE: Duration = Duration::from_mins(1);

    fn row(status: Status, link: Option<LinkSummary>) -> CompanyRow {
        CompanyRow {
            id: CompanyId::from_uuid(Uuid::nil()),
            name: "Contoso".into(),
            domain: None,
            tenant: None,
            in_words: status.in_words(),
            status,
            figures: Figures::default(),
            synced_at: None,
            first_sync: false,
            users_so_far: None,
            last_try: None,
            link,
            link_requested_at: None,
            external_id: None,
            contact: None,
            email: None,
            tags: None,
            access: None,
            oddity: None,
            revision: 1,
        }
    }

    fn note(row: CompanyRow) -> Option<Note> {
        let mut rows = Rows::new(str::to_lowercase);
        rows.replace(vec![row]);
        Note::of(&rows.all()[0], NOW)
    }

    fn words(row: CompanyRow) -> Option<String> {
        note(row).map(|note| note.words)
    }

    fn live(opens: u32) -> LinkSummary {
        let opened_at = (opens > 0).then(|| NOW.minus(2 * MINUTE));
        LinkSummary { expires: NOW.plus(Duration::from_hours(5 * 24)), end: None, opens, opened_at, note: None }
    }

    fn failed(at: Timestamp) -> LastTry {
        LastTry::new(&AttemptFailure::Declined, at)
    }

    #[test]
    fn a_live_link_is_seen_at_a_glance() {
        for (opens, expected) in [
            (0, "not opened yet, expires in 5 days"),
            (1, "opened 1 time, expires in 5 days"),
            (2, "opened 2 times, expires in 5 days"),
        ] {
            assert_eq!(words(row(Status::LinkSent, Some(live(opens)))).as_deref(), Some(expected));
        }
        let with_note = LinkSummary { note: Some("#4711".into()), ..live(2) };
        let explanation = note(row(Status::LinkSent, Some(with_note))).map(|note| note.explanation);
        let expected = ["Opened 2 times, last 2 minutes ago.", "Note: #4711"].map(str::to_owned).to_vec();
        assert_eq!(explanation, Some(expected));
    }

    #[test]
    fn a_try_that_failed_after_the_link_was_opened_is_seen_and_one_before_that_is_not() {
        let tried = |at| CompanyRow { last_try: Some(failed(at)), ..row(Status::LinkSent, Some(live(2))) };
        assert_eq!(words(tried(NOW.minus(MINUTE))).as_deref(), Some("last try failed, expires in 5 days"));
        assert_eq!(words(tried(NOW.minus(3 * MINUTE))).as_deref(), Some("opened 2 times, expires in 5 days"));
    }

    #[test]
    fn a_link_that_expired_says_so_and_one_that_was_withdrawn_says_nothing() {
        let expired = LinkSummary { expires: NOW, ..live(0) };
        let words = |link| words(row(Status::NotConnected, Some(link)));
        assert_eq!(words(expired.clone()).as_deref(), Some("Link expired, never opened"));
        assert_eq!(words(LinkSummary { end: Some(LinkEnd::Withdrawn), ..expired }), None);
    }

    #[test]
    fn a_request_for_a_new_link_comes_before_everything_else() {
        let asked = CompanyRow {
            link_requested_at: Some(NOW),
            last_try: Some(failed(NOW)),
            ..row(Status::NotConnected, Some(LinkSummary { expires: NOW, ..live(0) }))
        };
        let note = note(asked).expect("there is something to say");
        assert_eq!(note.words, "New link requested");
        assert!(note.explanation[0].contains("Generate it"));
        assert!(note.explanation.contains(&AttemptFailure::Declined.title().to_owned()));
    }

    #[test]
    fn who_asks_for_a_link_to_a_connected_company_needs_none() {
        let asked = CompanyRow { link_requested_at: Some(NOW), ..row(Status::Connected, None) };
        assert!(note(asked).is_some_and(|note| note.explanation[0].contains("nothing left to do")));
    }

    #[test]
    fn a_link_for_renewing_the_access_is_told_beside_what_is_wrong() {
        let status = Status::NeedsReconnect { reason: ReconnectReason::AppRemoved, since: NOW };
        let note = note(row(status, Some(live(0)))).expect("there is something to say");
        assert_eq!((note.words.as_str(), note.since), ("App removed, link sent", Some(NOW)));
        assert!(note.explanation[0].ends_with(ReconnectReason::AppRemoved.advice()));
        assert_eq!(note.explanation[2], "A link is live: not opened yet, expires in 5 days.");
    }

    #[test]
    fn data_that_were_kept_are_told_from_those_of_a_connection() {
        let kept = CompanyRow { synced_at: Some(NOW), ..row(Status::NotConnected, None) };
        assert_eq!(words(kept.clone()).as_deref(), Some("Disconnected, data kept"));
        let connected = CompanyRow { tenant: Some("Contoso".into()), status: Status::Connected, ..kept };
        assert_eq!(words(connected), None);
    }

    #[test]
    fn what_is_odd_is_told_but_what_is_urgent_comes_first() {
        let odd = |status| CompanyRow { oddity: Some("Tenant was renamed\nKeep it.".into()), ..row(status, None) };
        let connected = note(odd(Status::Connected)).expect("there is something to say");
        assert_eq!(
            (connected.words.as_str(), &*connected.explanation),
            ("Tenant was renamed", &["Keep it.".to_owned()][..])
        );
        let reason = ReconnectReason::TenantGone;
        let lost = note(odd(Status::NeedsReconnect { reason, since: NOW })).expect("there is something to say");
        assert_eq!(lost.words, "Tenant not found");
        assert_eq!(lost.explanation[2..], ["Tenant was renamed.", "Keep it."]);
    }
}
