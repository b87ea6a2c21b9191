//! The names of Microsoft's products, from Microsoft's list "Product names and service plan identifiers for licensing"
//! <https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference>, as of July 2026.
//!
//! `make product-names` renews the file beside this one; the date above is then to be changed too.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;
use uuid::Uuid;

const FILE: &str = include_str!("product-names.csv");

#[derive(Deserialize)]
struct Product {
    sku_id: Uuid,
    name: String,
}

static NAMES: LazyLock<HashMap<Uuid, String>> = LazyLock::new(|| {
    // What can't be read is shown with its part number, as is what Microsoft has added since; a test reads all.
    let products = csv::Reader::from_reader(FILE.as_bytes()).into_deserialize::<Product>().flatten();
    products.map(|product| (product.sku_id, product.name)).collect()
});

/// The name of a product. None: it is not in Microsoft's list.
pub fn name(sku_id: Uuid) -> Option<&'static str> {
    NAMES.get(&sku_id).map(String::as_str)
}

/// All names.
pub fn names() -> HashMap<Uuid, &'static str> {
    NAMES.iter().map(|(id, name)| (*id, name.as_str())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_names_a_product() {
        let products = csv::Reader::from_reader(FILE.as_bytes()).into_deserialize::<Product>();
        let products: Vec<Product> = products.collect::<Result<_, _>>().unwrap();
        assert!(products.len() > 500);
        assert!(products.iter().all(|product| !product.name.trim().is_empty()));
        assert_eq!(NAMES.len(), products.len(), "each once");
    }

    #[test]
    fn a_product_is_known_by_its_id() {
        let premium = Uuid::from_u128(0xcbdc_14ab_d96c_4c30_b9f4_6ada_7cdc_1d46);
        assert_eq!(name(premium), Some("Microsoft 365 Business Premium"));
        assert_eq!(name(Uuid::nil()), None);
    }
}
