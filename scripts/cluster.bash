# A whole cluster on this machine, without containers: nginx in front of replicas of terse, PostgreSQL with a synchronous standby,
# Redis with a replica and Sentinels. Each server is a private one, with its data in a folder that is given. Sourced:
#
#   source scripts/cluster.bash
#   cluster_start /var/tmp/cluster
#   replica_kill 2; replica_start 2; postgres_promote; …
#   cluster_stop
#
# Servers have names (nginx, replica-1, postgres-1, redis-1, sentinel-1, …). Their pids, ports and logs are in the folder too, so
# that other programs find them: run/NAME.pid, run/NAME.port, log/NAME.log. Whoever sources this calls `cluster_stop` at his end.

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.bash
source "$scripts/packages.bash"
# shellcheck source=scripts/cluster-postgres.bash
source "$scripts/cluster-postgres.bash"
# shellcheck source=scripts/cluster-redis.bash
source "$scripts/cluster-redis.bash"

# Debian keeps nginx where only root's PATH looks.
PATH=$PATH:/usr/sbin

CLUSTER_REPLICAS=${CLUSTER_REPLICAS:-3}
# nginx listens there; the others on the ports that follow their first one.
CLUSTER_PORT=${CLUSTER_PORT:-8000}
CLUSTER_REPLICA_PORT=${CLUSTER_REPLICA_PORT:-8001}
CLUSTER_POSTGRES_PORT=${CLUSTER_POSTGRES_PORT:-8101}
CLUSTER_REDIS_PORT=${CLUSTER_REDIS_PORT:-8201}
CLUSTER_SENTINEL_PORT=${CLUSTER_SENTINEL_PORT:-8301}
# Further options of every replica.
CLUSTER_TERSE_OPTIONS=${CLUSTER_TERSE_OPTIONS:-}
terse=${CLUSTER_TERSE:-${CARGO_TARGET_DIR:-$scripts/../target}/release/terse}
START_WITHIN_S=30

# ---- All of it ----

# Starts everything; its data in the folder $1, which may be of an earlier cluster.
cluster_start() {
    cluster=$1
    cluster_require
    mkdir -p "$cluster"/{run,log}
    cluster=$(cd "$cluster" && pwd)
    chmod 755 "$cluster"
    rm -f "$cluster"/run/*
    postgres_start_both
    redis_start_all
    local number
    for number in $(seq "$CLUSTER_REPLICAS"); do replica_start "$number"; done
    nginx_start
}

# Ends everything, those who depend on others first. Data stays.
cluster_stop() {
    [ -n "${cluster:-}" ] || return 0
    local name
    for name in nginx $(cluster_names replica) $(cluster_names sentinel) $(cluster_names redis) $(cluster_names postgres); do
        part_is_running "$name" || continue
        case $name in
            postgres-*) postgres_stop "$name" fast ;;
            *) part_stop "$name" ;;
        esac
    done
}

cluster_require() {
    local missing=()
    has nginx || missing+=(nginx)
    has redis-server || missing+=(redis-server)
    postgres_programs=$(postgres_bin)
    [ -n "$postgres_programs" ] || missing+=(postgresql)
    [ ${#missing[@]} -eq 0 ] || fail "Missing: ${missing[*]}. make tools installs what is needed on Debian."
    [ -x "$terse" ] || fail "No $terse: cargo build --release first."
}

# The names of servers of the kind $1 that were started.
cluster_names() {
    find "$cluster/run" -name "$1-*.pid" -printf '%f\n' | sed 's/\.pid$//' | sort
}

# A line for each server: name, where it listens, pid.
cluster_table() {
    local file name
    for file in "$cluster"/run/*.pid; do
        name=$(basename "$file" .pid)
        printf '%-12s 127.0.0.1:%-6s pid %-8s %s\n' "$name" "$(part_port "$name")" "$(part_pid "$name")" "$(part_role "$name")"
    done
}

cluster_url() {
    echo "http://127.0.0.1:$CLUSTER_PORT"
}

# ---- One server of it, by its name ----

part_pid() {
    cat "$cluster/run/$1.pid"
}

part_port() {
    cat "$cluster/run/$1.port"
}

part_is_running() {
    [ -s "$cluster/run/$1.pid" ] && process_is_alive "$(part_pid "$1")"
}

# One that has ended and waits for its parent to notice is dead.
process_is_alive() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) && [ -n "$state" ] && [ "${state:0:1}" != Z ]
}

# Sends the signal $2 to $1: STOP, CONT, KILL, TERM
part_signal() {
    kill -s "$2" "$(part_pid "$1")"
}

# Waits until $1 has ended, which may be no child of this shell.
part_await_end() {
    local pid
    pid=$(part_pid "$1")
    wait "$pid" 2>/dev/null || true
    while process_is_alive "$pid"; do sleep 0.02; done
}

part_stop() {
    # One that was halted hears nothing else.
    part_signal "$1" CONT 2>/dev/null || true
    part_signal "$1" TERM 2>/dev/null || true
    part_await_end "$1"
}

part_kill() {
    part_signal "$1" KILL 2>/dev/null || true
    part_await_end "$1"
}

# Starts the command $3… as the server $1 on the port $2, with its output in its log. In a process group of its own: Ctrl-C is for
# whoever sources this, who stops the servers in their order.
part_start() {
    local name=$1 port=$2
    shift 2
    set -m
    "$@" >>"$cluster/log/$name.log" 2>&1 </dev/null &
    set +m
    echo $! >"$cluster/run/$name.pid"
    echo "$port" >"$cluster/run/$name.port"
}

# Waits until the command $2… succeeds, for the server $1.
part_await() {
    local name=$1 until=$((SECONDS + START_WITHIN_S))
    shift
    until "$@" >/dev/null 2>&1; do
        part_is_running "$name" && [ $SECONDS -lt $until ] ||
            fail "$name does not start:" "$(tail -n 20 "$cluster/log/$name.log")"
        sleep 0.05
    done
}

part_role() {
    case $1 in
        postgres-*) [ "$1" = "$(postgres_primary 2>/dev/null)" ] && echo primary || echo standby ;;
        redis-*) [ "$1" = "$(redis_primary 2>/dev/null)" ] && echo primary || echo replica ;;
        *) ;;
    esac
}

port_answers() {
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# ---- terse ----

# Starts the replica $1; further arguments are options of `terse serve`.
replica_start() {
    local name=replica-$1 port=$((CLUSTER_REPLICA_PORT + $1 - 1))
    shift
    # shellcheck disable=SC2086 # options are words
    part_start "$name" "$port" env DATABASE_URL="$(postgres_url)" $(redis_setting) "$terse" serve --listen "127.0.0.1:$port" \
        --data-dir "$cluster/$name" --base-url "$(cluster_url)" --log-format json $CLUSTER_TERSE_OPTIONS "$@"
    part_await "$name" port_answers "$port"
    part_await "$name" curl -sf "http://127.0.0.1:$port/health"
}

replica_pid() {
    part_pid "replica-$1"
}

replica_port() {
    part_port "replica-$1"
}

# SIGTERM, and until it has shipped its journal and ended.
replica_stop() {
    part_stop "replica-$1"
}

replica_kill() {
    part_kill "replica-$1"
}

# ---- nginx ----

# deploy/nginx as it is, on other ports and in the cluster's folder. $1: how many replicas are behind it
nginx_configure() {
    local number folder=$cluster/nginx
    mkdir -p "$folder/body"
    sed -e "s|listen 80 |listen 127.0.0.1:$CLUSTER_PORT |" -e "s|/var/log/nginx/|$cluster/log/nginx-|" \
        -e "s|^worker_rlimit_nofile .*|worker_rlimit_nofile $(ulimit -Hn);|" -e "s|^http {|http { client_body_temp_path $folder/body; proxy_temp_path $folder/proxy;|" \
        "$scripts/../deploy/nginx/terse.conf" >"$folder/terse.conf"
    for number in $(seq "${1:-$CLUSTER_REPLICAS}"); do
        echo "server 127.0.0.1:$((CLUSTER_REPLICA_PORT + number - 1)) max_fails=3 fail_timeout=2s;"
        echo "server 127.0.0.1:$((CLUSTER_REPLICA_PORT + number - 1)) backup max_fails=0;"
    done >"$folder/replicas.conf"
}

nginx_start() {
    nginx_configure
    part_start nginx "$CLUSTER_PORT" nginx -e "$cluster/log/nginx.log" -c "$cluster/nginx/terse.conf" \
        -g "pid $cluster/run/nginx.master; daemon off;"
    part_await nginx port_answers "$CLUSTER_PORT"
}

# Lets nginx ask only the first $1 replicas, and waits for the old workers' end.
nginx_use_replicas() {
    local workers
    workers=$(pgrep -P "$(part_pid nginx)")
    nginx_configure "$1"
    part_signal nginx HUP
    local worker
    for worker in $workers; do while process_is_alive "$worker"; do sleep 0.05; done; done
}
