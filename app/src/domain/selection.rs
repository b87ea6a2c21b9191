//! Companies that somebody selected, to do something to all of them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::CompanyId;

/// The most companies that something is done to at once.
pub const SELECTED_MAX: usize = 10_000;

/// A company that it is not done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Why a selection can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// There is nothing in it.
    #[error("No company is selected. Select some on the page M365 companies.")]
    Empty,
    /// There is too much in it.
    #[error("More than {SELECTED_MAX} companies are selected. Do it in several parts.")]
    TooMany,
}

/// Takes a selection: each company once, in the order in which everybody locks them.
pub fn admit(mut companies: Vec<CompanyId>) -> Result<Vec<CompanyId>, SelectionError> {
    companies.sort_unstable();
    companies.dedup();
    match companies.len() {
        0 => Err(SelectionError::Empty),
        1..=SELECTED_MAX => Ok(companies),
        _ => Err(SelectionError::TooMany),
    }
}

/// Ids with commas between them, as one page hands them to another. What is none is left out.
pub fn parse_ids(text: &str) -> Vec<CompanyId> {
    text.split(',').filter_map(|id| id.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> CompanyId {
        CompanyId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_selection_holds_each_company_once_and_not_too_many() {
        assert_eq!(admit(vec![id(2), id(1), id(2)]), Ok(vec![id(1), id(2)]));
        assert_eq!(admit(Vec::new()), Err(SelectionError::Empty));
        let most: Vec<_> = (0..10_000).map(id).collect();
        assert_eq!(admit(most.clone()).map(|all| all.len()), Ok(10_000));
        assert_eq!(admit([most, vec![id(10_000)]].concat()), Err(SelectionError::TooMany));
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        let text = format!("{}, {},x,,", id(1), id(2));
        assert_eq!(parse_ids(&text), [id(1), id(2)]);
        assert_eq!(parse_ids(""), []);
    }
}
