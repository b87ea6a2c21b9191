//! The companies that somebody selected, to do something with all of them.

use std::{collections::HashMap, sync::Arc};

use super::Entry;
use crate::domain::CompanyId;

/// Which they are. They stay selected while other companies are shown.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Each as it was when it was selected. Only the ids are looked at.
    entries: HashMap<CompanyId, Arc<Entry>>,
    /// The one that was last selected or left out: where a range begins.
    last: Option<CompanyId>,
}

impl Selection {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// All of them.
    pub fn ids(&self) -> Vec<CompanyId> {
        self.entries.keys().copied().collect()
    }

    /// All of them as text, with commas between them.
    pub fn list(&self) -> String {
        let mut list = String::with_capacity(self.len() * 37);
        for id in self.entries.keys() {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(&id.to_string());
        }
        list
    }

    /// Whether this one is among them.
    pub fn contains(&self, id: CompanyId) -> bool {
        self.entries.contains_key(&id)
    }

    /// How many of those that are shown are among them.
    pub fn shown(&self, shown: &[Arc<Entry>]) -> usize {
        if self.entries.is_empty() { 0 } else { shown.iter().filter(|entry| self.contains(entry.row.id)).count() }
    }

    /// Selects one, or leaves it out again. With `range`, does the same with all between it and the last one.
    pub fn toggle(&mut self, id: CompanyId, range: bool, shown: &[Arc<Entry>]) {
        let selected = !self.contains(id);
        let place = |id| shown.iter().position(|entry| entry.row.id == id);
        let Some(to) = place(id) else { return };
        let from = self.last.filter(|_| range).and_then(place).unwrap_or(to);
        self.set(&shown[from.min(to)..=from.max(to)], selected);
        self.last = Some(id);
    }

    /// Selects all that are shown; where they are already, leaves all of them out.
    pub fn toggle_all(&mut self, shown: &[Arc<Entry>]) {
        let selected = self.shown(shown) < shown.len();
        self.set(shown, selected);
    }

    /// Keeps those that are still there. Says whether one is not.
    pub fn keep(&mut self, is_there: impl Fn(CompanyId) -> bool) -> bool {
        let before = self.len();
        self.entries.retain(|id, _| is_there(*id));
        self.len() != before
    }

    fn set(&mut self, these: &[Arc<Entry>], selected: bool) {
        for entry in these {
            if selected {
                self.entries.insert(entry.row.id, Arc::clone(entry));
            } else {
                self.entries.remove(&entry.row.id);
            }
        }
    }
}

/// How many companies there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// That are selected.
    pub selected: usize,
    /// That are shown.
    pub shown: usize,
    /// That are both.
    pub both: usize,
}

impl Counts {
    /// Of a selection, and of what is shown.
    pub fn of(selection: &Selection, shown: &[Arc<Entry>]) -> Self {
        Self { selected: selection.len(), shown: shown.len(), both: selection.shown(shown) }
    }

    /// How many are selected, in words, and how many of them are not shown.
    pub fn words(self) -> String {
        let mut words = self.selected.to_string() + " selected";
        if self.both < self.selected {
            words = words + ", " + &(self.selected - self.both).to_string() + " of them not shown";
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ui::state::rows::tests::{row, rows};
    use crate::{domain::Status, ui::state::Rows};

    fn ids(selection: &Selection) -> Vec<CompanyId> {
        let mut ids = selection.ids();
        ids.sort_unstable();
        ids
    }

    fn id(number: u128) -> CompanyId {
        CompanyId::from_uuid(Uuid::from_u128(number))
    }

    /// Five, whose ids are in another order than their names.
    fn five() -> Rows {
        let named = [(5, "A"), (1, "B"), (4, "C"), (2, "D"), (3, "E")];
        rows(named.map(|(number, name)| row(number, name, Status::NotConnected, 1)).into())
    }

    #[test]
    fn a_range_is_of_what_is_shown_in_its_order() {
        let rows = five();
        let mut selection = Selection::default();
        selection.toggle(id(4), false, rows.all());
        selection.toggle(id(5), true, rows.all());
        assert_eq!(ids(&selection), [id(1), id(4), id(5)]);
        // Back again: the range does what its end does.
        selection.toggle(id(1), true, rows.all());
        assert_eq!(ids(&selection), [id(4)]);
        // Of what is not shown any more there is no range.
        selection.toggle(id(3), true, &rows.all()[3..]);
        assert_eq!(ids(&selection), [id(3), id(4)]);
    }

    #[test]
    fn all_that_are_shown_are_selected_and_left_out_at_once() {
        let rows = five();
        let (all, few) = (rows.all(), &rows.all()[..2]);
        let mut selection = Selection::default();
        selection.toggle(id(3), false, all);
        selection.toggle_all(few);
        assert_eq!((ids(&selection), selection.shown(few)), (vec![id(1), id(3), id(5)], 2));
        selection.toggle_all(few);
        assert_eq!(ids(&selection), [id(3)]);
        selection.toggle_all(all);
        assert_eq!(selection.shown(all), 5);
    }

    #[test]
    fn what_is_gone_is_not_selected_any_more() {
        let rows = five();
        let mut selection = Selection::default();
        selection.toggle_all(rows.all());
        assert!(selection.keep(|other| other != id(2)));
        assert!(!selection.keep(|_| true));
        assert!(!selection.contains(id(2)) && selection.contains(id(3)));
    }

    #[test]
    fn they_are_listed_for_the_server() {
        let rows = rows([(2, "A"), (1, "B")].map(|(number, name)| row(number, name, Status::Connected, 1)).into());
        let mut selection = Selection::default();
        assert_eq!(selection.list(), "");
        selection.toggle_all(rows.all());
        let (one, two) = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002");
        let mut list: Vec<_> = selection.list().split(',').map(str::to_owned).collect();
        list.sort();
        assert_eq!(list, [one, two]);
    }

    #[test]
    fn it_is_said_how_many_are_not_shown() {
        let words = |selected, both| Counts { selected, shown: 20, both }.words();
        assert_eq!(words(3, 3), "3 selected");
        assert_eq!(words(12, 2), "12 selected, 10 of them not shown");
    }
}
