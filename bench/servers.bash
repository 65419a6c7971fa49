# The servers that are measured: nginx and terse, on a core each in turn, and what they used of processor and memory.
# Sourced by the scripts beside it. A server has a name, by which `pid` and `address` know it; all end with the script.

SERVER_CORE=0
# shellcheck disable=SC2034 # load.bash's
LOAD_CORE=1

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
terse=${CARGO_TARGET_DIR:-$bench/../target}/release/terse
# Not /tmp, which is memory on many machines: what a sync to disk costs would be missing.
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/terse-bench.XXXXXX")
declare -A pid address

# Debian keeps nginx where only root's PATH looks. The largest number of connections here needs as many files.
PATH=$PATH:/usr/sbin
ulimit -n "$(ulimit -Hn)"

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

stop() {
    kill "${pid[$1]}" 2>/dev/null || true
    wait "${pid[$1]}" || true
    unset "pid[$1]"
}

stop_all() {
    local server
    for server in "${!pid[@]}"; do stop "$server"; done
    rm -rf "$scratch"
}
trap stop_all EXIT

# Makes $1 links: their codes in $scratch/codes, a data directory that holds them in $scratch/data.
make_links() {
    rm -rf "$scratch/data"
    "$bench/links" "$1" "$scratch"
    "$terse" import --log error --data-dir "$scratch/data" --urls "$scratch/urls.csv" >/dev/null
}

# Waits until the server $1 accepts connections at $2; fails when it has ended instead.
await_port() {
    until (: <>"/dev/tcp/${2/://}") 2>/dev/null; do
        kill -0 "${pid[$1]}" 2>/dev/null || return 1
        sleep 0.02
    done
}

# $1: name, $2: target of the redirect, $3: what else its http block holds
start_nginx() {
    local port
    for port in $((20000 + RANDOM % 10000)) $((20000 + RANDOM % 10000)) $((20000 + RANDOM % 10000)); do
        cat >"$scratch/$1.conf" <<END
worker_processes 1;
worker_rlimit_nofile $(ulimit -n);
daemon off;
pid $scratch/$1.pid;
error_log $scratch/$1.log;
events { worker_connections 12000; }
http {
    access_log off;
    keepalive_requests 1000000000;
    map_hash_max_size 1048576;
    map_hash_bucket_size 256;
    ${3:-}
    server { listen 127.0.0.1:$port backlog=4096; location / { return 302 $2; } }
}
END
        taskset -c $SERVER_CORE nginx -e "$scratch/$1.log" -c "$scratch/$1.conf" &
        pid[$1]=$!
        address[$1]=127.0.0.1:$port
        # The port was taken by chance, perhaps: another one, then.
        await_port "$1" "${address[$1]}" && return
    done
    fail "nginx did not start:" "$(cat "$scratch/$1.log")"
}

# Starts terse under the name `terse`. $1: data directory, further: options
start_terse() {
    local data=$1
    shift
    : >"$scratch/terse.out"
    taskset -c $SERVER_CORE "$terse" serve --data-dir "$data" --listen 127.0.0.1:0 --log error "$@" >"$scratch/terse.out" &
    pid[terse]=$!
    until grep -q 'http://' "$scratch/terse.out"; do
        kill -0 "${pid[terse]}" 2>/dev/null || fail "terse did not start."
        sleep 0.02
    done
    address[terse]=$(grep -oE 'http://[0-9.:]+' "$scratch/terse.out" | head -1 | cut -d/ -f3)
}

# The number that terse's /health gives for $1; nothing when it has no such member.
health() {
    curl -s "http://${address[terse]}/health" | grep -oE "\"$1\":[0-9]+" | cut -d: -f2 || true
}

# Until the last click is in the database: its cost belongs to the redirects.
settle() {
    [ "$1" = terse ] || return 0
    until [ "$(health unshipped_clicks)" = 0 ]; do sleep 0.05; done
}

# Processor time so far of the server $1: a line `id nanoseconds name` for each of its threads, and one `all`, which the
# kernel keeps in ticks of 10 ms, also of threads that have ended.
processor_time() {
    local process task name nanoseconds rest
    for process in "${pid[$1]}" $(pgrep -P "${pid[$1]}"); do
        for task in "/proc/$process/task"/*; do
            { read -r name <"$task/comm" && read -r nanoseconds rest <"$task/schedstat"; } 2>/dev/null || continue
            echo "${task##*/} $nanoseconds $name"
        done
        awk -v hertz="$(getconf CLK_TCK)" -v id="$process" '{ sub(/.*\) /, ""); printf "all-%d %.0f all\n", id, ($12 + $13) * 1e9 / hertz }' \
            "/proc/$process/stat"
    done
}

# Compares two files of processor_time: a line `name nanoseconds` for each kind of thread, and their `total`.
# Threads that differ by a number at the end of the name are of one kind.
processor_time_between() {
    awk '
        FNR == NR { before[$1] = $2; next }
        { used = $2 - before[$1]; name = $3; sub(/-[0-9]+$/, "", name) }
        name == "all" { all += used; next }
        { kind[name] += used; total += used }
        END {
            # Less than that is the roughness of ticks.
            if (all - total > 0.02 * all + 2e7) { kind["ended"] = all - total; total = all }
            for (name in kind) printf "%s %.0f\n", name, kind[name]
            printf "total %.0f\n", total
        }' "$1" "$2"
}

# Memory of terse in KiB: VmRSS now, VmHWM at its highest.
memory_kib() {
    awk -v member="$1:" '$1 == member { print $2 }' "/proc/${pid[terse]}/status"
}
