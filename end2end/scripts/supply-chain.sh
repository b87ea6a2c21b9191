#!/bin/sh
# Checks what the program and its tests are made of: licences, sources and second copies as deny.toml says, and what is known
# to be unsafe. The latter is asked for on the internet; where that can't be reached, it says so and goes on.
set -eu

say() {
    echo "supply-chain: $*" >&2
}

# Crates from elsewhere than crates.io are refused, and not only warned of.
cargo deny --locked check --hide-inclusion-graph -D source-not-allowed bans licenses sources
# It ships nowhere.
cargo deny --locked --manifest-path fuzz/Cargo.toml check -D source-not-allowed sources

# RustSec's database is a repository of its own.
if reason=$(cargo deny --locked fetch db 2>&1); then
    cargo deny --locked check --disable-fetch advisories
else
    say "SKIPPED advisories of crates: RustSec's database can't be fetched. $(echo "$reason" | tail -n 1)"
fi

# npm answers with a report, whatever it says, or with an error.
report=$(cd end2end && npm audit --package-lock-only --json 2>/dev/null) || true
case $report in
*'"auditReportVersion"'*)
    # Tests are all that these packages are for, so that little of it matters: what is high does.
    (cd end2end && npm audit --package-lock-only --audit-level=high)
    ;;
*) say "SKIPPED advisories of npm packages: the registry does not answer audits." ;;
esac
