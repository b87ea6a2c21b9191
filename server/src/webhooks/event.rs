//! The events that webhooks are sent, as JSON. What is in them stays: other programs read it.

use app::domain::{Timestamp, notice::Cause, webhook::TEST_EVENT};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{notices::words, store::notices::Told};

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    kind: String,
    /// When it happened.
    #[schema(format = DateTime)]
    timestamp: String,
    /// More about it.
    data: EventData,
}

/// More about what happened. What does not belong to it is left out.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct EventData {
    /// In one sentence, for people.
    message: String,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// To which company.
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<EventCompany>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    url: Option<String>,
    /// Why it can't be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What of it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_sets: Option<Vec<EventDataSet>>,
    /// What is wrong with the app registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// When the certificate expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires: Option<String>,
}

/// A company that something happened to.
#[derive(Debug, Serialize, ToSchema)]
struct EventCompany {
    /// Which one.
    id: Uuid,
    /// Its name.
    name: String,
    /// Its id in another program.
    external_id: Option<String>,
}

/// Something that can't be read of a company.
#[derive(Debug, Serialize, ToSchema)]
struct EventDataSet {
    /// What.
    name: &'static str,
    /// Why not.
    problem: &'static str,
}

/// What a webhook is sent of something that happened. Nobody in the tenant is named.
pub fn event(told: &Told, public_url: &Url) -> String {
    let mut data =
        EventData { message: words::headline(told), since: Some(rfc3339(told.since)), ..EventData::default() };
    if let Some(company) = &told.company {
        data.url = Some(words::company_url(public_url, company.id).into());
        let (name, external_id) = (company.name.clone(), company.external_id.clone());
        data.company = Some(EventCompany { id: company.id.uuid(), name, external_id });
    }
    match &told.cause {
        Cause::NeedsReconnect { reason } => data.reason = Some(reason.key()),
        Cause::Limited { lacks } => {
            let lacks = lacks.iter();
            let lacks = lacks.map(|lack| EventDataSet { name: lack.data_set.key(), problem: lack.problem.key() });
            data.data_sets = Some(lacks.collect());
        }
        Cause::AppFault { fault, .. } => data.fault = Some(fault.clone()),
        Cause::CertificateExpires { at } => data.expires = Some(rfc3339(*at)),
        Cause::Connected | Cause::LinkRequested => {}
    }
    written(&Event { kind: told.kind.key().to_owned(), timestamp: rfc3339(told.at), data })
}

/// An event that tells nothing.
pub fn test(now: Timestamp) -> String {
    let data = EventData { message: "This is a test. Nothing happened.".to_owned(), ..EventData::default() };
    written(&Event { kind: TEST_EVENT.to_owned(), timestamp: rfc3339(now), data })
}

fn written(event: &Event) -> String {
    // Texts and numbers: there is nothing that could not be written.
    serde_json::to_string(event).unwrap_or_default()
}

/// A time as other programs read it.
pub fn rfc3339(at: Timestamp) -> String {
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|at| at.format(&Rfc3339).ok());
    at.unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use app::domain::{CompanyId, DataSet, Lack, NoticeId, NoticeKind, Problem, ReconnectReason};
    use serde_json::{Value, json};
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
