//! What is written down about companies: one by one, and from a file. Every change is written to the activity with it.

use app::domain::{
    ActivityKind, ArchivedCompany, CompanyCard, CompanyDraft, CompanyField, CompanyId, CompanyTexts, Domain,
    FieldChange, LinkEnd, Timestamp,
    company_draft::in_words,
    company_import::{Counts, FileRow, Planned, Present, Verdict, plan},
};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbBackend, DbErr, ExprTrait as _, QueryOrder as _, QuerySelect as _,
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
use crate::clock::Mint as _;

/// What is written down about a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyRecord {
    /// Which one.
    pub id: CompanyId,
    /// What is written down.
    pub texts: CompanyTexts,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it is put away.
    pub archived_at: Option<Timestamp>,
}

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<T = ()> {
    /// It is as was wished.
    Done(T),
    /// There is no such company.
    NoSuchCompany,
    /// It is put away.
    IsArchived,
    /// It is not put away.
    IsInUse,
    /// It is connected to the tenant of this name.
    IsConnected(String),
    /// It is called otherwise.
    OtherName(String),
    /// Somebody changed it meanwhile.
    Meanwhile(Vec<FieldChange>),
    /// What was odd is so no more, or is otherwise.
    OtherOddity,
    /// Another company has the external id.
    ExternalIdTaken {
        /// Its name.
        by: String,
        /// Whether it is put away.
        archived: bool,
    },
}

/// What became of an import.
#[derive(Debug, PartialEq, Eq)]
pub enum Import {
    /// It is done.
    Done(Counts),
    /// Rows are wrong. Nothing is written.
    Wrong(Vec<Planned>),
    /// It would do something else than was shown. Nothing is written.
    NotAsShown,
}

pub(super) fn texts_of(model: &Model) -> CompanyTexts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    CompanyTexts {
        name: model.name.clone(),
        domain: text(&model.domain),
        external_id: text(&model.external_id),
        contact: text(&model.contact),
        email: text(&model.contact_email),
        note: text(&model.note),
        tags: text(&model.tags),
    }
}

pub(super) fn record_of(model: &Model) -> CompanyRecord {
    CompanyRecord {
        id: CompanyId::from_uuid(model.id),
        texts: texts_of(model),
        created_at: Timestamp::from_millis(model.created_at),
        archived_at: model.archived_at.map(Timestamp::from_millis),
    }
}

/// What there is of it, as columns.
fn columns_of(texts: CompanyTexts) -> ActiveModel {
    let text = |text: String| Set(Some(text).filter(|text| !text.is_empty()));
    ActiveModel {
        name: Set(texts.name),
        domain: text(texts.domain),
        external_id: text(texts.external_id),
        contact: text(texts.contact),
        contact_email: text(texts.email),
        note: text(texts.note),
        tags: text(texts.tags),
        ..Default::default()
    }
}

fn new_company(id: CompanyId, texts: CompanyTexts, now: Timestamp) -> ActiveModel {
    ActiveModel {
        id: Set(id.uuid()),
        created_at: Set(now.as_millis()),
        archived_at: Set(None),
        revision: Set(1),
        changed_at: Set(now.as_millis()),
        link_requested_at: Set(None),
        ..columns_of(texts)
    }
}

/// What is wrong with a statement that would have given two companies one external id.
fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

impl Store {
    /// A company as its form shows it.
    pub async fn company_card(&self, id: CompanyId) -> Result<Option<CompanyCard>, StoreError> {
        let found = Entity::find_by_id(id.uuid()).one(&self.reader).await?;
        Ok(found.map(|model| CompanyCard { texts: texts_of(&model), archived: model.archived_at.is_some() }))
    }

    /// A company, put away or not.
    pub async fn company_record(&self, id: CompanyId) -> Result<Option<CompanyRecord>, StoreError> {
        Ok(Entity::find_by_id(id.uuid()).one(&self.reader).await?.as_ref().map(record_of))
    }

    /// Those that are put away, by name.
    pub async fn archived_companies(&self) -> Result<Vec<ArchivedCompany>, StoreError> {
        let found = Entity::find()
            .filter(Column::ArchivedAt.is_not_null())
            .find_also_related(connection::Entity)
            .all(&self.reader)
            .await?;
        let mut archived: Vec<_> = found
            .into_iter()
            .map(|(model, connection)| ArchivedCompany {
                id: CompanyId::from_uuid(model.id),
                name: model.name,
                domain: model.domain,
                tenant: connection.map(|connection| connection.tenant_name),
                since: Timestamp::from_millis(model.archived_at.unwrap_or_default()),
            })
            .collect();
        archived.sort_by_cached_key(|company| (company.name.to_lowercase(), company.id));
        Ok(archived)
    }

    /// Adds a company.
    pub async fn add_company(&self, draft: &CompanyDraft, by: &Actor) -> Result<Change<CompanyId>, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        let id = CompanyId::mint(transaction.now);
        let new = new_company(id, draft.texts(), transaction.now);
        if let Err(error) = Entity::insert(new).exec_without_returning(&transaction.inner).await {
            drop(transaction);
            return self.taken(draft, error).await;
        }
        transaction.touched_already(id);
        transaction.domain_changed(draft.domain.as_ref().map(Domain::as_str));
        transaction.record(by, ActivityKind::CompanyAdded, Some(id), "").await?;
        transaction.commit().await?;
        Ok(Change::Done(id))
    }

    /// Changes what is written down about a company, if it is still as `before` says.
    pub async fn edit_company(
        &self,
        id: CompanyId,
        before: &CompanyTexts,
        draft: &CompanyDraft,
        by: &Actor,
    ) -> Result<Change, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        let Some(model) = transaction.lock_company(id).await? else { return Ok(Change::NoSuchCompany) };
        if model.archived_at.is_some() {
            return Ok(Change::IsArchived);
        }
        let (now, after) = (texts_of(&model), draft.texts());
        let meanwhile = before.changes_to(&now);
        if !meanwhile.is_empty() {
            return Ok(Change::Meanwhile(meanwhile));
        }
        let changes = now.changes_to(&after);
        if changes.is_empty() {
            return Ok(Change::Done(()));
        }
        transaction.domains_changed(&changes);
        if let Err(error) = transaction.put_texts(id, after).await {
            drop(transaction);
            return self.taken(draft, error).await;
        }
        transaction.record(by, ActivityKind::CompanyEdited, Some(id), in_words(&changes)).await?;
        transaction.commit().await?;
        Ok(Change::Done(()))
    }

    /// Why a company could not be written.
    async fn taken<T>(&self, draft: &CompanyDraft, error: DbErr) -> Result<Change<T>, StoreError> {
        let holder = match &draft.external_id {
            Some(id) if is_taken(&error) => {
                Entity::find().filter(Column::ExternalId.eq(id.as_str())).one(&self.writer).await?
            }
            _ => None,
        };
        match holder {
            Some(Model { name, archived_at, .. }) => {
                Ok(Change::ExternalIdTaken { by: name, archived: archived_at.is_some() })
            }
            None => Err(error.into()),
        }
    }

    /// Puts a company away: it leaves the list, nobody connects it any more, and its tenant is not read.
    pub async fn archive_company(&self, id: CompanyId, by: &Actor) -> Result<Change, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        transaction.lock_connection_of(id).await?;
        let Some(model) = transaction.lock_company(id).await? else { return Ok(Change::NoSuchCompany) };
        if model.archived_at.is_some() {
            return Ok(Change::Done(()));
        }
        if transaction.end_live_link(id, LinkEnd::Withdrawn).await? {
            transaction.record(by, ActivityKind::LinkWithdrawn, Some(id), "The company was archived").await?;
        }
        attempts::cancel_of_company(&transaction, id, by).await?;
        transaction.end_lease(id).await?;
        transaction.put_away(id, Some(transaction.now)).await?;
        transaction.record(by, ActivityKind::CompanyArchived, Some(id), "").await?;
        transaction.commit().await?;
        Ok(Change::Done(()))
    }

    /// Brings a company back as it was. What is due by now is read at once.
    pub async fn restore_company(&self, id: CompanyId, by: &Actor) -> Result<Change, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        let Some(model) = transaction.lock_company(id).await? else { return Ok(Change::NoSuchCompany) };
        if model.archived_at.is_some() {
            transaction.put_away(id, None).await?;
            transaction.record(by, ActivityKind::CompanyRestored, Some(id), "").await?;
            transaction.commit().await?;
        }
        Ok(Change::Done(()))
    }

    /// Deletes a company that is put away and not connected, with all that is known of it but what was done.
    pub async fn delete_company(&self, id: CompanyId, name: &str, by: &Actor) -> Result<Change, StoreError> {
        let transaction = self.begin().await?;
        let Some(model) = transaction.lock_company(id).await? else { return Ok(Change::NoSuchCompany) };
        if model.archived_at.is_none() {
            return Ok(Change::IsInUse);
        }
        let connected = connection::Entity::find()
            .filter(connection::Column::CompanyId.eq(id.uuid()))
            .one(&transaction.inner)
            .await?;
        if let Some(connection) = connected {
            return Ok(Change::IsConnected(connection.tenant_name));
        }
        if model.name != name.trim() {
            return Ok(Change::OtherName(model.name));
        }
        // Before it is gone: this is what tells pages so that did not listen for a while.
        transaction.record(by, ActivityKind::CompanyDeleted, Some(id), "").await?;
        Entity::delete_by_id(id.uuid()).exec(&transaction.inner).await?;
        transaction.commit().await?;
        Ok(Change::Done(()))
    }

    /// All companies as an import compares them.
    pub async fn present_companies(&self) -> Result<Vec<Present>, StoreError> {
        present(&self.reader, false).await
    }

    /// Adds the companies of these rows, or changes those that are there, if that is what was shown: all of them, or
    /// none.
    pub async fn import_companies(
        &self,
        rows: &[FileRow],
        is_as_shown: impl Fn(&[Planned]) -> bool + Send + Sync,
        by: &Actor,
    ) -> Result<Import, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.one_at_a_time().await?;
        // Nobody changes one between the plan and its being done.
        let planned = plan(&present(&transaction.inner, self.engine() == DbBackend::Postgres).await?, rows);
        if !is_as_shown(&planned) {
            return Ok(Import::NotAsShown);
        }
        let counts = Counts::of(&planned);
        if counts.wrong > 0 {
            return Ok(Import::Wrong(planned));
        }
        match transaction.carry_out(planned, by).await {
            // Somebody added a company with one of the external ids while we looked.
            Err(StoreError::Database(error)) if is_taken(&error) => return Ok(Import::NotAsShown),
            done => done?,
        }
        if counts.new + counts.changed > 0 {
            let text = format!("{} added, {} changed", counts.new, counts.changed);
            transaction.record(by, ActivityKind::Imported, None, text).await?;
        }
        transaction.commit().await?;
        Ok(Import::Done(counts))
    }
}

async fn present(db: &impl ConnectionTrait, lock: bool) -> Result<Vec<Present>, StoreError> {
    let mut companies = Entity::find().order_by_asc(Column::Id);
    if lock {
        companies = companies.lock(LockType::NoKeyUpdate);
    }
    let companies = companies.all(db).await?;
    let present = |model: &Model| Present {
        id: CompanyId::from_uuid(model.id),
        texts: texts_of(model),
        archived: model.archived_at.is_some(),
    };
    Ok(companies.iter().map(present).collect())
}

impl Transaction {
    /// The company, archived or not, which nobody else changes until this is over.
    pub(super) async fn lock_company(&self, id: CompanyId) -> Result<Option<Model>, StoreError> {
        let mut company = Entity::find_by_id(id.uuid());
        if self.inner.get_database_backend() == DbBackend::Postgres {
            company = company.lock(LockType::NoKeyUpdate);
        }
        Ok(company.one(&self.inner).await?)
    }

    /// What changes of companies' domains concerns others too.
    fn domains_changed(&mut self, changes: &[FieldChange]) {
        for FieldChange { from, to, .. } in changes.iter().filter(|change| change.field == CompanyField::Domain) {
            self.domain_changed(Some(from));
            self.domain_changed(Some(to));
        }
    }

    async fn put_texts(&mut self, id: CompanyId, texts: CompanyTexts) -> Result<(), DbErr> {
        self.change(id, columns_of(texts)).await
    }

    async fn put_away(&mut self, id: CompanyId, since: Option<Timestamp>) -> Result<(), DbErr> {
        let domain: Option<Option<String>> =
            Entity::find_by_id(id.uuid()).select_only().column(Column::Domain).into_tuple().one(&self.inner).await?;
        self.domain_changed(domain.flatten().as_deref());
        let archived_at = Set(since.map(Timestamp::as_millis));
        self.change(id, ActiveModel { archived_at, ..Default::default() }).await
    }

    /// Changes a company, and marks its row as changed.
    async fn change(&mut self, id: CompanyId, changes: ActiveModel) -> Result<(), DbErr> {
        Entity::update_many()
            .set(ActiveModel { changed_at: Set(self.now.as_millis()), ..changes })
            .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
            .filter(Column::Id.eq(id.uuid()))
            .exec(&self.inner)
            .await?;
        self.touched_already(id);
        Ok(())
    }

    async fn carry_out(&mut self, planned: Vec<Planned>, by: &Actor) -> Result<(), StoreError> {
        let (mut new, mut edited) = (Vec::new(), Vec::new());
        for Planned { texts, verdict, .. } in planned {
            match verdict {
                Verdict::New => {
                    let id = CompanyId::mint(self.now);
                    self.touched_already(id);
                    self.domain_changed(Some(&texts.domain));
                    new.push(new_company(id, texts, self.now));
                }
                Verdict::Changed { company, changes } => {
                    self.domains_changed(&changes);
                    let name = texts.name.clone();
                    self.put_texts(company, texts).await?;
                    edited.push((company, name, format!("By an import: {}", in_words(&changes))));
                }
                Verdict::Unchanged | Verdict::Archived | Verdict::Wrong { .. } => {}
            }
        }
        for rows in new.chunks(ROWS_A_STATEMENT) {
            Entity::insert_many(rows.iter().cloned()).exec_without_returning(&self.inner).await?;
        }
        self.record_many(by, ActivityKind::CompanyEdited, edited).await
    }
}
