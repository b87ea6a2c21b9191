//! Why something on the page can't be done, where it can't.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons {
    connect: Option<&'static str>,
    cancel: Option<&'static str>,
    link: Option<&'static str>,
    send: Option<&'static str>,
    sync: Option<&'static str>,
    manage: Option<&'static str>,
}

impl Reasons {
    /// With this setup, for somebody of this role.
    pub fn new(setup: Setup, role: Option<Role>) -> Self {
        let missing = (setup == Setup::AppRegistrationMissing).then_some(SETUP_MISSING);
        let right = |right| refusal(role, right);
        let (cancel, send) = (right(Right::Connect), right(Right::SendLinks));
        Self {
            connect: cancel.or(missing),
            cancel,
            link: send.or(missing),
            send,
            sync: right(Right::SyncNow),
            manage: right(Right::ManageCompanies),
        }
    }

    /// Why this can't be done.
    pub const fn of(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::SignIn | Action::Reconnect => self.connect,
            Action::Cancel => self.cancel,
            Action::GenerateLink | Action::GenerateLinkWithNote => self.link,
            Action::WithdrawLink | Action::WriteToClient => self.send,
            Action::SyncNow => self.sync,
        }
    }

    /// Why the role can't change companies.
    pub const fn managing(&self) -> Option<&'static str> {
        self.manage
    }

    /// Why the role can't connect companies, nor end that.
    pub const fn connecting(&self) -> Option<&'static str> {
        self.cancel
    }

    /// Why the role can't send links.
    pub const fn sending(&self) -> Option<&'static str> {
        self.send
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

    #[test]
    fn without_an_app_registration_nobody_connects_and_links_can_still_be_withdrawn() {
        let reasons = Reasons::new(Setup::AppRegistrationMissing, Some(Role::Owner));
        for action in [Action::SignIn, Action::Reconnect, Action::GenerateLink] {
            assert_eq!(reasons.of(action), Some(SETUP_MISSING), "{action:?}");
        }
        for action in [Action::Cancel, Action::WithdrawLink, Action::SyncNow] {
            assert_eq!(reasons.of(action), None, "{action:?}");
        }
        // What the role lacks comes first: it stays when the setup is mended.
        let reasons = Reasons::new(Setup::AppRegistrationMissing, Some(Role::Viewer));
        assert_eq!(reasons.of(Action::SignIn), Some(Right::Connect.refusal()));
    }
}
