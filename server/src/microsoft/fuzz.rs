//! What Microsoft, or whoever says to be it, can send. See [`crate::fuzz`].

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use app::domain::TenantId;
use axum::extract::Query;
use http::{HeaderMap, StatusCode, Uri, header::RETRY_AFTER};
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    AppRegistration, Cloud, Credential, Hosts, Link, LinkGuard, Microsoft, Refusal,
    graph::{Graph, GraphError, parse},
    hosts::origin,
    http::{Answer, retry_after},
    tenant_data::{ControlProfile, Licence, Organisation, SecureScore, TenantDomain, UserChange},
    wire::{
        BatchAnswer, Page, WireControlProfile, WireDirectoryRole, WireDomain, WireOrganization, WireSecureScore,
        WireSku, WireUser,
    },
};
use crate::{
    clock::SystemClock,
    sync::reconcile::{mentioned, reconcile},
};

/// A client that asks nobody.
fn client() -> &'static Graph {
    static CLIENT: OnceLock<Graph> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let url = |text| Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let hosts = Hosts::new(Cloud::Global, None, None).unwrap_or_else(|error| panic!("{error}"));
        let app = AppRegistration {
            client_id: "5a6d1b0e-7c1f-4f0b-9a53-3d1c2f8e4b70".into(),
            credential: Credential::Secret("secret".into()),
            credential_file: None,
            redirect_uri: url("https://tenantry.example/connect/callback"),
        };
        let microsoft = Microsoft::new(hosts, app, Arc::new(SystemClock)).unwrap_or_else(|error| panic!("{error}"));
        microsoft.graph("token".into())
    })
}

/// What is said of a refusal are names and numbers, whatever came.
fn look_at_refusal(refusal: &Refusal) {
    let said = refusal.details();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ,-_.".contains(c);
    assert!(said.len() < 400 && said.chars().all(is_plain), "{said}");
    assert!(!refusal.as_attempt_failure().title().is_empty());
    refusal.as_round();
    assert_eq!(refusal.platform_fault().is_some(), refusal.class == super::Class::Platform);
}

pub(crate) fn callback(query: &str) {
    let Ok(uri) = format!("/connect/callback?{query}").parse::<Uri>() else { return };
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&uri) else { return };
    let found = Refusal::from_callback(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    assert_eq!(found.is_some(), pairs.iter().any(|(name, _)| name == "error"));
    if let Some(refusal) = found {
        look_at_refusal(&refusal);
        // Anybody can send it: it must not look as if our own registration were to be mended by itself.
        assert_eq!(refusal.status, None);
    }
    for (_, value) in &pairs {
        if let Ok(tenant) = value.parse::<TenantId>() {
            assert_eq!(tenant.to_string().parse(), Ok(tenant));
        }
    }
}

pub(crate) fn refusal(data: &[u8]) {
    let (head, body) = data.split_at(data.len().min(2));
    let number = head.iter().fold(0_u16, |number, byte| (number << 8) | u16::from(*byte));
    let status = StatusCode::from_u16(400 + number % 200).unwrap_or(StatusCode::BAD_REQUEST);
    look_at_refusal(&Refusal::from_answer(status, body, None));
    let mut headers = HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_bytes(body) {
        headers.insert(RETRY_AFTER, value.clone());
        headers.insert("request-id", value);
    }
    let wait = retry_after(&headers, app::domain::Timestamp::from_millis(1_795_334_400_000));
    assert!(wait.is_none_or(|wait| wait.as_secs() <= 24 * 3_600), "{wait:?}");
    let error = GraphError::from_answer(&Answer { status, headers, body: body.to_vec() }, wait);
    let said = error.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ,-_.():;".contains(c);
    assert!(said.len() < 400 && said.chars().all(is_plain), "{said}");
}

pub(crate) fn graph(data: &[u8]) {
    if let Some(users) = read::<WireUser, UserChange>(data) {
        let ids = mentioned(&users);
        let writes = reconcile(users, &HashMap::new());
        assert!(writes.put.len() + writes.gone.len() <= ids.len() && writes.new <= writes.put.len());
        assert!(writes.put.iter().all(|user| ids.contains(&user.id)));
    }
    if let Some(skus) = read::<WireSku, Licence>(data) {
        assert!(skus.iter().all(|sku| is_storable(&sku.part_number) && sku.assignable() >= sku.enabled));
    }
    if let Some(organisations) = read::<WireOrganization, Organisation>(data) {
        assert!(organisations.iter().all(|organisation| {
            let texts = [&organisation.default_domain, &organisation.initial_domain, &organisation.country];
            !organisation.name.trim().is_empty()
                && is_storable(&organisation.name)
                && texts.into_iter().flatten().all(|text| is_storable(text))
        }));
    }
    if let Some(domains) = read::<WireDomain, TenantDomain>(data) {
        let storable =
            |domain: &TenantDomain| is_storable(&domain.name) && domain.services.iter().all(|s| is_storable(s));
        assert!(domains.iter().all(storable));
    }
    if let Some(scores) = read::<WireSecureScore, SecureScore>(data) {
        for score in scores {
            assert!(score.current.is_finite() && score.max.is_finite());
            assert!(score.comparatives.iter().all(|c| is_storable(&c.basis) && c.average.is_finite()));
            assert!(score.control_scores.iter().all(|c| is_storable(&c.control) && c.score.is_finite()));
            let percent = app::domain::Figures::percent(score.current, score.max);
            assert!(percent.is_none_or(|percent| percent <= 100));
        }
    }
    if let Some(profiles) = read::<WireControlProfile, ControlProfile>(data) {
        for profile in profiles {
            let texts = [&profile.title, &profile.service, &profile.category, &profile.tier, &profile.user_impact];
            let more = [&profile.implementation_cost, &profile.remediation, &profile.action_url];
            assert!(is_storable(&profile.id) && texts.into_iter().chain(more).flatten().all(|text| is_storable(text)));
        }
    }
    if let Ok(page) = parse::<WireDirectoryRole>(data) {
        page.value.into_iter().filter_map(WireDirectoryRole::into_role).for_each(drop);
    }
    if let Ok(answers) = serde_json::from_slice::<BatchAnswer<'_>>(data) {
        for part in answers.parts() {
            match client().part::<WireSku>(part) {
                Ok(page) => look_at_links(&page),
                Err(error) => assert!(error.to_string().len() < 400),
            }
        }
    }
}

/// The items of a page, if it is one of these.
fn read<W: DeserializeOwned, T: From<W>>(data: &[u8]) -> Option<Vec<T>> {
    let page = parse::<W>(data).ok()?;
    look_at_links(&page);
    Some(page.value.into_iter().map(T::from).collect())
}

/// The token goes to Graph and nowhere else.
fn look_at_links<T>(page: &Page<T>) {
    for text in [&page.next_link, &page.delta_link].into_iter().flatten() {
        assert!(is_storable(text));
        let link = Link::from_stored(text.clone());
        if client().admit(&link).is_ok() {
            let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(origin(&url), "https://graph.microsoft.com");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
        }
        let mut guard = LinkGuard::default();
        assert!(guard.admit(&link).is_ok() && guard.admit(&link).is_err(), "a circle is noticed");
    }
}

/// PostgreSQL takes no NUL, and a round that can't be stored would be repeated for ever.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}
