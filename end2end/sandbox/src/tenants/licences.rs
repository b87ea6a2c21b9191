//! What a tenant bought: Microsoft's usual SKUs, how many seats, and who holds one.

use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::Directory;
use crate::random::Dice;

/// A service plan: name and id.
type Plan = (&'static str, Uuid);

const fn plan(name: &'static str, id: u128) -> Plan {
    (name, Uuid::from_u128(id))
}

const EXCHANGE_STANDARD: Plan = plan("EXCHANGE_S_STANDARD", 0x9aaf7827_d63c_4b61_89c3_182f06f82e5c);
const EXCHANGE_ENTERPRISE: Plan = plan("EXCHANGE_S_ENTERPRISE", 0xefb87545_963c_4e0d_99df_69c6916d9eb0);
const TEAMS: Plan = plan("TEAMS1", 0x57ff2da0_773e_42df_b2af_ffb7a2317929);
const SHAREPOINT_STANDARD: Plan = plan("SHAREPOINTSTANDARD", 0xc7699d2e_19aa_44de_8edf_1736da088ca1);
const SHAREPOINT_ENTERPRISE: Plan = plan("SHAREPOINTENTERPRISE", 0x5dbe027f_2339_4123_9542_606e4d348a72);
const OFFICE_BUSINESS: Plan = plan("OFFICE_BUSINESS", 0x094e7854_93fc_4d55_b2c0_3ab5369ebdc1);
const OFFICE: Plan = plan("OFFICESUBSCRIPTION", 0x43de0ff5_c92c_492b_9116_175376d08c38);
const INTUNE: Plan = plan("INTUNE_A", 0xc1ec4a95_1f05_45b3_a911_aa3fa01094f5);
const ENTRA_P1: Plan = plan("AAD_PREMIUM", 0x41781fb2_bc02_4b7c_bd55_b576c07bb09d);
const ENTRA_P2: Plan = plan("AAD_PREMIUM_P2", 0xeec0eb4f_6444_4f95_aba0_50c24d67f998);
const CLOUD_APPS: Plan = plan("ADALLOM_S_O365", 0x8c098270_9dd4_4350_9b30_ba4703f3b36b);
const POWER_BI: Plan = plan("BI_AZURE_P2", 0x70d33638_9c74_4d01_bfd3_562de28bd4ba);
const VISIO_ONLINE: Plan = plan("VISIOONLINE", 0x2bdbaf8f_738f_4ac7_9234_3c3ee2ce7d0f);
const VISIO_CLIENT: Plan = plan("VISIO_CLIENT_SUBSCRIPTION", 0x663a804f_1c30_4ff0_9915_9db84f0d1cea);
const STORE: Plan = plan("WINDOWS_STORE", 0xa420f25f_a7b3_4ff5_a9d0_5d58f73b537d);

/// A product of Microsoft's.
#[derive(Debug)]
pub struct Sku {
    /// Its GUID.
    pub id: Uuid,
    /// Its short name.
    pub part_number: &'static str,
    /// Bought for the company as a whole, not for people.
    pub company_wide: bool,
    plans: &'static [Plan],
}

const fn sku(id: u128, part_number: &'static str, plans: &'static [Plan]) -> Sku {
    Sku { id: Uuid::from_u128(id), part_number, company_wide: false, plans }
}

const BUSINESS_BASIC: usize = 0;
const BUSINESS_STANDARD: usize = 1;
const BUSINESS_PREMIUM: usize = 2;
const OFFICE_E3: usize = 3;
const M365_E3: usize = 4;
const M365_E5: usize = 5;
const EXCHANGE_PLAN_1: usize = 6;
const POWER_BI_PRO: usize = 7;
const VISIO_PLAN_2: usize = 8;
const STORE_FOR_BUSINESS: usize = 9;

static CATALOGUE: [Sku; 11] = [
    sku(
        0x3b555118_da6a_4418_894f_7df1e2096870,
        "O365_BUSINESS_ESSENTIALS",
        &[EXCHANGE_STANDARD, TEAMS, SHAREPOINT_STANDARD],
    ),
    sku(
        0xf245ecc8_75af_4f8e_b61f_27d8114de5f3,
        "O365_BUSINESS_PREMIUM",
        &[EXCHANGE_STANDARD, TEAMS, SHAREPOINT_STANDARD, OFFICE_BUSINESS],
    ),
    sku(
        0xcbdc14ab_d96c_4c30_b9f4_6ada7cdc1d46,
        "SPB",
        &[EXCHANGE_STANDARD, TEAMS, SHAREPOINT_STANDARD, OFFICE_BUSINESS, INTUNE, ENTRA_P1],
    ),
    sku(
        0x6fd2c87f_b296_42f0_b197_1e91e994b900,
        "ENTERPRISEPACK",
        &[EXCHANGE_ENTERPRISE, TEAMS, SHAREPOINT_ENTERPRISE, OFFICE],
    ),
    sku(
        0x05e9a617_0261_4cee_bb44_138d3ef5d965,
        "SPE_E3",
        &[EXCHANGE_ENTERPRISE, TEAMS, SHAREPOINT_ENTERPRISE, OFFICE, INTUNE, ENTRA_P1],
    ),
    sku(
        0x06ebc4ee_1bb5_47dd_8120_11324bc54e06,
        "SPE_E5",
        &[EXCHANGE_ENTERPRISE, TEAMS, SHAREPOINT_ENTERPRISE, OFFICE, INTUNE, ENTRA_P1, ENTRA_P2, CLOUD_APPS, POWER_BI],
    ),
    sku(0x4b9405b0_7788_4568_add1_99614e613b69, "EXCHANGESTANDARD", &[EXCHANGE_STANDARD]),
    sku(0xf8a1db68_be16_40ed_86d5_cb42ce701560, "POWER_BI_PRO", &[POWER_BI]),
    sku(0xc5928f49_12ba_48f7_ada3_0d743a3601d5, "VISIOCLIENT", &[VISIO_ONLINE, VISIO_CLIENT]),
    Sku {
        id: Uuid::from_u128(0x6470687e_a428_4b7a_bef2_8a291ad947c9),
        part_number: "WINDOWS_STORE",
        company_wide: true,
        plans: &[STORE],
    },
    sku(
        0xc7df2760_2c81_4ef7_b578_5b5392b571df,
        "ENTERPRISEPREMIUM",
        &[EXCHANGE_ENTERPRISE, TEAMS, SHAREPOINT_ENTERPRISE, OFFICE, CLOUD_APPS, POWER_BI],
    ),
];

/// The product with that part number or GUID.
pub fn find(name: &str) -> Option<&'static Sku> {
    CATALOGUE
        .iter()
        .find(|sku| sku.part_number.eq_ignore_ascii_case(name) || Uuid::parse_str(name).is_ok_and(|id| id == sku.id))
}

/// A product that a tenant has.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// What it is.
    pub sku: &'static Sku,
    /// Seats in good standing.
    pub enabled: usize,
    /// Seats whose subscription ran out, still usable.
    pub warning: usize,
    /// Seats that nobody can use any more.
    pub suspended: usize,
    /// How many of the original members hold one.
    pub held: usize,
    /// The first member, in order, who holds one.
    pub from: usize,
    /// How many who came later hold one.
    pub newcomers: usize,
    /// How many who left held one.
    pub given_back: usize,
}

impl Subscription {
    /// So many seats in good standing, of which the first `held` members hold one each.
    pub fn new(sku: &'static Sku, enabled: usize, held: usize) -> Self {
        Self { sku, enabled, warning: 0, suspended: 0, held, from: 0, newcomers: 0, given_back: 0 }
    }

    fn catalogued(number: usize, enabled: usize, held: usize) -> Self {
        Self::new(&CATALOGUE[number], enabled, held)
    }

    /// Whether people hold it, and not the company.
    pub fn is_for_people(&self) -> bool {
        !self.sku.company_wide
    }

    /// Whether the person of that number holds one; newcomers get the first product only.
    pub fn held_by(&self, directory: &Directory, index: usize, first: bool) -> bool {
        if self.sku.company_wide || directory.is_guest(index) {
            return false;
        }
        if directory.is_newcomer(index) {
            return first;
        }
        (self.from..self.from + self.held).contains(&directory.rank(index))
    }

    /// As Graph shows it.
    pub fn sku_json(&self, tenant: Uuid, tenant_name: &str) -> Value {
        let status = match (self.enabled, self.warning, self.suspended) {
            (0, 0, 1..) => "Suspended",
            (0, 1.., _) => "Warning",
            _ => "Enabled",
        };
        let applies_to = if self.sku.company_wide { "Company" } else { "User" };
        let provisioning = if status == "Suspended" { "Disabled" } else { "Success" };
        let plans: Vec<Value> = self
            .sku
            .plans
            .iter()
            .map(|(name, id)| {
                json!({
                    "servicePlanId": id,
                    "servicePlanName": name,
                    "provisioningStatus": provisioning,
                    "appliesTo": applies_to,
                })
            })
            .collect();
        let consumed = (self.held + self.newcomers).saturating_sub(self.given_back);
        json!({
            "accountName": tenant_name,
            "accountId": tenant,
            "appliesTo": applies_to,
            "capabilityStatus": status,
            "consumedUnits": if self.sku.company_wide { 0 } else { consumed },
            "id": format!("{tenant}_{}", self.sku.id),
            "prepaidUnits": {
                "enabled": self.enabled,
                "lockedOut": 0,
                "suspended": self.suspended,
                "warning": self.warning,
            },
            "servicePlans": plans,
            "skuId": self.sku.id,
            "skuPartNumber": self.sku.part_number,
            "subscriptionIds": [Dice::new(u64::from(self.sku.id.as_fields().0), &tenant.to_string()).uuid()],
        })
    }
}

/// What a tenant with so many members usually has.
pub fn usual(dice: &mut Dice, members: usize) -> Vec<Subscription> {
    let part = |percent: usize| (members * percent / 100).max(1);
    // Most bought a few seats to spare; some forgot to buy for the newest people.
    let spare = if dice.chance(15) { 0 } else { 1 + members / 12 };
    let mut list = Vec::new();
    if members < 60 {
        let main = [BUSINESS_BASIC, BUSINESS_STANDARD, BUSINESS_PREMIUM][usize::try_from(dice.below(3)).unwrap_or(0)];
        let held = part(90);
        let enabled = if spare == 0 { held.saturating_sub(1).max(1) } else { held + spare };
        list.push(Subscription::catalogued(main, enabled, held));
    } else if members < 400 {
        list.push(Subscription::catalogued(BUSINESS_PREMIUM, part(60) + spare, part(60)));
        let mut rest = Subscription::catalogued(OFFICE_E3, part(30) + spare / 2, part(30));
        rest.from = part(60);
        list.push(rest);
    } else {
        list.push(Subscription::catalogued(M365_E3, part(70) + spare, part(70)));
        let mut top = Subscription::catalogued(M365_E5, part(20), part(20));
        top.from = part(70);
        list.push(top);
    }
    if dice.chance(50) {
        let mut mailboxes = Subscription::catalogued(EXCHANGE_PLAN_1, part(6) + 1, part(6));
        mailboxes.from = members.saturating_sub(part(6));
        list.push(mailboxes);
    }
    if dice.chance(45) {
        list.push(Subscription::catalogued(POWER_BI_PRO, part(8) + 1, part(8)));
    }
    if dice.chance(35) {
        let mut drawing = Subscription::catalogued(VISIO_PLAN_2, 0, part(3));
        if dice.chance(50) {
            drawing.suspended = part(3) + 1;
        } else {
            drawing.warning = part(3) + 1;
        }
        list.push(drawing);
    }
    if dice.chance(40) {
        list.push(Subscription::catalogued(STORE_FOR_BUSINESS, 25, 0));
    }
    list
}
