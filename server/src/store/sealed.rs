//! What is sealed in the database, whatever it is: for keys that are rotated, and for one that is missing.

use sea_orm::{ConnectionTrait as _, Statement, prelude::*};

use super::{Store, StoreError};
use crate::vault::KeyId;

/// How many values are sealed anew in one transaction: a server writes in between.
const AT_ONCE: i64 = 200;

/// Where something sealed is kept, and the column with the id that it is sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    table: &'static str,
    id: &'static str,
    column: &'static str,
}

const fn place(table: &'static str, id: &'static str, column: &'static str) -> Place {
    Place { table, id, column }
}

/// All of them. Where a secret was used up, nothing is left in its place.
pub const PLACES: [Place; 7] = [
    place("connection", "id", "sealed_refresh_token"),
    place("former_grant", "connection_id", "sealed_refresh_token"),
    place("link", "id", "sealed_token"),
    place("webhook", "id", "sealed_secret"),
    place("webhook", "id", "sealed_old_secret"),
    place("attempt", "id", "sealed_verifier"),
    place("api_answer", "id", "sealed_answer"),
];

/// Something sealed, and the id that it is sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id.
    pub row: Uuid,
    /// The sealed value. Its first bytes name the key.
    pub value: Vec<u8>,
}

impl Store {
    /// By which keys the database's secrets are sealed, and how many by each.
    pub async fn sealing_keys(&self) -> Result<Vec<(Vec<u8>, u64)>, StoreError> {
        let mut keys: Vec<(Vec<u8>, u64)> = Vec::new();
        for Place { table, column, .. } in PLACES {
            let sql = format!(
                "SELECT substr({column}, 1, 8) AS sealed_by, count(*) AS sealed FROM {table} \
                 WHERE length({column}) > 0 GROUP BY 1"
            );
            for row in self.reader.query_all_raw(Statement::from_string(self.engine(), sql)).await? {
                let (key, count): (Vec<u8>, i64) = (row.try_get("", "sealed_by")?, row.try_get("", "sealed")?);
                let count = u64::try_from(count).unwrap_or_default();
                match keys.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => *known += count,
                    None => keys.push((key, count)),
                }
            }
        }
        Ok(keys)
    }

    /// Seals anew what this key did not seal: `seal_anew` opens and seals one, or says that it can't be opened. What a
    /// server writes meanwhile stays. Answers how many values were sealed anew, and how many could not be opened.
    pub async fn seal_anew(
        &self,
        place: Place,
        newest: KeyId,
        seal_anew: impl Fn(&Sealed) -> Option<Vec<u8>> + Send + Sync,
    ) -> Result<(u64, u64), StoreError> {
        let Place { table, id, column } = place;
        let (mut anew, mut lost, mut after) = (0, 0, Uuid::nil());
        loop {
            let sql = format!(
                "SELECT {id} AS row_id, {column} AS value FROM {table} WHERE length({column}) > 0 \
                 AND substr({column}, 1, 8) <> $1 AND {id} > $2 ORDER BY {id} LIMIT {AT_ONCE}"
            );
            let values = [newest.to_vec().into(), after.into()];
            let found = self.writer.query_all_raw(Statement::from_sql_and_values(self.engine(), sql, values)).await?;
            if found.is_empty() {
                return Ok((anew, lost));
            }
            let transaction = self.begin().await?;
            for row in found {
                let sealed = Sealed { row: row.try_get("", "row_id")?, value: row.try_get("", "value")? };
                after = sealed.row;
                let Some(new) = seal_anew(&sealed) else {
                    lost += 1;
                    continue;
                };
                let sql = format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {column} = $3");
                let values = [new.into(), sealed.row.into(), sealed.value.into()];
                let update = Statement::from_sql_and_values(self.engine(), sql, values);
                anew += transaction.inner.execute_raw(update).await?.rows_affected();
            }
            transaction.commit().await?;
        }
    }
}
