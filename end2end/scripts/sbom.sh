#!/bin/sh
# sbom.sh FOLDER: writes what the server and the web app are made of, as CycloneDX, to tenantry.cdx.json and
# tenantry-web.cdx.json in this folder.
set -eu
folder=$1
mkdir -p "$folder"

# cargo-cyclonedx writes a file beside each Cargo.toml of the workspace.
name=sbom-of-this-run
clean() {
    find . -name "$name.json" -not -path './target/*' -not -path '*/node_modules/*' -delete
}
trap clean EXIT

# list CRATE TARGET FILE [options]
list() {
    crate=$1 target=$2 file=$3
    shift 3
    cargo cyclonedx --manifest-path "$crate/Cargo.toml" --format json --spec-version 1.5 --quiet --no-build-deps \
        --target "$target" --override-filename "$name" "$@"
    # Where it was built is nobody's business.
    sed "s#file://$PWD#file:///tenantry#g" "$crate/$name.json" >"$folder/$file"
    clean
    echo "$folder/$file"
}

list server "$(rustc -vV | sed -n 's/^host: //p')" tenantry.cdx.json --features embed
list frontend wasm32-unknown-unknown tenantry-web.cdx.json
