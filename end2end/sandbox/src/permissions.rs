//! Microsoft Graph's permissions: what they are called on the consent page, and who may grant them.

/// One permission of Microsoft Graph.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// The name in scopes and roles.
    pub name: &'static str,
    /// The headline on the consent page.
    pub words: &'static str,
    /// What it allows, in a sentence.
    pub detail: &'static str,
    /// False where people may grant it for themselves.
    pub admin_only: bool,
}

const fn permission(name: &'static str, words: &'static str, detail: &'static str, admin_only: bool) -> Permission {
    Permission { name, words, detail, admin_only }
}

/// Those that the sandbox knows.
const KNOWN: [Permission; 15] = [
    permission("openid", "Sign you in", "Allows the app to sign you in with your work account.", false),
    permission("profile", "View your basic profile", "Allows the app to see your name, picture and user name.", false),
    permission("email", "View your email address", "Allows the app to read your primary email address.", false),
    permission(
        "offline_access",
        "Maintain access to data you have given it access to",
        "Allows the app to see and update the data you gave it access to, even when you are not using it.",
        false,
    ),
    permission(
        "User.Read",
        "Sign in and read user profile",
        "Allows people to sign in, and the app to read their profile and basic company information.",
        false,
    ),
    permission(
        "User.Read.All",
        "Read all users' full profiles",
        "Allows the app to read the full set of profile properties, group membership, reports and managers of all users.",
        true,
    ),
    permission(
        "User.ReadBasic.All",
        "Read all users' basic profiles",
        "Allows the app to read a basic set of profile properties of all users.",
        true,
    ),
    permission(
        "Organization.Read.All",
        "Read organization information",
        "Allows the app to read the organization and related resources, such as subscribed SKUs and tenant branding.",
        true,
    ),
    permission(
        "Directory.Read.All",
        "Read directory data",
        "Allows the app to read data in the directory, such as users, groups and apps.",
        true,
    ),
    permission(
        "LicenseAssignment.Read.All",
        "Read all license assignments",
        "Allows the app to read license assignments for users and groups.",
        true,
    ),
    permission("Domain.Read.All", "Read domains", "Allows the app to read all domain properties.", true),
    permission(
        "SecurityEvents.Read.All",
        "Read your organization's security events",
        "Allows the app to read security events, including Microsoft Secure Score.",
        true,
    ),
    permission(
        "Group.Read.All",
        "Read all groups",
        "Allows the app to list groups and read their properties and members.",
        true,
    ),
    permission("Reports.Read.All", "Read all usage reports", "Allows the app to read all service usage reports.", true),
    permission(
        "AuditLog.Read.All",
        "Read all audit log data",
        "Allows the app to read and query audit log activities.",
        true,
    ),
];

/// The scopes of OIDC, which belong to no resource.
pub const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What the app registration asks every tenant for, as an application.
pub const DEFAULT_APPLICATION: [&str; 5] = [
    "Organization.Read.All",
    "User.Read.All",
    "LicenseAssignment.Read.All",
    "Domain.Read.All",
    "SecurityEvents.Read.All",
];

/// What the app registration asks for on behalf of a person.
pub const DEFAULT_DELEGATED: [&str; 6] = [
    "User.Read",
    "Organization.Read.All",
    "User.Read.All",
    "LicenseAssignment.Read.All",
    "Domain.Read.All",
    "SecurityEvents.Read.All",
];

/// The permission of that name, in whatever case.
pub fn find(name: &str) -> Option<Permission> {
    KNOWN.into_iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// Whether only an administrator may grant it; unknown ones count as such.
pub fn admin_only(name: &str) -> bool {
    find(name).is_none_or(|known| known.admin_only)
}
