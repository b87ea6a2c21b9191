//! What every request to Microsoft has in common: bounded bodies, and how long to wait before the next one.

use std::time::Duration;

use app::domain::Timestamp;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// Longer waits than a day are taken for mistakes.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The network. Its URL is removed: it may hold what should not be logged.
    Network(reqwest::Error),
    /// It began, and was cut off.
    Cut(reqwest::Error),
    /// More than was to be expected.
    TooLarge,
}

/// Sends a request and reads the answer, but not more than `limit` bytes of it.
pub(super) async fn send(request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, NoAnswer> {
    let network = |error: reqwest::Error| NoAnswer::Network(error.without_url());
    let mut response = request.send().await.map_err(network)?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| NoAnswer::Cut(error.without_url()))? {
        if body.len() + chunk.len() > limit {
            return Err(NoAnswer::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// How long `Retry-After` asks to wait, in seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        timestamp(date).since(now)
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The same point in time, to the millisecond.
pub(super) fn timestamp(date: OffsetDateTime) -> Timestamp {
    Timestamp::from_millis(i64::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999", Some(86_400)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
