//! Compresses answers for who takes that.

use std::{convert::Infallible, future, mem};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, header},
    response::Response,
};
use tower::{Service as _, service_fn};
use tower_http::compression::Compression;

use super::listen::BoxRequest;

/// Compresses what is not compressed already. (A layer would wrap each answer into something large, compressed or not.)
pub async fn compress<F>(request: BoxRequest, next: impl FnOnce(BoxRequest) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let accepts = request.headers().get(header::ACCEPT_ENCODING).cloned();
    let is_head = request.method() == Method::HEAD;
    let mut response = next(request).await;
    match accepts {
        // How long it would be is known only once it is compressed, and there is nothing here that could be.
        Some(_) if is_head && !response.headers().contains_key(header::CONTENT_ENCODING) => {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        }
        Some(accepts) if !response.headers().contains_key(header::CONTENT_ENCODING) => {
            Box::pin(compressed(accepts, response)).await
        }
        _ => response,
    }
}

async fn compressed(accepts: HeaderValue, mut response: Response) -> Response {
    let mut asked = Request::new(());
    asked.headers_mut().insert(header::ACCEPT_ENCODING, accepts);
    let answer = service_fn(|_| future::ready(Ok::<_, Infallible>(mem::take(&mut response))));
    let Ok(answered) = Compression::new(answer).call(asked).await;
    answered.map(Body::new)
}
