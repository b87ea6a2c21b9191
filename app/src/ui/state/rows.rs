//! The companies as this browser knows them: what the server said, and what a click is expected to lead to.

use std::{borrow::Cow, collections::HashMap, mem, sync::Arc, time::Duration};

use crate::{
    api::companies::Gone,
    domain::{Action, CompanyId, CompanyRow, LinkSummary, Status, Timestamp, attempt},
    ui::search::{self, Decompose},
};

/// How long a click is believed before the server has confirmed it.
const BELIEVED: Duration = Duration::from_secs(10);

/// How long "Syncing…" stays without news. A large tenant takes a while.
const SYNC_BELIEVED: Duration = Duration::from_secs(90);

/// What a person has just asked for and the server has not yet confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A sign-in.
    SignIn,
    /// The end of the open attempts.
    Cancel,
    /// A sync.
    Sync,
    /// A link.
    Link,
    /// The end of the live link.
    Withdraw,
}

/// One company, with what is needed to find, order and show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As the server last said.
    pub row: CompanyRow,
    /// What it is found by. It begins with the name, without case and accents: what it is ordered by.
    pub search_key: String,
    name_len: usize,
    /// Its tags without case.
    pub tag_key: String,
    /// The last state that was no sign-in: what a cancelled attempt goes back to.
    settled: Option<Status>,
    wish: Option<(Wish, Timestamp)>,
    /// What the person last asked for in this page session, confirmed or not.
    pub deed: Option<Wish>,
}

impl Entry {
    fn new(row: CompanyRow, before: Option<&Self>, decompose: Decompose) -> Self {
        let settled = match &row.status {
            Status::SigningIn { .. } => before.and_then(|before| before.settled.clone()),
            status => Some(status.clone()),
        };
        let wish = before.and_then(|before| before.wish.filter(|(wish, _)| !wish.is_met(&before.row, &row)));
        let search_key = search::key(&row, decompose);
        let name_len = search_key.find('\n').unwrap_or(search_key.len());
        let tag_key = row.tags.as_deref().map(decompose).unwrap_or_default();
        Self { row, search_key, name_len, tag_key, settled, wish, deed: before.and_then(|before| before.deed) }
    }

    fn sort_key(&self) -> &str {
        &self.search_key[..self.name_len]
    }

    /// Whether a row says nothing that is newer.
    fn knows(&self, row: &CompanyRow) -> bool {
        self.row.revision > row.revision || self.row == *row
    }

    /// What the person asked for and the server has not yet confirmed.
    pub fn wish(&self) -> Option<Wish> {
        self.wish.map(|(wish, _)| wish)
    }

    /// The state to show: the server's, or the one that the person's click is about to bring.
    pub fn status(&self, now: Timestamp) -> Cow<'_, Status> {
        match (self.wish, self.row.status_at(now)) {
            (Some((Wish::SignIn, at)), status) if !matches!(status, Status::SigningIn { .. }) => {
                let connected = status.counts_as_connected();
                Cow::Owned(Status::SigningIn { until: at.plus(attempt::DEADLINE), connected })
            }
            (Some((Wish::Cancel, _)), Status::SigningIn { .. }) => self.settled_or_server(now),
            (Some((Wish::Withdraw, _)), Status::LinkSent) => Cow::Owned(Status::NotConnected),
            (_, status) => Cow::Borrowed(status),
        }
    }

    /// Without an attempt. A connection's state that was never seen can't be guessed: it stays as the server says.
    fn settled_or_server(&self, now: Timestamp) -> Cow<'_, Status> {
        match (&self.settled, &self.row.tenant) {
            (Some(settled), _) => Cow::Borrowed(settled),
            (None, None) if self.live_link(now).is_some() => Cow::Owned(Status::LinkSent),
            (None, None) => Cow::Owned(Status::NotConnected),
            (None, Some(_)) => Cow::Borrowed(&self.row.status),
        }
    }

    /// The state that the company is found by: while somebody signs in, the one before that. Else its row would leave the
    /// list under the hand of who pressed the button.
    pub fn lasting(&self, now: Timestamp) -> Cow<'_, Status> {
        match self.status(now) {
            status if !matches!(*status, Status::SigningIn { .. }) => status,
            _ => self.settled_or_server(now),
        }
    }

    /// Whether the next thing to do is to connect it.
    pub fn is_next(&self, now: Timestamp) -> bool {
        matches!(*self.status(now), Status::NotConnected | Status::LinkSent)
    }

    /// The link that leads somewhere, unless the person has just withdrawn it.
    pub fn live_link(&self, now: Timestamp) -> Option<&LinkSummary> {
        self.row.live_link(now).filter(|_| self.wish() != Some(Wish::Withdraw))
    }

    /// Whether a person may do this with the company.
    pub fn allows(&self, action: Action, now: Timestamp) -> bool {
        match action {
            Action::WithdrawLink | Action::WriteToClient => self.live_link(now).is_some(),
            Action::GenerateLinkWithNote => self.allows(Action::GenerateLink, now),
            _ => self.status(now).allows(action),
        }
    }

    /// Whether somebody waits for something to be done about it, whatever its state is.
    pub fn is_awaited(&self, now: Timestamp) -> bool {
        self.row.last_try.is_some()
            || self.row.oddity.is_some()
            || self.row.link_requested_at.is_some() && self.allows(Action::GenerateLink, now)
    }

    /// What the button that makes a link is called.
    pub fn generate_link_label(&self, now: Timestamp) -> &'static str {
        match self.wish() {
            Some(Wish::Withdraw) => "Generate new link",
            _ => self.row.generate_link_label(now),
        }
    }

    /// Whether data are on their way.
    pub fn syncing(&self) -> bool {
        self.row.first_sync || self.wish() == Some(Wish::Sync)
    }

    /// Whether news about it is expected within minutes.
    pub fn in_flux(&self) -> bool {
        self.row.status.in_flux() || self.row.first_sync || self.wish.is_some()
    }
}

impl Wish {
    const fn believed(self) -> Duration {
        match self {
            Self::SignIn | Self::Cancel | Self::Link | Self::Withdraw => BELIEVED,
            Self::Sync => SYNC_BELIEVED,
        }
    }

    fn is_met(self, before: &CompanyRow, after: &CompanyRow) -> bool {
        match self {
            // An attempt may begin and end between two answers: any other state is its outcome.
            Self::SignIn => before.status != after.status || before.last_try != after.last_try,
            Self::Cancel => !matches!(after.status, Status::SigningIn { .. }),
            // Where access is lost, nothing is read: any news is that of the round that was asked for.
            Self::Sync => before.synced_at != after.synced_at || matches!(after.status, Status::NeedsReconnect { .. }),
            Self::Link => before.link != after.link,
            Self::Withdraw => after.link.as_ref().is_none_or(|link| link.end.is_some()),
        }
    }
}

/// A row that the server told anew.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was.
    pub before: Arc<Entry>,
    /// As it is.
    pub after: Arc<Entry>,
}

/// All companies, by name.
#[derive(Clone, Debug)]
pub struct Rows {
    sorted: Vec<Arc<Entry>>,
    by_id: HashMap<CompanyId, Arc<Entry>>,
    /// Those that left the list, and the number of the state of their row in which they did.
    gone: HashMap<CompanyId, i64>,
    decompose: Decompose,
}

impl Rows {
    /// None.
    pub fn new(decompose: Decompose) -> Self {
        Self { sorted: Vec::new(), by_id: HashMap::new(), gone: HashMap::new(), decompose }
    }

    /// All, by name.
    pub fn all(&self) -> &[Arc<Entry>] {
        &self.sorted
    }

    /// The company of this id.
    pub fn get(&self, id: CompanyId) -> Option<Arc<Entry>> {
        self.by_id.get(&id).cloned()
    }

    /// Takes the whole list: what is not in it is gone.
    pub fn replace(&mut self, rows: Vec<CompanyRow>) {
        let mut before = mem::take(&mut self.by_id);
        for row in rows {
            let entry = match before.remove(&row.id) {
                Some(known) if known.knows(&row) => known,
                known => Arc::new(Entry::new(row, known.as_deref(), self.decompose)),
            };
            self.by_id.insert(entry.row.id, entry);
        }
        self.sort();
    }

    /// Takes rows as they are now. Rows arrive over two ways: one that is older than what is known changes nothing.
    pub fn merge(&mut self, rows: Vec<CompanyRow>) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut moved = false;
        for row in rows {
            let before = self.by_id.get(&row.id).cloned();
            let left = self.gone.get(&row.id).is_some_and(|revision| *revision >= row.revision);
            if left || before.as_ref().is_some_and(|before| before.knows(&row)) {
                continue;
            }
            let after = Arc::new(Entry::new(row, before.as_deref(), self.decompose));
            self.by_id.insert(after.row.id, Arc::clone(&after));
            match before {
                Some(before) if before.sort_key() == after.sort_key() => {
                    if !moved {
                        self.put(&after);
                    }
                    changes.push(Change { before, after });
                }
                Some(before) => {
                    moved = true;
                    changes.push(Change { before, after });
                }
                None => moved = true,
            }
        }
        if moved {
            self.sort();
        }
        changes
    }

    /// Takes companies out that left the list. Says whether one was in it.
    pub fn remove(&mut self, gone: &[Gone]) -> bool {
        let mut removed = false;
        for Gone { id, revision } in gone {
            self.gone.insert(*id, *revision);
            if self.by_id.get(id).is_some_and(|entry| entry.row.revision <= *revision) {
                self.by_id.remove(id);
                removed = true;
            }
        }
        if removed {
            self.sort();
        }
        removed
    }

    /// Notes what a person asked for. Says whether anything is shown differently.
    pub fn wish(&mut self, id: CompanyId, wish: Wish, now: Timestamp) -> bool {
        self.change(id, |entry| {
            entry.wish = Some((wish, now));
            entry.deed = Some(wish);
        })
    }

    /// Notes that a person asked for the sync of these. Answers which of them are connected: the others are left out. It
    /// is no deed: when each of many is synced, nothing is said.
    pub fn wish_syncs(&mut self, ids: &[CompanyId], now: Timestamp) -> Vec<CompanyId> {
        let is_connected = |id: &&CompanyId| self.by_id.get(id).is_some_and(|entry| entry.row.tenant.is_some());
        let connected: Vec<_> = ids.iter().filter(is_connected).copied().collect();
        for id in &connected {
            self.change(*id, |entry| entry.wish = Some((Wish::Sync, now)));
        }
        connected
    }

    /// Notes what a person did elsewhere, so that what comes of it is said. Says whether that was not known.
    pub fn did(&mut self, id: CompanyId, deed: Wish) -> bool {
        self.change(id, |entry| entry.deed = Some(deed))
    }

    /// Gives up a wish: the server refused it.
    pub fn forget_wish(&mut self, id: CompanyId) -> bool {
        self.change(id, |entry| entry.wish = None)
    }

    /// The companies with a wish that the server did not confirm in time.
    pub fn overdue_wishes(&self, now: Timestamp) -> Vec<CompanyId> {
        let overdue = |(wish, at): (Wish, Timestamp)| now.since(at) >= wish.believed();
        self.sorted.iter().filter(|entry| entry.wish.is_some_and(overdue)).map(|entry| entry.row.id).collect()
    }

    /// Whether news is expected within minutes. Who sees no company is about to import some, and no event tells of that.
    pub fn in_flux(&self) -> bool {
        self.sorted.is_empty() || self.sorted.iter().any(|entry| entry.in_flux())
    }

    fn sort(&mut self) {
        self.sorted = self.by_id.values().cloned().collect();
        self.sorted.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    }

    fn change(&mut self, id: CompanyId, change: impl FnOnce(&mut Entry)) -> bool {
        let Some(before) = self.by_id.get(&id) else { return false };
        let mut entry = Entry::clone(before);
        change(&mut entry);
        if **before == entry {
            return false;
        }
        let after = Arc::new(entry);
        self.put(&after);
        self.by_id.insert(id, after);
        true
    }

    fn put(&mut self, entry: &Arc<Entry>) {
        if let Ok(position) = self.sorted.binary_search_by(|other| order(other).cmp(&order(entry))) {
            self.sorted[position] = Arc::clone(entry);
        }
    }
}

fn order(entry: &Entry) -> (&str, CompanyId) {
    (entry.sort_key(), entry.row.id)
}

#[cfg(test)]
pub mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{AttemptFailure, Figures, LastTry, LinkEnd};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    pub fn row(number: u128, name: &str, status: Status, revision: i64) -> CompanyRow {
        CompanyRow {
            id: CompanyId::from_uuid(Uuid::from_u128(number)),
            name: name.into(),
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
            revision,
        }
    }

    fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    pub fn rows(list: Vec<CompanyRow>) -> Rows {
        let mut rows = Rows::new(lower);
        rows.replace(list);
        rows
    }

    fn names(rows: &Rows) -> Vec<&str> {
        rows.all().iter().map(|entry| entry.row.name.as_str()).collect()
    }

    fn signing_in() -> Status {
        Status::SigningIn { until: NOW.plus(attempt::DEADLINE), connected: false }
    }

    #[test]
    fn rows_are_ordered_by_name_without_case() {
        let mut rows = rows(vec![row(1, "beta", Status::NotConnected, 1), row(2, "Alpha", Status::NotConnected, 1)]);
        assert_eq!(names(&rows), ["Alpha", "beta"]);
        rows.merge(vec![row(2, "Gamma", Status::NotConnected, 2)]);
        assert_eq!(names(&rows), ["beta", "Gamma"]);
    }

    #[test]
    fn an_older_row_never_overwrites_a_newer_one() {
        let mut rows = rows(vec![row(1, "Contoso", Status::Connected, 5)]);
        assert!(rows.merge(vec![row(1, "Contoso", Status::NotConnected, 4)]).is_empty());
        assert_eq!(rows.all()[0].row.status, Status::Connected);
        assert_eq!(rows.merge(vec![row(1, "Contoso", Status::NotConnected, 6)]).len(), 1);
        assert_eq!(rows.all()[0].row.status, Status::NotConnected);
    }

    #[test]
    fn the_same_row_again_is_no_change() {
        let mut rows = rows(vec![row(1, "Contoso", Status::Connected, 5)]);
        assert!(rows.merge(vec![row(1, "Contoso", Status::Connected, 5)]).is_empty());
    }

    #[test]
    fn a_deadline_that_passed_changes_a_row_without_a_new_revision() {
        let mut rows = rows(vec![row(1, "Contoso", signing_in(), 5)]);
        assert_eq!(rows.merge(vec![row(1, "Contoso", Status::NotConnected, 5)]).len(), 1);
    }

    #[test]
    fn a_whole_list_removes_what_is_not_in_it() {
        let mut rows = rows(vec![row(1, "A", Status::Connected, 1), row(2, "B", Status::Connected, 1)]);
        rows.replace(vec![row(2, "B", Status::Connected, 1)]);
        assert_eq!(names(&rows), ["B"]);
    }

    #[test]
    fn a_company_that_left_comes_back_with_newer_news_only() {
        let mut rows = rows(vec![row(1, "A", Status::Connected, 3), row(2, "B", Status::Connected, 1)]);
        let gone = [Gone { id: rows.all()[0].row.id, revision: 4 }];
        assert!(rows.remove(&gone));
        assert!(!rows.remove(&gone));
        rows.merge(vec![row(1, "A", Status::Connected, 4)]);
        assert_eq!(names(&rows), ["B"]);
        rows.merge(vec![row(1, "A", Status::Connected, 5)]);
        assert_eq!(names(&rows), ["A", "B"]);
        assert!(!rows.remove(&gone), "what is said late takes nothing away");
    }

    #[test]
    fn a_click_shows_signing_in_at_once_and_until_the_server_says_more() {
        let mut rows = rows(vec![row(1, "Contoso", Status::NotConnected, 1)]);
        let id = rows.all()[0].row.id;
        assert!(rows.wish(id, Wish::SignIn, NOW));
        assert!(matches!(*rows.all()[0].status(NOW), Status::SigningIn { connected: false, .. }));
        assert!(rows.in_flux());

        // News of something else keeps the wish; the attempt itself fulfils it.
        rows.merge(vec![row(1, "Contoso", Status::NotConnected, 2)]);
        assert_eq!(rows.all()[0].wish(), Some(Wish::SignIn));
        rows.merge(vec![row(1, "Contoso", signing_in(), 3)]);
        assert_eq!(rows.all()[0].wish(), None);
    }

    #[test]
    fn a_wish_that_the_server_does_not_confirm_is_overdue() {
        let mut rows = rows(vec![row(1, "Contoso", Status::NotConnected, 1)]);
        let id = rows.all()[0].row.id;
        rows.wish(id, Wish::SignIn, NOW);
        assert!(rows.overdue_wishes(NOW.plus(Duration::from_secs(9))).is_empty());
        assert_eq!(rows.overdue_wishes(NOW.plus(BELIEVED)), [id]);
        assert!(rows.forget_wish(id));
        assert_eq!(*rows.all()[0].status(NOW), Status::NotConnected);
    }

    #[test]
    fn an_attempt_that_failed_at_once_fulfils_the_wish() {
        let mut rows = rows(vec![row(1, "Contoso", Status::NotConnected, 1)]);
        rows.wish(rows.all()[0].row.id, Wish::SignIn, NOW);
        let last_try = Some(LastTry::new(&AttemptFailure::Declined, NOW));
        rows.merge(vec![CompanyRow { last_try, ..row(1, "Contoso", Status::NotConnected, 2) }]);
        assert_eq!(*rows.all()[0].status(NOW), Status::NotConnected);
    }

    #[test]
    fn an_attempt_that_was_over_before_it_was_seen_fulfils_the_wish() {
        let mut rows = rows(vec![row(1, "Contoso", Status::NotConnected, 1)]);
        rows.wish(rows.all()[0].row.id, Wish::SignIn, NOW);
        rows.merge(vec![row(1, "Contoso", Status::Connected, 4)]);
        assert_eq!(*rows.all()[0].status(NOW), Status::Connected);
    }

    #[test]
    fn a_cancelled_row_goes_back_to_what_it_was() {
        let mut rows = rows(vec![row(1, "Contoso", Status::Limited { lacks: vec![] }, 1)]);
        let id = rows.all()[0].row.id;
        rows.merge(vec![row(1, "Contoso", signing_in(), 2)]);
        rows.wish(id, Wish::Cancel, NOW);
        assert_eq!(*rows.all()[0].status(NOW), Status::Limited { lacks: vec![] });
        rows.merge(vec![row(1, "Contoso", Status::Connected, 3)]);
        assert_eq!((rows.all()[0].wish(), rows.all()[0].status(NOW)), (None, Cow::Borrowed(&Status::Connected)));
    }

    #[test]
    fn a_state_that_was_never_seen_is_not_guessed() {
        let renewing = CompanyRow { tenant: Some("Contoso".into()), ..row(1, "Contoso", signing_in(), 1) };
        let mut rows = rows(vec![renewing, row(2, "Fabrikam", signing_in(), 1)]);
        for id in [rows.all()[0].row.id, rows.all()[1].row.id] {
            rows.wish(id, Wish::Cancel, NOW);
        }
        assert_eq!(*rows.all()[0].status(NOW), signing_in());
        assert_eq!(*rows.all()[1].status(NOW), Status::NotConnected);
    }

    #[test]
    fn a_withdrawn_link_is_gone_at_once_and_until_the_server_says_so() {
        let link = LinkSummary { expires: NOW.plus(BELIEVED), end: None, opens: 0, opened_at: None, note: None };
        let sent = |revision| CompanyRow { link: Some(link.clone()), ..row(1, "Contoso", Status::LinkSent, revision) };
        let mut rows = rows(vec![sent(1)]);
        let id = rows.all()[0].row.id;
        assert!(rows.all()[0].allows(Action::WithdrawLink, NOW) && rows.all()[0].allows(Action::WriteToClient, NOW));
        rows.wish(id, Wish::Withdraw, NOW);
        let seen = |rows: &Rows| {
            let entry = &rows.all()[0];
            (entry.status(NOW).into_owned(), entry.allows(Action::WithdrawLink, NOW), entry.generate_link_label(NOW))
        };
        assert_eq!(seen(&rows), (Status::NotConnected, false, "Generate new link"));

        // Somebody opens it meanwhile.
        rows.merge(vec![CompanyRow { link: Some(LinkSummary { opens: 1, ..link.clone() }), ..sent(2) }]);
        assert_eq!(seen(&rows).0, Status::NotConnected);
        let withdrawn = LinkSummary { end: Some(LinkEnd::Withdrawn), ..link.clone() };
        rows.merge(vec![CompanyRow { link: Some(withdrawn), ..row(1, "Contoso", Status::NotConnected, 3) }]);
        assert_eq!(rows.all()[0].wish(), None);
        assert_eq!(seen(&rows), (Status::NotConnected, false, "Generate new link"));
    }

    #[test]
    fn who_asks_for_a_link_waits_only_where_one_can_be_made() {
        let asked = |status| CompanyRow { link_requested_at: Some(NOW), ..row(1, "Contoso", status, 1) };
        assert!(rows(vec![asked(Status::NotConnected)]).all()[0].is_awaited(NOW));
        assert!(!rows(vec![asked(Status::Connected)]).all()[0].is_awaited(NOW));
        assert!(!rows(vec![row(1, "Contoso", Status::NotConnected, 1)]).all()[0].is_awaited(NOW));
    }

    #[test]
    fn who_cancels_a_sign_in_finds_the_link_as_it_was() {
        let link = Some(LinkSummary { expires: NOW.plus(BELIEVED), end: None, opens: 0, opened_at: None, note: None });
        let mut rows = rows(vec![CompanyRow { link, ..row(1, "Contoso", signing_in(), 1) }]);
        rows.wish(rows.all()[0].row.id, Wish::Cancel, NOW);
        assert_eq!(*rows.all()[0].status(NOW), Status::LinkSent);
    }

    #[test]
    fn a_check_that_finds_access_still_lost_is_over_with_the_next_news() {
        use crate::domain::ReconnectReason;

        let lost = |revision| {
            let reason = ReconnectReason::BlockedByPolicy;
            row(1, "Contoso", Status::NeedsReconnect { reason, since: NOW }, revision)
        };
        let mut rows = rows(vec![lost(1)]);
        rows.wish(rows.all()[0].row.id, Wish::Sync, NOW);
        assert!(rows.all()[0].syncing());
        rows.merge(vec![lost(2)]);
        assert!(!rows.all()[0].syncing());
    }

    #[test]
    fn the_sync_of_many_leaves_out_those_that_are_not_connected_and_is_no_deed_of_each() {
        let connected = CompanyRow { tenant: Some("A".into()), ..row(1, "A", Status::Connected, 1) };
        let mut rows = rows(vec![connected, row(2, "B", Status::NotConnected, 1)]);
        let ids: Vec<_> = rows.all().iter().map(|entry| entry.row.id).collect();
        assert_eq!(rows.wish_syncs(&ids, NOW), ids[..1]);
        assert_eq!((rows.all()[0].syncing(), rows.all()[0].deed), (true, None));
        assert!(!rows.all()[1].syncing());
    }

    #[test]
    fn a_wished_sync_is_shown_until_there_are_newer_data() {
        let mut rows = rows(vec![row(1, "Contoso", Status::Connected, 1)]);
        rows.wish(rows.all()[0].row.id, Wish::Sync, NOW);
        assert!(rows.all()[0].syncing());
        rows.merge(vec![CompanyRow { synced_at: Some(NOW), ..row(1, "Contoso", Status::Connected, 2) }]);
        assert!(!rows.all()[0].syncing());
    }
}
