//! Companies as they are taken away in a file: with everything that is written down about them, and how they stand.

use std::collections::HashMap;

use app::domain::{Access, CompanyId, CompanyRow, CompanyTexts, TenantId};
use sea_orm::{Condition, QuerySelect as _, prelude::*};

use super::{
    ROWS_A_STATEMENT, Store, StoreError,
    company_records::texts_of,
    entity::{company, connection},
};

/// A company in a file.
#[derive(Clone, Debug)]
pub struct ExportedCompany {
    /// Its row on the page.
    pub row: CompanyRow,
    /// What is written down about it.
    pub texts: CompanyTexts,
    /// Its tenant, and how that is read.
    pub tenant: Option<(TenantId, Access)>,
}

impl Store {
    /// The companies in use, by name; or those of `among` that are.
    pub async fn companies_by_name(&self, among: Option<&[CompanyId]>) -> Result<Vec<CompanyId>, StoreError> {
        let in_use = company::Column::ArchivedAt.is_null();
        let find = |which: Condition| {
            company::Entity::find()
                .select_only()
                .columns([company::Column::Id, company::Column::Name])
                .filter(which.add(in_use.clone()))
                .into_tuple::<(Uuid, String)>()
                .all(&self.reader)
        };
        let mut found = Vec::new();
        match among {
            None => found = find(Condition::all()).await?,
            Some(ids) => {
                for ids in ids.chunks(ROWS_A_STATEMENT) {
                    let these = company::Column::Id.is_in(ids.iter().map(|id| id.uuid()));
                    found.extend(find(Condition::all().add(these)).await?);
                }
            }
        }
        found.sort_by_cached_key(|(id, name)| (name.to_lowercase(), *id));
        // One may have been named twice.
        found.dedup_by_key(|(id, _)| *id);
        Ok(found.into_iter().map(|(id, _)| CompanyId::from_uuid(id)).collect())
    }

    /// These companies, in this order, those left out that are not in use any more.
    pub async fn exported_companies(&self, ids: &[CompanyId]) -> Result<Vec<ExportedCompany>, StoreError> {
        let mut rows: HashMap<CompanyId, CompanyRow> =
            self.company_rows_of(ids).await?.into_iter().map(|row| (row.id, row)).collect();
        let mut exported = Vec::with_capacity(rows.len());
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let found = company::Entity::find()
                .filter(company::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
                .find_also_related(connection::Entity)
                .all(&self.reader)
                .await?;
            let mut found: HashMap<CompanyId, _> =
                found.into_iter().map(|pair| (CompanyId::from_uuid(pair.0.id), pair)).collect();
            for id in ids {
                let (Some(row), Some((model, connection))) = (rows.remove(id), found.remove(id)) else { continue };
                let tenant = connection.and_then(|connection| {
                    Some((TenantId::from_uuid(connection.tenant_id), Access::from_key(&connection.access)?))
                });
                exported.push(ExportedCompany { row, texts: texts_of(&model), tenant });
            }
        }
        Ok(exported)
    }
}
