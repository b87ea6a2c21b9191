//! What the numbers have to be, and whether they are.

use serde_json::{Value, json};

use crate::database::Engine;

/// What a number has to be.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// Every limit: what is measured, the number, on which database if not on both, and what it has to be.
const LIMITS: [(&str, &str, Option<Engine>, Limit); 33] = [
    ("full_round", "times_by_hand", Some(Engine::Sqlite), Limit::AtMost(3.0)),
    ("full_round", "times_by_hand", Some(Engine::Postgres), Limit::AtMost(2.0)),
    ("peak_memory", "times_a_tenth", None, Limit::AtMost(1.2)),
    ("eight_syncs", "megabytes", None, Limit::AtMost(190.0)),
    ("idle_memory", "megabytes", None, Limit::AtMost(48.0)),
    ("fleet", "efficiency", None, Limit::AtLeast(0.8)),
    ("fleet", "requests_a_tenant", None, Limit::AtMost(3.0)),
    ("fairness", "times_alone", None, Limit::AtMost(1.5)),
    ("throttling", "goodput", None, Limit::AtLeast(0.9)),
    ("throttling", "asked_too_early", None, Limit::AtMost(0.0)),
    ("api_under_sync", "companies_p99_times_idle", None, Limit::AtMost(3.0)),
    ("api_under_sync", "users_p99_times_idle", None, Limit::AtMost(3.0)),
    ("api_under_sync", "failed", None, Limit::AtMost(0.0)),
    ("api_under_sync", "complaints_in_log", None, Limit::AtMost(0.0)),
    ("search", "p95_ms", None, Limit::AtMost(100.0)),
    ("whole_list", "kilobytes", None, Limit::AtMost(500.0)),
    ("whole_list", "changed_ms", None, Limit::AtMost(100.0)),
    ("whole_list", "kept_ms", None, Limit::AtMost(100.0)),
    ("whole_list", "known_ms", None, Limit::AtMost(2.0)),
    ("list_api", "times_empty", None, Limit::AtLeast(0.3)),
    ("list_api", "gzip_times_empty", None, Limit::AtLeast(0.3)),
    ("list_api_few", "times_empty", None, Limit::AtLeast(0.3)),
    ("list_api_few", "gzip_times_empty", None, Limit::AtLeast(0.3)),
    ("making_links", "p50_ms", None, Limit::AtMost(5.0)),
    ("cold_start", "new_ms", None, Limit::AtMost(300.0)),
    ("cold_start", "existing_ms", None, Limit::AtMost(300.0)),
    ("page", "kilobytes", None, Limit::AtMost(215.0)),
    ("page", "search_times_vanilla", None, Limit::AtMost(5.0)),
    ("page", "first_rows_times_few", None, Limit::AtMost(1.15)),
    ("page", "key_p95_ms", None, Limit::AtMost(50.0)),
    ("page", "sort_p95_ms", None, Limit::AtMost(50.0)),
    ("page", "filter_p95_ms", None, Limit::AtMost(50.0)),
    ("page", "memory_mb", None, Limit::AtMost(50.0)),
];

/// What one measurement came to.
pub struct Measured {
    /// What was measured.
    pub what: &'static str,
    /// On which database.
    pub engine: Engine,
    /// What tells it apart from others of its kind.
    pub variant: String,
    /// The numbers, with or without a limit.
    pub numbers: Vec<(&'static str, f64)>,
}

impl Measured {
    /// Prints the numbers, each beside its limit. Answers whether all limits hold.
    pub fn print(&self) -> bool {
        let mut all_hold = true;
        for (name, value) in &self.numbers {
            let (limit, verdict) = match self.limit(name) {
                None => (String::new(), ""),
                Some(limit) => {
                    let holds = limit.holds(*value);
                    all_hold &= holds;
                    let text = match limit {
                        Limit::AtMost(most) => format!("at most {most}"),
                        Limit::AtLeast(least) => format!("at least {least}"),
                    };
                    (text, if holds { "ok" } else { "MISSED" })
                }
            };
            let (what, engine, variant) = (self.what, self.engine.name(), &self.variant);
            println!("{what:<15} {engine:<11} {variant:<16} {name:<25} {value:>10.3}  {limit:<13} {verdict}");
        }
        all_hold
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let mut numbers = serde_json::Map::new();
        for (name, value) in &self.numbers {
            let limit = match self.limit(name) {
                None => Value::Null,
                Some(Limit::AtMost(most)) => json!({ "at_most": most }),
                Some(Limit::AtLeast(least)) => json!({ "at_least": least }),
            };
            let holds = self.limit(name).map(|limit| limit.holds(*value));
            numbers.insert((*name).to_owned(), json!({ "value": value, "limit": limit, "ok": holds }));
        }
        json!({ "what": self.what, "engine": self.engine.name(), "variant": self.variant, "numbers": numbers })
    }

    fn limit(&self, number: &str) -> Option<Limit> {
        let is_ours = |engine: Option<Engine>| engine.is_none_or(|engine| engine == self.engine);
        let found =
            LIMITS.iter().find(|(what, name, engine, _)| *what == self.what && *name == number && is_ours(*engine));
        found.map(|(.., limit)| *limit)
    }
}

/// The value that this share of all values does not exceed; not a number if there is none.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "few values"
    )]
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
