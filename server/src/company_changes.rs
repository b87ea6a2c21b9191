//! Which companies changed. Who keeps something of them asks here, each time that anything may have been written, whether it
//! still holds: the database is asked, so what another server wrote counts too.

use std::{collections::HashMap, time::Duration};

use app::domain::{CompanyId, Timestamp};

use crate::store::{SEEN_WITHIN, Store, StoreError};

/// How long changes are followed before everything is read anew: what time alone changes, and a clock that is wrong on
/// another server, come into effect by then.
const READ_ANEW_AFTER: Duration = Duration::from_mins(5);

/// What there is to read again.
#[derive(Debug)]
pub enum Changed {
    /// All companies.
    All,
    /// These. None: what is kept still holds.
    These(Vec<CompanyId>),
}

/// Follows what changes.
#[derive(Debug, Default)]
pub struct CompanyChanges {
    followed: Option<Followed>,
}

#[derive(Debug)]
struct Followed {
    since: Timestamp,
    asked_at: Timestamp,
    /// The number of each row's state that was seen last, as far as it is recent.
    seen: HashMap<CompanyId, i64>,
}

impl CompanyChanges {
    /// What changed since this was called before. What is read after that is as new as what is answered, or newer.
    pub async fn next(&mut self, store: &Store) -> Result<Changed, StoreError> {
        let ask = async |since| Ok((store.company_revisions_since(since).await?, ()));
        Ok(self.next_by(store.now(), ask).await?.0)
    }

    /// The same, by a question that finds out something else besides: which rows changed since a time, with the number of
    /// each one's state.
    pub async fn next_by<T>(
        &mut self,
        now: Timestamp,
        ask: impl AsyncFnOnce(Timestamp) -> Result<(Vec<(CompanyId, i64)>, T), StoreError>,
    ) -> Result<(Changed, T), StoreError> {
        // Nothing is left of it if this is cut off. A clock that was put back stamps changes with times that were asked
        // about already.
        let before =
            self.followed.take().filter(|before| now >= before.asked_at && now.since(before.since) < READ_ANEW_AFTER);
        let asked_at = before.as_ref().map_or(now, |before| before.asked_at);
        let (recent, besides) = ask(asked_at.minus(SEEN_WITHIN)).await?;
        let changed = before.as_ref().map(|Followed { seen, .. }| {
            let is_new = |(id, revision): &&(CompanyId, i64)| seen.get(id) != Some(revision);
            recent.iter().filter(is_new).map(|(id, _)| *id).collect()
        });
        let since = before.map_or(now, |before| before.since);
        self.followed = Some(Followed { since, asked_at: now, seen: recent.into_iter().collect() });
        Ok((changed.map_or(Changed::All, Changed::These), besides))
    }
}
