//! Everything that reads what others wrote, and what holds whatever they wrote. `fuzz/` runs these under libFuzzer; the
//! tests below run them with its seeds and with what is made of those, so that none of them rots.

use std::net::Ipv4Addr;

use app::domain::{
    CampaignName, CompanyDraft, CompanyTexts, Domain, Email, Template,
    company_draft::{Tag, parse_tags},
    link::address_in,
    selection::parse_ids,
};
use url::Host;

use crate::{
    config::{Config, ConfigError},
    connect::BrowserName,
    sessions::Token,
    webhooks,
};

/// A target takes anything, and panics if something does not hold.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders of seeds.
pub const TARGETS: [(&str, Target); 9] = [
    ("api", api),
    ("callback", callback),
    ("graph", graph),
    ("id_token", id_token),
    ("import", import),
    ("refusal", refusal),
    ("settings", settings),
    ("texts", texts),
    ("webhook_url", webhook_url),
];

/// The query of `/connect/callback`, which anybody can make up, and the cookie beside it.
pub fn callback(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    crate::microsoft::fuzz::callback(text);
    for value in text.split(['&', '=', ';']) {
        if let Some(name) = BrowserName::from_cookie(value) {
            assert_eq!(name.cookie_value(), value, "a cookie comes back as it was");
        }
        if let Some(token) = Token::parse(value) {
            assert_eq!(token.expose(), value, "a token is one in one way only");
        }
    }
}

/// An ID token, its claims, and Microsoft's keys.
pub fn id_token(data: &[u8]) {
    crate::microsoft::id_token::look(data);
}

/// A page of any of the collections that are read, and the answer to a batch of them.
pub fn graph(data: &[u8]) {
    crate::microsoft::fuzz::graph(data);
}

/// What the token endpoint and Graph refuse with.
pub fn refusal(data: &[u8]) {
    crate::microsoft::fuzz::refusal(data);
}

/// A file of companies.
pub fn import(data: &[u8]) {
    crate::import::look(data);
}

/// Parameters, cursors and bodies of the programming interface.
pub fn api(data: &[u8]) {
    crate::http::v1::look(data);
}

/// Settings as TOML, then, after an empty line with a NUL, as an environment.
pub fn settings(data: &[u8]) {
    /// Stands where a secret does.
    const SECRET: &str = "hunter2";
    let Ok(text) = str::from_utf8(data) else { return };
    // They lead to files of the machine.
    if text.to_ascii_lowercase().contains("_file") {
        return;
    }
    let (toml, environment) = text.split_once('\0').unwrap_or((text, ""));
    let environment = environment.lines().filter_map(|line| line.split_once('='));
    let is_of_secret = |line: &str| {
        let line = line.trim_start().trim_start_matches("TENANTRY_").to_ascii_lowercase();
        // Where mails are sent is none.
        let is_before_host = || line.rsplit_once('@').is_some_and(|(_, host)| !host.contains(SECRET));
        ["m365_client_secret", "database_url"].iter().any(|key| line.starts_with(key))
            || line.starts_with("smtp_url") && is_before_host()
    };
    let is_kept = text.split(['\n', '\0']).all(|line| !line.contains(SECRET) || is_of_secret(line));
    match Config::parse(toml, environment) {
        Err(error) => {
            let said = error.to_string();
            assert!(!said.contains('\n'), "one line: {said}");
            let names_it = matches!(error, ConfigError::Unknown { .. });
            assert!(names_it || !is_kept || !said.contains(SECRET), "a secret is not said: {said}");
        }
        Ok(config) => {
            assert!(!is_kept || !format!("{config:?}").contains(SECRET), "a secret is not shown");
            assert_eq!(config.redirect_uri().path(), "/connect/callback");
            assert!((1..=30).contains(&config.link_days) && !config.sync.every.is_zero());
        }
    }
}

/// Where somebody wants to be told.
pub fn webhook_url(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(url) = webhooks::parse_url(text, false) else { return };
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(url.as_str().len() <= app::domain::webhook::URL_MAX);
    assert_eq!(webhooks::parse_url(url.as_str(), false).as_ref(), Ok(&url), "it is taken as it is written down");
    let is_ours = |address: Ipv4Addr| {
        address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_unspecified()
            || address.is_broadcast()
            || address.is_multicast()
    };
    match url.host() {
        Some(Host::Ipv4(address)) => assert!(!is_ours(address), "{url}"),
        Some(Host::Ipv6(address)) => {
            let ours = address.is_loopback() || address.is_unspecified() || address.is_unique_local();
            assert!(!ours && !address.is_multicast() && !address.to_ipv4_mapped().is_some_and(is_ours), "{url}");
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            assert!(!name.is_empty() && name != "localhost" && !name.ends_with(".localhost"), "{url}");
        }
        None => panic!("it has a host: {url}"),
    }
}

/// What people write: names, addresses, texts of mails.
pub fn texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(email) = Email::parse(&text) {
        assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(&email));
        assert!(!email.as_str().contains(char::is_whitespace), "nothing else gets into a header: {email}");
    }
    if let Some(email) = address_in(&text) {
        assert!(Email::parse(email.as_str()).is_ok());
    }
    if let Ok(domain) = Domain::parse(&text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
    }
    if let Ok(Some(name)) = CampaignName::parse(&text) {
        assert!(!name.as_str().contains(['\n', '\r']));
    }
    let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
    if let Ok(template) = Template::parse(subject, body) {
        assert!(!template.subject().contains(char::is_control), "one line");
    }
    if let Ok(tags) = parse_tags(&text) {
        let again = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
        assert_eq!(parse_tags(&again).as_ref(), Ok(&tags), "they are read as they are written");
    }
    for id in parse_ids(&text) {
        assert!(text.to_ascii_lowercase().contains(&id.to_string()[..8]));
    }
    let mut lines = text.lines().map(str::to_owned);
    let mut line = || lines.next().unwrap_or_default();
    let texts = CompanyTexts {
        name: line(),
        domain: line(),
        external_id: line(),
        contact: line(),
        email: line(),
        note: line(),
        tags: line(),
    };
    if let Ok(draft) = CompanyDraft::parse(&texts) {
        assert_eq!(CompanyDraft::parse(&draft.texts()).as_ref(), Ok(&draft), "it is stored as it was understood");
    }
    let plain = crate::plain_text::plain_text(&text);
    assert!(plain.chars().count() <= 2 * text.chars().count() + 2, "no text grows");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::Path,
        time::{Duration, Instant},
    };

    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::import::fuzz::{Damage, damage, damaged};

    /// Longer than anything takes on a busy machine.
    const SOON: Duration = Duration::from_secs(20);

    /// What JSON, TOML, URLs and tables take to be something else.
    const WORDS: [&str; 24] = [
        "\0",
        "\\u0000",
        "null",
        "true",
        "-1",
        "1e999",
        "99999999999999999999",
        "\"\"",
        "{}",
        "[]",
        "[[[[[[[[",
        "\"",
        "\\",
        "%00",
        "%zz",
        "&error=x&",
        "state=",
        "@odata.nextLink",
        "https://graph.microsoft.com.evil.test/v1.0/",
        "[::1]",
        "TENANTRY_",
        "hunter2",
        "\u{202e}",
        "=cmd()",
    ];

    fn tries() -> u32 {
        if std::env::var_os("SOAK").is_some() { 50_000 } else { 400 }
    }

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).unwrap()).collect()
    }

    fn look(name: &str, target: Target, data: &[u8]) {
        let begun = Instant::now();
        target(data);
        assert!(begun.elapsed() < SOON, "{name} took {:?} for {:?}", begun.elapsed(), String::from_utf8_lossy(data));
    }

    /// Each target once with each of its seeds, and with what becomes of them.
    fn run(name: &str) {
        crate::microsoft::install_crypto();
        let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "seeds of {name}");
        for seed in &seeds {
            look(name, target, seed);
        }
        let word = (any::<Index>(), 0..WORDS.len()).prop_map(|(at, word)| Damage::Insert(at, WORDS[word].into()));
        let words = prop::collection::vec(word, 0..3);
        let config = ProptestConfig { cases: tries(), max_shrink_iters: 2_000, ..ProptestConfig::default() };
        let input = (any::<Index>(), words, damage());
        proptest::test_runner::TestRunner::new(config)
            .run(&input, |(seed, words, damage)| {
                let seed = seeds[seed.index(seeds.len())].clone();
                look(name, target, &damaged(damaged(seed, &words), &damage));
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// A test for each target, so that they run at once and say which it was.
    macro_rules! runs {
        ($($name:ident)+) => {
            $(#[test] fn $name() { run(stringify!($name)); })+

            #[test]
            fn each_target_is_run_here_and_has_its_program() {
                let names: BTreeSet<_> = TARGETS.into_iter().map(|(name, _)| name.to_owned()).collect();
                assert_eq!(names, [$(stringify!($name).to_owned()),+].into());
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
                let programs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
                let programs = programs.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
                assert_eq!(names, programs.collect());
            }
        };
    }

    runs!(api callback graph id_token import refusal settings texts webhook_url);
}
