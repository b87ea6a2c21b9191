//! What was done, by whom, when, to which company. Only ever added to.

use serde::{Deserialize, Serialize};

use super::{ActivityId, CompanyId, Timestamp};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A company was connected.
    Connected,
    /// A company that had been connected was connected again.
    Reconnected,
    /// Somebody went to Microsoft to connect a company.
    AttemptBegun,
    /// An attempt failed; the reason is in the text.
    AttemptFailed,
    /// An attempt was cancelled.
    AttemptCancelled,
    /// A link was made.
    LinkMade,
    /// A link was withdrawn.
    LinkWithdrawn,
    /// Somebody opened a link for the first time.
    LinkOpened,
    /// A company was connected with a link.
    LinkUsed,
    /// Somebody who opened a dead link asked for a new one.
    LinkRequested,
    /// A campaign was begun: links for many companies.
    CampaignBegun,
    /// A link was sent by mail.
    LinkSent,
    /// A link could not be sent by mail; why is in the text.
    LinkNotSent,
    /// A person said that a link was sent in another way.
    LinkMarkedSent,
    /// A client was reminded of a link.
    LinkReminded,
    /// A person asked for a sync.
    SyncStarted,
    /// Companies were imported.
    Imported,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// A sign-in was refused.
    SignInRefused,
    /// A password was changed.
    PasswordChanged,
    /// Somebody was invited.
    Invited,
    /// An account was made, by invitation, setup or sign-in with Microsoft.
    AccountMade,
    /// A role was changed.
    RoleChanged,
    /// An account was deactivated.
    Deactivated,
    /// An account was activated again.
    Reactivated,
    /// Somebody tried what their role may not do.
    Refused,
    /// A company was disconnected.
    Disconnected,
    /// What was kept of a company that is not connected any more was deleted.
    DataDeleted,
    /// The access to a tenant that was disconnected was seen gone.
    AccessGone,
    /// A webhook was added.
    WebhookAdded,
    /// A webhook was changed, paused or activated.
    WebhookChanged,
    /// A webhook's secret was replaced.
    WebhookSecretReplaced,
    /// A webhook was deleted.
    WebhookDeleted,
    /// Who is sent mail, what or when was changed.
    MailSettingsChanged,
    /// A company was added.
    CompanyAdded,
    /// What is written down about a company was changed.
    CompanyEdited,
    /// A company was put away.
    CompanyArchived,
    /// A company that was put away came back.
    CompanyRestored,
    /// A company was deleted for good.
    CompanyDeleted,
    /// A token for another program was made.
    ApiTokenMade,
    /// A token for another program was ended.
    ApiTokenRevoked,
    /// Somebody said of something odd that it is meant so.
    OddityAccepted,
}

impl ActivityKind {
    /// All of them.
    pub const ALL: [Self; 43] = [
        Self::Connected,
        Self::Reconnected,
        Self::AttemptBegun,
        Self::AttemptFailed,
        Self::AttemptCancelled,
        Self::LinkMade,
        Self::LinkWithdrawn,
        Self::LinkOpened,
        Self::LinkUsed,
        Self::LinkRequested,
        Self::CampaignBegun,
        Self::LinkSent,
        Self::LinkNotSent,
        Self::LinkMarkedSent,
        Self::LinkReminded,
        Self::SyncStarted,
        Self::Imported,
        Self::SignedIn,
        Self::SignedOut,
        Self::SignInRefused,
        Self::PasswordChanged,
        Self::Invited,
        Self::AccountMade,
        Self::RoleChanged,
        Self::Deactivated,
        Self::Reactivated,
        Self::Refused,
        Self::Disconnected,
        Self::DataDeleted,
        Self::AccessGone,
        Self::WebhookAdded,
        Self::WebhookChanged,
        Self::WebhookSecretReplaced,
        Self::WebhookDeleted,
        Self::MailSettingsChanged,
        Self::CompanyAdded,
        Self::CompanyEdited,
        Self::CompanyArchived,
        Self::CompanyRestored,
        Self::CompanyDeleted,
        Self::ApiTokenMade,
        Self::ApiTokenRevoked,
        Self::OddityAccepted,
    ];

    /// Its stable name in the database, in URLs and in exports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Reconnected => "reconnected",
            Self::AttemptBegun => "attempt_begun",
            Self::AttemptFailed => "attempt_failed",
            Self::AttemptCancelled => "attempt_cancelled",
            Self::LinkMade => "link_made",
            Self::LinkWithdrawn => "link_withdrawn",
            Self::LinkOpened => "link_opened",
            Self::LinkUsed => "link_used",
            Self::LinkRequested => "link_requested",
            Self::CampaignBegun => "campaign_begun",
            Self::LinkSent => "link_sent",
            Self::LinkNotSent => "link_not_sent",
            Self::LinkMarkedSent => "link_marked_sent",
            Self::LinkReminded => "link_reminded",
            Self::SyncStarted => "sync_started",
            Self::Imported => "imported",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::SignInRefused => "sign_in_refused",
            Self::PasswordChanged => "password_changed",
            Self::Invited => "invited",
            Self::AccountMade => "account_made",
            Self::RoleChanged => "role_changed",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
            Self::Refused => "refused",
            Self::Disconnected => "disconnected",
            Self::DataDeleted => "data_deleted",
            Self::AccessGone => "access_gone",
            Self::WebhookAdded => "webhook_added",
            Self::WebhookChanged => "webhook_changed",
            Self::WebhookSecretReplaced => "webhook_secret_replaced",
            Self::WebhookDeleted => "webhook_deleted",
            Self::MailSettingsChanged => "mail_settings_changed",
            Self::CompanyAdded => "company_added",
            Self::CompanyEdited => "company_edited",
            Self::CompanyArchived => "company_archived",
            Self::CompanyRestored => "company_restored",
            Self::CompanyDeleted => "company_deleted",
            Self::ApiTokenMade => "api_token_made",
            Self::ApiTokenRevoked => "api_token_revoked",
            Self::OddityAccepted => "oddity_accepted",
        }
    }

    /// The kind of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// What happened, for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::Reconnected => "Reconnected",
            Self::AttemptBegun => "Went to Microsoft",
            Self::AttemptFailed => "Sign-in failed",
            Self::AttemptCancelled => "Sign-in cancelled",
            Self::LinkMade => "Link made",
            Self::LinkWithdrawn => "Link withdrawn",
            Self::LinkOpened => "Link opened",
            Self::LinkUsed => "Link used",
            Self::LinkRequested => "New link requested",
            Self::CampaignBegun => "Campaign begun",
            Self::LinkSent => "Link sent",
            Self::LinkNotSent => "Link not sent",
            Self::LinkMarkedSent => "Link marked as sent",
            Self::LinkReminded => "Reminder sent",
            Self::SyncStarted => "Sync started",
            Self::Imported => "Companies imported",
            Self::SignedIn => "Signed in",
            Self::SignedOut => "Signed out",
            Self::SignInRefused => "Sign-in refused",
            Self::PasswordChanged => "Password changed",
            Self::Invited => "Invited",
            Self::AccountMade => "Account made",
            Self::RoleChanged => "Role changed",
            Self::Deactivated => "Deactivated",
            Self::Reactivated => "Activated again",
            Self::Refused => "Refused",
            Self::Disconnected => "Disconnected",
            Self::DataDeleted => "Data deleted",
            Self::AccessGone => "Access seen gone",
            Self::WebhookAdded => "Webhook added",
            Self::WebhookChanged => "Webhook changed",
            Self::WebhookSecretReplaced => "Webhook secret replaced",
            Self::WebhookDeleted => "Webhook deleted",
            Self::MailSettingsChanged => "Mail settings changed",
            Self::CompanyAdded => "Company added",
            Self::CompanyEdited => "Company changed",
            Self::CompanyArchived => "Company archived",
            Self::CompanyRestored => "Company restored",
            Self::CompanyDeleted => "Company deleted",
            Self::ApiTokenMade => "API token made",
            Self::ApiTokenRevoked => "API token revoked",
            Self::OddityAccepted => "Marked as intended",
        }
    }
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// Which. Later ones are larger.
    pub id: ActivityId,
    /// When.
    pub at: Timestamp,
    /// Who: an account's e-mail address, or words such as "the command line".
    pub actor: String,
    /// What.
    pub kind: ActivityKind,
    /// To which company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<(CompanyId, String)>,
    /// More about it, in words. Never anything secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Which activity to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFilter {
    /// Of this company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Of this kind ([`ActivityKind::key`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActivityKind>,
    /// Whose actor contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Before this one: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ActivityId>,
}

/// How many rows a page has.
pub const PAGE: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for kind in ActivityKind::ALL {
            assert_eq!(ActivityKind::from_key(kind.key()), Some(kind));
        }
    }
}
