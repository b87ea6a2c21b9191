//! What a probe found. Nothing of a tenant is read by it, and so nothing else is changed.

use app::domain::{DataSet, Problem};
use sea_orm::{ActiveValue::Set, prelude::*};

use super::{
    Store, StoreError,
    connections::Connection,
    entity::dataset_state::{ActiveModel, Column, Entity},
};

impl Store {
    /// Keeps what can't be read any more, and forgets what can be read again.
    pub async fn put_probe(&self, worker: &Connection, found: &[(DataSet, Option<Problem>)]) -> Result<(), StoreError> {
        let mut transaction = self.begin_write(worker).await?;
        for (data_set, problem) in found {
            let changes = ActiveModel {
                problem: Set(problem.map(|problem| problem.key().to_owned())),
                problem_since: Set(problem.map(|_| transaction.now.as_millis())),
                ..Default::default()
            };
            Entity::update_many()
                .set(changes)
                .filter(Column::CompanyId.eq(worker.company.uuid()))
                .filter(Column::DataSet.eq(data_set.key()))
                .exec(&transaction.inner)
                .await?;
        }
        transaction.touch(worker.company).await?;
        transaction.commit().await
    }
}
