//! What was done, page by page.

use leptos::{prelude::*, task::spawn_local};

use super::{
    session::Session,
    state::{Load, Tone, Voice},
};
use crate::{
    api::activity::list_activity,
    domain::{ActivityFilter, ActivityRow, activity::PAGE},
};

/// What was done, as far as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    session: Session,
    voice: Voice,
    rows: RwSignal<Vec<ActivityRow>>,
    load: RwSignal<Load>,
    more: RwSignal<bool>,
    /// Counts the questions: an answer to an earlier one is of no use.
    asked: StoredValue<u32>,
}

impl Log {
    /// Nothing yet.
    pub fn new(session: Session, voice: Voice) -> Self {
        Self {
            session,
            voice,
            rows: RwSignal::default(),
            load: RwSignal::default(),
            more: RwSignal::default(),
            asked: StoredValue::default(),
        }
    }

    /// What was read, the latest first.
    pub fn rows(self) -> ReadSignal<Vec<ActivityRow>> {
        self.rows.read_only()
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Whether there is more before it.
    pub fn more(self) -> ReadSignal<bool> {
        self.more.read_only()
    }

    /// Reads the first page, or the next one.
    pub fn read(self, filter: ActivityFilter, next: bool) {
        let number = self.asked.get_value().wrapping_add(1);
        self.asked.set_value(number);
        let before = self.rows.with_untracked(|rows| rows.last().map(|row| row.id)).filter(|_| next);
        spawn_local(async move {
            let answer = list_activity(ActivityFilter { before, ..filter }).await;
            if self.asked.try_get_value() != Some(number) {
                return;
            }
            match answer {
                Ok(page) => {
                    self.more.set(page.len() as u64 >= PAGE);
                    self.rows.update(|rows| {
                        if before.is_none() {
                            rows.clear();
                        }
                        rows.extend(page);
                    });
                    // Said once: the button below the table would be made anew, and the focus on it be lost.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Done);
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    // What came before the missing page stays, and the button for another try.
                    if next {
                        self.voice.say(error.message, Tone::Plain, None);
                    } else {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }
}

/// Where all of it is to be had as a file.
pub fn csv_url(filter: &ActivityFilter, encode: impl Fn(&str) -> String) -> String {
    let kind = filter.kind.map(|kind| format!("kind={}", kind.key()));
    let actor = filter.actor.as_deref().map(|actor| format!("actor={}", encode(actor)));
    let query = [kind, actor].into_iter().flatten().collect::<Vec<_>>().join("&");
    format!("/api/activity.csv{}{query}", if query.is_empty() { "" } else { "?" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ActivityKind;

    #[test]
    fn the_file_holds_what_the_filter_leaves() {
        let url = |filter: &ActivityFilter| csv_url(filter, |text| text.replace('@', "%40"));
        assert_eq!(url(&ActivityFilter::default()), "/api/activity.csv");
        let signed_in = ActivityFilter { kind: Some(ActivityKind::SignedIn), ..ActivityFilter::default() };
        assert_eq!(url(&signed_in), "/api/activity.csv?kind=signed_in");
        let of_kim = ActivityFilter { actor: Some("kim@example.com".into()), ..signed_in };
        assert_eq!(url(&of_kim), "/api/activity.csv?kind=signed_in&actor=kim%40example.com");
    }
}
