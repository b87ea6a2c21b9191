//! Secure Score: Microsoft's measure of how well a tenant is set up.

use serde::{Deserialize, Serialize};

use super::{
    DataSetStatus, Figures, Timestamp,
    listing::{FilterKeys, ListQuery, Origin, SortKey},
};

/// Points of those that could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Reached.
    pub current: f64,
    /// Could be reached.
    pub max: f64,
}

impl Points {
    /// In whole percent; none if nothing can be scored.
    pub fn percent(self) -> Option<u8> {
        Figures::percent(self.current, self.max)
    }
}

/// The score of a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreDay {
    /// When Microsoft measured.
    pub measured_at: Timestamp,
    /// What it came to.
    pub points: Points,
}

/// What others reach on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Who the others are, for people.
    pub with: String,
    /// Their average in percent.
    pub percent: f64,
}

/// Something that can be done, and what it is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its name.
    pub title: String,
    /// Its group, such as `Identity`.
    pub category: String,
    /// The product that it belongs to.
    pub service: String,
    /// Points.
    pub points: Points,
    /// How much people notice it.
    pub user_impact: String,
    /// How much work it is.
    pub cost: String,
    /// What to do, as plain text with line breaks.
    pub remediation: String,
    /// Where to do it. Always `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Control {
    /// Points that are still to be gained.
    pub fn gain(&self) -> f64 {
        (self.points.max - self.points.current).max(0.0)
    }
}

/// What is known of a company's Secure Score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreReport {
    /// A day each, the earliest first, at most [`TREND_DAYS`].
    pub days: Vec<ScoreDay>,
    /// What others reach, as of the last day.
    pub comparisons: Vec<Comparison>,
    /// What can be done, the most points to gain first.
    pub controls: Vec<Control>,
    /// How old all this is. None: nobody has tried to read it yet.
    pub status: Option<DataSetStatus>,
}

/// How far the trend goes back.
pub const TREND_DAYS: u16 = 90;

/// The score of a company in the list of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Whose, and as of when it was read.
    pub origin: Origin,
    /// The points. None: Microsoft has measured nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Points>,
    /// When Microsoft measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Timestamp>,
}

/// What scores can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreSort {
    /// The share of the points, the lowest first: that is where there is something to do.
    #[default]
    Score,
    /// The company's name.
    Company,
}

impl SortKey for ScoreSort {
    const ALL: &'static [Self] = &[Self::Score, Self::Company];

    fn key(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Company => "company",
        }
    }
}

/// Nothing narrows the scores down but a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoFilter {}

impl FilterKeys for NoFilter {
    fn pairs(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn choose(&mut self, _: &str, _: &str) -> bool {
        false
    }
}

/// Which scores to show, and in which order.
pub type ScoreQuery = ListQuery<ScoreSort, NoFilter>;

/// Who the others are that Microsoft compares with, for people.
/// <https://learn.microsoft.com/graph/api/resources/averagecomparativescore>
pub fn comparison_label(basis: &str) -> &str {
    match basis {
        "AllTenants" => "All organisations",
        "TotalSeats" => "Organisations of this size",
        "IndustryTypes" => "Organisations of this industry",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gained_where_more_was_reached_than_there_is() {
        let control = |current, max| Control {
            title: "Require MFA".into(),
            category: "Identity".into(),
            service: "AAD".into(),
            points: Points { current, max },
            user_impact: "Low".into(),
            cost: "Low".into(),
            remediation: String::new(),
            link: None,
        };
        assert!((control(2.5, 10.0).gain() - 7.5).abs() < 1e-9);
        assert!(control(11.0, 10.0).gain().abs() < 1e-9);
    }
}
