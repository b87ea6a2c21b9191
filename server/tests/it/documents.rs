//! What is written about the program, and what it is run with, is as it is said to be.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands in this as code.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Each boundary names files, and after each file tests that are in it.
#[test]
fn what_the_threat_model_names_is_there() {
    let text = read("SECURITY.md");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| boundary")).collect();
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut file = String::new();
        for code in codes(tests) {
            if code.contains('/') {
                file = read(code);
            } else {
                let is_there = file.contains(&format!("fn {code}("));
                assert!(is_there, "{code}, of {row}");
            }
        }
        assert!(!file.is_empty(), "nothing guards {row}");
    }
    for code in codes(&text).filter(|code| code.contains('/') && !code.contains(['(', ' ']) && !code.ends_with('/')) {
        let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(code);
        assert!(whole.exists(), "{code}");
    }
}

#[test]
fn what_is_deployed_may_do_no_more_than_it_has_to() {
    for (file, words) in [
        (
            "deploy/tenantry.service",
            &[
                "\nUser=tenantry\n",
                "\nCapabilityBoundingSet=\n",
                "\nNoNewPrivileges=yes\n",
                "\nProtectSystem=strict\n",
                "\nSystemCallFilter=@system-service\n",
                "\nUMask=0077\n",
                "\nStateDirectoryMode=0700\n",
                "\nLimitNOFILE=65536\n",
            ][..],
        ),
        ("deploy/Dockerfile", &["\nFROM gcr.io/distroless/", ":nonroot\n"][..]),
        (
            "deploy/compose.yaml",
            &["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "nofile: 65536", "_FILE: /run/secrets/"],
        ),
        ("deploy/nginx.conf", &["proxy_pass"][..]),
    ] {
        let text = read(file);
        for word in words {
            assert!(text.contains(word), "{word:?} in {file}");
        }
        let is_secret = |line: &&str| {
            let line = line.trim_start();
            let names_one = ["SECRET", "PASSWORD", "DATABASE_URL", "SMTP_URL"].iter().any(|name| line.contains(name));
            names_one && !line.starts_with('#') && !line.contains("_FILE") && line.contains([':', '='])
        };
        assert_eq!(text.lines().find(is_secret), None, "a secret in {file}");
    }
    assert!(read(".gitignore").lines().any(|line| line == "secrets/"));
}
