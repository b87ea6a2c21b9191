//! Server functions, one file per noun: get the port, call it.
#![expect(missing_docs, reason = "the server macro makes a public struct of each function's arguments")]

pub mod accounts;
pub mod activity;
pub mod api_tokens;
pub mod attempts;
pub mod campaigns;
pub mod companies;
pub mod connections;
pub mod disconnections;
pub mod licences;
pub mod links;
pub mod mail;
pub mod notifications;
pub mod protocol;
pub mod secure_scores;
pub mod selections;
pub mod sessions;
pub mod tenant_domains;
pub mod users;
pub mod webhooks;

/// The port that the server put into the context of this request.
#[cfg(feature = "ssr")]
fn port<P: ?Sized + Send + Sync + 'static>() -> Result<std::sync::Arc<P>, crate::error::AppError> {
    use crate::error::{AppError, ErrorCode};

    leptos::prelude::use_context::<std::sync::Arc<P>>()
        .ok_or_else(|| AppError::new(ErrorCode::Internal, "Something went wrong. Reload the page and try again."))
}
