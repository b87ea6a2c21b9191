//! The end of a connection, and whether the access to the tenant is gone with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Access, ReconnectReason, Timestamp};

/// How long it is looked for whether the access is gone.
pub const LOOKED_FOR: Duration = Duration::from_hours(24 * 7);

/// The shortest and the longest pause between two looks.
const PAUSES: [Duration; 2] = [Duration::from_mins(1), Duration::from_hours(12)];

/// What a look at a tenant's access shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// It is gone.
    Gone,
    /// It is still there.
    Present,
    /// Microsoft's answer says neither.
    Unclear,
}

impl Sight {
    /// Its stable name in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Present => "present",
            Self::Unclear => "unclear",
        }
    }

    /// What has this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Gone, Self::Present, Self::Unclear].into_iter().find(|sight| sight.key() == key)
    }
}

/// What came of asking for a token as ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is one.
    Token {
        /// Whether it permits anything.
        permits: bool,
    },
    /// The tenant refuses.
    Refused(ReconnectReason),
    /// Nothing that concerns this tenant.
    Nothing,
}

/// What an answer shows. A token that permits nothing proves that application permissions are gone; what a person has
/// granted would not be in it anyway, so there only the app's absence counts.
pub const fn sight(access: Access, answer: Answer) -> Sight {
    use ReconnectReason::{AppDisabled, AppRemoved, ConsentRemoved, TenantGone};

    match (answer, access) {
        (Answer::Refused(AppRemoved | AppDisabled | TenantGone), _)
        | (Answer::Refused(ConsentRemoved) | Answer::Token { permits: false }, Access::Application) => Sight::Gone,
        (Answer::Token { .. }, _) => Sight::Present,
        (Answer::Refused(_) | Answer::Nothing, _) => Sight::Unclear,
    }
}

/// When to look again, after one at `now` that did not see the access gone: each pause is twice as long as all that
/// came before it. None: not any more.
pub fn next_check(disconnected: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let [shortest, longest] = PAUSES;
    let next = now.plus((now.since(disconnected) * 2).clamp(shortest, longest));
    (next.since(disconnected) <= LOOKED_FOR).then_some(next)
}

/// Whether somebody has typed a company's name to confirm that they mean it. Blanks make no difference.
pub fn names(typed: &str, company: &str) -> bool {
    typed.split_whitespace().eq(company.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn access_is_gone_when_the_tenant_says_so_in_a_way_that_fits_the_kind_of_access() {
        use Access::{Application, Delegated};
        use ReconnectReason::*;
        for (access, answer, seen) in [
            (Application, Answer::Token { permits: true }, Sight::Present),
            (Application, Answer::Token { permits: false }, Sight::Gone),
            (Delegated, Answer::Token { permits: false }, Sight::Present),
            (Application, Answer::Refused(AppRemoved), Sight::Gone),
            (Delegated, Answer::Refused(AppRemoved), Sight::Gone),
            (Delegated, Answer::Refused(AppDisabled), Sight::Gone),
            (Delegated, Answer::Refused(TenantGone), Sight::Gone),
            (Application, Answer::Refused(ConsentRemoved), Sight::Gone),
            (Delegated, Answer::Refused(ConsentRemoved), Sight::Unclear),
            (Application, Answer::Refused(BlockedByPolicy), Sight::Unclear),
            (Application, Answer::Refused(Refused), Sight::Unclear),
            (Application, Answer::Nothing, Sight::Unclear),
        ] {
            assert_eq!(sight(access, answer), seen, "{access:?} {answer:?}");
        }
        for seen in [Sight::Gone, Sight::Present, Sight::Unclear] {
            assert_eq!(Sight::from_key(seen.key()), Some(seen));
        }
    }

    #[test]
    fn pauses_grow_and_come_to_an_end() {
        let mut looks = vec![THEN];
        while let Some(next) = next_check(THEN, looks[looks.len() - 1]) {
            assert!(next > looks[looks.len() - 1]);
            looks.push(next);
        }
        let minutes: Vec<u64> = looks.iter().map(|at| at.since(THEN).as_secs() / 60).collect();
        assert_eq!(minutes[..7], [0, 1, 3, 9, 27, 81, 243]);
        assert!(looks.iter().filter(|at| at.since(THEN) < Duration::from_hours(24)).count() <= 10);
        let last = looks[looks.len() - 1].since(THEN);
        assert!(last <= LOOKED_FOR && last + PAUSES[1] > LOOKED_FOR);
    }

    #[test]
    fn a_name_is_typed_as_it_is_but_for_blanks() {
        assert!(names(" Contoso  Dental ", "Contoso Dental"));
        for other in ["", "contoso dental", "Contoso", "Contoso Dental Ltd"] {
            assert!(!names(other, "Contoso Dental"), "{other}");
        }
    }
}
