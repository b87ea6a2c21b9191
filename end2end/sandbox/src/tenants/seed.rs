//! The 24 tenants that every sandbox begins with.

use super::{Blueprint, Tenant};

/// A company of the seed.
pub struct Company {
    /// Its name.
    pub name: &'static str,
    /// Its own domain.
    pub domain: &'static str,
    /// What a managed service provider might call it in its own books.
    pub external_id: &'static str,
    /// Whom to write to.
    pub contact: &'static str,
    users: usize,
    federated: bool,
    scored: bool,
    /// The company, by its place in the list, whose administrator is a guest administrator here.
    guest_from: Option<usize>,
}

const fn company(
    name: &'static str,
    domain: &'static str,
    external_id: &'static str,
    contact: &'static str,
    users: usize,
) -> Company {
    Company { name, domain, external_id, contact, users, federated: false, scored: true, guest_from: None }
}

/// In the order in which they are listed.
pub static COMPANIES: [Company; 24] = [
    Company {
        guest_from: Some(7),
        ..company(
            "Fabrikam Legal",
            "fabrikam-legal.test",
            "C-1001",
            "Dana Whitlock <dana.whitlock@fabrikam-legal.test>",
            42,
        )
    },
    company(
        "Northwind Dental Group",
        "northwind-dental.test",
        "C-1002",
        "Marcus Yoon <marcus.yoon@northwind-dental.test>",
        18,
    ),
    Company {
        federated: true,
        ..company(
            "Alder & Finch Architects",
            "alderfinch.test",
            "C-1003",
            "Priya Raman <priya.raman@alderfinch.test>",
            64,
        )
    },
    company("Harborline Logistics", "harborline.test", "C-1004", "Tom Brekke <tom.brekke@harborline.test>", 310),
    Company {
        scored: false,
        ..company(
            "Copper Kettle Bakery",
            "copperkettle.test",
            "C-1005",
            "Rosa Delgado <rosa.delgado@copperkettle.test>",
            3,
        )
    },
    company(
        "Summit Ridge Veterinary",
        "summitridgevet.test",
        "C-1006",
        "Dr. Elena Marsh <elena.marsh@summitridgevet.test>",
        27,
    ),
    Company {
        federated: true,
        ..company(
            "Meridian Health Partners",
            "meridianhealth.test",
            "C-1007",
            "Grace Adeyemi <grace.adeyemi@meridianhealth.test>",
            2_500,
        )
    },
    company("Lakeside IT Services", "lakeside-it.test", "C-1008", "Owen Pratt <owen.pratt@lakeside-it.test>", 12),
    company("Bluestone Accounting", "bluestone-cpa.test", "C-1009", "Karen Liu <karen.liu@bluestone-cpa.test>", 35),
    Company {
        guest_from: Some(7),
        ..company(
            "Vantage Point Realty",
            "vantagepoint.test",
            "C-1010",
            "Jordan Blake <jordan.blake@vantagepoint.test>",
            88,
        )
    },
    company(
        "Ironwood Manufacturing",
        "ironwood-mfg.test",
        "C-1011",
        "Stefan Kruger <stefan.kruger@ironwood-mfg.test>",
        640,
    ),
    company(
        "Silver Birch Senior Living",
        "silverbirch.test",
        "C-1012",
        "Helen O'Hara <helen.ohara@silverbirch.test>",
        145,
    ),
    company("Cascade Community College", "cascadecc.test", "C-1013", "Luis Ortega <luis.ortega@cascadecc.test>", 1_180),
    Company {
        scored: false,
        ..company("Paper Crane Studio", "papercrane.test", "C-1014", "Yuki Mori <yuki.mori@papercrane.test>", 7)
    },
    company("Redwood Credit Union", "redwoodcu.test", "C-1015", "Angela Foss <angela.foss@redwoodcu.test>", 230),
    company("Keystone Plumbing & Heating", "keystoneph.test", "C-1016", "Bill Novak <bill.novak@keystoneph.test>", 22),
    Company {
        federated: true,
        ..company(
            "Brightwater Energy",
            "brightwater.test",
            "C-1017",
            "Nadia Rahman <nadia.rahman@brightwater.test>",
            875,
        )
    },
    company("Orchard Hill School", "orchardhill.test", "C-1018", "Peter Lang <peter.lang@orchardhill.test>", 96),
    Company {
        guest_from: Some(10),
        ..company(
            "Quarry Street Brewing",
            "quarrystreet.test",
            "C-1019",
            "Sam Tierney <sam.tierney@quarrystreet.test>",
            15,
        )
    },
    company(
        "Evergreen Landscaping",
        "evergreen-land.test",
        "C-1020",
        "Maria Santos <maria.santos@evergreen-land.test>",
        9,
    ),
    company(
        "Pinnacle Insurance Brokers",
        "pinnacle-ins.test",
        "C-1021",
        "Richard Cole <richard.cole@pinnacle-ins.test>",
        54,
    ),
    company("Tidewater Marine Supply", "tidewater.test", "C-1022", "Anne Fletcher <anne.fletcher@tidewater.test>", 31),
    Company {
        guest_from: Some(7),
        ..company(
            "Granite State Builders",
            "granitestate.test",
            "C-1023",
            "Doug Hanley <doug.hanley@granitestate.test>",
            120,
        )
    },
    company("Willow & Vine Catering", "willowvine.test", "C-1024", "Chloe Bennett <chloe.bennett@willowvine.test>", 5),
];

/// The tenants of that seed.
pub fn tenants(seed: u64) -> Vec<Tenant> {
    let mut tenants: Vec<Tenant> = Vec::with_capacity(COMPANIES.len());
    for company in &COMPANIES {
        // Guests come from tenants further down the list too, so the home's id is taken from its own making.
        let guest = company.guest_from.map(|home| {
            let home = Tenant::new(seed, blueprint(&COMPANIES[home], None));
            (format!("admin@{}", home.domain), home.id)
        });
        tenants.push(Tenant::new(seed, blueprint(company, guest)));
    }
    tenants
}

fn blueprint(company: &Company, guest: Option<(String, uuid::Uuid)>) -> Blueprint {
    Blueprint {
        name: company.name.into(),
        domain: company.domain.into(),
        users: company.users,
        federated: company.federated,
        subscriptions: Vec::new(),
        secure_score: company.scored,
        guest,
    }
}

/// The companies as the CSV file that the demo imports.
pub fn companies_csv() -> String {
    let rows = COMPANIES
        .iter()
        .map(|Company { name, domain, external_id, contact, .. }| [*name, domain, external_id, contact].join(","));
    let lines: Vec<String> = std::iter::once("name,domain,external_id,contact".into()).chain(rows).collect();
    lines.join(
        "
",
    ) + "
"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_demos_csv_file_is_the_seed() {
        assert_eq!(include_str!("../../../demo/companies.csv"), companies_csv());
    }

    #[test]
    fn the_same_seed_gives_the_same_tenants() {
        let ids = |seed| tenants(seed).iter().map(|t| (t.id, t.directory.id(2))).collect::<Vec<_>>();
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn there_are_24_tenants_of_3_to_2500_people_with_distinct_names() {
        let tenants = tenants(1);
        let sizes: Vec<usize> = tenants.iter().map(|t| t.directory.population()).collect();
        assert_eq!(tenants.len(), 24);
        assert_eq!(sizes.iter().min(), Some(&3));
        assert_eq!(sizes.iter().filter(|size| **size == 2500).count(), 1);
        assert_eq!(sizes.iter().max(), Some(&2500));
        let names: HashSet<&str> = tenants.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names.len(), 24);
        assert_eq!(tenants.iter().filter(|t| t.scores.is_none()).count(), 2);
    }

    #[test]
    fn a_directory_finds_its_people_by_id_and_no_name_comes_twice() {
        for tenant in &tenants(3) {
            let directory = &tenant.directory;
            let mut seen = HashSet::new();
            for index in 0..directory.end() {
                assert_eq!(directory.find(directory.id(index)), Some(index));
                let user = directory.user(index, &tenant.subscriptions);
                assert!(seen.insert(user["userPrincipalName"].to_string()), "{}", user["userPrincipalName"]);
            }
        }
    }

    #[test]
    fn consumed_units_are_the_people_who_hold_one_even_after_changes() {
        for mut tenant in tenants(5) {
            tenant.change_users(4, 2, 3);
            for subscription in tenant.subscriptions.iter().filter(|s| s.is_for_people()) {
                let sku = subscription.sku_json(tenant.id, "");
                let holders = (0..tenant.directory.end())
                    .filter(|index| tenant.directory.is_present(*index))
                    .filter(|index| {
                        let user = tenant.directory.user(*index, &tenant.subscriptions);
                        user["assignedLicenses"]
                            .as_array()
                            .is_some_and(|l| l.iter().any(|l| l["skuId"] == sku["skuId"]))
                    })
                    .count();
                assert_eq!(sku["consumedUnits"], holders, "{} {}", tenant.name, sku["skuPartNumber"]);
            }
        }
    }
}
