//! A company by itself.

use std::{collections::HashMap, time::Duration};

use app::domain::{
    Access, CompanyDetails, CompanyId, ConnectionDetails, DataSet, DataSetStatus, DisconnectionDetails, OddityDetails,
    Problem, TenantId, Timestamp, company_details::is_stale,
};
use sea_orm::prelude::*;

use super::{
    Store, StoreError,
    disconnections::Disconnection,
    entity::{connection, dataset_state},
};

impl Store {
    /// The company of this id, unless it is archived. `every`: how often companies are read.
    pub async fn company_details(
        &self,
        company: CompanyId,
        every: Duration,
    ) -> Result<Option<CompanyDetails>, StoreError> {
        let Some(row) = self.company_rows_of(&[company]).await?.pop() else { return Ok(None) };
        let oddities = self.company_oddities(company).await?.into_iter().map(OddityDetails::from).collect();
        let connection = connection::Entity::find()
            .filter(connection::Column::CompanyId.eq(company.uuid()))
            .one(&self.reader)
            .await?;
        let Some(connection) = connection else {
            let disconnection = match self.disconnection(company).await? {
                Some(Disconnection { organisation, at, by, data_kept, .. }) => {
                    let data_sets = if data_kept { self.data_set_statuses(company, every).await? } else { Vec::new() };
                    Some(DisconnectionDetails { organisation, at, by, data_sets })
                }
                None => None,
            };
            return Ok(Some(CompanyDetails { row, connection: None, disconnection, oddities }));
        };
        let now = self.clock.now();
        let access = Access::from_key(&connection.access)
            .ok_or_else(|| StoreError::Unexpected(format!("connection {}", connection.id)))?;
        let details = ConnectionDetails {
            tenant: TenantId::from_uuid(connection.tenant_id),
            organisation: connection.tenant_name,
            default_domain: connection.default_domain,
            access,
            connected_by: connection.connected_by,
            connected_at: Timestamp::from_millis(connection.connected_at),
            next_sync: Timestamp::from_millis(connection.full_due_at.unwrap_or(connection.due_at)),
            syncing: connection.lease_until.is_some_and(|until| until > now.as_millis()),
            data_sets: self.data_set_statuses(company, every).await?,
        };
        Ok(Some(CompanyDetails { row, connection: Some(details), disconnection: None, oddities }))
    }

    /// How old each data set of a company is.
    pub async fn data_set_statuses(
        &self,
        company: CompanyId,
        every: Duration,
    ) -> Result<Vec<DataSetStatus>, StoreError> {
        let now = self.clock.now();
        let states = dataset_state::Entity::find()
            .filter(dataset_state::Column::CompanyId.eq(company.uuid()))
            .all(&self.reader)
            .await?;
        let mut states: HashMap<String, dataset_state::Model> =
            states.into_iter().map(|state| (state.data_set.clone(), state)).collect();
        let mut statuses: Vec<DataSetStatus> = DataSet::ALL
            .into_iter()
            .map(|data_set| {
                let state = states.remove(data_set.key());
                let time = |of: fn(&dataset_state::Model) -> Option<i64>| {
                    state.as_ref().and_then(of).map(Timestamp::from_millis)
                };
                let as_of = time(|state| state.last_success);
                let problem = state.as_ref().and_then(|state| Problem::from_key(state.problem.as_deref()?));
                DataSetStatus {
                    data_set,
                    as_of,
                    measured_at: time(|state| state.source_date),
                    problem: problem.zip(time(|state| state.problem_since)),
                    so_far: None,
                    stale: as_of.is_some_and(|as_of| is_stale(as_of, now, every)),
                }
            })
            .collect();
        if let Some(users) =
            statuses.iter_mut().find(|status| status.data_set == DataSet::Users && status.as_of.is_none())
        {
            let so_far = self.stored_users(company).await?;
            users.so_far = u32::try_from(so_far).ok().filter(|so_far| *so_far > 0);
        }
        Ok(statuses)
    }
}
