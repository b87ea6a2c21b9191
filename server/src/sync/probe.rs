//! Sees whether a tenant can still be read, where it is read seldom.

use std::collections::BTreeMap;

use app::domain::{DataSet, Problem};

use super::{Connection, Graph, GraphError, Inner, Reading, SetState, StoreError, Verdict};

impl Inner {
    /// One cheap call per data set, all in one request. What can be read again is read as soon as possible.
    pub(super) async fn probe(
        &self,
        connection: &Connection,
        sets: &BTreeMap<DataSet, SetState>,
        graph: &Graph,
    ) -> Result<Reading, StoreError> {
        let mut reading = Reading::of(connection.phase);
        let mut changes = Vec::new();
        for (data_set, read) in graph.probe().await {
            reading.asked += 1;
            let before = sets.get(&data_set).and_then(|set| set.problem).filter(|problem| problem.limits());
            let problem = match read {
                Ok(()) => None,
                Err(GraphError::Unauthorized(_)) => {
                    reading.token = Verdict::Refused;
                    return Ok(reading);
                }
                Err(error) => {
                    tracing::info!(data_set = data_set.key(), %error, "a data set could not be read");
                    Some(named(connection, data_set, error.problem().unwrap_or(Problem::Temporary)))
                }
            };
            reading.problems.extend(problem);
            match problem {
                // What passes is no news, and the next full round will see.
                Some(problem) if !problem.limits() => {}
                problem if problem == before => {}
                problem => {
                    reading.regained |= problem.is_none();
                    changes.push((data_set, problem));
                }
            }
        }
        if !changes.is_empty() {
            self.store.put_probe(connection, &changes).await?;
        }
        Ok(reading)
    }
}

/// The problem in the light of what the tenant was asked for.
pub(super) fn named(connection: &Connection, data_set: DataSet, problem: Problem) -> Problem {
    match problem {
        Problem::PermissionMissing => connection.permission_set.missing(data_set),
        problem => problem,
    }
}
