//! Places that everybody has few of, so that nobody takes all.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// How many places each has taken, of at most so many.
#[derive(Debug)]
pub struct Places<K> {
    each: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    whose: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// So many for each.
    pub fn new(each: usize) -> Self {
        Self { each, taken: Arc::default() }
    }

    /// Takes one, unless somebody has as many as there are for them.
    pub fn take(&self, whose: K) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&whose).copied().unwrap_or_default();
        if count >= self.each {
            return None;
        }
        taken.insert(whose, count + 1);
        Some(Place { whose, taken: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_as_many_and_no_more_and_gives_them_back() {
        let places = Places::new(2);
        let held: Vec<_> = [1, 1, 2].map(|whose| places.take(whose)).into_iter().flatten().collect();
        assert_eq!(held.len(), 3);
        assert!(places.take(1).is_none() && places.take(2).is_some());
        drop(held);
        assert!(places.take(1).is_some());
        assert!(places.taken.lock().is_ok_and(|taken| taken.is_empty()), "who has none is not remembered");
    }
}
