//! Long lists, read page by page as they are searched, narrowed down and sorted.

use std::{pin::Pin, sync::Arc, time::Duration};

use gloo_timers::callback::Timeout;
use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::location,
    session::Session,
    state::{Load, Tone, Voice},
};
use crate::{
    domain::{
        CompanyId, Cursor, ListPage, ListQuery, Order, Timestamp,
        listing::{FilterKeys, PAGE, SortKey},
    },
    error::AppError,
};

/// How long somebody pauses before what they typed is looked for.
const TYPING_PAUSE: Duration = Duration::from_millis(150);

/// A column of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<Sort> {
    /// Its name.
    pub label: &'static str,
    /// What a click on its name sorts by.
    pub sort: Option<Sort>,
    /// Whether it holds numbers.
    pub is_figure: bool,
}

impl<Sort> Column<Sort> {
    /// One that can't be sorted by.
    pub const fn plain(label: &'static str) -> Self {
        Self { label, sort: None, is_figure: false }
    }

    /// One that can.
    pub const fn sorted(label: &'static str, sort: Sort) -> Self {
        Self { label, sort: Some(sort), is_figure: false }
    }

    /// Numbers, that can be sorted by.
    pub const fn figure(label: &'static str, sort: Sort) -> Self {
        Self { label, sort: Some(sort), is_figure: true }
    }
}

/// What a choice stands for.
pub type Choose<Filter> = fn(&mut Filter);

/// A way to narrow a list down.
pub struct Choice<Filter: 'static> {
    /// What is chosen.
    pub label: &'static str,
    /// The choices, with what each stands for. The first one leaves everything.
    pub options: &'static [(&'static str, Choose<Filter>)],
}

/// Something that there is a list of.
pub trait Listed: Clone + Send + Sync + 'static {
    /// What it is sorted by.
    type Sort: SortKey;
    /// What narrows it down.
    type Filter: FilterKeys;

    /// What the list is called.
    const NAME: &'static str;
    /// What the search is called.
    const SEARCH: &'static str;
    /// Where the list is to be had as a file.
    const FILE: &'static str;
    /// One of it, and many.
    const NOUN: (&'static str, &'static str);
    /// What is said where there is nothing at all.
    const NOTHING: &'static str;

    /// Reads a page.
    fn ask(query: ListQuery<Self::Sort, Self::Filter>) -> Answer<Self>;

    /// The columns. `within`: of one company.
    fn columns(within: bool) -> Vec<Column<Self::Sort>>;

    /// The ways to narrow it down.
    fn choices() -> Vec<Choice<Self::Filter>>;

    /// A line of the table.
    fn line(self, within: bool, now: ReadSignal<Timestamp>) -> AnyView;
}

/// A page of a list on its way.
pub type Answer<Row> = Pin<Box<dyn Future<Output = Result<ListPage<Row>, AppError>>>>;

/// A line of a table, as often as it is wanted.
pub type Line = Arc<dyn Fn() -> AnyView + Send + Sync>;

/// What is looked for, whatever the list is of: what is chosen is told by its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    company: Option<CompanyId>,
    search: String,
    /// The place in each choice.
    chosen: Vec<usize>,
    /// The place among what it can be sorted by.
    order: Order<usize>,
    after: Option<Cursor>,
}

impl Wanted {
    fn is_whole(&self) -> bool {
        self.search.trim().is_empty() && self.chosen.iter().all(|place| *place == 0)
    }

    fn query<Row: Listed>(&self) -> ListQuery<Row::Sort, Row::Filter> {
        let mut filter = Row::Filter::default();
        for (choice, place) in Row::choices().iter().zip(&self.chosen) {
            if let Some((_, choose)) = choice.options.get(*place) {
                choose(&mut filter);
            }
        }
        ListQuery {
            company: self.company,
            search: self.search.clone(),
            filter,
            order: Order {
                by: Row::Sort::ALL.get(self.order.by).copied().unwrap_or_default(),
                descending: self.order.descending,
            },
            after: self.after.clone(),
        }
    }
}

/// What a list is of. All of them share one table: a copy for each would be a large part of the program.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What the search is called.
    pub search: &'static str,
    /// One of it, and many.
    pub noun: (&'static str, &'static str),
    /// What is said where there is nothing at all.
    pub nothing: &'static str,
    /// The columns. `true`: of one company.
    pub columns: fn(bool) -> Vec<Column<usize>>,
    /// What can be chosen, and the choices.
    pub choices: fn() -> Vec<(&'static str, Vec<&'static str>)>,
    ask: fn(&Wanted, ReadSignal<Timestamp>) -> Answer<Line>,
    file: fn(&Wanted) -> String,
}

impl Kind {
    /// A list of these.
    pub fn of<Row: Listed>() -> Self {
        Self {
            name: Row::NAME,
            search: Row::SEARCH,
            noun: Row::NOUN,
            nothing: Row::NOTHING,
            columns: |within| Row::columns(within).into_iter().map(placed).collect(),
            choices: || {
                let labels = |choice: Choice<_>| choice.options.iter().map(|(label, _)| *label).collect();
                Row::choices().into_iter().map(|choice| (choice.label, labels(choice))).collect()
            },
            ask: |wanted, now| {
                let within = wanted.company.is_some();
                let answer = Row::ask(wanted.query::<Row>());
                Box::pin(async move {
                    let ListPage { rows, next, total } = answer.await?;
                    let line = |row: Row| -> Line { Arc::new(move || row.clone().line(within, now)) };
                    Ok(ListPage { rows: rows.into_iter().map(line).collect(), next, total })
                })
            },
            file: |wanted| {
                let query = wanted.query::<Row>().url_query(location::encode);
                format!("{}{}{query}", Row::FILE, if query.is_empty() { "" } else { "?" })
            },
        }
    }
}

fn placed<Sort: SortKey>(column: Column<Sort>) -> Column<usize> {
    let place = |sort| Sort::ALL.iter().position(|other| *other == sort);
    Column { label: column.label, sort: column.sort.and_then(place), is_figure: column.is_figure }
}

/// How far a list goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extent {
    /// How many there are in all, where that is known.
    total: Option<u64>,
    /// Where the next page begins, if there is one.
    next: Option<Cursor>,
}

/// A list, as far as it was read.
#[derive(Clone, Copy)]
pub struct Listing {
    /// What it is of.
    pub kind: StoredValue<Kind>,
    /// Who hear of what can't be read.
    hearers: StoredValue<(Session, Voice)>,
    company: Option<CompanyId>,
    now: ReadSignal<Timestamp>,
    /// What was read.
    pub lines: RwSignal<Vec<Line>>,
    /// Whether it is there.
    pub load: RwSignal<Load>,
    extent: RwSignal<Extent>,
    /// What is looked for.
    pub search: RwSignal<String>,
    /// The place that is chosen in each choice.
    pub chosen: RwSignal<Vec<usize>>,
    /// Tells when everything is shown again.
    pub cleared: RwSignal<()>,
    /// What it is sorted by.
    pub order: RwSignal<Order<usize>>,
    /// Counts the questions: an answer to an earlier one is of no use.
    asked: StoredValue<u32>,
}

impl Listing {
    /// Reads it, and reads it again whenever what is looked for changes, or what is stored (`version`).
    pub fn follow(
        kind: Kind,
        session: Session,
        voice: Voice,
        company: Option<CompanyId>,
        version: Signal<Option<Timestamp>>,
        now: ReadSignal<Timestamp>,
    ) -> Self {
        let listing = Self {
            kind: StoredValue::new(kind),
            hearers: StoredValue::new((session, voice)),
            company,
            now,
            lines: RwSignal::default(),
            load: RwSignal::default(),
            extent: RwSignal::default(),
            search: RwSignal::default(),
            chosen: RwSignal::new(vec![0; (kind.choices)().len()]),
            cleared: RwSignal::default(),
            order: RwSignal::default(),
            asked: StoredValue::default(),
        };
        let waiting = StoredValue::new_local(None::<Timeout>);
        Effect::new(move |before: Option<Wanted>| {
            // A memo that is tracked and never read follows nothing.
            version.with(|_| ());
            let wanted = listing.wanted(None);
            let is_same = before.as_ref() == Some(&wanted);
            // Read again, it would be the first page alone, under the eyes of who loaded more.
            if is_same && listing.has_grown() {
                return wanted;
            }
            let is_typing = before.is_some_and(|before| before.search != wanted.search);
            let pause = if is_typing { u32::try_from(TYPING_PAUSE.as_millis()).unwrap_or_default() } else { 0 };
            // Dropping the one before cancels it.
            waiting.set_value(Some(Timeout::new(pause, move || listing.ask(None, is_same))));
            wanted
        });
        listing
    }

    fn wanted(self, after: Option<Cursor>) -> Wanted {
        Wanted {
            company: self.company,
            search: self.search.get(),
            chosen: self.chosen.get(),
            order: self.order.get(),
            after,
        }
    }

    /// Whether it is of one company.
    pub const fn is_within(self) -> bool {
        self.company.is_some()
    }

    /// How many there are in all, where that is known.
    pub fn total(self) -> Option<u64> {
        self.extent.with(|extent| extent.total)
    }

    /// Whether there is more.
    pub fn has_more(self) -> bool {
        self.extent.with(|extent| extent.next.is_some())
    }

    /// Whether nothing narrows it down.
    pub fn is_whole(self) -> bool {
        self.wanted(None).is_whole()
    }

    /// Where what is looked for is to be had as a file.
    pub fn file(self) -> String {
        (self.kind.get_value().file)(&self.wanted(None))
    }

    /// Shows everything again.
    pub fn clear(self) {
        self.search.set(String::new());
        self.chosen.update(|chosen| chosen.fill(0));
        self.cleared.set(());
    }

    /// Reads it from the beginning. What is shown stays until the answer is there.
    pub fn read(self) {
        self.ask(None, false);
    }

    /// Reads the next page.
    pub fn read_more(self) {
        if let Some(next) = self.extent.get_untracked().next {
            self.ask(Some(next), true);
        }
    }

    fn is_there(self) -> bool {
        self.load.with_untracked(|load| *load == Load::Done)
    }

    /// Whether more than its first page is shown.
    fn has_grown(self) -> bool {
        self.is_there() && self.lines.with_untracked(Vec::len) > PAGE as usize
    }

    /// Reads a page. `keeps`: what is shown answers the same question, and stays if there is no answer.
    fn ask(self, after: Option<Cursor>, keeps: bool) {
        let Some(number) = self.asked.try_get_value().map(|asked| asked.wrapping_add(1)) else { return };
        self.asked.set_value(number);
        let is_first = after.is_none();
        let wanted = untrack(|| self.wanted(after));
        let answer = (self.kind.get_value().ask)(&wanted, self.now);
        spawn_local(async move {
            let answer = answer.await;
            if self.asked.try_get_value() != Some(number) {
                return;
            }
            match answer {
                Ok(page) => {
                    self.extent.update(|extent| {
                        extent.next = page.next;
                        if is_first {
                            extent.total = page.total;
                        }
                    });
                    if is_first {
                        self.lines.set(page.rows);
                    } else {
                        self.lines.update(|lines| lines.extend(page.rows));
                    }
                    // Said once: the rows would be made anew.
                    if !self.is_there() {
                        self.load.set(Load::Done);
                    }
                }
                Err(error) => {
                    let (session, voice) = self.hearers.get_value();
                    session.heed(&error);
                    if keeps && self.is_there() {
                        voice.say(error.message, Tone::Plain, self.company);
                    } else {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }
}

/// How many there are, in words. `shown` of them are on the screen.
pub fn count_words(
    shown: usize,
    total: Option<u64>,
    more: bool,
    (one, many): (&str, &str),
    number: impl Fn(usize) -> String,
) -> String {
    let known = total.and_then(|total| usize::try_from(total).ok()).or_else(|| (!more).then_some(shown));
    match known {
        Some(1) => format!("1 {one}"),
        Some(count) => format!("{} {many}", number(count)),
        None => format!("More than {} {many}", number(shown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_counted_is_not_claimed() {
        let words = |shown, total, more| count_words(shown, total, more, ("user", "users"), |count| count.to_string());
        assert_eq!(words(50, Some(2_500), true), "2500 users");
        assert_eq!(words(50, None, true), "More than 50 users");
        assert_eq!(words(12, None, false), "12 users");
        assert_eq!(words(1, None, false), "1 user");
        assert_eq!(words(0, Some(0), false), "0 users");
    }
}
