//! Responses whose connection breaks before the body is complete.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use http::{HeaderValue, header};

/// The same response, announced in full and broken off in the middle.
pub fn in_the_middle(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::TRANSFER_ENCODING);
    let chunks = stream::once(async move {
        let bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(bytes.slice(..bytes.len() / 2))
    });
    let broken = chunks.chain(stream::once(async {
        // Lets the first half leave before the connection goes.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut by a fault"))
    }));
    parts.headers.insert("x-sandbox-fault", HeaderValue::from_static("cut-body"));
    (parts, Body::from_stream(broken)).into_response()
}
