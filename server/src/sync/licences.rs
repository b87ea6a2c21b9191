//! What licences come to.

use app::domain::LicenceUse;

use crate::microsoft::tenant_data::Licence;

/// Adds up the licences that can be assigned to people. What a company has as a whole, and what has lapsed so that
/// nothing of it can be assigned, does not count.
pub(super) fn in_use(licences: &[Licence]) -> LicenceUse {
    licences.iter().filter(|licence| licence.applies_to_users && licence.assignable() > 0).fold(
        LicenceUse::default(),
        |sum, licence| LicenceUse {
            used: sum.used.saturating_add(licence.consumed),
            assignable: sum.assignable.saturating_add(licence.assignable()),
        },
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::microsoft::tenant_data::LicenceState;

    fn licence(applies_to_users: bool, enabled: u32, suspended: u32, consumed: u32) -> Licence {
        Licence {
            sku_id: Uuid::from_u128(u128::from(enabled)),
            part_number: "SKU".into(),
            applies_to_users,
            state: LicenceState::Enabled,
            enabled,
            warning: 0,
            suspended,
            locked_out: 0,
            consumed,
        }
    }

    #[test]
    fn licences_of_the_company_and_lapsed_ones_do_not_count() {
        let licences = [licence(true, 25, 0, 14), licence(true, 0, 25, 14), licence(false, 100, 0, 1)];
        assert_eq!(in_use(&licences), LicenceUse { used: 14, assignable: 25 });
        assert_eq!(in_use(&[]), LicenceUse::default());
    }
}
