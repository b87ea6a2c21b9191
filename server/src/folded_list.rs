//! The whole list of companies as it goes to the page: folded, compressed, and kept for who comes next. The database is
//! asked each time whether it still holds; only what changed is read again.

use std::{collections::HashSet, io, sync::Arc};

use app::{api::companies::CompanyList, domain::CompanyRow, error::AppError};
use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use brotli::enc::BrotliEncoderParams;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::{
    companies::Companies,
    company_changes::{Changed, CompanyChanges},
    failure::internal,
    folding::fold,
    fresh::Fresh,
    store::StoreError,
};

/// More makes it a few per cent smaller, and takes several times as long.
const QUALITY: i32 = 4;

/// How far back the compressor looks: over the whole list (2^22 bytes).
const WINDOW: i32 = 22;

/// The list as it is sent.
pub struct Folded {
    /// As text.
    pub text: Bytes,
    /// The same, compressed with brotli.
    pub brotli: Bytes,
    /// A name for what is in it, the cursor apart.
    pub etag: String,
}

/// Keeps it.
#[derive(Default)]
pub struct FoldedList {
    fresh: Fresh<Arc<Folded>>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    changes: CompanyChanges,
    rows: Vec<CompanyRow>,
    /// What was sent with the rows.
    list: CompanyList,
    folded: Arc<Folded>,
}

impl FoldedList {
    /// The list as it is now.
    pub async fn get(&self, companies: &Companies) -> Result<Arc<Folded>, AppError> {
        self.fresh.get(async || self.look(companies).await).await
    }

    async fn look(&self, companies: &Companies) -> Result<Arc<Folded>, AppError> {
        let mut place = self.kept.lock().await;
        // Nothing is left of it if this is cut off.
        let (mut follower, kept) = match place.take() {
            Some(Kept { changes, rows, list, folded }) => (changes, Some((rows, list, folded))),
            None => (CompanyChanges::default(), None),
        };
        let store = companies.store();
        let changed = async { follower.next(store).await.map_err(internal) };
        let (list, changed) = futures::try_join!(companies.without_rows(), changed)?;
        let rows = match (changed, kept) {
            (Changed::These(ids), Some((rows, before, folded))) if ids.is_empty() && is_alike(&before, &list) => {
                *place = Some(Kept { changes: follower, rows, list: before, folded: folded.clone() });
                return Ok(folded);
            }
            (Changed::These(ids), Some((mut rows, ..))) => {
                let anew: HashSet<_> = ids.iter().collect();
                rows.retain(|row| !anew.contains(&row.id));
                rows.extend(store.company_rows_of(&ids).await.map_err(internal)?);
                rows
            }
            _ => store.company_rows().await.map_err(internal)?,
        };
        let folding = tokio::task::spawn_blocking(move || {
            let mut rows = rows;
            // Names that begin alike stand together. As a rule almost all do already.
            rows.sort_by(|one, other| one.name.cmp(&other.name).then(one.id.cmp(&other.id)));
            let folded = Folded::of(&list, &rows)?;
            Ok::<_, io::Error>((rows, list, Arc::new(folded)))
        });
        let unexpected = |error: String| internal(StoreError::Unexpected(error));
        let outcome = folding.await.map_err(|error| unexpected(error.to_string()))?;
        let (rows, list, folded) = outcome.map_err(|error| unexpected(error.to_string()))?;
        *place = Some(Kept { changes: follower, rows, list, folded: folded.clone() });
        Ok(folded)
    }
}

/// Whether two lists say the same, their rows and cursors apart.
fn is_alike(one: &CompanyList, other: &CompanyList) -> bool {
    one.setup == other.setup && one.platform == other.platform
}

impl Folded {
    fn of(list: &CompanyList, rows: &[CompanyRow]) -> io::Result<Self> {
        let before = |cursor| {
            let list = CompanyList { rows: Vec::new(), cursor, ..list.clone() };
            let mut said = serde_json::to_value(list)?;
            said.as_object_mut().map(|fields| fields.remove("rows"));
            let said = said.to_string();
            Ok::<_, serde_json::Error>(format!("{},\"rows\":[", said.strip_suffix('}').unwrap_or_default()))
        };
        let text = fold(&before(list.cursor)?, rows)?;
        let (_, without_cursor) = text.split_once('\n').unwrap_or_default();
        let digest = Sha256::new().chain_update(before(0)?).chain_update(without_cursor).finalize();
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..18]));
        let mut brotli = Vec::with_capacity(text.len() / 4);
        let params = BrotliEncoderParams {
            quality: QUALITY,
            lgwin: WINDOW,
            size_hint: text.len(),
            ..BrotliEncoderParams::default()
        };
        brotli::BrotliCompress(&mut text.as_bytes(), &mut brotli, &params)?;
        brotli.shrink_to_fit();
        Ok(Self { text: text.into(), brotli: brotli.into(), etag })
    }
}
