//! What is written down about companies, and which of them are in use.

use std::{collections::BTreeSet, sync::Arc};

use app::{
    api::selections::{Farewell, SelectedTags},
    domain::{
        ArchivedCompany, CompanyCard, CompanyDraft, CompanyId, CompanyRow, CompanyTexts, LeftOut, Me, OddityKind,
        Right,
        company_draft::{Tag, in_words},
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    failure::internal,
    store::{
        Store,
        activity::Actor,
        company_records::Change,
        selections::{Retagged, Selected, count_tags},
    },
};

/// Changes companies, in somebody's name.
pub struct CompanyRecords {
    store: Store,
    /// Wakes the worker.
    work: Arc<Notify>,
    me: Me,
    by: Actor,
}

impl CompanyRecords {
    /// For who is signed in.
    pub fn new(store: Store, work: Arc<Notify>, me: Me) -> Self {
        let by = Actor::signed_in(&me);
        Self { store, work, me, by }
    }

    /// For a program of theirs.
    pub const fn by(store: Store, work: Arc<Notify>, me: Me, by: Actor) -> Self {
        Self { store, work, me, by }
    }
}

#[async_trait]
impl ports::CompanyRecords for CompanyRecords {
    async fn card(&self, company: CompanyId) -> Result<CompanyCard, AppError> {
        self.store.company_card(company).await.map_err(internal)?.ok_or_else(no_such_company)
    }

    async fn add(&self, draft: CompanyDraft) -> Result<CompanyId, AppError> {
        done(self.store.add_company(&draft, &self.by).await.map_err(internal)?)
    }

    async fn edit(&self, company: CompanyId, before: CompanyTexts, draft: CompanyDraft) -> Result<(), AppError> {
        done(self.store.edit_company(company, &before, &draft, &self.by).await.map_err(internal)?)
    }

    async fn archive(&self, company: CompanyId) -> Result<(), AppError> {
        done(self.store.archive_company(company, &self.by).await.map_err(internal)?)
    }

    async fn restore(&self, company: CompanyId) -> Result<(), AppError> {
        done(self.store.restore_company(company, &self.by).await.map_err(internal)?)?;
        self.work.notify_one();
        Ok(())
    }

    async fn delete(&self, company: CompanyId, name: String) -> Result<(), AppError> {
        if !self.me.role.may(Right::DeleteCompanies) {
            return Err(AppError::new(ErrorCode::Forbidden, Right::DeleteCompanies.refusal()));
        }
        done(self.store.delete_company(company, &name, &self.by).await.map_err(internal)?)
    }

    async fn tags_of(&self, companies: Vec<CompanyId>) -> Result<SelectedTags, AppError> {
        let found = self.store.selected(&companies).await.map_err(internal)?;
        let left_out = left_out(&companies, &found, "It is archived. Restore it first.");
        let in_use = || found.iter().filter(|company| !company.archived);
        Ok(SelectedTags { companies: to_count(in_use().count()), tags: count_tags(in_use()), left_out })
    }

    async fn retag(
        &self,
        companies: Vec<CompanyId>,
        add: BTreeSet<Tag>,
        remove: BTreeSet<Tag>,
    ) -> Result<String, AppError> {
        if add.is_empty() && remove.is_empty() {
            return Err(AppError::new(ErrorCode::Invalid, "Write down at least one tag to add or to remove."));
        }
        match self.store.retag_companies(&companies, &add, &remove, &self.by).await.map_err(internal)? {
            Retagged::Done { changed, companies } => Ok(retagged(changed, companies)),
            Retagged::TooMany(names) => {
                let text = format!(
                    "{} would have more than {} tags. Nothing was changed.",
                    some_of(&names),
                    CompanyDraft::MAX_TAGS
                );
                Err(AppError::new(ErrorCode::Invalid, text))
            }
        }
    }

    async fn farewell(&self, companies: Vec<CompanyId>) -> Result<Farewell, AppError> {
        let found = self.store.selected(&companies).await.map_err(internal)?;
        let left_out = left_out(&companies, &found, "It is archived already.");
        let rows = self.store.selected_rows(&companies).await.map_err(internal)?;
        let is_live = |row: &&CompanyRow| row.link.as_ref().is_some_and(|link| link.is_live(self.store.now()));
        Ok(Farewell {
            connected: to_count(rows.iter().filter(|row| row.tenant.is_some()).count()),
            links: to_count(rows.iter().filter(is_live).count()),
            names: rows.into_iter().map(|row| row.name).collect(),
            left_out,
        })
    }

    async fn archive_many(&self, companies: Vec<CompanyId>) -> Result<String, AppError> {
        let archived = self.store.archive_companies(&companies, &self.by).await.map_err(internal)?;
        Ok(format!("{} archived", how_many(archived)))
    }

    async fn accept_oddity(&self, company: CompanyId, kind: OddityKind, seen: String) -> Result<(), AppError> {
        done(self.store.accept_oddity(company, kind, &seen, &self.by).await.map_err(internal)?)
    }

    async fn archived(&self) -> Result<Vec<ArchivedCompany>, AppError> {
        self.store.archived_companies().await.map_err(internal)
    }
}

/// Those of a selection that it is not done to.
fn left_out(companies: &[CompanyId], found: &[Selected], archived: &str) -> Vec<LeftOut> {
    let left_out = |name: &str, reason: &str| LeftOut { name: name.to_owned(), reason: reason.to_owned() };
    let away = found.iter().filter(|company| company.archived).map(|company| left_out(&company.name, archived));
    let gone = (found.len()..companies.len()).map(|_| left_out("A company", "It was deleted."));
    away.chain(gone).collect()
}

/// What became of tags, in words.
fn retagged(changed: usize, companies: usize) -> String {
    match companies - changed {
        0 => format!("Tags of {} changed", how_many(changed)),
        _ if changed == 0 => "No tags changed: they were as wished already".to_owned(),
        rest => format!("Tags of {} changed, {rest} stay as they were", how_many(changed)),
    }
}

/// "1 company", "7 companies".
fn how_many(companies: usize) -> String {
    if companies == 1 { "1 company".to_owned() } else { format!("{companies} companies") }
}

/// A few names, and how many more there are.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn to_count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn no_such_company() -> AppError {
    AppError::new(ErrorCode::NotFound, "There is no such company. It may have been deleted.")
}

/// What became of a change, for people.
fn done<T>(change: Change<T>) -> Result<T, AppError> {
    let (code, text) = match change {
        Change::Done(what) => return Ok(what),
        Change::NoSuchCompany => return Err(no_such_company()),
        Change::IsArchived => (ErrorCode::Conflict, "The company is archived. Restore it first.".to_owned()),
        Change::IsInUse => (ErrorCode::Conflict, "The company is in use. Archive it first.".to_owned()),
        Change::IsConnected(tenant) => {
            let text =
                format!("The company is connected to {tenant}. Restore it, disconnect it, then archive and delete it.");
            (ErrorCode::Conflict, text)
        }
        Change::OtherName(name) => (ErrorCode::Invalid, format!("The company is called {name}. Type that name.")),
        Change::Meanwhile(changes) => {
            let text = format!(
                "Somebody changed the company meanwhile ({}). Nothing was saved: load it again.",
                in_words(&changes)
            );
            (ErrorCode::Conflict, text)
        }
        Change::OtherOddity => {
            (ErrorCode::Conflict, "It is not like that any more. Look again at what is shown now.".to_owned())
        }
        Change::ExternalIdTaken { by, archived } => {
            let archived = if archived { ", which is archived," } else { "" };
            (
                ErrorCode::Conflict,
                format!("{by}{archived} has this external id already. Two companies can't share one."),
            )
        }
    };
    Err(AppError::new(code, text))
}
