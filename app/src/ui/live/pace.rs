//! When to ask for changes and when to open the event stream again.

use std::time::Duration;

use crate::domain::Timestamp;

/// Between two questions while news is expected or the stream is silent.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// The server sends a ping every few seconds: a stream that is silent for longer is cut, whatever the browser thinks.
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// The longest wait before the stream is opened again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is known about the ways to the server.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Whether the event stream is open.
    open: bool,
    heard_at: Timestamp,
    asked_at: Timestamp,
    opened_at: Timestamp,
    failures: u32,
}

impl Pace {
    /// The stream is being opened, the list was just read.
    pub const fn new(now: Timestamp) -> Self {
        Self { open: false, heard_at: now, asked_at: now, opened_at: now, failures: 0 }
    }

    /// The stream is open.
    pub const fn opened(&mut self, now: Timestamp) {
        self.open = true;
        self.failures = 0;
        self.heard_at = now;
    }

    /// Something came over the stream.
    pub const fn heard(&mut self, now: Timestamp) {
        self.heard_at = now;
    }

    /// The stream broke.
    pub const fn broke(&mut self) {
        self.open = false;
    }

    /// The stream is being opened again.
    pub const fn reopening(&mut self, now: Timestamp) {
        self.open = false;
        self.opened_at = now;
        self.failures = self.failures.saturating_add(1);
    }

    /// Changes were asked for.
    pub const fn asked(&mut self, now: Timestamp) {
        self.asked_at = now;
    }

    /// Whether news comes by itself.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.open && now.since(self.heard_at) < SILENT_AFTER
    }

    /// Whether to ask for changes now.
    pub fn ask_now(&self, in_flux: bool, now: Timestamp) -> bool {
        (in_flux || !self.is_live(now)) && now.since(self.asked_at) >= ASK_EVERY
    }

    /// Whether to open the stream anew. `given_up`: the browser does not try any more, as after an HTTP error.
    pub fn reopen_now(&self, given_up: bool, now: Timestamp) -> bool {
        let silent = now.since(self.heard_at.max(self.opened_at)) >= SILENT_AFTER;
        let pause = Duration::from_secs(1 << self.failures.min(5)).min(LONGEST_PAUSE);
        (given_up || silent) && now.since(self.opened_at) >= pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn open() -> Pace {
        let mut pace = Pace::new(NOW);
        pace.opened(NOW);
        pace
    }

    #[test]
    fn nothing_is_asked_while_the_stream_speaks_and_nothing_is_in_flux() {
        assert!(!open().ask_now(false, after(9)));
        assert!(open().ask_now(true, after(3)));
        assert!(!open().ask_now(true, after(2)));
    }

    #[test]
    fn a_broken_stream_is_made_up_for_by_asking() {
        let mut pace = open();
        pace.broke();
        assert!(pace.ask_now(false, after(3)));
        pace.asked(after(3));
        assert!(!pace.ask_now(false, after(5)));
        assert!(pace.ask_now(false, after(6)));
    }

    #[test]
    fn a_silent_stream_counts_as_broken() {
        let mut pace = open();
        assert!(pace.ask_now(false, after(10)));
        assert!(pace.reopen_now(false, after(10)));
        pace.heard(after(8));
        assert!(!pace.ask_now(false, after(10)));
        assert!(!pace.reopen_now(false, after(10)));
    }

    #[test]
    fn a_stream_that_the_browser_gave_up_is_opened_again_ever_more_slowly() {
        let mut pace = open();
        pace.broke();
        assert!(pace.reopen_now(true, after(1)));
        pace.reopening(after(1));
        assert!(!pace.reopen_now(true, after(2)));
        assert!(pace.reopen_now(true, after(3)));
        for _ in 0..100 {
            pace.reopening(after(3));
        }
        assert!(!pace.reopen_now(true, after(32)));
        assert!(pace.reopen_now(true, after(33)));
        pace.opened(after(33));
        pace.broke();
        assert!(pace.reopen_now(true, after(36)));
    }
}
