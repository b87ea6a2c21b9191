#!/bin/sh
# Installs what the build needs and the machine does not have: the Rust toolchain's wasm target, Trunk, wasm-bindgen, wasm-opt
# and esbuild, each at the version that the Makefile pins. Does nothing, quickly, when all of them are there.
# With the name of a tool that only some commands need, only that one: cargo-deny, cargo-cyclonedx, cargo-fuzz.
set -eu

say() {
    echo "build-tools: $*" >&2
}

need() {
    command -v "$1" >/dev/null || {
        say "$1 was not found. $2"
        exit 1
    }
}
need cargo "Install Rust with rustup (https://rustup.rs)."
need cc "Install a C compiler: 'apt-get install build-essential' on Debian and Ubuntu, 'xcode-select --install' on macOS."
need node "Install Node.js 20 or newer."
need npm "Install npm, which comes with Node.js."
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || {
    say "Node.js 20 or newer is needed; this is $(node --version)."
    exit 1
}

# In the project's folder, rustup knows the toolchain, its components and its target from rust-toolchain.toml.
if ! libraries=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null); then
    need rustup "Install Rust with rustup (https://rustup.rs), or the toolchain that rust-toolchain.toml names."
    say "installing the Rust toolchain of rust-toolchain.toml"
    rustup toolchain install "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" --profile minimal
    libraries=$(rustc --print target-libdir --target wasm32-unknown-unknown)
fi
if [ ! -d "$libraries" ]; then
    need rustup "Add the standard library for wasm32-unknown-unknown to your Rust installation."
    say "adding the target wasm32-unknown-unknown"
    rustup target add wasm32-unknown-unknown
fi

# Some are asked for their version with a word more.
has() {
    # shellcheck disable=SC2086
    $1 --version 2>/dev/null | grep -qF "$2"
}

# install_crate PROGRAM CRATE VERSION [cargo install's options]
install_crate() {
    program=$1 crate=$2 version=$3
    shift 3
    has "$program" " $version" && return
    folder=$TOOLS/$crate-$version
    if cargo binstall -V >/dev/null 2>&1; then
        say "fetching $crate $version with cargo-binstall"
        cargo binstall --no-confirm --disable-strategies compile --root "$folder" "$crate@$version" >&2 || true
        has "$program" " $version" && return
        rm -rf "$folder"
    fi
    say "building $crate $version; this takes several minutes, once"
    # A target folder of its own: the project's is not disturbed, and a build that was cut off goes on where it was.
    cargo install --root "$folder" --target-dir "$TOOLS/build/$crate-$version" --version "$version" "$@" "$crate" >&2
    rm -rf "$TOOLS/build/$crate-$version"
    has "$program" " $version" || {
        say "$crate was installed to $folder, but does not answer as version $version."
        exit 1
    }
}

case ${1-} in
'') ;;
cargo-deny | cargo-cyclonedx | cargo-fuzz)
    # They look at a few files: built in two minutes they are fast enough, and their authors' settings take ten.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    program=$1
    [ "$1" != cargo-cyclonedx ] || program='cargo-cyclonedx cyclonedx'
    install_crate "$program" "$1" "$2" --locked
    exit
    ;;
*)
    say "what is $1?"
    exit 1
    ;;
esac

install_crate trunk trunk "$TRUNK_VERSION" --locked
# Not --locked: its own lock file names crates that were withdrawn since.
install_crate wasm-bindgen wasm-bindgen-cli "$WASM_BINDGEN_VERSION"

# install_package PROGRAM PACKAGE VERSION WORDS: the program answers with these words
install_package() {
    has "$1" "$4" && return
    say "installing $2 $3"
    npm install --loglevel=error --no-audit --no-fund --no-package-lock --prefix "$TOOLS/$2-$3" "$2@$3" >&2
    has "$1" "$4" || {
        say "$2 was installed, but $1 does not answer as version $3."
        exit 1
    }
}

# Debian's binaryen is too old for the wasm that rustc writes.
install_package wasm-opt binaryen "$BINARYEN_VERSION" "version $BINARYEN_VERSION"
# What Trunk makes scripts smaller with does not read what wasm-bindgen writes.
install_package esbuild esbuild "$ESBUILD_VERSION" "$ESBUILD_VERSION"
