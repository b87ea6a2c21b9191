//! What is told, in words.

use app::domain::{CompanyId, Lack, NoticeKind, Timestamp, notice::Cause};
use time::OffsetDateTime;
use url::Url;

use crate::store::notices::Told;

/// The page of a company.
pub fn company_url(public_url: &Url, company: CompanyId) -> Url {
    let mut url = public_url.clone();
    url.set_path(&format!("/companies/{company}"));
    url
}

/// What happened, in one sentence.
pub fn headline(told: &Told) -> String {
    let company = told.company.as_ref().map_or("A company", |company| &company.name);
    match (told.kind, &told.cause) {
        (NoticeKind::Recovered, _) => format!("{company} is all good again."),
        (NoticeKind::AppRecovered, Cause::CertificateExpires { .. }) => {
            "The certificate of the app registration was renewed.".to_owned()
        }
        (NoticeKind::AppRecovered, _) => "Microsoft takes our app registration again.".to_owned(),
        (_, Cause::NeedsReconnect { reason }) => {
            format!("{company} needs reconnecting: {}.", in_sentence(reason.label()))
        }
        (_, Cause::Limited { lacks }) => format!("{company}: {} can't be read.", data_sets(lacks)),
        (_, Cause::Connected) => format!("{company} was connected by somebody with its link."),
        (_, Cause::LinkRequested) => format!("Somebody at {company} asks for a new link."),
        (_, Cause::AppFault { text, .. }) => text.clone(),
        (_, Cause::CertificateExpires { at }) => {
            format!(
                "The certificate of the app registration expires on {}. Upload a new one at Microsoft, then configure it \
                 here: from that day on no company can be read.",
                day(*at)
            )
        }
    }
}

/// A sentence within another one.
fn in_sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        // "Microsoft", "Multi-factor": a name stays as it is, which only the first of these is.
        Some(first) if !text.starts_with("Microsoft") => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

fn data_sets(lacks: &[Lack]) -> String {
    let names: Vec<&str> = lacks.iter().map(|lack| lack.data_set.label()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn day(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(at.as_millis() / 1_000)
        .map(|at| format!("{} {} {}", at.day(), at.month(), at.year()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use app::domain::{DataSet, NoticeId, Problem, ReconnectReason};
    use uuid::Uuid;

    use super::*;
    use crate::store::notices::ToldCompany;

    fn told(kind: NoticeKind, cause: Cause) -> String {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let company =
            ToldCompany { id: CompanyId::from_uuid(Uuid::from_u128(7)), name: "Contoso".into(), external_id: None };
        let notice = NoticeId::from_uuid(Uuid::from_u128(1));
        headline(&Told { notice, kind, cause, since: at, at, company: Some(company) })
    }

    #[test]
    fn each_notice_is_a_sentence() {
        let lack = |data_set| Lack { data_set, problem: Problem::PermissionMissing };
        let lacks = vec![lack(DataSet::Users), lack(DataSet::Licences), lack(DataSet::SecureScore)];
        let expires = Cause::CertificateExpires { at: Timestamp::from_millis(1_700_000_000_000) };
        let refused = Cause::NeedsReconnect { reason: ReconnectReason::Refused };
        for (kind, cause, expected) in [
            (
                NoticeKind::NeedsReconnect,
                Cause::NeedsReconnect { reason: ReconnectReason::SignInExpired },
                "Contoso needs reconnecting: the sign-in expired.",
            ),
            (NoticeKind::NeedsReconnect, refused.clone(), "Contoso needs reconnecting: Microsoft refuses access."),
            (NoticeKind::Recovered, refused, "Contoso is all good again."),
            (NoticeKind::Limited, Cause::Limited { lacks }, "Contoso: users, licences and Secure Score can't be read."),
            (NoticeKind::Connected, Cause::Connected, "Contoso was connected by somebody with its link."),
            (NoticeKind::LinkRequested, Cause::LinkRequested, "Somebody at Contoso asks for a new link."),
            (NoticeKind::AppRecovered, expires.clone(), "The certificate of the app registration was renewed."),
        ] {
            assert_eq!(told(kind, cause), expected);
        }
        assert!(told(NoticeKind::CertificateExpires, expires).contains("expires on 14 November 2023"));
    }
}
