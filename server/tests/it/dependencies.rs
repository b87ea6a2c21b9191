//! What the program is made of.

use std::process::Command;

/// The server does not know that the sandbox exists: it only gets other base URLs.
#[test]
fn the_sandbox_is_no_part_of_the_program() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "server", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("sea-orm "), "the tree is the right one: {tree}");
    assert!(!tree.contains("m365-sandbox"), "{tree}");
    // One of each: a second copy would be a second set of types.
    for library in ["sqlx", "reqwest", "axum", "tower-http", "rustls"] {
        let versions: std::collections::BTreeSet<_> = tree
            .lines()
            .filter(|line| line.starts_with(&format!("{library} v")))
            .map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(versions.len(), 1, "{library}: {versions:?}");
    }
}
