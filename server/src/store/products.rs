//! The names of Microsoft's products, so that lists can be searched and sorted by them.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ActiveValue::Set, prelude::*, sea_query::OnConflict};

use super::{
    ROWS_A_STATEMENT, Store, StoreError,
    entity::m365_product::{ActiveModel, Column, Entity},
};

impl Store {
    /// Makes the table hold these names. Writes only what differs.
    pub async fn put_product_names(&self, names: &HashMap<Uuid, &str>) -> Result<(), StoreError> {
        let stored: HashMap<Uuid, String> =
            Entity::find().all(&self.reader).await?.into_iter().map(|product| (product.sku_id, product.name)).collect();
        // By id: servers that start at once then wait for each other instead of getting into each other's way.
        let new: BTreeMap<Uuid, &str> = names
            .iter()
            .filter(|(id, name)| stored.get(id).is_none_or(|stored| stored != *name))
            .map(|(id, name)| (*id, *name))
            .collect();
        let new: Vec<_> =
            new.into_iter().map(|(id, name)| ActiveModel { sku_id: Set(id), name: Set(name.to_owned()) }).collect();
        if new.is_empty() {
            return Ok(());
        }
        let transaction = self.begin().await?;
        for rows in new.chunks(ROWS_A_STATEMENT) {
            let latest_wins = OnConflict::column(Column::SkuId).update_column(Column::Name).to_owned();
            Entity::insert_many(rows.iter().cloned())
                .on_conflict(latest_wins)
                .exec_without_returning(&transaction.inner)
                .await?;
        }
        transaction.commit().await
    }
}
