//! Why something on the page can't be done, where it can't.

use leptos::prelude::*;

use crate::{
    api::companies::Setup,
    domain::{Action, Right, Role},
};

/// What is said where no app registration is configured.
pub const SETUP_MISSING: &str = "No app registration is configured";

/// Why somebody of this role can't do this. A role that is not known yet is refused nothing: the server decides.
pub fn refusal(role: Option<Role>, right: Right) -> Option<&'static str> {
    role.filter(|role| !role.may(right)).map(|_| right.refusal())
}

/// For each action on a company, why it can't be done, if so.
#[derive(Clone, Copy, Debug)]
pub struct Forbidden {
    connect: Memo<Option<&'static str>>,
    cancel: Memo<Option<&'static str>>,
    link: Memo<Option<&'static str>>,
    send: Memo<Option<&'static str>>,
    sync: Memo<Option<&'static str>>,
    manage: Memo<Option<&'static str>>,
}

impl Forbidden {
    /// Follows the setup and the role.
    pub fn follow(setup: ReadSignal<Setup>, role: impl Fn() -> Option<Role> + Copy + Send + Sync + 'static) -> Self {
        let right = move |right| Memo::new(move |_| refusal(role(), right));
        let (cancel, send, sync) = (right(Right::Connect), right(Right::SendLinks), right(Right::SyncNow));
        let missing = move || (setup.get() == Setup::AppRegistrationMissing).then_some(SETUP_MISSING);
        let connect = Memo::new(move |_| cancel.get().or_else(missing));
        let link = Memo::new(move |_| send.get().or_else(missing));
        Self { connect, cancel, link, send, sync, manage: right(Right::ManageCompanies) }
    }

    /// Why this can't be done.
    pub const fn reason(self, action: Action) -> Memo<Option<&'static str>> {
        match action {
            Action::SignIn | Action::Reconnect => self.connect,
            Action::Cancel => self.cancel,
            Action::GenerateLink | Action::GenerateLinkWithNote => self.link,
            Action::WithdrawLink | Action::WriteToClient => self.send,
            Action::SyncNow => self.sync,
        }
    }

    /// Why companies can't be edited and archived.
    pub const fn managing(self) -> Memo<Option<&'static str>> {
        self.manage
    }

    /// Why the role can't connect companies, and why it can't send links, if so.
    pub const fn by_role(self) -> [Memo<Option<&'static str>>; 2] {
        [self.cancel, self.send]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_refused_what_it_has_no_right_to() {
        assert_eq!(refusal(Some(Role::Technician), Right::SyncNow), None);
        assert_eq!(refusal(Some(Role::Technician), Right::Connect), Some(Right::Connect.refusal()));
        assert_eq!(refusal(None, Right::Connect), None);
    }
}
