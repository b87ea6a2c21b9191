//! What is said of a company that can't be read, or not all of it. The server writes it: a browser does nothing with it but
//! show it, and the texts are many.

use super::{DataSet, Lack, Problem, Status};

impl Status {
    /// A few words, and in further lines what they mean and what to do. None: the state's name says it all.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::NeedsReconnect { reason, .. } => Some(format!(
                "{}\n{}. {}\nData are kept, and shown as of the last sync.",
                capital(reason.short()),
                reason.label(),
                reason.advice()
            )),
            Self::Limited { lacks } => Some(of_lacks(lacks)),
            _ => None,
        }
    }
}

fn of_lacks(lacks: &[Lack]) -> String {
    let named = |problem| list(lacks.iter().filter(move |lack| lack.problem == problem).map(|lack| lack.data_set));
    let (missing, new) = (named(Problem::PermissionMissing), named(Problem::NewPermission));
    let absent = named(Problem::NotAvailable);
    let mut lines = vec![match &new {
        Some(new) if missing.is_none() && absent.is_none() => format!("New permission needed for {new}"),
        _ => format!("No {}", list(lacks.iter().map(|lack| lack.data_set)).unwrap_or_default()),
    }];
    lines.extend(new.map(|new| {
        format!(
            "New permission needed for {new}: this version of Tenantry reads more than the company consented to. An \
             administrator of the company can grant it with Reconnect. Everything else is read."
        )
    }));
    lines.extend(missing.map(|missing| {
        format!(
            "The permission to read {missing} was not granted. An administrator of the company can grant it with Reconnect."
        )
    }));
    lines.extend(absent.map(|absent| {
        format!(
            "Microsoft offers no {absent} for this tenant, as a rule for want of a licence. Everything else is read."
        )
    }));
    lines.join("\n")
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
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
    use crate::domain::{ReconnectReason, Timestamp};

    fn lines(lacks: &[(DataSet, Problem)]) -> Vec<String> {
        let lacks = lacks.iter().map(|(data_set, problem)| Lack { data_set: *data_set, problem: *problem }).collect();
        let words = Status::Limited { lacks }.in_words().unwrap_or_default();
        words.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_a_limited_connection_lacks_is_named_with_its_reason() {
        let lines = lines(&[
            (DataSet::Users, Problem::PermissionMissing),
            (DataSet::Licences, Problem::PermissionMissing),
            (DataSet::SecureScore, Problem::NotAvailable),
        ]);
        assert_eq!((lines[0].as_str(), lines.len()), ("No users, licences and Secure Score", 3));
        assert!(lines[1].contains("read users and licences was"));
        assert!(lines[2].contains("no Secure Score for"));
    }

    #[test]
    fn a_permission_that_was_never_asked_for_is_told_from_one_that_was_taken_away() {
        let new = lines(&[(DataSet::SecureScore, Problem::NewPermission)]);
        assert_eq!(new[0], "New permission needed for Secure Score");
        assert!(new[1].contains("Everything else is read"));
        let both = [(DataSet::Users, Problem::PermissionMissing), (DataSet::SecureScore, Problem::NewPermission)];
        assert_eq!(lines(&both).len(), 3);
    }

    #[test]
    fn lost_access_is_told_with_what_to_do() {
        let reason = ReconnectReason::AppRemoved;
        let words = Status::NeedsReconnect { reason, since: Timestamp::from_millis(0) }.in_words().unwrap_or_default();
        let lines: Vec<_> = words.lines().collect();
        assert_eq!(lines[0], "App removed");
        assert!(lines[1].starts_with(reason.label()) && lines[1].ends_with(reason.advice()));
        assert_eq!(Status::Connected.in_words(), None);
    }
}
