//! How all connections stand together, for whoever watches the server.

use app::domain::Timestamp;
use sea_orm::{ConnectionTrait as _, Statement};

use super::{Store, StoreError, connections::PHASES};

/// Counts of connections of companies in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many are in each phase.
    pub connections: [(&'static str, u32); PHASES.len()],
    /// How many are due and not being read.
    pub due: u32,
    /// Since when the first of them is.
    pub longest_due: Option<Timestamp>,
    /// When each data set was read that was not read for longest, where the connection is in order and it was ever read.
    pub oldest_data: Vec<(String, Timestamp)>,
}

const COUNTS: &str = "SELECT connection.phase AS name, count(*) AS count FROM connection \
    JOIN company ON company.id = connection.company_id WHERE company.archived_at IS NULL GROUP BY connection.phase";

const QUEUE: &str = "SELECT count(*) AS count, min(connection.due_at) AS since FROM connection \
    JOIN company ON company.id = connection.company_id WHERE company.archived_at IS NULL \
    AND connection.due_at <= $1 AND (connection.lease_until IS NULL OR connection.lease_until <= $1)";

const OLDEST: &str = "SELECT dataset_state.data_set AS name, min(dataset_state.as_of) AS since FROM dataset_state \
    JOIN connection ON connection.company_id = dataset_state.company_id \
    JOIN company ON company.id = connection.company_id WHERE company.archived_at IS NULL \
    AND connection.phase = 'active' AND dataset_state.last_success IS NOT NULL AND dataset_state.problem IS NULL \
    GROUP BY dataset_state.data_set";

impl Store {
    /// How all connections stand now.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let now = self.clock.now().as_millis();
        let (engine, reader) = (self.engine(), &self.reader);
        let count = |row: &sea_orm::QueryResult| {
            row.try_get::<i64>("", "count").map(|count| u32::try_from(count).unwrap_or(u32::MAX))
        };
        let mut standing = Standing { connections: PHASES.map(|phase| (phase, 0)), ..Standing::default() };
        for row in reader.query_all_raw(Statement::from_string(engine, COUNTS)).await? {
            let name: String = row.try_get("", "name")?;
            // A phase that nobody is in has no row.
            if let Some((_, there)) = standing.connections.iter_mut().find(|(phase, _)| *phase == name) {
                *there = count(&row)?;
            }
        }
        let queue = Statement::from_sql_and_values(engine, QUEUE, [now.into()]);
        if let Some(row) = reader.query_one_raw(queue).await? {
            standing.due = count(&row)?;
            standing.longest_due = row.try_get::<Option<i64>>("", "since")?.map(Timestamp::from_millis);
        }
        for row in reader.query_all_raw(Statement::from_string(engine, OLDEST)).await? {
            standing.oldest_data.push((row.try_get("", "name")?, Timestamp::from_millis(row.try_get("", "since")?)));
        }
        Ok(standing)
    }
}
