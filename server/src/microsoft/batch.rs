//! Everything but users in one request: Graph's `$batch`, whose parts are answered, throttled and refused each by
//! itself.
//!
//! <https://learn.microsoft.com/graph/json-batching>

use app::domain::DataSet;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::{
    graph::{BODY_LIMIT, Graph, GraphError, Trace},
    http::{Answer, NoAnswer, retry_after, send},
    tenant_data::{ControlProfile, Licence, Organisation, SecureScore, TenantDomain},
    wire::{
        BatchAnswer, BatchPart, BatchRequest, Page, WireControlProfile, WireDomain, WireOrganization, WireSecureScore,
        WireSku,
    },
};

/// What to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What the tenant calls itself.
    pub organisation: bool,
    /// What was bought.
    pub licences: bool,
    /// The domain names.
    pub domains: bool,
    /// Secure Score of so many days, and the measures that it counts.
    pub score_days: Option<u16>,
}

/// Days of Secure Score, and the measures that it counts.
pub type Scores = (Vec<SecureScore>, Vec<ControlProfile>);

/// What was answered. None: it was not asked for.
#[derive(Debug, Default)]
pub struct TenantData {
    /// What the tenant calls itself.
    pub organisation: Option<Result<Organisation, GraphError>>,
    /// What was bought.
    pub licences: Option<Result<Vec<Licence>, GraphError>>,
    /// The domain names.
    pub domains: Option<Result<Vec<TenantDomain>, GraphError>>,
    /// Secure Score, and the measures that it counts.
    pub secure_score: Option<Result<Scores, GraphError>>,
}

/// One request of those that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Organisation,
    Licences,
    Domains,
    SecureScores {
        days: u16,
    },
    ControlProfiles,
    /// As little of a data set as Graph gives.
    Probe(DataSet),
}

impl Part {
    /// Its address below `/v1.0/`.
    fn address(self) -> String {
        match self {
            Self::Organisation => "organization?$select=id,displayName,verifiedDomains,countryLetterCode".to_owned(),
            Self::Licences => {
                "subscribedSkus?$select=skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits"
                    .to_owned()
            }
            Self::Domains => "domains".to_owned(),
            Self::SecureScores { days } => format!("security/secureScores?$top={days}"),
            Self::ControlProfiles => "security/secureScoreControlProfiles".to_owned(),
            Self::Probe(DataSet::Organisation) => "organization?$select=id".to_owned(),
            Self::Probe(DataSet::Users) => "users?$top=1&$select=id".to_owned(),
            Self::Probe(DataSet::Licences) => "subscribedSkus?$select=skuId".to_owned(),
            Self::Probe(DataSet::Domains) => "domains?$select=id".to_owned(),
            Self::Probe(DataSet::SecureScore) => "security/secureScores?$top=1".to_owned(),
        }
    }

    /// What it is called within the batch.
    const fn id(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Licences => "licences",
            Self::Domains => "domains",
            Self::SecureScores { .. } => "scores",
            Self::ControlProfiles => "profiles",
            Self::Probe(data_set) => data_set.key(),
        }
    }

    /// More items than that are not wanted: Graph would go on with older days.
    fn enough(self) -> usize {
        if let Self::SecureScores { days } = self { days.into() } else { usize::MAX }
    }
}

impl Wanted {
    fn parts(self) -> Vec<Part> {
        let mut parts = Vec::new();
        parts.extend(self.organisation.then_some(Part::Organisation));
        parts.extend(self.licences.then_some(Part::Licences));
        parts.extend(self.domains.then_some(Part::Domains));
        if let Some(days) = self.score_days {
            parts.extend([Part::SecureScores { days }, Part::ControlProfiles]);
        }
        parts
    }
}

/// What a batch came to.
enum Together {
    /// Its body, which should hold an answer for each part.
    Answered(Vec<u8>),
    /// Graph did not take it, or can't be reached: that holds for each part.
    Refused(GraphError),
    /// It was not read to its end.
    Broken,
}

impl Graph {
    /// Reads what is wanted of a tenant in one request. Further ones follow links to next pages, and take the place of
    /// a batch that broke.
    pub async fn tenant_data(&self, wanted: Wanted) -> TenantData {
        let parts = wanted.parts();
        let body = match *parts {
            // Nothing to put together.
            [] | [_] => None,
            _ => match self.ask_together(&parts).await {
                Together::Answered(body) => Some(body),
                Together::Refused(error) => return refused(wanted, &error),
                Together::Broken => None,
            },
        };
        // Without an answer, or one that can be understood, one part may be to blame: each is asked for by itself.
        let answers: Option<BatchAnswer<'_>> = body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
        let answers = answers.as_ref();
        let organisation = async { self.organisation_of(answers).await };
        let (organisation, licences, domains, secure_score) = tokio::join!(
            only_if(wanted.organisation, organisation),
            only_if(wanted.licences, self.items::<WireSku, Licence>(Part::Licences, answers)),
            only_if(wanted.domains, self.items::<WireDomain, TenantDomain>(Part::Domains, answers)),
            async {
                let days = wanted.score_days?;
                Some(tokio::try_join!(
                    self.items::<WireSecureScore, SecureScore>(Part::SecureScores { days }, answers),
                    self.items::<WireControlProfile, ControlProfile>(Part::ControlProfiles, answers),
                ))
            },
        );
        TenantData { organisation, licences, domains, secure_score }
    }

    /// Whether each data set can be read, in one request.
    pub async fn probe(&self) -> Vec<(DataSet, Result<(), GraphError>)> {
        let body = match self.ask_together(&DataSet::ALL.map(Part::Probe)).await {
            Together::Answered(body) => body,
            Together::Refused(error) => return DataSet::ALL.map(|data_set| (data_set, Err(error.again()))).into(),
            Together::Broken => Vec::new(),
        };
        let answers: Option<BatchAnswer<'_>> = serde_json::from_slice(&body).ok();
        let answer = |data_set: DataSet| {
            let part = answers.as_ref().and_then(|answers| answers.part(Part::Probe(data_set).id()));
            let part = part.ok_or(GraphError::unreadable("a part of a batch without an answer"))?;
            self.part::<IgnoredAny>(part).map(drop)
        };
        DataSet::ALL.map(|data_set| (data_set, answer(data_set))).into()
    }

    /// The organisation, by itself.
    pub async fn organisation(&self) -> Result<Organisation, GraphError> {
        self.organisation_of(None).await
    }

    async fn organisation_of(&self, answers: Option<&BatchAnswer<'_>>) -> Result<Organisation, GraphError> {
        let organisations = self.items::<WireOrganization, Organisation>(Part::Organisation, answers).await?;
        organisations.into_iter().next().ok_or(GraphError::unreadable("no organisation"))
    }

    async fn ask_together(&self, parts: &[Part]) -> Together {
        let Ok(bearer) = self.bearer() else { return Together::Refused(GraphError::Unauthorized(Trace::default())) };
        let urls: Vec<String> = parts.iter().map(|part| format!("/{}", part.address())).collect();
        let requests = parts.iter().zip(&urls).map(|(part, url)| (part.id(), url.as_str()));
        let request = self
            .http()
            .post(self.url("$batch", &[]))
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .json(&BatchRequest::reading(requests));
        match send(request, BODY_LIMIT).await {
            Ok(answer) if answer.status == StatusCode::OK => Together::Answered(answer.body),
            Ok(answer) => Together::Refused(self.refusal(&answer)),
            Err(NoAnswer::Network(error)) => Together::Refused(GraphError::no_answer(NoAnswer::Network(error))),
            Err(NoAnswer::Cut(_) | NoAnswer::TooLarge) => Together::Broken,
        }
    }

    /// The items of a part: out of the batch's answer and its next pages, or else asked for by itself.
    async fn items<W, T>(&self, part: Part, answers: Option<&BatchAnswer<'_>>) -> Result<Vec<T>, GraphError>
    where
        W: DeserializeOwned,
        T: From<W>,
    {
        let items: Vec<W> = match answers.and_then(|answers| answers.part(part.id())) {
            Some(answer) => self.all_from(self.part(answer)?, part.enough()).await?,
            None => self.all(self.address(&part.address()), part.enough()).await?,
        };
        Ok(items.into_iter().map(T::from).collect())
    }

    /// What a part of a batch answers.
    pub(super) fn part<T: DeserializeOwned>(&self, part: &BatchPart<'_>) -> Result<Page<T>, GraphError> {
        let body = part.body.map(RawValue::get).unwrap_or_default();
        if part.status == StatusCode::OK.as_u16() {
            return serde_json::from_str(body).map_err(|_| GraphError::unreadable("not what was asked for"));
        }
        let status = StatusCode::from_u16(part.status)
            .map_err(|_| GraphError::unreadable("a part of a batch without a status"))?;
        let headers: HeaderMap = part.headers().collect();
        Err(self.refusal(&Answer { status, headers, body: body.as_bytes().to_vec() }))
    }

    fn refusal(&self, answer: &Answer) -> GraphError {
        GraphError::from_answer(answer, retry_after(&answer.headers, self.now()))
    }
}

async fn only_if<T>(wanted: bool, read: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(read.await) } else { None }
}

/// The same refusal for everything that is wanted.
fn refused(wanted: Wanted, error: &GraphError) -> TenantData {
    TenantData {
        organisation: wanted.organisation.then(|| Err(error.again())),
        licences: wanted.licences.then(|| Err(error.again())),
        domains: wanted.domains.then(|| Err(error.again())),
        secure_score: wanted.score_days.map(|_| Err(error.again())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use app::domain::Problem;
    use axum::{
        Json, Router,
        body::Bytes,
        extract::{RawQuery, State},
        response::{IntoResponse as _, Response},
        routing::{get, post},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::microsoft::testing::served;

    const ALL: Wanted = Wanted { organisation: true, licences: true, domains: true, score_days: Some(3) };

    /// What is asked for, and how the batch is answered.
    #[derive(Clone)]
    struct Host {
        answer: Arc<dyn Fn(&str) -> Response + Send + Sync>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    async fn batch(State(host): State<Host>, headers: HeaderMap, body: Bytes) -> Response {
        assert_eq!(headers["authorization"], "Bearer the-token");
        let body: Value = serde_json::from_slice(&body).unwrap();
        let urls: Vec<&str> = body["requests"].as_array().unwrap().iter().map(|r| r["url"].as_str().unwrap()).collect();
        host.asked.lock().unwrap().push(urls.join(" "));
        (host.answer)(headers["host"].to_str().unwrap())
    }

    async fn alone(
        State(host): State<Host>,
        headers: HeaderMap,
        uri: http::Uri,
        RawQuery(query): RawQuery,
    ) -> Json<Value> {
        host.asked.lock().unwrap().push(uri.path().to_owned());
        let score = json!({"createdDateTime": "2026-11-21T00:00:00Z", "currentScore": 5.5, "maxScore": 10.0});
        let link = format!("http://{}{}?$skip=2", headers["host"].to_str().unwrap(), uri.path());
        Json(match uri.path() {
            "/v1.0/security/secureScores" => json!({"value": [score.clone(), score], "@odata.nextLink": link}),
            "/v1.0/domains" if query.is_none() => json!({"value": [{"id": "a.example"}], "@odata.nextLink": link}),
            "/v1.0/domains" => json!({"value": [{"id": "b.example"}]}),
            "/v1.0/organization" => json!({"value": [{"id": "84841066-274d-4ec0-a5c1-276be684bdd3"}]}),
            _ => json!({"value": []}),
        })
    }

    async fn read(
        answer: impl Fn(&str) -> Response + Send + Sync + 'static,
        wanted: Wanted,
    ) -> (TenantData, Vec<String>) {
        let host = Host { answer: Arc::new(answer), asked: Arc::default() };
        let router = Router::new()
            .route("/v1.0/$batch", post(batch))
            .route("/v1.0/{*path}", get(alone))
            .with_state(host.clone());
        let (microsoft, _) = served(router).await;
        let data = microsoft.graph("the-token".into()).tenant_data(wanted).await;
        let asked = host.asked.lock().unwrap().clone();
        (data, asked)
    }

    fn part(id: &str, status: u16, body: &Value) -> Value {
        json!({"id": id, "status": status, "headers": {"Retry-After": "17", "Cache-Control": "no-cache"}, "body": body})
    }

    #[tokio::test]
    async fn each_part_is_answered_refused_and_throttled_by_itself_in_any_order() {
        let (data, asked) = read(
            |_| {
                Json(json!({"responses": [
                    part("profiles", 200, &json!({"value": []})),
                    part("scores", 200, &json!("<html>")),
                    part("domains", 403, &json!({"error": {"code": "Authorization_RequestDenied"}})),
                    part("licences", 429, &json!({"error": {"code": "TooManyRequests"}})),
                    part("organisation", 200, &json!({"value": [{"id": "84841066-274d-4ec0-a5c1-276be684bdd3"}]})),
                    part("what is this", 200, &json!(null)),
                ]}))
                .into_response()
            },
            ALL,
        )
        .await;
        assert!(data.organisation.unwrap().is_ok());
        let throttled = data.licences.unwrap().unwrap_err();
        assert_eq!(
            (throttled.problem(), throttled.retry_after()),
            (Some(Problem::Temporary), Some(Duration::from_secs(17)))
        );
        assert_eq!(data.domains.unwrap().unwrap_err().problem(), Some(Problem::PermissionMissing));
        assert_eq!(data.secure_score.unwrap().unwrap_err().problem(), Some(Problem::Unreadable));
        assert_eq!(asked.len(), 1, "one request");
        let urls: Vec<&str> = asked[0].split(' ').collect();
        assert_eq!(urls[2..], ["/domains", "/security/secureScores?$top=3", "/security/secureScoreControlProfiles"]);
    }

    #[tokio::test]
    async fn a_part_that_goes_on_is_followed_until_there_is_enough() {
        let (data, asked) = read(
            |host| {
                let score = json!({"createdDateTime": "2026-11-21T00:00:00Z"});
                let next = |path: &str| format!("http://{host}/v1.0/{path}?$skip=1");
                Json(json!({"responses": [
                    part("scores", 200, &json!({"value": [score, score], "@odata.nextLink": next("security/secureScores")})),
                    part("profiles", 200, &json!({"value": []})),
                    part("domains", 200, &json!({"value": [{"id": "a"}], "@odata.nextLink": next("domains")})),
                ]}))
                .into_response()
            },
            Wanted { organisation: false, licences: false, ..ALL },
        )
        .await;
        assert_eq!(data.secure_score.unwrap().unwrap().0.len(), 3);
        let names: Vec<String> = data.domains.unwrap().unwrap().into_iter().map(|domain| domain.name).collect();
        assert_eq!(names, ["a", "b.example"]);
        assert!(data.organisation.is_none() && data.licences.is_none(), "they were not wanted");
        assert_eq!(asked.len(), 3);
    }

    #[tokio::test]
    async fn a_batch_that_can_not_be_understood_is_replaced_by_its_parts() {
        for body in ["", "<html>", "{}", r#"{"responses": [{"id": "dom"#, r#"{"responses": []}"#] {
            let (data, asked) = read(move |_| body.into_response(), ALL).await;
            assert!(data.organisation.unwrap().is_ok(), "{body}");
            assert_eq!(data.domains.unwrap().unwrap().len(), 2);
            assert_eq!(data.secure_score.unwrap().unwrap().0.len(), 3);
            assert_eq!(data.licences.unwrap().unwrap().len(), 0);
            assert_eq!(asked.len(), 8, "{asked:?}");
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_refused_is_refused_for_all_of_it() {
        let wait = [("retry-after", "40")];
        let (data, asked) = read(move |_| (StatusCode::SERVICE_UNAVAILABLE, wait, "{}").into_response(), ALL).await;
        assert_eq!(asked.len(), 1);
        for wait in [
            data.organisation.unwrap().unwrap_err().retry_after(),
            data.licences.unwrap().unwrap_err().retry_after(),
            data.domains.unwrap().unwrap_err().retry_after(),
            data.secure_score.unwrap().unwrap_err().retry_after(),
        ] {
            assert_eq!(wait, Some(Duration::from_secs(40)));
        }
    }

    #[tokio::test]
    async fn a_probe_is_one_request_and_tells_each_data_set_from_the_others() {
        let host = Host {
            answer: Arc::new(|_| {
                Json(json!({"responses": [
                    part("organisation", 200, &json!({"value": [{"id": "84841066-274d-4ec0-a5c1-276be684bdd3"}]})),
                    part("users", 200, &json!({"value": [{"id": 1}], "@odata.nextLink": "http://evil.example"})),
                    part("licences", 403, &json!({"error": {"code": "Authorization_RequestDenied"}})),
                    part("domains", 503, &json!({})),
                ]}))
                .into_response()
            }),
            asked: Arc::default(),
        };
        let (microsoft, _) = served(Router::new().route("/v1.0/$batch", post(batch)).with_state(host.clone())).await;
        let found = microsoft.graph("the-token".into()).probe().await;
        let problems: Vec<_> =
            found.iter().map(|(_, read)| read.as_ref().err().and_then(GraphError::problem)).collect();
        let expected =
            [None, None, Some(Problem::PermissionMissing), Some(Problem::Temporary), Some(Problem::Unreadable)];
        assert_eq!(problems, expected, "{found:?}");
        assert_eq!(host.asked.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_single_one_is_asked_for_by_itself() {
        let wanted = Wanted { domains: true, ..Wanted::default() };
        let (data, asked) = read(|_| StatusCode::IM_A_TEAPOT.into_response(), wanted).await;
        assert_eq!(data.domains.unwrap().unwrap().len(), 2);
        assert_eq!(asked, ["/v1.0/domains", "/v1.0/domains"]);
        let (_, asked) = read(|_| StatusCode::IM_A_TEAPOT.into_response(), Wanted::default()).await;
        assert!(asked.is_empty());
    }
}
