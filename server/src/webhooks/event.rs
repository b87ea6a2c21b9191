//! The events that webhooks are sent, as JSON. What is in them stays: other programs read it.

use app::domain::{Timestamp, notice::Cause, webhook::TEST_EVENT};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

use crate::{notices::words, store::notices::Told};

/// What a webhook is sent of something that happened. Nobody in the tenant is named.
pub fn event(told: &Told, public_url: &Url) -> String {
    let mut data = json!({
        "message": words::headline(told),
        "since": iso(told.since),
    });
    if let Some(company) = &told.company {
        data["company"] = json!({ "id": company.id, "name": company.name, "external_id": company.external_id });
        data["url"] = words::company_url(public_url, company.id).as_str().into();
    }
    match &told.cause {
        Cause::NeedsReconnect { reason } => data["reason"] = reason.key().into(),
        Cause::Limited { lacks } => {
            data["data_sets"] = lacks
                .iter()
                .map(|lack| json!({ "name": lack.data_set.key(), "problem": lack.problem.key() }))
                .collect();
        }
        Cause::AppFault { fault, .. } => data["fault"] = fault.as_str().into(),
        Cause::CertificateExpires { at } => data["expires"] = iso(*at),
        Cause::Connected | Cause::LinkRequested => {}
    }
    json!({ "type": told.kind.key(), "timestamp": iso(told.at), "data": data }).to_string()
}

/// An event that tells nothing.
pub fn test(now: Timestamp) -> String {
    let data = json!({ "message": "This is a test. Nothing happened." });
    json!({ "type": TEST_EVENT, "timestamp": iso(now), "data": data }).to_string()
}

fn iso(at: Timestamp) -> Value {
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|at| at.format(&Rfc3339).ok()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use app::domain::{CompanyId, DataSet, Lack, NoticeId, NoticeKind, Problem, ReconnectReason};
    use uuid::Uuid;

    use super::*;
    use crate::store::notices::ToldCompany;

    fn told(kind: NoticeKind, cause: Cause) -> Told {
        Told {
            notice: NoticeId::from_uuid(Uuid::from_u128(1)),
            kind,
            cause,
            since: Timestamp::from_millis(1_700_000_000_000),
            at: Timestamp::from_millis(1_700_000_060_500),
            company: Some(ToldCompany {
                id: CompanyId::from_uuid(Uuid::from_u128(7)),
                name: "Contoso".into(),
                external_id: Some("C-1042".into()),
            }),
        }
    }

    fn json_of(told: &Told) -> Value {
        serde_json::from_str(&event(told, &"https://tenantry.example.com/".parse().unwrap())).unwrap()
    }

    #[test]
    fn what_other_programs_read_stays_as_it_is() {
        let cause = Cause::NeedsReconnect { reason: ReconnectReason::ConsentRemoved };
        let json = json_of(&told(NoticeKind::NeedsReconnect, cause.clone()));
        let message = json["data"]["message"].clone();
        assert!(message.as_str().unwrap().starts_with("Contoso needs reconnecting"), "{message}");
        assert_eq!(
            json,
            json!({
                "type": "connection.needs_reconnect",
                "timestamp": "2023-11-14T22:14:20.5Z",
                "data": {
                    "message": message,
                    "since": "2023-11-14T22:13:20Z",
                    "company": {
                        "id": "00000000-0000-0000-0000-000000000007",
                        "name": "Contoso",
                        "external_id": "C-1042",
                    },
                    "url": "https://tenantry.example.com/companies/00000000-0000-0000-0000-000000000007",
                    "reason": "consent_removed",
                },
            })
        );
        let over = json_of(&told(NoticeKind::Recovered, cause));
        assert_eq!(
            (&over["type"], &over["data"]["reason"]),
            (&"connection.recovered".into(), &"consent_removed".into())
        );
        let lacks = vec![Lack { data_set: DataSet::SecureScore, problem: Problem::NotAvailable }];
        let limited = json_of(&told(NoticeKind::Limited, Cause::Limited { lacks }));
        assert_eq!(limited["data"]["data_sets"], json!([{ "name": "secure_score", "problem": "not_available" }]));
    }
}
