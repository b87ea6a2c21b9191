//! What an owner can do with the tokens of other programs.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::clipboard,
    session::Session,
    state::{Handover, Load, Submission, Tone, Voice},
};
use crate::{
    api::api_tokens::{create_api_token, list_api_tokens, revoke_api_token},
    domain::{ApiTokenRow, Scope},
};

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct MadeToken {
    /// What it is called.
    pub name: String,
    /// The token. It is told once.
    pub handover: Handover,
}

/// The tokens, and what to do with them.
#[derive(Clone, Copy, Debug)]
pub struct ApiTokens {
    session: Session,
    voice: Voice,
    rows: RwSignal<Vec<ApiTokenRow>>,
    load: RwSignal<Load>,
    refused: RwSignal<Option<String>>,
    made: RwSignal<Option<MadeToken>>,
}

impl ApiTokens {
    /// Reads which there are.
    pub fn read(session: Session, voice: Voice) -> Self {
        let tokens = Self {
            session,
            voice,
            rows: RwSignal::default(),
            load: RwSignal::default(),
            refused: RwSignal::default(),
            made: RwSignal::default(),
        };
        tokens.read_list();
        tokens
    }

    /// The latest first.
    pub fn rows(self) -> ReadSignal<Vec<ApiTokenRow>> {
        self.rows.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Why the last one could not be revoked.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// The token that was just made.
    pub fn made(self) -> RwSignal<Option<MadeToken>> {
        self.made
    }

    /// Reads the list, again or for the first time.
    pub fn read_list(self) {
        spawn_local(async move {
            let answer = list_api_tokens().await;
            // The page may be gone by now.
            let Some(load) = self.load.try_get_untracked() else { return };
            match answer {
                Ok(rows) => {
                    self.rows.set(rows);
                    self.load.set(Load::Done);
                }
                Err(error) => {
                    self.session.heed(&error);
                    // A list that is there stays, rather than going because one answer is missing.
                    if load != Load::Done {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }

    /// Makes one. Has to be called within the click: it goes into the clipboard. `mend`: the id of what is wrong when the
    /// server refuses it.
    pub fn make(self, form: Submission, mend: &'static str, name: RwSignal<String>, scopes: Vec<Scope>, days: u16) {
        if form.is_busy() {
            return;
        }
        let promised = clipboard::Promised::begin();
        let called = name.get_untracked();
        form.send(
            mend,
            Box::pin(async move {
                match create_api_token(called.clone(), scopes, days).await {
                    Ok(new) => {
                        name.set(String::new());
                        let handover = Handover::default();
                        self.made.set(Some(MadeToken { name: called, handover: handover.clone() }));
                        spawn_local(async move {
                            handover.give(promised, new.token, None).await;
                        });
                        self.voice.say("Token made", Tone::Good, None);
                        self.read_list();
                        Ok(())
                    }
                    Err(error) => {
                        promised.take_back();
                        self.session.heed(&error);
                        Err(error)
                    }
                }
            }),
        );
    }

    /// Ends one.
    pub fn revoke(self, row: ApiTokenRow) {
        self.refused.set(None);
        spawn_local(async move {
            match revoke_api_token(row.id).await {
                Ok(()) => self.voice.say(format!("{}: token revoked", row.name), Tone::Plain, None),
                Err(error) => {
                    self.session.heed(&error);
                    self.refused.try_set(Some(error.message));
                }
            }
            self.read_list();
        });
    }
}
