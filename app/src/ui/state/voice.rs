//! What every page says around what it shows.

use leptos::prelude::*;

use super::{Messages, Tone};
use crate::{domain::CompanyId, ui::browser::clock};

/// How often to look whether a message was on the screen long enough.
const FADE_MILLIS: u32 = 500;

/// What was said lately, and whether the server answers. Shared by everything on the page.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    messages: RwSignal<Messages>,
    reachable: RwSignal<bool>,
}

impl Voice {
    /// Has said nothing yet. Messages leave the screen by themselves until the owner is gone.
    pub fn start() -> Self {
        let messages = RwSignal::new(Messages::default());
        clock::every(FADE_MILLIS, move || {
            let now = clock::now();
            messages.maybe_update(|messages| messages.fade(now));
        });
        Self { messages, reachable: RwSignal::new(true) }
    }

    /// What was said lately.
    pub fn messages(self) -> ReadSignal<Messages> {
        self.messages.read_only()
    }

    /// Says something politely, where a screen reader reads it out.
    pub fn say(self, text: impl Into<String>, tone: Tone, about: Option<CompanyId>) {
        self.messages.update(|messages| messages.say(text.into(), tone, about, clock::now()));
    }

    /// Takes a message off the screen.
    pub fn dismiss(self, id: u32) {
        self.messages.maybe_update(|messages| messages.dismiss(id));
    }

    /// Whether the server answers.
    pub fn reachable(self) -> ReadSignal<bool> {
        self.reachable.read_only()
    }

    /// Notes whether the server answers.
    pub fn set_reachable(self, reachable: bool) {
        if self.reachable.get_untracked() != reachable {
            self.reachable.set(reachable);
        }
    }
}
