#!/bin/sh
# Runs the demo until Ctrl-C: the sandbox, which stands in for Microsoft, and the server with the sample companies.
# `make run` builds both and says where they are. Other TENANTRY_ settings of the environment hold too, for instance
# TENANTRY_M365_ACCESS=delegated.
set -eu

: "${PORT:?}" "${SANDBOX_PORT:?}" "${DATA:?}" "${PROGRAMS:?}" "${SITE:?}"
end2end=$(cd "$(dirname "$0")/.." && pwd)
sandbox=http://127.0.0.1:$SANDBOX_PORT
address=http://localhost:$PORT

demo() {
    node "$end2end/scripts/demo.mjs" "$@"
}

demo free "$PORT" "$SANDBOX_PORT" || {
    echo "Stop it, or choose other ports: make run PORT=8081 SANDBOX_PORT=8091" >&2
    exit 1
}
mkdir -p "$DATA"

running() {
    kill -0 "$1" 2>/dev/null
}

sandbox_pid='' server_pid=''
stop() {
    trap '' INT TERM HUP
    # Ctrl-C in a terminal has reached them already; asking twice does no harm.
    for pid in $server_pid $sandbox_pid; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    tries=0
    for pid in $server_pid $sandbox_pid; do
        while running "$pid"; do
            tries=$((tries + 1))
            [ $tries -lt 50 ] || kill -KILL "$pid" 2>/dev/null || true
            sleep 0.1
        done
    done
}
trap 'stop; echo; echo "Stopped. What was connected is kept in $DATA."; exit 0' INT TERM HUP
trap stop EXIT

# wait_for NAME PID URL LOG
wait_for() {
    node "$end2end/scripts/demo.mjs" wait "$3" &
    waiter=$!
    while running $waiter; do
        running "$2" || {
            kill $waiter 2>/dev/null || true
            break
        }
        sleep 0.1
    done
    wait $waiter 2>/dev/null || {
        echo "$1 did not start:" >&2
        tail -n 20 "$4" >&2
        exit 1
    }
}

"$PROGRAMS/m365-sandbox" --listen "127.0.0.1:$SANDBOX_PORT" --seed 1 --redirect-uri "$address/connect/callback" \
    --state "$DATA/sandbox.json" >"$DATA/sandbox.log" 2>&1 &
sandbox_pid=$!
wait_for "The sandbox" $sandbox_pid "$sandbox/_sandbox/app" "$DATA/sandbox.log"

app=$(demo app "$sandbox")
export TENANTRY_LISTEN="127.0.0.1:$PORT"
export TENANTRY_PUBLIC_URL="$address"
export TENANTRY_DATA_DIR="$DATA"
export TENANTRY_SITE_DIR="$SITE"
export TENANTRY_M365_LOGIN_URL="$sandbox"
export TENANTRY_M365_GRAPH_URL="$sandbox"
TENANTRY_M365_CLIENT_ID=$(echo "$app" | sed -n 1p)
TENANTRY_M365_CLIENT_SECRET=$(echo "$app" | sed -n 2p)
export TENANTRY_M365_CLIENT_ID TENANTRY_M365_CLIENT_SECRET

"$PROGRAMS/tenantry" companies import "$end2end/demo/companies.csv"
owner=owner@demo.test password=tenantry-demo
added=$(echo "$password" | "$PROGRAMS/tenantry" accounts add --email "$owner" --role owner --name "Demo Owner" --password-stdin 2>&1) ||
    # The second start finds the owner of the first.
    case $added in *"has an account already"*) ;; *) echo "$added" >&2; exit 1 ;; esac
"$PROGRAMS/tenantry" serve >"$DATA/tenantry.log" 2>&1 &
server_pid=$!
wait_for "The server" $server_pid "http://127.0.0.1:$PORT/readyz" "$DATA/tenantry.log"

cat <<END

Tenantry is at  $address

  Sign in as  $owner  with the password  $password

  Press "Sign in with Microsoft" beside a company. A sandbox on port $SANDBOX_PORT plays Microsoft's part; sign in there with
$(demo sign-in "$sandbox")

  Data and logs are in $DATA. Ctrl-C stops both programs.
END

while running $sandbox_pid && running $server_pid; do
    sleep 1
done
if running $sandbox_pid; then name="The server" log=$DATA/tenantry.log; else name="The sandbox" log=$DATA/sandbox.log; fi
echo "$name has ended by itself:" >&2
tail -n 20 "$log" >&2
exit 1
