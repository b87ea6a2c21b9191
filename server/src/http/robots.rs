//! Who looks at a link: a person, or a program that scans mails or makes previews, as far as it says so.

use axum::http::{HeaderMap, Method, header};

/// What the names of programs have in common, in lower case.
const WORDS: [&str; 24] = [
    "bot",
    "crawl",
    "spider",
    "preview",
    "scan",
    "slurp",
    "proxy",
    "fetch",
    "monitor",
    "archive",
    "validator",
    "facebookexternalhit",
    "whatsapp",
    "skypeuri",
    "ms-office",
    "msoffice",
    "safelinks",
    "mimecast",
    "proofpoint",
    "barracuda",
    "symantec",
    "trendmicro",
    "python",
    "curl",
];

/// Whether it counts as a person who opened the page.
pub fn is_person(method: &Method, headers: &HeaderMap) -> bool {
    let ahead_of_time = ["purpose", "sec-purpose"].iter().any(|name| headers.contains_key(*name));
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    *method == Method::GET && !ahead_of_time && is_browser(user_agent)
}

/// Every browser says that it is a Mozilla. So do some robots, which say more.
fn is_browser(user_agent: &str) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    user_agent.starts_with("mozilla/5.0") && !WORDS.iter().any(|word| user_agent.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_people_and_programs_are_not() {
        for (person, user_agent) in [
            (
                true,
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            ),
            (
                true,
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            ),
            (true, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            (false, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
            (false, "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"),
            (
                false,
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) BingPreview/1.0b",
            ),
            (false, "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"),
            (false, "facebookexternalhit/1.1"),
            (false, "WhatsApp/2.23.20.0"),
            (false, "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
            (false, "curl/8.5.0"),
            (false, "Go-http-client/2.0"),
            (false, ""),
        ] {
            assert_eq!(is_browser(user_agent), person, "{user_agent}");
        }
    }

    #[test]
    fn a_page_that_is_loaded_ahead_of_time_was_not_opened() {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64)".parse().expect("a value"));
        assert!(is_person(&Method::GET, &headers));
        assert!(!is_person(&Method::HEAD, &headers));
        headers.insert("sec-purpose", "prefetch".parse().expect("a value"));
        assert!(!is_person(&Method::GET, &headers));
    }
}
