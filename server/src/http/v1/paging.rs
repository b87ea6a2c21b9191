//! Lists, a page at a time: `limit` and `cursor` of the query, and where the next page is.

use std::{
    convert::Infallible,
    io::Write as _,
    sync::{Arc, OnceLock},
};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Query},
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::{super::site::accepts, problem::Problem};
use crate::store::StoreError;

/// How many a page has, unless who asks says otherwise.
const PAGE: u32 = 50;

/// How many a page has at most.
const PAGE_MAX: u32 = 200;

/// How many headers an answer has at most when it is sent: a map that grows is filled anew.
const HEADERS: usize = 20;

/// How many bytes of a hash tie a cursor to its list.
const TIED: usize = 8;

/// Which part of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read by hand, so that what is left can be read as what the list knows")]
pub struct PageParams {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where to go on: the `next_cursor` of the page before, with the same other parameters.
    #[param(max_length = 4000)]
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    data: Vec<T>,
    /// Where the next page begins. null: this is the last one.
    next_cursor: Option<String>,
}

/// A page as it is sent.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// JSON.
    pub body: Bytes,
    /// Where the next one is.
    pub link: Option<HeaderValue>,
    /// The body compressed, once somebody asked for it: that takes a hundred times as long as sending it.
    gzip: Arc<OnceLock<Option<Bytes>>>,
}

impl Rendered {
    /// A page that says this.
    pub fn new(body: Bytes, link: Option<HeaderValue>) -> Self {
        Self { body, link, gzip: Arc::default() }
    }

    /// How many bytes it takes at most.
    pub fn size(&self) -> usize {
        2 * self.body.len() + self.link.as_ref().map_or(0, HeaderValue::len)
    }

    /// As it is sent to who takes it compressed, or does not.
    pub fn answer(self, takes_gzip: TakesGzip) -> Response {
        let compressed = if takes_gzip.0 { self.gzip.get_or_init(|| gzip(&self.body)).clone() } else { None };
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(link) = self.link {
            headers.insert(header::LINK, link);
        }
        if compressed.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut response = Response::new(compressed.unwrap_or(self.body).into());
        *response.headers_mut() = headers;
        response
    }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        self.answer(TakesGzip(false))
    }
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    Some(encoder.finish().ok()?.into())
}

/// Whether who asks takes what is compressed with gzip, as most libraries do. Brotli makes pages little smaller.
#[derive(Clone, Copy)]
pub struct TakesGzip(bool);

impl<S: Send + Sync> FromRequestParts<S> for TakesGzip {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(accepts(&parts.headers, "gzip")))
    }
}

/// What somebody wants of a list.
pub struct Listing<T> {
    /// What the list knows itself.
    pub params: T,
    /// How many at most.
    pub limit: u32,
    /// After which: what [`Listing::page`] was told of the page before.
    pub after: Option<String>,
    tie: [u8; TIED],
    url: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Listing<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.uri)
    }
}

impl<T: DeserializeOwned> Listing<T> {
    /// Of the query of this address.
    pub fn read(uri: &Uri) -> Result<Self, Problem> {
        let (mut limit, mut cursor) = (None, None);
        let mut rest = Vec::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let once = match name.as_ref() {
                "limit" => limit.replace(value),
                "cursor" => cursor.replace(value),
                _ => {
                    rest.push((name, value));
                    None
                }
            };
            if once.is_some() {
                return Err(Problem::parameter("limit", "It, and cursor, stand there once at most."));
            }
        }
        let limit = match limit {
            None => PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=PAGE_MAX).contains(limit))
                .ok_or_else(|| Problem::parameter("limit", "It is a number from 1 to 200."))?,
        };
        rest.sort();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&rest).finish();
        let url = format!("{}?{query}{}", uri.path(), if query.is_empty() { "" } else { "&" });
        let digest = Sha256::digest(url.as_bytes());
        let mut tie = [0; TIED];
        tie.copy_from_slice(&digest[..TIED]);
        let after = cursor.map(|cursor| open(&cursor, tie)).transpose()?;
        let rest: Uri = format!("/?{query}").parse().map_err(|_| unreadable("It is too long."))?;
        let Query(params) = Query::try_from_uri(&rest).map_err(|rejection| unreadable(&rejection.body_text()))?;
        Ok(Self { params, limit, after, tie, url })
    }

    /// The answer: a page, and after which the next one begins.
    pub fn page<Row: Serialize>(&self, data: Vec<Row>, next: Option<&str>) -> Response {
        match self.render(data, next) {
            Ok(page) => page.into_response(),
            Err(problem) => problem.into_response(),
        }
    }

    /// The same, to be kept.
    pub fn render<Row: Serialize>(&self, data: Vec<Row>, next: Option<&str>) -> Result<Rendered, Problem> {
        let next_cursor = next.map(|next| URL_SAFE_NO_PAD.encode([&self.tie[..], next.as_bytes()].concat()));
        let link = next_cursor.as_ref().and_then(|cursor| {
            let link = format!("<{}limit={}&cursor={cursor}>; rel=\"next\"", self.url, self.limit);
            HeaderValue::try_from(link).ok()
        });
        let unexpected = |error: serde_json::Error| StoreError::Unexpected(error.to_string());
        let body = serde_json::to_vec(&Page { data, next_cursor }).map_err(unexpected)?.into();
        Ok(Rendered::new(body, link))
    }
}

/// A page leads to the one after it, with the same parameters. See [`crate::fuzz`].
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn look(query: &str) {
    let read = |uri: &str| Listing::<super::companies::CompanyParams>::read(&uri.parse().ok()?).ok();
    let Some(listing) = read(&format!("/api/v1/companies?{query}")) else { return };
    assert!((1..=PAGE_MAX).contains(&listing.limit));
    let next = listing.after.clone().unwrap_or_else(|| "[\"a\"]".to_owned());
    let response = listing.page(vec![1], Some(&next));
    let Some(link) = response.headers().get(header::LINK).and_then(|link| link.to_str().ok()) else { return };
    let address = link.trim_start_matches('<').split('>').next().unwrap_or_default();
    let again = read(address).map(|again| (again.after, again.limit));
    assert_eq!(again, Some((Some(next), listing.limit)), "{link}");
}

fn unreadable(why: &str) -> Problem {
    Problem::new(super::problem::Code::BadRequest, format!("The query can't be read. {why}"))
}

fn open(cursor: &str, tie: [u8; TIED]) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Problem::cursor())?;
    let inner = bytes.strip_prefix(&tie).ok_or_else(Problem::cursor)?;
    let inner = std::str::from_utf8(inner).map_err(|_| Problem::cursor())?;
    // None of ours has any, and PostgreSQL does not take them.
    if inner.contains('\0') || inner.contains("\\u0000") {
        return Err(Problem::cursor());
    }
    Ok(inner.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        search: Option<String>,
        #[serde(default)]
        archived: bool,
    }

    fn read(query: &str) -> Result<Listing<Params>, Problem> {
        Listing::read(&format!("/api/v1/things?{query}").parse().unwrap())
    }

    fn cursor(listing: &Listing<Params>) -> String {
        let response = listing.page(vec![1], Some("[\"a\"]"));
        let link = response.headers()[header::LINK].to_str().unwrap().to_owned();
        link.split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned()
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = cursor(&read("search=a%20b&archived=true").unwrap());
        let again = read(&format!("archived=true&cursor={cursor}&search=a+b&limit=7")).unwrap();
        assert_eq!((again.after.as_deref(), again.limit), (Some("[\"a\"]"), 7));
        assert_eq!((again.params.search.as_deref(), again.params.archived), (Some("a b"), true));
        for other in ["", "search=a", "search=a%20b&archived=false"] {
            assert!(read(&format!("{other}&cursor={cursor}")).is_err(), "{other}");
        }
        for wrong in ["", "x", "AAAA", "%00"] {
            assert!(read(&format!("cursor={wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for wrong in ["limit=0", "limit=201", "limit=", "limit=1&limit=2", "x=y", "archived=maybe", "search=a&search=b"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("").unwrap().limit, 50);
    }
}
