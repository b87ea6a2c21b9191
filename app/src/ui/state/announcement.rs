//! What is said about a row that changed because of a person's click.

use super::Wish;
use crate::domain::{CompanyRow, Status, Timestamp};

/// The sentence for a change, if it is one that the person's deed led to. Nothing is said about the rows of others.
pub fn announcement(deed: Wish, before: &CompanyRow, after: &CompanyRow, now: Timestamp) -> Option<String> {
    let name = &after.name;
    if after.last_try.is_some() && after.last_try != before.last_try {
        return after.last_try.as_ref().map(|tried| format!("{name}: {}", tried.title));
    }
    if after.link_requested_at.is_some() && after.link_requested_at != before.link_requested_at {
        return Some(format!("{name}: new link requested"));
    }
    let ran_out = matches!(before.status, Status::SigningIn { until, .. } if until <= now);
    let word = |status: &Status| status.word();
    if word(&before.status) != word(&after.status) {
        return match &after.status {
            Status::Verifying { .. } => Some(format!("{name}: verifying…")),
            Status::NeedsReconnect { reason, .. } => Some(format!("{name}: {}", reason.label())),
            Status::Connected | Status::Limited { .. } if deed == Wish::Cancel || ran_out => None,
            Status::Connected => Some(format!("{name} connected")),
            Status::Limited { .. } => Some(format!("{name} connected, but not all data can be read")),
            Status::NotConnected | Status::LinkSent if ran_out => Some(format!("{name}: the sign-in ran out of time")),
            Status::NotConnected | Status::LinkSent | Status::SigningIn { .. } => None,
        };
    }
    let synced = deed == Wish::Sync && after.synced_at.is_some() && after.synced_at != before.synced_at;
    synced.then(|| format!("{name} synced"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{AttemptFailure, CompanyId, Figures, LastTry};

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const LATER: Timestamp = Timestamp::from_millis(2_000);

    fn row(status: Status) -> CompanyRow {
        CompanyRow {
            id: CompanyId::from_uuid(Uuid::nil()),
            name: "Contoso".into(),
            domain: None,
            tenant: None,
            status,
            figures: Figures::default(),
            synced_at: None,
            users_so_far: None,
            first_sync: false,
            last_try: None,
            link: None,
            link_requested_at: None,
            external_id: None,
            contact: None,
            email: None,
            tags: None,
            access: None,
            in_words: None,
            oddity: None,
            revision: 1,
        }
    }

    fn signing_in(until: Timestamp) -> CompanyRow {
        row(Status::SigningIn { until, connected: false })
    }

    fn said(deed: Wish, before: &CompanyRow, after: &CompanyRow) -> Option<String> {
        announcement(deed, before, after, NOW)
    }

    #[test]
    fn each_step_of_connecting_is_said_once() {
        let verifying = row(Status::Verifying { since: NOW, slow: false });
        let connected = row(Status::Connected);
        let say = |before: &CompanyRow, after: &CompanyRow| said(Wish::SignIn, before, after);
        assert_eq!(say(&row(Status::NotConnected), &signing_in(LATER)), None);
        assert_eq!(say(&signing_in(LATER), &verifying).as_deref(), Some("Contoso: verifying…"));
        assert_eq!(say(&verifying, &connected).as_deref(), Some("Contoso connected"));
        let figures = Figures { users: Some(3), ..Figures::default() };
        assert_eq!(say(&connected, &CompanyRow { figures, ..connected.clone() }), None);
    }

    #[test]
    fn a_failure_is_said_with_its_title() {
        let last_try = Some(LastTry::new(&AttemptFailure::Declined, NOW));
        let failed = CompanyRow { last_try, ..row(Status::NotConnected) };
        let words = said(Wish::SignIn, &signing_in(LATER), &failed);
        assert_eq!(words.as_deref(), Some("Contoso: Consent was declined"));
        assert_eq!(said(Wish::SignIn, &failed, &failed), None);
    }

    #[test]
    fn who_sent_a_link_is_told_what_comes_of_it() {
        let sent = row(Status::LinkSent);
        let asked = CompanyRow { link_requested_at: Some(NOW), ..row(Status::NotConnected) };
        assert_eq!(said(Wish::Link, &sent, &signing_in(LATER)), None);
        let connected = said(Wish::Link, &signing_in(LATER), &row(Status::Connected));
        assert_eq!(connected.as_deref(), Some("Contoso connected"));
        assert_eq!(said(Wish::Link, &signing_in(LATER), &sent), None);
        assert_eq!(said(Wish::Link, &sent, &asked).as_deref(), Some("Contoso: new link requested"));
        assert_eq!(said(Wish::Link, &asked, &asked), None);
    }

    #[test]
    fn going_back_to_connected_is_not_connecting() {
        let renewing = |until| row(Status::SigningIn { until, connected: true });
        assert_eq!(said(Wish::Cancel, &renewing(LATER), &row(Status::Connected)), None);
        assert_eq!(said(Wish::SignIn, &renewing(NOW), &row(Status::Connected)), None);
    }

    #[test]
    fn a_sync_is_said_to_who_asked_for_it() {
        let synced = CompanyRow { synced_at: Some(NOW), ..row(Status::Connected) };
        assert_eq!(said(Wish::Sync, &row(Status::Connected), &synced).as_deref(), Some("Contoso synced"));
        assert_eq!(said(Wish::SignIn, &row(Status::Connected), &synced), None);
    }
}
