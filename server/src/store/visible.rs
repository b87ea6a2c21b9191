//! Whether the database holds what it held before.

use sea_orm::{DbBackend, Statement};

use super::{Store, StoreError};

/// What of the database could be seen at some time. Where two are alike, nothing became visible or went between them: every
/// question has the answer that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible(String);

#[cfg(test)]
impl Visible {
    /// Something that can be seen.
    pub fn of(what: &str) -> Self {
        Self(what.to_owned())
    }
}

impl Store {
    /// What can be seen now, where the database tells that sooner than it answers questions: the transactions whose changes
    /// PostgreSQL shows. <https://www.postgresql.org/docs/17/functions-info.html#FUNCTIONS-INFO-SNAPSHOT>
    pub async fn visible(&self) -> Result<Option<Visible>, StoreError> {
        if self.engine() != DbBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT CAST(pg_current_snapshot() AS TEXT)";
        let rows = self.query_often(Statement::from_string(self.engine(), sql)).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.map(Visible))
    }
}
