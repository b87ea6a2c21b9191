//! How somebody gets in: with a password, or with a one-time link.

use leptos::{prelude::*, task::spawn_local};

use super::{browser::location, routes::Page, state::Submission};
use crate::{
    api::{
        accounts::Invitation,
        sessions::{
            Credentials, NewAccount, SignInOptions, accept_invitation, get_sign_in_options, read_invitation, sign_in,
        },
    },
    domain::{
        Role,
        account::{PASSWORD_MIN, safe_return_path},
    },
    error::AppError,
};

/// The rules for a password, before somebody chooses one.
pub const PASSWORD_RULES: &str = "At least 12 characters, and none of the passwords that everybody tries first. A few words in a row are easy to remember.";

/// What is wrong with a new password that can be seen without asking the server.
pub fn password_refusal(password: &str) -> Option<String> {
    (password.chars().count() < PASSWORD_MIN)
        .then(|| format!("Choose a password of at least {PASSWORD_MIN} characters."))
}

/// What somebody of this role may do, in words.
pub fn role_words(role: Role) -> String {
    let all = Role::ALL.into_iter().filter(|other| *other <= role).map(Role::explanation);
    all.collect::<Vec<_>>().join(". ") + "."
}

/// What the page Sign in offers, once the server has told. Without an answer, a password is offered alone.
pub fn options() -> ReadSignal<Option<SignInOptions>> {
    let options = RwSignal::new(None);
    spawn_local(async move { options.set(get_sign_in_options().await.ok()) });
    options.read_only()
}

/// Signs in, and goes to where somebody wanted to go. `mend`: the id of the field of the password.
pub fn enter(form: Submission, mend: &'static str, email: String, password: String) {
    form.send(
        mend,
        Box::pin(async move {
            sign_in(Credentials { email, password }).await?;
            location::leave_for(&wanted());
            Ok(())
        }),
    );
}

/// The path that somebody wanted to see when they were asked to sign in.
pub fn wanted() -> String {
    let next = location::query("next");
    next.as_deref().and_then(safe_return_path).map_or_else(|| Page::HOME.path().into_owned(), str::to_owned)
}

/// Reads whom a one-time link is for.
pub fn read(token: String, invitation: RwSignal<Option<Result<Invitation, AppError>>>) {
    invitation.set(None);
    spawn_local(async move { invitation.set(Some(read_invitation(token).await)) });
}

/// Makes the account, and goes to the first page. `mend`: the id of the field of the password.
pub fn join(form: Submission, mend: &'static str, new: NewAccount) {
    if let Some(refusal) = password_refusal(&new.password) {
        return form.refuse(mend, refusal);
    }
    form.send(
        mend,
        Box::pin(async move {
            accept_invitation(new).await?;
            location::leave_for(&Page::HOME.path());
            Ok(())
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_that_are_said_are_the_rules() {
        assert!(PASSWORD_RULES.contains(&format!("At least {PASSWORD_MIN} characters")));
        assert!(password_refusal("elf letters").is_some());
        assert_eq!(password_refusal("zwölf Zeich."), None);
    }

    #[test]
    fn a_role_is_explained_with_all_that_it_includes() {
        assert_eq!(role_words(Role::Viewer), "Sees companies and their data.");
        assert_eq!(role_words(Role::Technician), "Sees companies and their data. Also sends links and syncs now.");
    }
}
