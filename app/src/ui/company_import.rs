//! Companies from a file, as somebody goes through it: choose, look, confirm.

use leptos::{prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::{
    ago::count,
    browser::{
        document, fetch,
        file::{self, Chosen},
    },
    session::Session,
    state::{Tone, Voice},
};
use crate::{
    api::protocol::success,
    domain::{
        CompanyField,
        company_import::{Counts, ImportColumn, ImportPreview, MAX_BYTES, Mend, Planned, Verdict},
    },
    error::{AppError, ErrorCode},
};

/// The id of the heading of what is shown of the file.
pub const SHOWN: &str = "import-shown";

/// Brings the focus to the heading, once it is there.
fn focus_shown() {
    request_animation_frame(|| {
        document::focus(SHOWN);
    });
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stage {
    /// No file is chosen.
    #[default]
    Choose,
    /// A file was chosen, and this is what it would do.
    Shown(ImportPreview),
    /// It is done.
    Done(Counts),
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// New companies.
    New,
    /// Changed ones.
    Changed,
    /// Those that stay as they are.
    Unchanged,
    /// Wrong rows.
    Wrong,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::All, Self::New, Self::Changed, Self::Unchanged, Self::Wrong];

    /// Its words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::New => "New",
            Self::Changed => "Changed",
            Self::Unchanged => "Unchanged",
            Self::Wrong => "Wrong",
        }
    }

    /// Whether a row is among them.
    pub fn admits(self, row: &Planned) -> bool {
        self == Self::All || self == Self::of(&row.verdict)
    }

    /// Where such a row belongs.
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::New => Self::New,
            Verdict::Changed { .. } => Self::Changed,
            Verdict::Unchanged | Verdict::Archived => Self::Unchanged,
            Verdict::Wrong { .. } => Self::Wrong,
        }
    }
}

/// The import, and what to do with it.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    session: Session,
    voice: Voice,
    file: StoredValue<Option<Chosen>, LocalStorage>,
    /// What somebody says of the file's wrong rows.
    mends: StoredValue<Vec<Mend>>,
    /// Whether that was said since the server was asked.
    pub unchecked: RwSignal<bool>,
    /// What the columns are to be taken for, and where that was said, if that came while the server was asked.
    next: StoredValue<Option<(Vec<ImportColumn>, String)>>,
    /// What the file is called.
    pub name: RwSignal<String>,
    /// How far it is.
    pub stage: RwSignal<Stage>,
    /// Which rows are shown, by their place in [`Which::ALL`].
    pub which: RwSignal<usize>,
    /// Whether the server is asked.
    pub busy: RwSignal<bool>,
    /// Why the last step failed.
    pub refused: RwSignal<Option<String>>,
}

impl Import {
    /// At its beginning.
    pub fn new(session: Session, voice: Voice) -> Self {
        Self {
            session,
            voice,
            file: StoredValue::new_local(None),
            mends: StoredValue::default(),
            unchecked: RwSignal::default(),
            next: StoredValue::default(),
            name: RwSignal::default(),
            stage: RwSignal::default(),
            which: RwSignal::default(),
            busy: RwSignal::default(),
            refused: RwSignal::default(),
        }
    }

    /// A file was chosen.
    pub fn choose(self, chosen: Option<leptos::web_sys::File>) {
        let Some(chosen) = chosen else { return };
        #[expect(clippy::cast_precision_loss, reason = "it is no large number")]
        if file::size(&chosen) > MAX_BYTES as f64 {
            return self.refused.set(Some("The file is larger than 10 MB. Split it into smaller ones.".into()));
        }
        self.work(async move {
            let unreadable = || AppError::new(ErrorCode::Invalid, "The file could not be read. Choose it again.");
            let chosen = file::read(chosen).await.ok_or_else(unreadable);
            // What was shown is of another file.
            self.begin_anew();
            let chosen = chosen?;
            self.name.set(chosen.name.clone());
            self.file.set_value(Some(chosen));
            self.preview(None).await?;
            focus_shown();
            Ok(())
        });
    }

    /// A column is something else than was guessed; what it is now, no other column is.
    pub fn map(self, column: usize, field: Option<CompanyField>, element: String) {
        let Stage::Shown(mut shown) = self.stage.get_untracked() else { return };
        // What was said a moment ago is on its way.
        if let Some((columns, _)) = self.next.get_value() {
            shown.columns = columns;
        }
        name_column(&mut shown.columns, column, field);
        self.next.set_value(Some((shown.columns, element)));
        self.map_next();
    }

    /// Takes the columns for what was said last.
    fn map_next(self) {
        let Some((columns, element)) = self.next.try_get_value().flatten() else { return };
        self.work(async move {
            let answer = self.plan(Some(mapping(&columns))).await;
            // Something else was said meanwhile, and comes next. Or the page is gone.
            if self.next.try_get_value().flatten().is_none_or(|(later, _)| later != columns) {
                return Ok(());
            }
            self.next.set_value(None);
            let done = match answer {
                Ok(shown) => {
                    self.voice.say(shown_words(Counts::of(&shown.rows)), Tone::Plain, None);
                    self.show(shown);
                    Ok(())
                }
                Err(error) => {
                    // The columns stay as somebody said. What that would do was not seen, so nothing confirms it.
                    if let Stage::Shown(shown) = self.stage.get_untracked() {
                        self.stage.set(Stage::Shown(ImportPreview { columns, digest: String::new(), ..shown }));
                    }
                    Err(error)
                }
            };
            // The list of columns was made anew.
            document::focus_in_place(&element);
            done
        });
    }

    /// Says something else of a wrong row.
    pub fn mend(self, mend: Mend) {
        self.mends.update_value(|mends| {
            mends.retain(|other| (other.line, other.field) != (mend.line, mend.field));
            mends.push(mend);
        });
        self.unchecked.set(true);
    }

    /// What was last said of a row, if anything.
    pub fn said(self, line: u32, field: Option<CompanyField>) -> Option<String> {
        self.mends.with_value(|mends| {
            mends.iter().find(|mend| (mend.line, mend.field) == (line, field)).map(|mend| mend.text.clone())
        })
    }

    /// Looks what the file would do with its rows as they are mended.
    pub fn check(self) {
        let Stage::Shown(shown) = self.stage.get_untracked() else { return };
        self.work(async move {
            self.preview(Some(mapping(&shown.columns))).await?;
            focus_shown();
            Ok(())
        });
    }

    /// Does what is shown.
    pub fn confirm(self) {
        let Stage::Shown(shown) = self.stage.get_untracked() else { return };
        if shown.digest.is_empty() {
            // What it would do is not known yet.
            return self.check();
        }
        self.work(async move {
            let mapping = mapping(&shown.columns);
            match self.send::<Counts>("confirm", &format!("mapping={mapping}&digest={}", shown.digest)).await {
                Ok(counts) => {
                    self.next.set_value(None);
                    self.stage.set(Stage::Done(counts));
                    focus_shown();
                    Ok(())
                }
                Err(error) => {
                    if error.code == ErrorCode::Conflict {
                        self.preview(Some(mapping)).await?;
                        focus_shown();
                    }
                    Err(error)
                }
            }
        });
    }

    /// Begins anew.
    pub fn begin_anew(self) {
        self.file.set_value(None);
        self.mends.set_value(Vec::new());
        self.next.set_value(None);
        self.unchecked.set(false);
        self.stage.set(Stage::Choose);
    }

    async fn preview(self, mapping: Option<String>) -> Result<(), AppError> {
        self.show(self.plan(mapping).await?);
        Ok(())
    }

    fn show(self, shown: ImportPreview) {
        let counts = Counts::of(&shown.rows);
        self.which.set(if counts.wrong > 0 { Which::ALL.len() - 1 } else { 0 });
        self.stage.set(Stage::Shown(shown));
    }

    /// Asks what the file would do.
    async fn plan(self, mapping: Option<String>) -> Result<ImportPreview, AppError> {
        let query = mapping.map(|mapping| format!("mapping={mapping}")).unwrap_or_default();
        // The page may be gone by now, and nobody reads this then.
        let gone = || AppError::new(ErrorCode::Invalid, "The page was left.");
        let is_unchecked = self.unchecked.try_get_untracked().ok_or_else(gone)?;
        // What is said from now on is not checked yet when the answer comes.
        self.unchecked.set(false);
        let answer = self.send("preview", &query).await;
        if answer.is_err() && is_unchecked {
            self.unchecked.set(true);
        }
        answer
    }

    /// Sends the file, and after it what is said of its rows.
    async fn send<T: DeserializeOwned>(self, path: &str, query: &str) -> Result<T, AppError> {
        let said = self.mends.with_value(|mends| serde_json::to_string(mends).unwrap_or_default());
        let file = self.file.with_value(|file| file.as_ref().map(|file| file.bytes.clone()));
        let body = file.map(|file| file::followed_by(&file, &said));
        let path = format!("/api/companies/import/{path}?mended={}&{query}", said.len());
        let answer = fetch::send(&path, body.as_ref()).await;
        let body = success(answer)?;
        serde_json::from_str(&body).map_err(|_| AppError::new(ErrorCode::Internal, "Reload the page and try again."))
    }

    fn work(self, step: impl Future<Output = Result<(), AppError>> + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.refused.set(None);
        spawn_local(async move {
            let done = step.await;
            self.busy.set(false);
            if let Err(error) = done {
                self.session.heed(&error);
                self.refused.set(Some(error.message));
            }
            self.map_next();
        });
    }
}

/// Takes a column for a field, which no other column is then.
fn name_column(columns: &mut [ImportColumn], place: usize, field: Option<CompanyField>) {
    for (other, column) in columns.iter_mut().enumerate() {
        if other == place {
            column.field = field;
        } else if column.field == field {
            column.field = None;
        }
    }
}

/// What the columns are, as the server reads it.
fn mapping(columns: &[ImportColumn]) -> String {
    columns.iter().map(|column| column.field.map_or("", CompanyField::key)).collect::<Vec<_>>().join(",")
}

/// What there is to see.
pub fn shown_words(counts: Counts) -> String {
    let Counts { new, changed, unchanged, archived, wrong } = counts;
    let words = [
        (new, "new"),
        (changed, "changed"),
        (unchanged, "unchanged"),
        (archived, "archived, which stay as they are"),
        (wrong, "wrong"),
    ];
    let there: Vec<_> =
        words.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if there.is_empty() { "No rows".into() } else { there.join(", ") }
}

/// What was done.
pub fn done_words(counts: Counts) -> String {
    let companies = |number: usize| count(number as u64, "company").replace("companys", "companies");
    format!("{} added, {} changed", companies(counts.new), companies(counts.changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_to_see_is_said_in_words() {
        assert_eq!(shown_words(Counts::default()), "No rows");
        let counts = Counts { new: 480, changed: 0, unchanged: 1, archived: 0, wrong: 20 };
        assert_eq!(shown_words(counts), "480 new, 1 unchanged, 20 wrong");
        assert_eq!(done_words(Counts { new: 1, changed: 2, ..counts }), "1 company added, 2 companies changed");
    }

    #[test]
    fn columns_are_told_by_the_names_of_their_fields() {
        let column = |field| ImportColumn { header: String::new(), sample: String::new(), field };
        let mut columns = [column(Some(CompanyField::Name)), column(None), column(Some(CompanyField::ExternalId))];
        assert_eq!(mapping(&columns), "name,,external_id");
        name_column(&mut columns, 1, Some(CompanyField::Name));
        assert_eq!(mapping(&columns), ",name,external_id", "one column is the name");
        name_column(&mut columns, 2, None);
        assert_eq!(mapping(&columns), ",name,");
    }

    #[test]
    fn a_company_that_is_put_away_is_shown_among_the_unchanged() {
        assert_eq!(Which::of(&Verdict::Archived), Which::Unchanged);
    }
}
