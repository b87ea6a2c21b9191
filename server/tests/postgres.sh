#!/bin/sh
# A throw-away PostgreSQL cluster for the tests.
#
# Prints one line with its URL when it answers, lives until its standard input ends, then leaves nothing behind. The
# tests hold the other end of that pipe, so however they end, the cluster ends with them.
#
#   server/tests/postgres.sh            start one; options are passed on to PostgreSQL
#   server/tests/postgres.sh --find     only print where PostgreSQL's programs are
set -eu

say() {
    echo "postgres.sh: $*" >&2
}

# Debian keeps initdb and postgres out of PATH, and pg_config is there with the client library alone too.
find_programs() {
    for folder in \
        "$(pg_config --bindir 2>/dev/null || true)" \
        "$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")" \
        $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
            /usr/local/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

programs=$(find_programs) || {
    say "PostgreSQL's programs initdb and postgres were not found."
    say "Install the server: 'apt-get install postgresql' on Debian and Ubuntu, 'brew install postgresql' on macOS."
    exit 1
}
if [ "${1:-}" = --find ]; then
    echo "$programs"
    exit
fi
for variable in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do
    unset "$variable"
done

# PostgreSQL refuses to run as root.
as_user=
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u "$user" >/dev/null 2>&1 || user=nobody
    if ! command -v setpriv >/dev/null; then
        say "PostgreSQL does not run as root, and setpriv (package util-linux) is not there to become $user. \
Run the tests as another user."
        exit 1
    fi
    as_user="setpriv --reuid=$(id -u "$user") --regid=$(id -g "$user") --clear-groups"
fi

make_folder() {
    folder=$(mktemp -d "$1/tenantry-postgres.XXXXXX") || return 1
    chown "$user" "$folder"
    # The user may be kept out of the folder above.
    if $as_user test -w "$folder"; then
        echo "$folder"
    else
        rmdir "$folder"
        return 1
    fi
}
folder=$(make_folder "${TMPDIR:-/tmp}" || make_folder /tmp) || {
    say "no folder for temporary files that the user $user may write to"
    exit 1
}
data=$folder/data

stop() {
    if pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null); then
        kill -QUIT "$pid" 2>/dev/null || true
        tries=0
        # The process itself may linger as a zombie; its lock file does not.
        while [ -e "$data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            if [ $tries = 200 ]; then
                kill -KILL "$pid" 2>/dev/null || true
                break
            fi
            sleep 0.05
        done
    fi
    rm -rf "$folder"
}

trap 'stop; exit 1' HUP INT TERM

fail() {
    say "$1"
    [ ! -s "$folder/log" ] || tail -n 20 "$folder/log" >&2
    stop
    exit 1
}

cd "$folder"
touch log
$as_user "$programs/initdb" -D "$data" -U tenantry -A trust -E UTF8 --no-locale --no-sync </dev/null >>log 2>&1 ||
    fail "initdb failed:"

# The watcher is a process of its own, so that the cluster also ends when this script alone is killed.
exec 3<&0 </dev/null
(
    trap '' HUP INT TERM
    cat <&3
    stop
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-

# PostgreSQL can't take any free port by itself. These are below the range that Linux gives to outgoing connections.
tries=0
while :; do
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
    : >log
    $as_user "$programs/postgres" -D "$data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off "$@" \
        >>log 2>&1 &
    server=$!
    # The eighth line of the lock file is the server's state.
    until [ "$(sed -n '8s/ *$//p' "$data/postmaster.pid" 2>/dev/null)" = ready ]; do
        [ -d "$folder" ] || {
            kill -QUIT $server 2>/dev/null || true
            exit 1
        }
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    kill -0 $server 2>/dev/null && break
    tries=$((tries + 1))
    if [ $tries = 10 ] || ! grep -q 'could not bind' log; then
        fail "PostgreSQL does not start:"
    fi
done

echo "postgres://tenantry@127.0.0.1:$port/postgres"
# Whoever reads standard output to its end must not wait for the watcher.
exec >/dev/null
wait $watcher
