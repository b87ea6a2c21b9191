//! Whether the database holds what it held before.

use sea_orm::{DbBackend, Statement};

use super::{Store, StoreError};

/// What of the database could be seen at some time. Where two are alike, nothing became visible or went between them: every
/// question has the answer that it had. (Of one server that runs; after a crash it may give numbers out again.)
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
    /// PostgreSQL shows. A standby does not name all of them. <https://www.postgresql.org/docs/17/functions-info.html#FUNCTIONS-INFO-SNAPSHOT>
    pub async fn visible(&self) -> Result<Option<Visible>, StoreError> {
        if self.engine() != DbBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN CAST(pg_current_snapshot() AS TEXT) END";
        let rows = self.query_often(Statement::from_string(self.engine(), sql)).await?;
        let text: Option<Option<String>> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(text.flatten().map(Visible))
    }
}
