//! What is written down about a company, in a form.

use leptos::{prelude::*, task::spawn_local};

use super::{
    session::Session,
    state::{Load, Submission, Tone, Voice},
};
use crate::{
    api::companies::{add_company, edit_company, show_company_card},
    domain::{CompanyCard, CompanyDraft, CompanyField, CompanyId, CompanyTexts, company_draft::FieldError},
    error::ErrorCode,
    ui::browser::document,
};

/// The form: its fields, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct CompanyForm {
    session: Session,
    voice: Voice,
    /// A text for each field, in their order.
    pub texts: [RwSignal<String>; CompanyField::ALL.len()],
    /// Whether it is on its way.
    pub form: Submission,
}

impl CompanyForm {
    /// An empty one.
    pub fn new(session: Session, voice: Voice) -> Self {
        let texts = CompanyField::ALL.map(|_| RwSignal::new(String::new()));
        Self { session, voice, texts, form: Submission::default() }
    }

    fn put(self, texts: &CompanyTexts) {
        for (signal, field) in self.texts.into_iter().zip(CompanyField::ALL) {
            signal.set(texts.get(field).to_owned());
        }
    }

    /// What stands in it, as it will be stored. None, and said, if a rule is broken.
    fn draft(self) -> Option<CompanyTexts> {
        let mut texts = CompanyTexts::default();
        for (signal, field) in self.texts.into_iter().zip(CompanyField::ALL) {
            *texts.get_mut(field) = signal.get_untracked();
        }
        match CompanyDraft::parse(&texts) {
            Ok(draft) => Some(draft.texts()),
            Err(errors) => {
                let sentences: Vec<_> = errors.iter().map(FieldError::sentence).collect();
                let first = errors.first().map_or(CompanyField::Name, |error| error.field);
                self.form.refuse(first.key(), sentences.join(" "));
                None
            }
        }
    }

    /// Adds the company, and is empty for the next one then.
    pub fn add(self) {
        let Some(texts) = self.draft() else { return };
        self.form.send(
            CompanyField::Name.key(),
            Box::pin(async move {
                let added = format!("{} added", texts.name);
                add_company(texts).await.inspect_err(|error| {
                    self.session.heed(error);
                })?;
                self.voice.say(added, Tone::Good, None);
                self.put(&CompanyTexts::default());
                document::focus(CompanyField::Name.key());
                Ok(())
            }),
        );
    }
}

/// A company that is there, in the form.
#[derive(Clone, Copy, Debug)]
pub struct KnownCompany {
    /// The form.
    pub form: CompanyForm,
    company: CompanyId,
    /// The company as it was read.
    card: RwSignal<Option<CompanyCard>>,
    load: RwSignal<Load>,
    stale: RwSignal<bool>,
}

impl KnownCompany {
    /// Reads the company.
    pub fn read(company: CompanyId, session: Session, voice: Voice) -> Self {
        let known = Self {
            form: CompanyForm::new(session, voice),
            company,
            card: RwSignal::default(),
            load: RwSignal::default(),
            stale: RwSignal::default(),
        };
        known.read_again();
        known
    }

    /// The company as it was read.
    pub fn card(self) -> ReadSignal<Option<CompanyCard>> {
        self.card.read_only()
    }

    /// Its name, as it was read.
    pub fn name(self) -> String {
        self.card.with_untracked(|card| card.as_ref().map(|card| card.texts.name.clone()).unwrap_or_default())
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Whether somebody else changed it since.
    pub fn stale(self) -> ReadSignal<bool> {
        self.stale.read_only()
    }

    /// Reads it. What was typed is gone then.
    pub fn read_again(self) {
        self.load.set(Load::Loading);
        spawn_local(async move {
            let answer = show_company_card(self.company).await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            match answer {
                Ok(card) => {
                    self.form.put(&card.texts);
                    self.card.set(Some(card));
                    self.stale.set(false);
                    self.load.set(Load::Done);
                }
                Err(error) => {
                    self.form.session.heed(&error);
                    self.load.set(Load::Failed(error));
                }
            }
        });
    }

    /// Saves what stands in the form, unless somebody else changed the company meanwhile.
    pub fn save(self) {
        let (Some(after), Some(before)) = (self.form.draft(), self.card.get_untracked()) else { return };
        self.form.form.send(
            CompanyField::Name.key(),
            Box::pin(async move {
                let texts = after.clone();
                edit_company(self.company, before.texts, after).await.inspect_err(|error| {
                    self.form.session.heed(error);
                    // An external id that is taken is a conflict too; what is there now says which it is.
                    self.stale.set(error.code == ErrorCode::Conflict);
                })?;
                self.stale.set(false);
                self.form.put(&texts);
                self.form.voice.say(format!("{} saved", texts.name), Tone::Good, None);
                self.card.set(Some(CompanyCard { texts, archived: false }));
                Ok(())
            }),
        );
    }
}
