//! A link that somebody asked for, to be given to somebody else: how far it is, and whether it is in the clipboard.

use leptos::prelude::*;

use crate::{domain::Timestamp, ui::browser::clipboard::Promised};

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Making {
    /// The server is asked for it.
    #[default]
    Busy,
    /// It is there.
    Made {
        /// Its address.
        url: String,
        /// From when on it is dead, if the server told.
        expires: Option<Timestamp>,
    },
    /// There is none, for this reason.
    Refused(String),
}

/// One link. It lives as long as somebody looks at it or waits for it.
#[derive(Clone, Debug, Default)]
pub struct Handover {
    making: ArcRwSignal<Making>,
    copied: ArcRwSignal<Option<bool>>,
}

impl Handover {
    /// How far it is.
    pub fn making(&self) -> ArcReadSignal<Making> {
        self.making.read_only()
    }

    /// Whether it is in the clipboard. None: that is being tried.
    pub fn copied(&self) -> ArcRwSignal<Option<bool>> {
        self.copied.clone()
    }

    /// There is none.
    pub fn refuse(&self, why: String) {
        self.making.set(Making::Refused(why));
    }

    /// It is there, and goes where it was promised. Says whether it arrived.
    pub async fn give(&self, promised: Promised, url: String, expires: Option<Timestamp>) -> bool {
        self.making.set(Making::Made { url: url.clone(), expires });
        let is_copied = promised.give(&url).await;
        self.copied.set(Some(is_copied));
        is_copied
    }
}
