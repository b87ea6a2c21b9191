//! Graph's links to what comes next, and how it is noticed that they lead nowhere.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::graph::GraphError;

/// At 100 users a page this is a directory of ten million.
const MOST_PAGES: u32 = 100_000;

/// A link of Graph's to the next page, or to what changes from now on. Followed as it is, never taken apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Link(String);

impl Link {
    /// Takes a link that was stored. It is checked when it is followed.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The link as text, to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link([redacted])")
    }
}

/// Notices when pages lead in a circle, or never end. One for each walk; it can be stored, and go on later.
///
/// Each link is compared with one that was followed before, which is replaced whenever the number of pages has doubled:
/// a circle is noticed within three times its length, whatever that is (Brent's algorithm).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkGuard {
    pages: u32,
    mark: Option<Mark>,
}

/// A link that was followed, as far as it takes to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(i64);

impl Mark {
    fn of(link: &Link) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(link.as_str())[..8]);
        Self(i64::from_be_bytes(first))
    }
}

impl LinkGuard {
    /// A guard that was stored.
    pub fn from_stored(pages: u32, mark: Option<i64>) -> Self {
        Self { pages, mark: mark.map(Mark) }
    }

    /// How many links were followed.
    pub const fn pages(&self) -> u32 {
        self.pages
    }

    /// The link to compare with, to be stored.
    pub fn mark(&self) -> Option<i64> {
        self.mark.map(|mark| mark.0)
    }

    /// Refuses a link that was followed before, and one too many.
    pub fn admit(&mut self, link: &Link) -> Result<(), GraphError> {
        if self.pages >= MOST_PAGES {
            return Err(GraphError::unreadable("pages without end"));
        }
        let mark = Mark::of(link);
        if self.mark == Some(mark) {
            return Err(GraphError::unreadable("pages in a circle"));
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.mark = Some(mark);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(number: u32) -> Link {
        Link::from_stored(format!("https://graph.microsoft.com/v1.0/users/delta?$skiptoken={number}"))
    }

    proptest! {
        #[test]
        fn a_circle_is_noticed_wherever_it_begins_and_whenever_the_walk_is_interrupted(
            before in 0_u32..200, length in 1_u32..200, interrupted_every in 1_usize..50,
        ) {
            let mut guard = LinkGuard::default();
            let walk = (0..before).chain((before..before + length).cycle());
            let mut followed = 0;
            for (step, number) in walk.enumerate() {
                if step % interrupted_every == 0 {
                    guard = LinkGuard::from_stored(guard.pages(), guard.mark());
                }
                if guard.admit(&link(number)).is_err() {
                    break;
                }
                followed += 1;
                prop_assert!(followed <= 3 * (before + length) + 3, "it goes on and on");
            }
        }

        #[test]
        fn a_walk_that_ends_is_admitted(pages in 0_u32..2_000) {
            let mut guard = LinkGuard::default();
            prop_assert!((0..pages).all(|number| guard.admit(&link(number)).is_ok()));
        }
    }

    #[test]
    fn a_link_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", link(1)), "Link([redacted])");
        let mut guard = LinkGuard::from_stored(MOST_PAGES, None);
        assert!(guard.admit(&link(1)).is_err());
    }
}
