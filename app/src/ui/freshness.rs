//! How old data are, and what is wrong with them, in words.

use super::ago::ago;
use crate::domain::{DataSet, DataSetStatus, Problem, Timestamp};

/// How a data set is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It was read when it should have been.
    Fresh,
    /// It is on its way for the first time.
    Coming,
    /// It is older than it should be.
    Stale,
    /// It could not be read.
    Failed,
}

impl Health {
    /// Of a data set.
    pub fn of(status: &DataSetStatus) -> Self {
        match status {
            DataSetStatus { problem: Some(_), .. } => Self::Failed,
            DataSetStatus { stale: true, .. } => Self::Stale,
            DataSetStatus { as_of: None, .. } => Self::Coming,
            DataSetStatus { .. } => Self::Fresh,
        }
    }

    /// In a word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fresh => "Up to date",
            Self::Coming => "Waiting for the first sync",
            Self::Stale => "Stale",
            Self::Failed => "Not updated",
        }
    }
}

/// What happened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened, since when.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Trouble {
    /// Of a data set, if there is any.
    pub fn of(status: &DataSetStatus, now: Timestamp) -> Option<Self> {
        let (problem, since) = status.problem?;
        let name = status.data_set.label();
        let kept = if status.as_of.is_some() { " What was read before is still shown." } else { "" };
        let (what, advice) = match problem {
            Problem::PermissionMissing => (
                format!("The permission to read {name} is missing"),
                "An administrator of the company can grant it with Reconnect, on the page M365 companies.",
            ),
            Problem::NewPermission => (
                format!("A new permission is needed to read {name}"),
                "An administrator of the company can grant it with Reconnect, on the page M365 companies.",
            ),
            Problem::NotAvailable => (
                format!("Microsoft offers no {name} for this tenant"),
                "As a rule that is for want of a licence. It is asked for again with each sync.",
            ),
            Problem::Temporary => (
                format!("Microsoft did not answer for {name}, or asked to wait"),
                "It is tried again by itself. There is nothing to do.",
            ),
            Problem::Unreadable => (
                format!("Microsoft’s answer for {name} could not be understood"),
                "It is tried again with each sync. If it stays like this for a day, look into the server’s log.",
            ),
        };
        Some(Self { what: format!("{what}, since {}.", ago(since, now)), advice: format!("{advice}{kept}") })
    }
}

/// What a data set is called, as a title.
pub const fn title(data_set: DataSet) -> &'static str {
    match data_set {
        DataSet::Organisation => "Organisation",
        DataSet::Users => "Users",
        DataSet::Licences => "Licences",
        DataSet::Domains => "Domains",
        DataSet::SecureScore => "Secure Score",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn status(as_of: Option<Timestamp>, problem: Option<Problem>, stale: bool) -> DataSetStatus {
        let problem = problem.zip(Some(NOW.minus(Duration::from_hours(2))));
        DataSetStatus { data_set: DataSet::Licences, as_of, measured_at: None, problem, so_far: None, stale }
    }

    #[test]
    fn a_problem_is_told_with_its_time_and_what_to_do() {
        let trouble = Trouble::of(&status(Some(NOW), Some(Problem::Temporary), false), NOW);
        let trouble = trouble.expect("it has a problem");
        assert_eq!(trouble.what, "Microsoft did not answer for licences, or asked to wait, since 2 hours ago.");
        assert!(trouble.advice.ends_with("There is nothing to do. What was read before is still shown."));
        assert_eq!(Trouble::of(&status(Some(NOW), None, true), NOW), None);
    }

    #[test]
    fn the_worst_is_said() {
        assert_eq!(Health::of(&status(Some(NOW), None, false)), Health::Fresh);
        assert_eq!(Health::of(&status(None, None, false)), Health::Coming);
        assert_eq!(Health::of(&status(Some(NOW), None, true)), Health::Stale);
        assert_eq!(Health::of(&status(Some(NOW), Some(Problem::NotAvailable), true)), Health::Failed);
    }
}
