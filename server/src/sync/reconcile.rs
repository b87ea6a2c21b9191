//! What a page of users means for those that are stored: whom to write, whom to remove, whom to leave alone.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::microsoft::tenant_data::{UserChange, UserKind, UserPatch};

/// Somebody as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "it is the name that Microsoft gives it")]
pub struct User {
    /// Who.
    pub id: Uuid,
    /// Full name.
    pub display_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// What they sign in with.
    pub user_principal_name: Option<String>,
    /// Their mail address.
    pub mail: Option<String>,
    /// Whether they are somebody else's.
    pub guest: bool,
    /// Whether they may sign in.
    pub enabled: bool,
    /// Department.
    pub department: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// The ids of the products that are assigned to them, separated by blanks.
    pub licences: String,
}

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Who is new, or not as they were. By id: neighbours in the index are written together.
    pub put: Vec<User>,
    /// Who is gone.
    pub gone: Vec<Uuid>,
    /// How many of `put` are new.
    pub new: usize,
}

/// Whom a page speaks of.
pub fn mentioned(page: &[UserChange]) -> Vec<Uuid> {
    page.iter()
        .map(|change| match change {
            UserChange::Upsert(patch) => patch.id,
            UserChange::Removed { id } => *id,
        })
        .collect()
}

/// Decides what is to be written. `known` are those of the mentioned on whom the page builds: in a round of changes all
/// that are stored, in a full round those that this round has already seen.
///
/// Graph may name somebody twice, in any order, and say only what changed: what is not said is as it was.
/// <https://learn.microsoft.com/graph/delta-query-users>
pub fn reconcile(page: Vec<UserChange>, known: &HashMap<Uuid, User>) -> Writes {
    // The last word on somebody counts. None: gone.
    let mut after: BTreeMap<Uuid, Option<User>> = BTreeMap::new();
    for change in page {
        match change {
            UserChange::Removed { id } => {
                after.insert(id, None);
            }
            UserChange::Upsert(patch) => {
                let before = match after.remove(&patch.id) {
                    Some(before) => before,
                    None => known.get(&patch.id).cloned(),
                };
                after.insert(patch.id, Some(patched(*patch, before)));
            }
        }
    }
    let mut writes = Writes::default();
    for (id, user) in after {
        let before = known.get(&id);
        match user {
            Some(user) if before == Some(&user) => {}
            Some(user) => {
                writes.new += usize::from(before.is_none());
                writes.put.push(user);
            }
            None if before.is_some() => writes.gone.push(id),
            None => {}
        }
    }
    writes
}

fn patched(patch: UserPatch, before: Option<User>) -> User {
    let before = before.unwrap_or_else(|| User {
        id: patch.id,
        display_name: None,
        given_name: None,
        surname: None,
        user_principal_name: None,
        mail: None,
        guest: false,
        enabled: true,
        department: None,
        job_title: None,
        licences: String::new(),
    });
    let join = |ids: Vec<Uuid>| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(" ");
    User {
        id: patch.id,
        display_name: patch.display_name.over(before.display_name),
        given_name: patch.given_name.over(before.given_name),
        surname: patch.surname.over(before.surname),
        user_principal_name: patch.user_principal_name.over(before.user_principal_name),
        mail: patch.mail.over(before.mail),
        guest: patch.kind.over(Some(UserKind::of(before.guest))) == Some(UserKind::Guest),
        enabled: patch.account_enabled.over(Some(before.enabled)).unwrap_or(true),
        department: patch.department.over(before.department),
        job_title: patch.job_title.over(before.job_title),
        licences: patch.licences.over(None).map_or(before.licences, join),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::microsoft::tenant_data::Patch;

    type Directory = HashMap<Uuid, User>;

    fn text() -> impl Strategy<Value = Patch<String>> {
        prop_oneof![Just(Patch::Unchanged), Just(Patch::Cleared), "[a-c]{0,2}".prop_map(Patch::Set)]
    }

    fn upsert() -> impl Strategy<Value = UserChange> {
        (0_u128..8, text(), text(), option::of(any::<bool>()), option::of(any::<bool>())).prop_map(
            |(id, display_name, mail, enabled, guest)| {
                let kind = guest.map_or(Patch::Unchanged, |guest| Patch::Set(UserKind::of(guest)));
                UserChange::Upsert(Box::new(UserPatch {
                    id: Uuid::from_u128(id),
                    display_name,
                    mail,
                    account_enabled: enabled.map_or(Patch::Unchanged, Patch::Set),
                    kind,
                    ..UserPatch::default()
                }))
            },
        )
    }

    fn change() -> impl Strategy<Value = UserChange> {
        prop_oneof![4 => upsert(), 1 => (0_u128..8).prop_map(|id| UserChange::Removed { id: Uuid::from_u128(id) })]
    }

    fn apply(directory: &mut Directory, page: Vec<UserChange>) -> Writes {
        let writes = reconcile(page, directory);
        for id in &writes.gone {
            directory.remove(id);
        }
        for user in &writes.put {
            directory.insert(user.id, user.clone());
        }
        writes
    }

    proptest! {
        #[test]
        fn a_page_at_once_is_as_good_as_its_changes_one_by_one(before in vec(change(), 0..20), page in vec(change(), 0..30)) {
            let mut at_once = Directory::new();
            apply(&mut at_once, before);
            let mut one_by_one = at_once.clone();
            apply(&mut at_once, page.clone());
            for change in page {
                apply(&mut one_by_one, vec![change]);
            }
            prop_assert_eq!(at_once, one_by_one);
        }

        #[test]
        fn a_page_that_comes_again_after_a_crash_writes_nothing(page in vec(upsert(), 0..30)) {
            let mut directory = Directory::new();
            apply(&mut directory, page.clone());
            prop_assert_eq!(apply(&mut directory, page), Writes::default());
        }

        #[test]
        fn nobody_is_written_twice_and_the_new_are_counted(before in vec(change(), 0..20), page in vec(change(), 0..30)) {
            let mut directory = Directory::new();
            apply(&mut directory, before);
            let count = directory.len();
            let writes = apply(&mut directory, page);
            prop_assert!(writes.put.windows(2).all(|pair| pair[0].id < pair[1].id));
            prop_assert_eq!(count + writes.new - writes.gone.len(), directory.len());
        }
    }

    #[test]
    fn what_is_not_said_is_as_it_was() {
        let id = Uuid::from_u128(1);
        let first = UserPatch {
            id,
            display_name: Patch::Set("Ada".into()),
            kind: Patch::Set(UserKind::Guest),
            account_enabled: Patch::Set(false),
            licences: Patch::Set(vec![Uuid::nil()]),
            ..UserPatch::default()
        };
        let mut directory = Directory::new();
        apply(&mut directory, vec![UserChange::Upsert(Box::new(first))]);
        let second = UserPatch { id, mail: Patch::Set("ada@contoso.com".into()), ..UserPatch::default() };
        apply(&mut directory, vec![UserChange::Upsert(Box::new(second))]);
        let ada = &directory[&id];
        assert_eq!((ada.display_name.as_deref(), ada.mail.as_deref()), (Some("Ada"), Some("ada@contoso.com")));
        assert!(ada.guest && !ada.enabled);
        assert_eq!(ada.licences, Uuid::nil().to_string());
        let third =
            UserPatch { id, licences: Patch::Set(vec![]), display_name: Patch::Cleared, ..UserPatch::default() };
        apply(&mut directory, vec![UserChange::Upsert(Box::new(third))]);
        assert_eq!((directory[&id].display_name.as_deref(), directory[&id].licences.as_str()), (None, ""));
    }

    #[test]
    fn somebody_unknown_who_is_gone_is_nothing_to_write() {
        let gone = vec![UserChange::Removed { id: Uuid::nil() }];
        assert_eq!(reconcile(gone, &Directory::new()), Writes::default());
    }
}
