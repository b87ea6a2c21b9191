//! The sandbox's own clock, which tests move forward.

use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;

/// The time as the sandbox sees it: the machine's, plus what was asked for.
#[derive(Debug, Default)]
pub struct Clock {
    advanced_ms: AtomicI64,
}

impl Clock {
    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let real = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(real).unwrap_or(i64::MAX) + self.advanced_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock; negative values move it back.
    pub fn advance(&self, ms: i64) {
        self.advanced_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Back to the machine's time.
    pub fn reset(&self) {
        self.advanced_ms.store(0, Ordering::Relaxed);
    }
}

/// A moment given in milliseconds, as a date.
pub fn date(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// As Graph writes it: `2026-11-22T08:00:00Z`.
pub fn iso(ms: i64) -> String {
    let d = date(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        d.year(),
        u8::from(d.month()),
        d.day(),
        d.hour(),
        d.minute(),
        d.second()
    )
}

/// As Entra ID writes it in error bodies: `2026-11-22 08:00:00Z`.
pub fn spaced(ms: i64) -> String {
    iso(ms).replace('T', " ")
}
