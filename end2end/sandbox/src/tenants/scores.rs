//! Microsoft Secure Score: the controls, and how a tenant did on each of 90 days.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Tenant;
use crate::clock;
use crate::random::{Dice, mix};

/// How many days Microsoft keeps.
pub const DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// A recommendation of Secure Score.
struct Control {
    id: &'static str,
    title: &'static str,
    category: &'static str,
    service: &'static str,
    max: u8,
    /// 1 core, 2 defence in depth, 3 advanced.
    tier: u8,
    /// How much people notice, and how much work it is: 0 low, 1 moderate, 2 high.
    impact: u8,
    cost: u8,
    threats: &'static [&'static str],
}

#[expect(clippy::too_many_arguments, reason = "the columns of the table below")]
const fn control(
    id: &'static str,
    title: &'static str,
    category: &'static str,
    service: &'static str,
    max: u8,
    tier: u8,
    impact: u8,
    cost: u8,
    threats: &'static [&'static str],
) -> Control {
    Control { id, title, category, service, max, tier, impact, cost, threats }
}

const CRACKING: &[&str] = &["Password Cracking", "Account Breach"];
const BREACH: &[&str] = &["Account Breach"];
const ELEVATION: &[&str] = &["Elevation of Privilege", "Malicious Insider"];
const LEAK: &[&str] = &["Data Exfiltration", "Data Spillage"];
const PHISHING: &[&str] = &["Phishing/Whaling", "Spoofing"];
const DEVICE: &[&str] = &["Data Exfiltration", "Account Breach"];

static CONTROLS: [Control; 40] = [
    control(
        "AdminMFAV2",
        "Ensure multifactor authentication is enabled for all users in administrative roles",
        "Identity",
        "AzureAD",
        10,
        1,
        0,
        0,
        CRACKING,
    ),
    control(
        "MFARegistrationV2",
        "Ensure multifactor authentication is enabled for all users",
        "Identity",
        "AzureAD",
        9,
        1,
        1,
        1,
        CRACKING,
    ),
    control(
        "BlockLegacyAuthentication",
        "Enable Conditional Access policies to block legacy authentication",
        "Identity",
        "AzureAD",
        8,
        1,
        1,
        1,
        CRACKING,
    ),
    control(
        "SigninRiskPolicy",
        "Enable Microsoft Entra ID Protection sign-in risk policies",
        "Identity",
        "AzureAD",
        7,
        2,
        1,
        1,
        BREACH,
    ),
    control(
        "UserRiskPolicy",
        "Enable Microsoft Entra ID Protection user risk policies",
        "Identity",
        "AzureAD",
        7,
        2,
        1,
        1,
        BREACH,
    ),
    control(
        "SelfServicePasswordReset",
        "Ensure self-service password reset is enabled for all users",
        "Identity",
        "AzureAD",
        1,
        1,
        0,
        0,
        BREACH,
    ),
    control(
        "PWAgePolicyNew",
        "Ensure the password expiration policy is set to never expire",
        "Identity",
        "AzureAD",
        8,
        1,
        0,
        0,
        CRACKING,
    ),
    control("OneAdmin", "Designate more than one global admin", "Identity", "AzureAD", 1, 1, 0, 0, ELEVATION),
    control("RoleOverlap", "Use least privileged administrative roles", "Identity", "AzureAD", 1, 2, 0, 1, ELEVATION),
    control(
        "IntegratedApps",
        "Ensure user consent to apps accessing company data is not allowed",
        "Identity",
        "AzureAD",
        4,
        2,
        1,
        0,
        LEAK,
    ),
    control(
        "PasswordHashSync",
        "Ensure password hash sync is enabled for hybrid deployments",
        "Identity",
        "AzureAD",
        5,
        2,
        0,
        1,
        CRACKING,
    ),
    control(
        "aad_custom_banned_passwords",
        "Ensure custom banned passwords lists are used",
        "Identity",
        "AzureAD",
        5,
        2,
        0,
        0,
        CRACKING,
    ),
    control(
        "aad_linkedin_connection_disables",
        "Ensure LinkedIn account connections is disabled",
        "Identity",
        "AzureAD",
        1,
        3,
        0,
        0,
        LEAK,
    ),
    control(
        "aad_sign_in_freq_session_timeout",
        "Ensure sign-in frequency is enabled and browser sessions are not persistent for administrative users",
        "Identity",
        "AzureAD",
        7,
        2,
        1,
        0,
        BREACH,
    ),
    control(
        "aad_phishing_MFA_strength",
        "Ensure phishing-resistant MFA strength is required for administrators",
        "Identity",
        "AzureAD",
        8,
        3,
        1,
        1,
        PHISHING,
    ),
    control(
        "aad_managed_approved_public_groups",
        "Ensure that only organizationally managed or approved public groups exist",
        "Identity",
        "AzureAD",
        1,
        2,
        0,
        1,
        LEAK,
    ),
    control(
        "mdo_safelinksforemail",
        "Create Safe Links policies for email messages",
        "Apps",
        "MDO",
        9,
        1,
        0,
        0,
        PHISHING,
    ),
    control("mdo_safeattachments", "Turn on Safe Attachments in block mode", "Apps", "MDO", 8, 1, 1, 0, PHISHING),
    control(
        "mdo_atpprotection",
        "Turn on Microsoft Defender for Office 365 in SharePoint, OneDrive, and Microsoft Teams",
        "Apps",
        "MDO",
        5,
        1,
        0,
        0,
        PHISHING,
    ),
    control(
        "mdo_enablemailboxintelligence",
        "Ensure that intelligence for impersonation protection is enabled",
        "Apps",
        "MDO",
        8,
        1,
        0,
        0,
        PHISHING,
    ),
    control("mdo_targeteduserprotection", "Enable impersonated user protection", "Apps", "MDO", 8, 2, 0, 1, PHISHING),
    control(
        "mdo_targeteddomainprotection",
        "Enable impersonated domain protection",
        "Apps",
        "MDO",
        8,
        2,
        0,
        1,
        PHISHING,
    ),
    control("mdo_phisspamaction", "Set action to take on phishing detection", "Apps", "MDO", 5, 1, 0, 0, PHISHING),
    control(
        "mdo_highconfidencespamaction",
        "Set action to take on high confidence spam detection",
        "Apps",
        "MDO",
        5,
        1,
        0,
        0,
        PHISHING,
    ),
    control("mdo_bulkspamaction", "Set action to take on bulk spam detection", "Apps", "MDO", 3, 2, 0, 0, PHISHING),
    control(
        "mdo_zapphish",
        "Create zero-hour auto purge policies for phishing messages",
        "Apps",
        "MDO",
        6,
        1,
        0,
        0,
        PHISHING,
    ),
    control(
        "mdo_commonattachmentsfilter",
        "Ensure the common attachment types filter is enabled",
        "Apps",
        "MDO",
        5,
        1,
        0,
        0,
        PHISHING,
    ),
    control("exo_mailboxaudit", "Ensure mailbox auditing for all users is enabled", "Apps", "EXO", 5, 1, 0, 0, LEAK),
    control(
        "exo_externalforwarding",
        "Ensure all forms of mail forwarding are blocked or disabled",
        "Apps",
        "EXO",
        5,
        1,
        1,
        0,
        LEAK,
    ),
    control("exo_mailtipsenabled", "Ensure MailTips are enabled for end users", "Apps", "EXO", 1, 2, 0, 0, PHISHING),
    control(
        "exo_oauth2clientprofileenabled",
        "Ensure modern authentication for Exchange Online is enabled",
        "Apps",
        "EXO",
        7,
        1,
        1,
        0,
        CRACKING,
    ),
    control(
        "spo_legacy_auth",
        "Ensure modern authentication for SharePoint applications is required",
        "Apps",
        "SPO",
        4,
        1,
        0,
        0,
        CRACKING,
    ),
    control(
        "spo_external_sharing_managed",
        "Ensure external content sharing is restricted",
        "Apps",
        "SPO",
        4,
        2,
        1,
        1,
        LEAK,
    ),
    control(
        "spo_idle_session_timeout",
        "Ensure idle session timeout is enabled for unmanaged devices",
        "Apps",
        "SPO",
        1,
        3,
        1,
        0,
        DEVICE,
    ),
    control(
        "meeting_designatedpresenter",
        "Configure which users are allowed to present in Teams meetings",
        "Apps",
        "MS Teams",
        2,
        2,
        1,
        0,
        LEAK,
    ),
    control(
        "meeting_restrictanonymousjoin",
        "Restrict anonymous users from joining meetings",
        "Apps",
        "MS Teams",
        1,
        2,
        1,
        0,
        LEAK,
    ),
    control(
        "mip_DLP_policies_Teams",
        "Ensure DLP policies are enabled for Microsoft Teams",
        "Data",
        "MIP",
        6,
        2,
        1,
        2,
        LEAK,
    ),
    control(
        "mip_sensitivitylabelspolicies",
        "Publish Microsoft 365 sensitivity label data classification policies",
        "Data",
        "MIP",
        4,
        3,
        1,
        2,
        LEAK,
    ),
    control("mip_search_auditlog", "Ensure Microsoft 365 audit log search is enabled", "Data", "MIP", 3, 1, 0, 0, LEAK),
    control(
        "intune_device_compliance",
        "Require devices to be marked as compliant",
        "Device",
        "Intune",
        9,
        2,
        2,
        2,
        DEVICE,
    ),
];

impl Control {
    fn action_type(&self) -> &'static str {
        if self.impact > 0 { "Behavior" } else { "Config" }
    }

    fn profile(&self, rank: usize, tenant: Uuid) -> Value {
        const LEVEL: [&str; 3] = ["Low", "Moderate", "High"];
        const TIER: [&str; 3] = ["Core", "Defense in Depth", "Advanced"];
        let portal = match self.service {
            "AzureAD" => "https://entra.microsoft.com/",
            "Intune" => "https://intune.microsoft.com/",
            "MDO" | "MIP" => "https://security.microsoft.com/securescore",
            _ => "https://admin.microsoft.com/",
        };
        json!({
            "id": self.id,
            "azureTenantId": tenant,
            "actionType": self.action_type(),
            "actionUrl": portal,
            "controlCategory": self.category,
            "title": self.title,
            "deprecated": false,
            "implementationCost": LEVEL[usize::from(self.cost.min(2))],
            "lastModifiedDateTime": null,
            "maxScore": f64::from(self.max),
            "rank": rank,
            "remediation": format!("<p>Open <a href=\"{portal}\">{portal}</a> and follow the recommendation: {}.</p>", self.title),
            "remediationImpact": if self.impact == 0 { "People notice nothing." } else { "People notice a change in how they work." },
            "service": self.service,
            "threats": self.threats,
            "tier": TIER[usize::from(self.tier.clamp(1, 3)) - 1],
            "userImpact": LEVEL[usize::from(self.impact.min(2))],
            "complianceInformation": [],
            "controlStateUpdates": [],
            "vendorInformation": vendor(),
        })
    }
}

fn vendor() -> Value {
    json!({ "provider": "SecureScore", "providerVersion": null, "subProvider": null, "vendor": "Microsoft" })
}

/// How a tenant does, control by control, over time.
pub struct ScoreCurve {
    seed: u64,
}

impl ScoreCurve {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The share of a control, in quarters, that was reached `age` days ago.
    fn quarters(&self, number: usize, age: i64) -> u8 {
        let mut dice = Dice::new(self.seed ^ mix(number as u64), "control");
        // Some tenants are careful from the start, others begin with little.
        let care = 20 + self.seed % 50;
        let start = if dice.chance(care) { 4 } else { u8::try_from(dice.below(3)).unwrap_or(0) };
        let worked_on = dice.chance(30);
        let day = i64::try_from(dice.below(DAYS.unsigned_abs())).unwrap_or(0);
        if worked_on && age < day {
            // Mostly somebody mended it; now and then it slipped.
            return if dice.chance(85) { (start + 2).min(4) } else { start.saturating_sub(1) };
        }
        start
    }

    /// The score of one day, as Graph shows it.
    pub fn day(&self, tenant: &Tenant, now_ms: i64, age: i64) -> Value {
        let midnight = (now_ms.div_euclid(DAY_MS) - age) * DAY_MS;
        let date = clock::iso(midnight);
        let mut current = 0.0;
        let mut max = 0.0;
        let controls: Vec<Value> = CONTROLS
            .iter()
            .enumerate()
            .map(|(number, control)| {
                let quarters = self.quarters(number, age);
                let score = f64::from(control.max) * f64::from(quarters) / 4.0;
                current += score;
                max += f64::from(control.max);
                json!({
                    "controlCategory": control.category,
                    "controlName": control.id,
                    "description": control.title,
                    "score": score,
                    "scoreInPercentage": f64::from(quarters) * 25.0,
                    "implementationStatus": format!("{} of 100 percent of this recommendation is in place.", u32::from(quarters) * 25),
                    "lastSynced": date,
                })
            })
            .collect();
        let licensed: usize = tenant.subscriptions.iter().filter(|s| s.is_for_people()).map(|s| s.held).sum();
        json!({
            "id": format!("{}_{}", tenant.id, &date[..10]),
            "azureTenantId": tenant.id,
            "activeUserCount": tenant.directory.population() * 4 / 5,
            "createdDateTime": date,
            "currentScore": current,
            "enabledServices": ["HasExchange", "HasSharePoint", "HasTeams", "HasInTune", "HasAADP1"],
            "licensedUserCount": licensed,
            "maxScore": max,
            "averageComparativeScores": [
                { "basis": "AllTenants", "averageScore": 46.2 },
                { "basis": "TotalSeats", "averageScore": if tenant.directory.population() > 300 { 52.8 } else { 41.5 } },
                { "basis": "IndustryTypes", "averageScore": 44.9 },
            ],
            "controlScores": controls,
            "vendorInformation": vendor(),
        })
    }
}

/// The profiles of all controls.
pub fn profiles(tenant: Uuid) -> Vec<Value> {
    CONTROLS.iter().enumerate().map(|(number, control)| control.profile(number + 1, tenant)).collect()
}
