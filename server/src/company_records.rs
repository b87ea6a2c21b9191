//! What is written down about companies, and which of them are in use.

use std::sync::Arc;

use app::{
    domain::{
        ArchivedCompany, CompanyCard, CompanyDraft, CompanyId, CompanyTexts, Me, OddityKind, Right,
        company_draft::in_words,
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    failure::internal,
    store::{Store, activity::Actor, company_records::Change},
};

/// Changes companies, in somebody's name.
pub struct CompanyRecords {
    store: Store,
    /// Wakes the worker.
    work: Arc<Notify>,
    me: Me,
}

impl CompanyRecords {
    /// For who is signed in.
    pub const fn new(store: Store, work: Arc<Notify>, me: Me) -> Self {
        Self { store, work, me }
    }

    fn by(&self) -> Actor {
        Actor::signed_in(&self.me)
    }
}

#[async_trait]
impl ports::CompanyRecords for CompanyRecords {
    async fn card(&self, company: CompanyId) -> Result<CompanyCard, AppError> {
        self.store.company_card(company).await.map_err(internal)?.ok_or_else(no_such_company)
    }

    async fn add(&self, draft: CompanyDraft) -> Result<CompanyId, AppError> {
        done(self.store.add_company(&draft, &self.by()).await.map_err(internal)?)
    }

    async fn edit(&self, company: CompanyId, before: CompanyTexts, draft: CompanyDraft) -> Result<(), AppError> {
        done(self.store.edit_company(company, &before, &draft, &self.by()).await.map_err(internal)?)
    }

    async fn archive(&self, company: CompanyId) -> Result<(), AppError> {
        done(self.store.archive_company(company, &self.by()).await.map_err(internal)?)
    }

    async fn restore(&self, company: CompanyId) -> Result<(), AppError> {
        done(self.store.restore_company(company, &self.by()).await.map_err(internal)?)?;
        self.work.notify_one();
        Ok(())
    }

    async fn delete(&self, company: CompanyId, name: String) -> Result<(), AppError> {
        if !self.me.role.may(Right::DeleteCompanies) {
            return Err(AppError::new(ErrorCode::Forbidden, Right::DeleteCompanies.refusal()));
        }
        done(self.store.delete_company(company, &name, &self.by()).await.map_err(internal)?)
    }

    async fn accept_oddity(&self, company: CompanyId, kind: OddityKind, seen: String) -> Result<(), AppError> {
        done(self.store.accept_oddity(company, kind, &seen, &self.by()).await.map_err(internal)?)
    }

    async fn archived(&self) -> Result<Vec<ArchivedCompany>, AppError> {
        self.store.archived_companies().await.map_err(internal)
    }
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
