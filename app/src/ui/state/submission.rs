//! A form on its way to the server.

use std::pin::Pin;

use leptos::{prelude::*, task::spawn_local};

use crate::{error::AppError, ui::browser::document};

/// What is done with a form that was filled in.
pub type Sending = Pin<Box<dyn Future<Output = Result<(), AppError>>>>;

/// Whether a form is on its way, and why the last try failed.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    busy: RwSignal<bool>,
    error: RwSignal<Option<String>>,
}

impl Default for Submission {
    fn default() -> Self {
        Self { busy: RwSignal::new(false), error: RwSignal::new(None) }
    }
}

impl Submission {
    /// Whether it is on its way.
    pub fn busy(self) -> ReadSignal<bool> {
        self.busy.read_only()
    }

    /// The same, without following it.
    pub fn is_busy(self) -> bool {
        self.busy.get_untracked()
    }

    /// Why the last try failed.
    pub fn error(self) -> ReadSignal<Option<String>> {
        self.error.read_only()
    }

    /// Says what is wrong, and brings the focus to the field of this id, where it can be mended.
    pub fn refuse(self, mend: &str, message: String) {
        self.error.set(Some(message));
        document::focus(mend);
    }

    /// Sends it, unless it is on its way already. `mend`: the id of the field that is wrong when the server refuses it.
    pub fn send(self, mend: &'static str, sending: Sending) {
        if self.is_busy() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = sending.await;
            self.busy.set(false);
            if let Err(error) = answer {
                self.refuse(mend, error.message);
            }
        });
    }
}
