//! What is done to companies that somebody selected: tags, and putting them away. All of it, or nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use app::domain::{
    ActivityKind, CompanyId, CompanyRow, LinkEnd,
    company_draft::{Tag, parse_tags, retag},
};
use sea_orm::{
    ActiveValue::Set,
    DbBackend, ExprTrait as _, QueryOrder as _, QuerySelect as _,
    prelude::*,
    sea_query::{Expr, LockType},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    activity::Actor,
    attempts,
    entity::{
        company::{ActiveModel, Column, Entity, Model},
        connection,
    },
};

/// A company that was selected: as it is, or gone.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Which one.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// Its tags, with commas between them.
    pub tags: String,
    /// Whether it is put away.
    pub archived: bool,
}

/// What became of tags.
#[derive(Debug, PartialEq, Eq)]
pub enum Retagged {
    /// So many companies have other tags now, of so many.
    Done {
        /// How many changed.
        changed: usize,
        /// How many there are, changed or not.
        companies: usize,
    },
    /// These would have too many tags. Nothing was written.
    TooMany(Vec<String>),
}

fn selected(model: Model) -> Selected {
    Selected {
        id: CompanyId::from_uuid(model.id),
        name: model.name,
        tags: model.tags.unwrap_or_default(),
        archived: model.archived_at.is_some(),
    }
}

impl Store {
    /// Those of these companies that there are, by name.
    pub async fn selected(&self, ids: &[CompanyId]) -> Result<Vec<Selected>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let these = Column::Id.is_in(ids.iter().map(|id| id.uuid()));
            found.extend(Entity::find().filter(these).all(&self.reader).await?.into_iter().map(selected));
        }
        found.sort_by_cached_key(|company| (company.name.to_lowercase(), company.id));
        Ok(found)
    }

    /// The rows of these companies on the page, by name.
    pub async fn selected_rows(&self, ids: &[CompanyId]) -> Result<Vec<CompanyRow>, StoreError> {
        let mut rows = self.company_rows_of(ids).await?;
        rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.id));
        Ok(rows)
    }

    /// Gives companies tags, and takes tags from them. Those that are put away stay as they are.
    pub async fn retag_companies(
        &self,
        ids: &[CompanyId],
        add: &BTreeSet<Tag>,
        remove: &BTreeSet<Tag>,
        by: &Actor,
    ) -> Result<Retagged, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        let companies = transaction.lock_companies_in_use(ids).await?;
        let count = companies.len();
        let mut too_many = Vec::new();
        // Those that end with the same tags are written together.
        let mut by_tags: BTreeMap<String, Vec<CompanyId>> = BTreeMap::new();
        let mut records = Vec::new();
        for company in companies {
            let before = company.tags.unwrap_or_default();
            let Ok(after) = retag(&before, add, remove) else {
                too_many.push(company.name);
                continue;
            };
            // Tags are the same in any case.
            if after.to_lowercase() == before.to_lowercase() {
                continue;
            }
            let id = CompanyId::from_uuid(company.id);
            let text = match (before.as_str(), after.as_str()) {
                ("", after) => format!("Tags: {after}"),
                (before, "") => format!("Tags: no longer {before}"),
                (before, after) => format!("Tags: {before} → {after}"),
            };
            records.push((id, company.name, text));
            by_tags.entry(after).or_default().push(id);
        }
        if !too_many.is_empty() {
            return Ok(Retagged::TooMany(too_many));
        }
        let changed = records.len();
        for (tags, ids) in by_tags {
            let tags = Some(tags).filter(|tags| !tags.is_empty());
            transaction.change_many(&ids, &ActiveModel { tags: Set(tags), ..Default::default() }).await?;
        }
        transaction.record_many(by, ActivityKind::CompanyEdited, records).await?;
        transaction.commit().await?;
        Ok(Retagged::Done { changed, companies: count })
    }

    /// Puts companies away, as one is. Answers how many were in use.
    pub async fn archive_companies(&self, ids: &[CompanyId], by: &Actor) -> Result<usize, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        // Connections before companies, as workers lock them.
        transaction.end_leases(ids).await?;
        let companies = transaction.lock_companies_in_use(ids).await?;
        for company in &companies {
            transaction.domain_changed(company.domain.as_deref());
        }
        let ids: Vec<_> = companies.iter().map(|company| CompanyId::from_uuid(company.id)).collect();
        let named = |only: &dyn Fn(CompanyId) -> bool, text: &str| -> Vec<_> {
            companies
                .iter()
                .map(|company| (CompanyId::from_uuid(company.id), company.name.clone(), text.to_owned()))
                .filter(|(id, ..)| only(*id))
                .collect()
        };
        let withdrawn: HashSet<_> = transaction.end_live_links(&ids, LinkEnd::Withdrawn).await?.into_iter().collect();
        let cancelled: HashSet<_> = attempts::cancel_of_companies(&transaction, &ids).await?.into_iter().collect();
        let links = named(&|id| withdrawn.contains(&id), "The company was archived");
        transaction.record_many(by, ActivityKind::LinkWithdrawn, links).await?;
        let attempts = named(&|id| cancelled.contains(&id), "");
        transaction.record_many(by, ActivityKind::AttemptCancelled, attempts).await?;
        let archived_at = Set(Some(transaction.now.as_millis()));
        transaction.change_many(&ids, &ActiveModel { archived_at, ..Default::default() }).await?;
        transaction.record_many(by, ActivityKind::CompanyArchived, named(&|_| true, "")).await?;
        transaction.commit().await?;
        Ok(ids.len())
    }
}

/// How many companies have each tag, by name.
pub fn count_tags<'a>(companies: impl Iterator<Item = &'a Selected>) -> Vec<(String, u32)> {
    let mut counts: BTreeMap<Tag, u32> = BTreeMap::new();
    for tag in companies.filter_map(|company| parse_tags(&company.tags).ok()).flatten() {
        *counts.entry(tag).or_default() += 1;
    }
    counts.into_iter().map(|(tag, count)| (tag.as_str().to_owned(), count)).collect()
}

impl Transaction {
    /// Those of these companies that are not put away. Nobody else changes them until this is over.
    async fn lock_companies_in_use(&self, ids: &[CompanyId]) -> Result<Vec<Model>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let mut companies = Entity::find()
                .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
                .filter(Column::ArchivedAt.is_null())
                // Everybody locks them in this order.
                .order_by_asc(Column::Id);
            if self.inner.get_database_backend() == DbBackend::Postgres {
                companies = companies.lock(LockType::NoKeyUpdate);
            }
            found.extend(companies.all(&self.inner).await?);
        }
        Ok(found)
    }

    /// Marks the rows of these companies as changed.
    pub(super) async fn touch_many(&mut self, ids: &[CompanyId]) -> Result<(), StoreError> {
        self.change_many(ids, &<ActiveModel as Default>::default()).await
    }

    /// Changes companies, and marks their rows as changed.
    async fn change_many(&mut self, ids: &[CompanyId], changes: &ActiveModel) -> Result<(), StoreError> {
        for part in ids.chunks(ROWS_A_STATEMENT) {
            Entity::update_many()
                .set(ActiveModel { changed_at: Set(self.now.as_millis()), ..changes.clone() })
                .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
                .filter(Column::Id.is_in(part.iter().map(|id| id.uuid())))
                .exec(&self.inner)
                .await?;
        }
        for id in ids {
            self.touched_already(*id);
        }
        Ok(())
    }

    /// Whoever reads these companies' tenants now writes nothing any more.
    async fn end_leases(&self, ids: &[CompanyId]) -> Result<(), StoreError> {
        use connection::{Column, Entity};

        for part in ids.chunks(ROWS_A_STATEMENT) {
            Entity::update_many()
                .col_expr(Column::Lease, Expr::val(None::<Uuid>))
                .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
                .filter(Column::CompanyId.is_in(part.iter().map(|id| id.uuid())))
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }
}
