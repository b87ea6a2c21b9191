//! Companies from a file: what it would do, and doing it. Between the two, nothing is kept here: the file is sent twice.

use app::{
    domain::company_import::{Counts, ImportPreview, MAX_BYTES, Mend, plan},
    error::{AppError, ErrorCode},
};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State, rejection::BytesRejection},
    http::header,
    response::{IntoResponse as _, Response},
    routing::MethodRouter,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{AppState, server_functions::error_response};
use crate::{
    failure::internal,
    import::{CompanyFile, FileError, Mapping, TEMPLATE},
    sessions::Caller,
    store::company_records::Import,
};

/// What is asked beside the file.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// Which column is what; guessed if it is missing.
    mapping: Option<String>,
    /// What stands for the preview that was seen.
    digest: Option<String>,
    /// How many bytes after the file say how its wrong rows are mended, as JSON.
    mended: Option<usize>,
}

/// The most bytes that say how rows are mended.
pub const MENDS: usize = 1024 * 1024;

/// So many files are read at once, however many arrive: each may take some memory.
static READERS: Semaphore = Semaphore::const_new(2);

type File = Result<Bytes, BytesRejection>;

/// A route whose body is such a file.
pub fn takes_file(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    // A little more, so that the reader refuses what is too large, in words.
    route.layer(DefaultBodyLimit::max(MAX_BYTES + MENDS + 1024))
}

/// Tells what a file would do. Nothing is written.
pub async fn preview(State(state): State<AppState>, Query(asked): Query<Asked>, file: File) -> Response {
    answer(async {
        let file = read(file, &asked).await?;
        let rows = file.rows().unwrap_or_default();
        let present = state.store.present_companies().await.map_err(internal)?;
        let planned = calculate(move || Ok(plan(&present, &rows))).await?;
        let digest = file.digest(&planned);
        let preview = ImportPreview { columns: file.columns, rows: planned, digest };
        Ok(([(header::CACHE_CONTROL, "no-store")], Json(preview)).into_response())
    })
    .await
}

/// Does what was shown: all of it, or nothing.
pub async fn confirm(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
    file: File,
) -> Response {
    answer(async {
        let file = read(file, &asked).await?;
        let rows = file.rows().ok_or_else(|| refused(&FileError::NoNameColumn))?;
        let digest = asked.digest.unwrap_or_default();
        let imported = state
            .store
            .import_companies(&rows, |planned| file.digest(planned) == digest, &caller.actor())
            .await
            .map_err(internal)?;
        match imported {
            Import::Done(counts) => {
                tracing::info!(new = counts.new, changed = counts.changed, "companies were imported");
                Ok(([(header::CACHE_CONTROL, "no-store")], Json(counts)).into_response())
            }
            Import::NotAsShown => {
                let text = "The companies have changed meanwhile. Nothing was written: look again.";
                Err(AppError::new(ErrorCode::Conflict, text))
            }
            Import::Wrong(planned) => {
                let text =
                    format!("{} rows are wrong. Nothing was written: mend them first.", Counts::of(&planned).wrong);
                Err(AppError::new(ErrorCode::Invalid, text))
            }
        }
    })
    .await
}

/// A file with the names of the columns alone.
pub async fn template() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"companies.csv\""),
    ];
    (headers, TEMPLATE).into_response()
}

async fn answer(work: impl Future<Output = Result<Response, AppError>>) -> Response {
    work.await.unwrap_or_else(|error| error_response(&error))
}

async fn read(file: File, asked: &Asked) -> Result<CompanyFile, AppError> {
    let file = file.map_err(|rejection| {
        if rejection.status().as_u16() == 413 {
            return refused(&FileError::TooLarge);
        }
        AppError::new(ErrorCode::BadRequest, "The file did not arrive. Try again.")
    })?;
    let mapping =
        asked.mapping.as_deref().map_or(Ok(Mapping::Guessed), Mapping::parse).map_err(|error| refused(&error))?;
    let not_understood =
        || AppError::new(ErrorCode::BadRequest, "The mended rows did not arrive. Load the page again.");
    let said = asked.mended.unwrap_or_default();
    let end = file.len().checked_sub(said).filter(|_| said <= MENDS).ok_or_else(not_understood)?;
    let mends: Vec<Mend> = match &file[end..] {
        [] => Vec::new(),
        json => serde_json::from_slice(json).map_err(|_| not_understood())?,
    };
    // Nobody closes it. Whoever hangs up leaves their place when the file is read.
    let turn = READERS.acquire().await.ok();
    calculate(move || {
        let _turn = turn;
        let read = CompanyFile::read(&file[..end], &mapping).map_err(|error| refused(&error))?;
        Ok(if mends.is_empty() { read } else { read.mended(mends) })
    })
    .await
}

fn refused(error: &FileError) -> AppError {
    AppError::new(ErrorCode::Invalid, error.to_string())
}

/// Where it keeps nobody waiting. Should a file bring the reader down, it is that file's failure alone.
async fn calculate<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a file brought its reader down");
        Err(AppError::new(ErrorCode::Invalid, "The file can't be read. Save it as CSV, and try again."))
    })
}
