# `make help` lists what there is.

PORT ?= 8080
SANDBOX_PORT ?= 8090
DATA ?= var/demo

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CARGO_TARGET_DIR := $(TARGET)

# Tools live in the user's cache and not in target/: building Trunk and wasm-bindgen takes over ten minutes on a small
# machine, so every clone shares them and `cargo clean` leaves them alone. Each has a folder with its version in the
# name, so that two clones that pin different versions do not take turns in replacing each other's.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tenantry/tools
TRUNK_VERSION := 0.21.14
BINARYEN_VERSION := 132
ESBUILD_VERSION := 0.25.12
# The command line tool and the library must be of one version.
WASM_BINDGEN_VERSION := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/^version = "\(.*\)"$$/\1/p;}' Cargo.lock)
CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_FUZZ_VERSION := 0.13.2
export TOOLS TRUNK_VERSION BINARYEN_VERSION ESBUILD_VERSION WASM_BINDGEN_VERSION

# A folder is only there if PATH did not have the version that is needed.
export PATH := $(TOOLS)/trunk-$(TRUNK_VERSION)/bin:$(TOOLS)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/bin:$(TOOLS)/binaryen-$(BINARYEN_VERSION)/node_modules/.bin:$(TOOLS)/esbuild-$(ESBUILD_VERSION)/node_modules/.bin:$(PATH)
export PATH := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)/bin:$(TOOLS)/cargo-cyclonedx-$(CARGO_CYCLONEDX_VERSION)/bin:$(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin:$(PATH)

# Folders are among the sources so that a deleted file counts as a change too.
WEB_SOURCES := $(shell find app frontend style Trunk.toml Cargo.toml Cargo.lock rust-toolchain.toml)
SITE := $(TARGET)/site
WEB_PROGRAMS := companies data records links pages
COMPAT_PYTHON := $(TOOLS)/python-$(shell cksum < end2end/compat/requirements.txt | cut -d ' ' -f 1)/bin/python
API_PYTHON := $(TOOLS)/python-$(shell cksum < end2end/api/requirements.txt | cut -d ' ' -f 1)/bin/python
SMTP_PYTHON := $(TOOLS)/python-$(shell cksum < server/tests/requirements.txt | cut -d ' ' -f 1)/bin/python

# Always these two in one call: Cargo then turns on the same features of shared dependencies each time, and builds them
# once.
PROGRAMS := -p server -p m365-sandbox

# The tests open more connections than a shell allows by itself.
MANY_FILES := ulimit -n 65536 2> /dev/null || ulimit -n "$$(ulimit -Hn)"

.PHONY: help
help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  Variables of make run: PORT=$(PORT) SANDBOX_PORT=$(SANDBOX_PORT) DATA=$(DATA)'

.PHONY: run
run: build ## Start the demo: Tenantry, and a sandbox that stands in for Microsoft.
	@PORT='$(PORT)' SANDBOX_PORT='$(SANDBOX_PORT)' DATA='$(DATA)' PROGRAMS='$(TARGET)/debug' SITE='$(SITE)' end2end/demo/run.sh

.PHONY: build
build: $(WEB_PROGRAMS:%=$(SITE)/%/index.html) ## Build the web app, the server and the sandbox.
	cargo build $(PROGRAMS)

.PHONY: release
release: $(WEB_PROGRAMS:%=$(SITE)/%/index.html) ## Build target/release/tenantry: one file, which holds the web app too.
	TENANTRY_BUILT_SITE='$(SITE)' cargo build --release -p server --features embed

.PHONY: sbom
sbom: ## Write lists of all crates in the server and in the web app, as CycloneDX, to target/release.
	@end2end/scripts/build-tools.sh cargo-cyclonedx '$(CARGO_CYCLONEDX_VERSION)'
	@end2end/scripts/sbom.sh '$(TARGET)/release'

# Some environments set NO_COLOR=1, which Trunk takes for a mistake.
$(SITE)/%/index.html: $(WEB_SOURCES) | build-tools
	env -u NO_COLOR trunk build --release --offline --dist '$(@D)' frontend/$*.html
	node frontend/precompress.mjs '$(@D)'
	@touch '$@'

.PHONY: build-tools
build-tools:
	@end2end/scripts/build-tools.sh

.PHONY: lint
lint: build-tools supply-chain ## Check the formatting and the code with clippy; warnings are errors.
	cargo fmt --all --check
	cargo clippy -p app --all-targets -- -D warnings
	cargo clippy -p app --features csr --all-targets -- -D warnings
	cargo clippy -p app --features ssr --all-targets -- -D warnings
	cargo clippy $(PROGRAMS) -p bench --all-targets -- -D warnings
	cargo clippy -p frontend --target wasm32-unknown-unknown -- -D warnings

.PHONY: supply-chain
supply-chain: ## Check what the program is made of: licences, sources, copies, and advisories if they can be asked for.
	@end2end/scripts/build-tools.sh cargo-deny '$(CARGO_DENY_VERSION)'
	@end2end/scripts/supply-chain.sh

.PHONY: test
test: test-rust test-compat test-api test-browser ## Run every test: Rust on SQLite and PostgreSQL, Microsoft's own clients, the API, the browser.

.PHONY: test-rust
# Property tests try the same each time here, so that what fails was broken by what changed; `make soak` looks for more.
test-rust: export PROPTEST_RNG_SEED := 1
test-rust: build-tools postgresql nginx sqlite $(SMTP_PYTHON) ## Run the Rust tests.
	cargo test -p app
	cargo test -p app --features csr
	$(MANY_FILES) && cargo test -p app $(PROGRAMS)

.PHONY: soak
soak: postgresql nginx $(API_PYTHON) ## Run the long forms of tests: 50,000 users, 20 kills, ten minutes of chaos, stories of connecting, 500,000 broken inputs, the API with many inputs.
	$(MANY_FILES) && SOAK=1 cargo test -p app $(PROGRAMS) --test it -- rounds:: workers:: keys:: slow:: chaos:: connect_rules:: --test-threads 1
	SOAK=1 cargo test -p app $(PROGRAMS) --lib -- fuzz::
	cargo build $(PROGRAMS)
	'$(API_PYTHON)' end2end/api/check.py '$(TARGET)/debug' 200

# A sanitizer would need a nightly compiler; checks for overflow and the assertions of debug builds are on.
FUZZ_TARGETS = $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
TIME ?= 60
.PHONY: fuzz
fuzz: ## Run everything that reads what others wrote under libFuzzer, TIME seconds each; WHAT: one of fuzz/fuzz_targets.
	@end2end/scripts/build-tools.sh cargo-fuzz '$(CARGO_FUZZ_VERSION)'
	for target in $(or $(WHAT),$(FUZZ_TARGETS)); do \
	    mkdir -p "$(TARGET)/fuzz/corpus/$$target" && \
	    CARGO_TARGET_DIR='$(TARGET)/fuzz' cargo fuzz run --sanitizer none "$$target" \
	        "$(TARGET)/fuzz/corpus/$$target" "fuzz/seeds/$$target" -- -max_total_time=$(TIME) -timeout=20 -max_len=65536 || exit; \
	done

# The page is measured in a browser, and the program as `make release` builds it.
.PHONY: bench
bench: postgresql $(if $(filter-out page,$(WHAT)),,chromium) $(WEB_PROGRAMS:%=$(SITE)/%/index.html) ## Measure everything, or WHAT is one of its names, such as page (see end2end/bench/src/main.rs).
	TENANTRY_BUILT_SITE='$(SITE)' cargo build --release $(PROGRAMS) -p bench --features server/embed
	BENCH_SITE='$(SITE)' BENCH_RESULTS='$(or $(BENCH_RESULTS),$(TARGET)/bench.json)' '$(TARGET)/release/bench' $(WHAT)

.PHONY: test-compat
test-compat: build-tools $(COMPAT_PYTHON) ## Run Microsoft's own client libraries against the sandbox.
	cargo build $(PROGRAMS)
	'$(COMPAT_PYTHON)' end2end/compat/check.py '$(TARGET)/debug/m365-sandbox'

.PHONY: test-api
test-api: postgresql $(API_PYTHON) ## Try the API out against its own document.
	cargo build $(PROGRAMS)
	'$(API_PYTHON)' end2end/api/check.py '$(TARGET)/debug'

.PHONY: test-browser
test-browser: build chromium engines ## Run the tests in Chromium, Firefox and WebKit; ARGS go to Playwright.
	cd end2end && npx tsc --noEmit && npx playwright test $(ARGS)

end2end/node_modules/.package-lock.json: end2end/package-lock.json
	@end2end/scripts/test-tools.sh npm
	@touch '$@'

.PHONY: chromium
chromium: end2end/node_modules/.package-lock.json
	@end2end/scripts/test-tools.sh chromium

.PHONY: engines
engines: end2end/node_modules/.package-lock.json
	@end2end/scripts/test-tools.sh engines

.PHONY: postgresql nginx sqlite
postgresql nginx sqlite:
	@end2end/scripts/test-tools.sh $@

# The tests ask for it.
.PHONY: smtp-python
smtp-python: $(SMTP_PYTHON)
	@echo '$(SMTP_PYTHON)'

$(COMPAT_PYTHON): end2end/compat/requirements.txt
$(API_PYTHON): end2end/api/requirements.txt
$(SMTP_PYTHON): server/tests/requirements.txt
$(COMPAT_PYTHON) $(API_PYTHON) $(SMTP_PYTHON):
	@end2end/scripts/test-tools.sh python '$(dir $(patsubst %/,%,$(dir $@)))' '$<'

.PHONY: product-names
product-names: ## Renew the names of Microsoft's products from Microsoft's list; FILE is a copy of it.
	node server/scripts/product-names.mjs $(FILE)

.PHONY: clean-demo
clean-demo: ## Forget what was connected in the demo.
	rm -rf '$(DATA)'

# A program of the web app whose build was cut off is no finished one.
.DELETE_ON_ERROR:

# The tests share ports, processors and Cargo's lock.
.NOTPARALLEL:
