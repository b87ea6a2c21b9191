//! The browser's clock: the only place of the user interface that reads it.

use crate::domain::Timestamp;

/// Now, as this computer believes.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for a long time")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}
