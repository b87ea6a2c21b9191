//! Writes mails: one for what came together, as plain text and as simple HTML.

use app::domain::NoticeKind;
use maud::{DOCTYPE, html};
use url::Url;

use crate::{
    notices::words::{company_url, headline},
    store::{mail::Letter, notices::Told},
};

/// What stands above the notices of a kind, the most urgent first.
const PARTS: [(&str, &[NoticeKind]); 4] = [
    ("Our app registration", &[NoticeKind::AppFault, NoticeKind::CertificateExpires]),
    ("Needs somebody", &[NoticeKind::NeedsReconnect, NoticeKind::Limited, NoticeKind::LinkRequested]),
    ("All good again", &[NoticeKind::Recovered, NoticeKind::AppRecovered]),
    ("Connected", &[NoticeKind::Connected]),
];

struct Part<'a> {
    title: &'static str,
    lines: Vec<(String, Option<&'a Told>)>,
}

/// A mail that tells this.
pub fn letter(told: &[Told], public_url: &Url) -> Letter {
    let parts: Vec<Part<'_>> = PARTS
        .into_iter()
        .map(|(title, kinds)| Part {
            title,
            lines: told
                .iter()
                .filter(|told| kinds.contains(&told.kind))
                .map(|told| (headline(told), told.company.is_some().then_some(told)))
                .collect(),
        })
        .filter(|part| !part.lines.is_empty())
        .collect();
    write(subject(told, &parts), &parts, public_url)
}

/// A mail that tells nothing.
pub fn test(public_url: &Url) -> Letter {
    let line = "This is a test. Mail from Tenantry reaches you.".to_owned();
    let part = Part { title: "Test", lines: vec![(line, None)] };
    write("Tenantry: a test".to_owned(), &[part], public_url)
}

/// The news itself where there is one; how many of what where there are several.
fn subject(told: &[Told], parts: &[Part<'_>]) -> String {
    if let [one] = told {
        return format!("Tenantry: {}", headline(one).lines().next().unwrap_or_default());
    }
    let count = |part: &Part<'_>| format!("{} {}", part.lines.len(), part.title.to_lowercase());
    format!("Tenantry: {}", parts.iter().map(count).collect::<Vec<_>>().join(", "))
}

fn write(subject: String, parts: &[Part<'_>], public_url: &Url) -> Letter {
    let settings = {
        let mut url = public_url.clone();
        url.set_path("/settings/notifications");
        url
    };
    let mut lines = Vec::new();
    for part in parts {
        lines.extend([part.title.to_uppercase(), String::new()]);
        for (line, told) in &part.lines {
            lines.push(format!("- {line}"));
            if let Some(company) = told.and_then(|told| told.company.as_ref()) {
                lines.push(format!("  {}", company_url(public_url, company.id)));
            }
        }
        lines.push(String::new());
    }
    lines.extend(["--".to_owned(), format!("Who is told what: {settings}"), String::new()]);
    let plain = lines.join("\n");
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (subject) } }
            body {
                @for part in parts {
                    h2 { (part.title) }
                    ul {
                        @for (line, told) in &part.lines {
                            li {
                                @if let Some(company) = told.and_then(|told| told.company.as_ref()) {
                                    a href=(company_url(public_url, company.id)) { (line) }
                                } @else {
                                    (line)
                                }
                            }
                        }
                    }
                }
                p { small { a href=(settings) { "Who is told what" } } }
            }
        }
    };
    Letter { subject, plain, html: html.into_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use app::domain::{CompanyId, NoticeId, ReconnectReason, Timestamp, notice::Cause};
    use uuid::Uuid;

    use super::*;
    use crate::store::notices::ToldCompany;

    fn told(number: u128, kind: NoticeKind, name: &str) -> Told {
        let at = Timestamp::from_millis(1_700_000_000_000);
        Told {
            notice: NoticeId::from_uuid(Uuid::from_u128(number)),
            kind,
            cause: Cause::NeedsReconnect { reason: ReconnectReason::SignInExpired },
            since: at,
            at,
            company: Some(ToldCompany {
                id: CompanyId::from_uuid(Uuid::from_u128(number)),
                name: name.into(),
                external_id: None,
            }),
        }
    }

    fn url() -> Url {
        "https://tenantry.example.com/".parse().unwrap()
    }

    #[test]
    fn what_came_together_is_one_mail_with_the_urgent_first() {
        let all = [
            told(1, NoticeKind::Recovered, "Adatum"),
            told(2, NoticeKind::NeedsReconnect, "Contoso & Sons <b>"),
            told(3, NoticeKind::NeedsReconnect, "Fabrikam"),
        ];
        let letter = letter(&all, &url());
        assert_eq!(letter.subject, "Tenantry: 2 needs somebody, 1 all good again");
        let urgent = letter.plain.find("Contoso & Sons <b> needs reconnecting: the sign-in expired.").unwrap();
        assert!(urgent < letter.plain.find("Adatum is all good again.").unwrap());
        assert!(letter.plain.contains("https://tenantry.example.com/companies/00000000-0000-0000-0000-000000000003"));
        assert!(letter.html.contains("Contoso &amp; Sons &lt;b&gt; needs") && !letter.html.contains("<b>"));
    }

    #[test]
    fn a_single_one_is_its_own_subject() {
        let letter = letter(&[told(1, NoticeKind::NeedsReconnect, "Contoso")], &url());
        assert_eq!(letter.subject, "Tenantry: Contoso needs reconnecting: the sign-in expired.");
    }
}
