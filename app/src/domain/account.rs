//! Somebody who works at the MSP: who they are, and what they may do.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{AccountId, Timestamp};

/// How long a one-time link for a new account is good for.
pub const INVITATION_LIVES: Duration = Duration::from_hours(7 * 24);

/// How long the link that makes the first owner is good for.
pub const SETUP_LIVES: Duration = Duration::from_hours(1);

/// How long a session lasts without being used.
pub const SESSION_IDLE: Duration = Duration::from_hours(12);

/// How long a session lasts at most.
pub const SESSION_LIVES: Duration = Duration::from_hours(7 * 24);

/// The fewest characters that a password has.
pub const PASSWORD_MIN: usize = 12;

/// What an account may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything about companies.
    Viewer,
    /// Sends links, and syncs now.
    Technician,
    /// Has Settings access: connects, reconnects, disconnects, imports.
    Settings,
    /// Manages accounts and roles too.
    Owner,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Look at companies and their data.
    See,
    /// Read a tenant's data now.
    SyncNow,
    /// Make and withdraw links.
    SendLinks,
    /// Connect and reconnect companies, and cancel that.
    Connect,
    /// Manage accounts, and see everything that was done.
    ManageAccounts,
    /// Add, import, edit, archive and restore companies.
    ManageCompanies,
    /// Delete companies for good.
    DeleteCompanies,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Technician, Self::Settings, Self::Owner];

    /// Its stable name in the database and on the command line.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Technician => "technician",
            Self::Settings => "settings",
            Self::Owner => "owner",
        }
    }

    /// The role of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Technician => "Technician",
            Self::Settings => "Settings access",
            Self::Owner => "Owner",
        }
    }

    /// What it is for, in a few words.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Viewer => "Sees companies and their data",
            Self::Technician => "Also sends links and syncs now",
            Self::Settings => "Also adds, changes and connects companies",
            Self::Owner => "Also manages the team",
        }
    }

    /// Whether it may do this.
    pub fn may(self, right: Right) -> bool {
        self >= right.least_role()
    }
}

impl Right {
    /// The least role that has it.
    pub const fn least_role(self) -> Role {
        match self {
            Self::See => Role::Viewer,
            Self::SyncNow | Self::SendLinks => Role::Technician,
            Self::Connect | Self::ManageCompanies => Role::Settings,
            Self::ManageAccounts | Self::DeleteCompanies => Role::Owner,
        }
    }

    /// Why somebody without it is refused, in a plain sentence.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::See => "Your account may not see this. Ask an owner.",
            Self::SyncNow => "Your role may not start a sync. Ask an owner for the role Technician.",
            Self::SendLinks => "Your role may not send links. Ask an owner for the role Technician.",
            Self::Connect => "Your role may not connect companies. Ask an owner for Settings access.",
            Self::ManageAccounts => "This is for owners. Ask one of them.",
            Self::ManageCompanies => "Your role may not change companies. Ask an owner for Settings access.",
            Self::DeleteCompanies => "Only an owner may delete companies.",
        }
    }
}

/// An e-mail address, in lower case: it names an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not an e-mail address such as kim@example.com")]
pub struct EmailError;

impl Email {
    /// Takes an address as people write it. Whether mail reaches somebody there, only a mail can tell.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let email = text.trim().to_lowercase();
        let (name, domain) = email.rsplit_once('@').ok_or(EmailError)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '@');
        // A domain by itself may have blanks around it and a dot at its end. Within an address they would get into a header.
        let domain_is_one = super::Domain::parse(domain).is_ok_and(|parsed| parsed.as_str() == domain);
        if (1..=64).contains(&name.len()) && name.chars().all(plain) && domain_is_one {
            Ok(Self(email))
        } else {
            Err(EmailError)
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the @.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Which account.
    pub id: AccountId,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have a password (or only sign in with Microsoft).
    pub has_password: bool,
}

/// Whether somebody can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Yes.
    Active,
    /// Not yet: they were sent a link.
    Invited {
        /// Until when the link is good.
        until: Timestamp,
    },
    /// Not yet, and their link has expired.
    InvitationExpired,
    /// Not any more.
    Deactivated,
}

/// An account as the page Team shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Which account.
    pub id: AccountId,
    /// Their e-mail address.
    pub email: String,
    /// Their name, once they have told it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they can sign in.
    pub state: AccountState,
    /// When they last signed in.
    pub last_sign_in: Option<Timestamp>,
}

/// Why a change of the team is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TeamRefusal {
    /// Nobody could manage the team any more.
    #[error("This is the last owner. Make somebody else an owner first.")]
    LastOwner,
}

/// Whether an owner may lose that role or be deactivated, when there are this many active owners.
pub fn may_lose_owner(role_before: Role, active_owners: u64) -> Result<(), TeamRefusal> {
    if role_before == Role::Owner && active_owners <= 1 { Err(TeamRefusal::LastOwner) } else { Ok(()) }
}

/// Whether a session can still be used.
pub fn session_lives(begun: Timestamp, last_used: Timestamp, now: Timestamp) -> bool {
    now.since(begun) < SESSION_LIVES && now.since(last_used) < SESSION_IDLE
}

/// Where to go after signing in: a path of this site, or none.
///
/// Browsers read `//host` and `/\host` as another site, and drop tabs and line breaks within.
pub fn safe_return_path(text: &str) -> Option<&str> {
    let second = text.chars().nth(1);
    let is_path = text.starts_with('/') && !matches!(second, Some('/' | '\\'));
    (is_path && !text.chars().any(|c| c.is_control() || c == '\\') && text.len() <= 2_000).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_ones_before_it_may() {
        use Right::{Connect, DeleteCompanies, ManageAccounts, ManageCompanies, See, SendLinks, SyncNow};

        let settings = [See, SyncNow, SendLinks, Connect, ManageCompanies];
        let all = [See, SyncNow, SendLinks, Connect, ManageCompanies, ManageAccounts, DeleteCompanies];
        for (role, rights) in [
            (Role::Viewer, &[Right::See][..]),
            (Role::Technician, &[Right::See, Right::SyncNow, Right::SendLinks]),
            (Role::Settings, &settings[..]),
            (Role::Owner, &all),
        ] {
            for right in all {
                assert_eq!(role.may(right), rights.contains(&right), "{role:?} {right:?}");
            }
        }
    }

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        assert_eq!(Email::parse(" Kim@Example.COM ").map(|email| email.to_string()), Ok("kim@example.com".into()));
        for wrong in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "kim@localhost",
            "a b@example.com",
            "a@b@example.com",
            "<a@example.com>",
            "kim@ example.com",
            "kim@\nexample.com",
            "kim@example.com.",
        ] {
            assert_eq!(Email::parse(wrong), Err(EmailError), "{wrong}");
        }
    }

    #[test]
    fn the_last_owner_stays() {
        assert_eq!(may_lose_owner(Role::Owner, 1), Err(TeamRefusal::LastOwner));
        assert_eq!(may_lose_owner(Role::Owner, 2), Ok(()));
        assert_eq!(may_lose_owner(Role::Viewer, 1), Ok(()));
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_when_it_is_old() {
        let begun = Timestamp::from_millis(0);
        let at = |hours| begun.plus(Duration::from_hours(hours));
        assert!(session_lives(begun, at(0), at(11)));
        assert!(!session_lives(begun, at(0), at(12)));
        assert!(session_lives(begun, at(160), at(167)));
        assert!(!session_lives(begun, at(167), at(168)));
    }

    #[test]
    fn one_returns_to_this_site_only() {
        assert_eq!(safe_return_path("/settings/team?x=1#y"), Some("/settings/team?x=1#y"));
        for other in [
            "",
            "settings",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "/a\\b",
            "/\t/evil.test",
            "javascript:x",
        ] {
            assert_eq!(safe_return_path(other), None, "{other}");
        }
    }
}
