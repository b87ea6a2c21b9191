//! Numbers, times and letters in the way of the browser's language.

use js_sys::{Array, Date, Intl, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::domain::Timestamp;

thread_local! {
    static NUMBERS: Intl::NumberFormat = Intl::NumberFormat::new(&Array::new(), &Object::new());
    static DAYS: Intl::DateTimeFormat = {
        let options = Object::new();
        // Microsoft dates a day by its midnight in UTC: west of Greenwich that is the evening before.
        for (key, value) in [("dateStyle", "medium"), ("timeZone", "UTC")] {
            // Setting a property of a plain object does not fail.
            let _ = Reflect::set(&options, &key.into(), &value.into());
        }
        Intl::DateTimeFormat::new(&Array::new(), &options)
    };
    static TIMES: Intl::DateTimeFormat = {
        let options = Object::new();
        for (key, value) in [("dateStyle", "full"), ("timeStyle", "short")] {
            // Setting a property of a plain object does not fail.
            let _ = Reflect::set(&options, &key.into(), &value.into());
        }
        Intl::DateTimeFormat::new(&Array::new(), &options)
    };
}

/// A whole number with its thousands separators.
pub fn number(number: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of people and licences are far below 2^53")]
    let value = JsValue::from_f64(number as f64);
    NUMBERS.with(|format| call(&format.format(), &value)).unwrap_or_else(|| number.to_string())
}

/// A point in time, for people.
pub fn time(at: Timestamp) -> String {
    TIMES.with(|format| call(&format.format(), &date(at))).unwrap_or_default()
}

/// A day of UTC, for people.
pub fn day(at: Timestamp) -> String {
    DAYS.with(|format| call(&format.format(), &date(at))).unwrap_or_default()
}

/// A point in time, for programs (ISO 8601).
pub fn machine_time(at: Timestamp) -> String {
    date(at).to_iso_string().into()
}

/// A text in lower case and Unicode's NFD, where each accent is a character of its own.
pub fn decompose(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        JsString::from(text).to_lower_case().normalize("NFD").into()
    }
}

fn call(format: &js_sys::Function, value: &JsValue) -> Option<String> {
    format.call1(&JsValue::UNDEFINED, value).ok()?.as_string()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.as_millis() as f64)).unchecked_into()
}
