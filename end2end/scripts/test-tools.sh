#!/bin/sh
# Installs what the tests need beyond the build, if it is missing:
#
#   test-tools.sh npm                           Playwright and the other npm packages
#   test-tools.sh chromium                      a browser
#   test-tools.sh engines                       Firefox, and GTK's WebKit with what drives it and a display for it
#   test-tools.sh postgresql                    PostgreSQL's programs
#   test-tools.sh nginx                         nginx's program
#   test-tools.sh sqlite                        SQLite's program
#   test-tools.sh python FOLDER REQUIREMENTS    a Python with these packages, as FOLDER/bin/python
set -eu

say() {
    echo "test-tools: $*" >&2
}

# As a Debian package, without asking for anything. Fails where that can't be.
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root=
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root="sudo -n"
    fi
    say "installing the package $1"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2 || {
        # The lists of packages may be missing or old.
        $as_root apt-get update -qq >&2 &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
    }
}

case $1 in
npm)
    cd end2end
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --loglevel=error --no-audit --no-fund
    ;;
chromium)
    cd end2end
    node scripts/chromium.mjs >/dev/null && exit
    # On Ubuntu the package is a stub for a snap, which may not run; the browser is asked, not the package manager.
    apt_install chromium && node scripts/chromium.mjs >/dev/null && exit
    say "installing Playwright's Chromium"
    npx playwright install chromium >&2
    node scripts/chromium.mjs >/dev/null || {
        say "No Chromium could be installed. Install one, or name it in the variable CHROMIUM."
        exit 1
    }
    ;;
engines)
    cd end2end
    # Where they can't be had, the tests in them are left out, and say so.
    node scripts/engine.mjs firefox >/dev/null || apt_install firefox-esr || say "There is no Firefox here."
    node scripts/engine.mjs webkit >/dev/null || { apt_install xvfb && apt_install webkit2gtk-driver; } ||
        say "There is no WebKitWebDriver with Xvfb here."
    ;;
postgresql)
    server/tests/postgres.sh --find >/dev/null 2>&1 || apt_install postgresql || true
    server/tests/postgres.sh --find >/dev/null
    ;;
nginx)
    # Debian keeps it out of the PATH of those who are not root.
    PATH=$PATH:/usr/sbin:/usr/local/sbin
    command -v nginx >/dev/null || apt_install nginx || true
    command -v nginx >/dev/null || {
        say "Install nginx."
        exit 1
    }
    ;;
sqlite)
    command -v sqlite3 >/dev/null || apt_install sqlite3 || true
    command -v sqlite3 >/dev/null || {
        say "Install SQLite's program, sqlite3."
        exit 1
    }
    ;;
python)
    folder=$2 requirements=$3
    command -v python3 >/dev/null || apt_install python3 || {
        say "Install Python 3."
        exit 1
    }
    rm -rf "$folder"
    mkdir -p "$folder"
    # Debian packs venv separately.
    if python3 -m venv "$folder" >/dev/null 2>&1 ||
        { apt_install python3-venv && python3 -m venv "$folder" >/dev/null; }; then
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" || status=$?
    else
        rm -rf "$folder"
        mkdir -p "$folder/bin"
        python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" -r "$requirements" ||
            status=$?
        printf '#!/bin/sh\nPYTHONPATH=%s exec python3 "$@"\n' "'$folder/packages'" >"$folder/bin/python"
        chmod +x "$folder/bin/python"
    fi
    # A half-filled folder would be taken for a whole one the next time.
    if [ "${status:-0}" != 0 ]; then
        rm -rf "$folder"
        exit 1
    fi
    ;;
*)
    say "unknown: $1"
    exit 2
    ;;
esac
