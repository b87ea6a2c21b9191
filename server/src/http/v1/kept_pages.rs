//! Pages of the list of companies as they were sent, kept for as long as no company changes. The database is asked each time
//! whether one did.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use app::domain::{CompanyId, Timestamp};

use super::paging::Rendered;
use crate::{
    company_changes::{Changed, CompanyChanges},
    store::StoreError,
};

/// How much is kept at most, in bytes.
const ROOM: usize = 4 * 1024 * 1024;

/// Which state of all companies: another one for each other state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u64);

/// Keeps pages.
#[derive(Default)]
pub struct KeptPages {
    follower: tokio::sync::Mutex<(CompanyChanges, Version)>,
    pages: Mutex<Pages>,
}

/// Pages of one version, by what was asked for.
#[derive(Default)]
struct Pages {
    version: Version,
    bytes: usize,
    by_question: HashMap<String, Rendered>,
}

impl KeptPages {
    /// Which state companies are in now, by a question as [`CompanyChanges::next_by`] has it, and what else it found out.
    /// What is read after that is of this state, or newer.
    pub async fn version_by<T>(
        &self,
        now: Timestamp,
        ask: impl AsyncFnOnce(Timestamp) -> Result<(Vec<(CompanyId, i64)>, T), StoreError>,
    ) -> Result<(Version, T), StoreError> {
        let mut held = self.follower.lock().await;
        let (follower, version) = &mut *held;
        let (changed, besides) = follower.next_by(now, ask).await?;
        if !matches!(changed, Changed::These(ids) if ids.is_empty()) {
            version.0 += 1;
        }
        Ok((*version, besides))
    }

    /// The page of this version, if it is kept.
    pub fn page(&self, version: Version, question: &str) -> Option<Rendered> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        (pages.version == version).then(|| pages.by_question.get(question).cloned()).flatten()
    }

    /// Keeps a page that was read after this version was told.
    pub fn keep(&self, version: Version, question: String, page: Rendered) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let size = question.len() + page.size();
        if pages.version < version || pages.bytes + size > ROOM {
            *pages = Pages { version: pages.version.max(version), ..Pages::default() };
        }
        if pages.version == version && size <= ROOM {
            pages.bytes += size;
            pages.by_question.insert(question, page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: usize) -> Rendered {
        Rendered::new(vec![0; bytes].into(), None)
    }

    #[test]
    fn a_page_is_kept_for_its_version_and_within_the_room() {
        let kept = KeptPages::default();
        let (one, two) = (Version(1), Version(2));
        kept.keep(two, "a".to_owned(), page(1));
        assert!(kept.page(two, "a").is_some() && kept.page(one, "a").is_none() && kept.page(two, "b").is_none());
        // Who was slow keeps nothing that is older.
        kept.keep(one, "b".to_owned(), page(1));
        assert!(kept.page(one, "b").is_none() && kept.page(two, "a").is_some());
        kept.keep(two, "c".to_owned(), page(ROOM / 2 - 1));
        assert!(kept.page(two, "a").is_none() && kept.page(two, "c").is_some());
        kept.keep(two, "d".to_owned(), page(ROOM / 2 + 1));
        assert!(kept.page(two, "d").is_none());
    }
}
