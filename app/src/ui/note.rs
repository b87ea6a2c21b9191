//! The line under a row's state: why it is so, and what that means.

use super::state::{Entry, Wish};
use crate::domain::{DataSet, Lack, Problem, Status, Timestamp};

/// A few words, and an explanation where they need one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The words.
    pub words: String,
    /// What they mean, a paragraph each.
    pub explanation: Vec<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

impl Note {
    /// The note of a company, if its state needs one.
    pub fn of(entry: &Entry) -> Option<Self> {
        let plain = |words: &str| Some(Self { words: words.into(), explanation: Vec::new(), at: None });
        match &*entry.status() {
            Status::SigningIn { .. } if entry.wish() == Some(Wish::Cancel) => plain("Cancelling"),
            Status::SigningIn { .. } => plain("Waiting for the sign-in"),
            Status::Verifying { slow: false, .. } => plain("Microsoft applies the consent"),
            Status::Verifying { slow: true, .. } => plain("No consent in effect yet"),
            Status::Limited { lacks } => Some(Self::of_lacks(lacks)),
            Status::NeedsReconnect { reason, since } => Some(Self {
                words: reason.label().into(),
                explanation: vec![
                    "Data are kept, and shown as of the last sync. An administrator of the company can renew the \
                     access with Reconnect."
                        .into(),
                ],
                at: Some(*since),
            }),
            Status::NotConnected | Status::LinkSent | Status::Connected => {
                entry.row.last_try.as_ref().map(|last_try| Self {
                    words: last_try.failure.title().into(),
                    explanation: vec![last_try.failure.advice()],
                    at: Some(last_try.at),
                })
            }
        }
    }

    fn of_lacks(lacks: &[Lack]) -> Self {
        let named = |problem| lacks.iter().filter(move |lack| lack.problem == problem).map(|lack| lack.data_set);
        let missing = list(named(Problem::PermissionMissing));
        let absent =
            list(lacks.iter().filter(|lack| lack.problem != Problem::PermissionMissing).map(|lack| lack.data_set));
        let mut explanation = Vec::new();
        if let Some(missing) = &missing {
            explanation.push(format!(
                "The permission to read {missing} was not granted. An administrator of the company can grant it with \
                 Reconnect."
            ));
        }
        if let Some(absent) = &absent {
            explanation.push(format!(
                "Microsoft offers no {absent} for this tenant, as a rule for want of a licence. Everything else is read."
            ));
        }
        let words = format!("No {}", list(lacks.iter().map(|lack| lack.data_set)).unwrap_or_default());
        Self { words, explanation, at: None }
    }
}

/// "users, licences and Secure Score".
fn list(data_sets: impl Iterator<Item = DataSet>) -> Option<String> {
    let mut labels: Vec<&str> = data_sets.map(DataSet::label).collect();
    let last = labels.pop()?;
    Some(if labels.is_empty() { last.into() } else { format!("{} and {last}", labels.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lack(data_set: DataSet, problem: Problem) -> Lack {
        Lack { data_set, problem }
    }

    #[test]
    fn what_a_limited_connection_lacks_is_named_with_its_reason() {
        let note = Note::of_lacks(&[
            lack(DataSet::Users, Problem::PermissionMissing),
            lack(DataSet::Licences, Problem::PermissionMissing),
            lack(DataSet::SecureScore, Problem::NotAvailable),
        ]);
        assert_eq!(note.words, "No users, licences and Secure Score");
        assert_eq!(note.explanation.len(), 2);
        assert!(note.explanation[0].contains("read users and licences was"));
        assert!(note.explanation[1].contains("no Secure Score for"));
    }
}
