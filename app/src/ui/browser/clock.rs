//! The browser's clock: the only place of the user interface that reads it.

use gloo_timers::callback::Interval;
use leptos::prelude::*;

use crate::domain::Timestamp;

/// Now, as this computer believes.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for a long time")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// By how many minutes UTC is later than this computer's own time. Negative east of Greenwich.
#[expect(clippy::cast_possible_truncation, reason = "it is less than a day")]
pub fn minutes_behind_utc() -> i32 {
    js_sys::Date::new_0().get_timezone_offset() as i32
}

/// The present, moving on twice a minute until the owner is gone.
pub fn minutes() -> ReadSignal<Timestamp> {
    let minutes = RwSignal::new(now());
    every(30_000, move || minutes.set(now()));
    minutes.read_only()
}

/// Does something again and again until the owner is gone.
pub fn every(millis: u32, what: impl Fn() + 'static) {
    let interval = StoredValue::new_local(Some(Interval::new(millis, what)));
    on_cleanup(move || {
        interval.try_update_value(Option::take);
    });
}
