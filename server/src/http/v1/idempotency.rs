//! `Idempotency-Key`: asked again under the same key within a day, a program is answered the same, and nothing is done
//! twice.
//!
//! The whole answer is kept, sealed: the address of a link is in no other one, so a program that did not hear the first
//! could do nothing with an answer without it. It is kept for a day, and opens for nobody but the token that was
//! answered. Only success is kept: what was refused did nothing, and may be tried again under its key. Of what failed on our
//! side nobody knows whether it was done.

use app::domain::ApiTokenId;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    super::{AppState, Routes, limits::PROGRAM_BODY, listen::BoxRequest},
    input,
    problem::{Code, Problem},
    tokens::Program,
};
use crate::{
    request_id::spawn,
    store::{StoreError, api_answers::Known},
    vault::Vault,
};

/// The header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in characters.
pub const KEY_MAX: usize = 255;

/// Which headers of an answer are kept.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// The largest answer that is kept, in bytes. None of those that are made is nearly as large.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Answers a request: as before, if it was answered under its key before.
pub async fn answer_once(
    state: &AppState,
    program: &Program,
    request: BoxRequest,
    next: &Routes,
) -> Result<Response, Problem> {
    let Some(key) = key(&request)? else { return Ok(next.run(request).await) };
    let (mut parts, body) = (*request).into_parts();
    // The answer is kept as it is, for whoever asks again in whatever way.
    parts.headers.remove(header::ACCEPT_ENCODING);
    let body = to_bytes(body, PROGRAM_BODY).await.map_err(|_| input::too_large())?;
    let asked = digest([parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &body]);
    let request = Box::new(Request::from_parts(parts, Body::from(body)));
    let (state, next, token) = (state.clone(), next.clone(), program.token.id);
    // Who hangs up has it done all the same, and can ask what came of it.
    let working = spawn(async move {
        match begin(&state, token, &key, asked).await? {
            Beginning::Now(id) => keep(&state, id, next.run(request).await).await,
            Beginning::Answered(response) => Ok(response),
        }
    });
    working.await.unwrap_or_else(|error| Err(StoreError::Unexpected(error.to_string()).into()))
}

enum Beginning {
    Now(Uuid),
    Answered(Response),
}

async fn begin(state: &AppState, token: ApiTokenId, key: &[u8], asked: [u8; 32]) -> Result<Beginning, Problem> {
    match state.store.begin_api_answer(token, digest([key]), asked).await? {
        Known::New(id) => Ok(Beginning::Now(id)),
        Known::Answered { id, sealed } => Ok(Beginning::Answered(replay(&state.api.vault, id, &sealed)?)),
        Known::UnderWay => {
            let text = "The first request with this key is still being worked on. Ask again in a second.";
            Err(Problem::new(Code::RequestUnderWay, text).with(header::RETRY_AFTER, 1_u64))
        }
        Known::Interrupted => {
            let text = "The server stopped or failed while it worked on the first request with this key. See whether \
                        it was done; if not, send it again with another key.";
            Err(Problem::new(Code::RequestInterrupted, text))
        }
        Known::Another => {
            let text = "Another request was sent with this key. Make a new key for each thing that is to be done.";
            Err(Problem::new(Code::IdempotencyKeyReused, text))
        }
    }
}

/// Keeps an answer of success, and hands it on.
async fn keep(state: &AppState, id: Uuid, response: Response) -> Result<Response, Problem> {
    if response.status().is_server_error() {
        // It may have been stored all the same: the database's answer can be what was lost.
        state.store.interrupt_api_answer(id).await?;
        return Ok(response);
    }
    if !response.status().is_success() {
        state.store.forget_api_answer(id).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_LIMIT).await.map_err(|error| StoreError::Unexpected(error.to_string()))?;
    let text = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let kept = Kept {
        status: parts.status.as_u16(),
        headers: KEPT.iter().filter_map(|name| Some((name.as_str().to_owned(), text(name)?))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let kept = serde_json::to_string(&kept).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    state.store.keep_api_answer(id, state.api.vault.seal(id, &SecretString::from(kept))).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(vault: &Vault, id: Uuid, sealed: &[u8]) -> Result<Response, Problem> {
    let unexpected = |error: String| StoreError::Unexpected(format!("the answer {id}: {error}"));
    let kept = vault.open(id, sealed).map_err(|error| unexpected(error.to_string()))?;
    let kept: Kept = serde_json::from_str(kept.expose_secret()).map_err(|error| unexpected(error.to_string()))?;
    let status = StatusCode::from_u16(kept.status).map_err(|error| unexpected(error.to_string()))?;
    let mut response = (status, kept.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// The key that a program chose, if it did.
fn key(request: &Request) -> Result<Option<Vec<u8>>, Problem> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let fits = (1..=KEY_MAX).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    if fits && keys.next().is_none() {
        return Ok(Some(key.as_bytes().to_vec()));
    }
    let text = "The header Idempotency-Key is one key of 1 to 255 letters, digits and signs, without blanks, such \
                as a UUID.";
    Err(Problem::new(Code::BadRequest, text))
}

/// A hash of several things, none of which can be taken for a part of another.
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
