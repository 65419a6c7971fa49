# What `scripts/faults` does to the parts of a cluster, beyond what cluster.bash can do by itself. Sourced.

# shellcheck source=scripts/cluster.bash
source "$(dirname "${BASH_SOURCE[0]}")/cluster.bash"

# As cluster_start, but replicas and nginx come later: the ways between them are somebody else's.
faults_start_servers() {
    cluster_require
    mkdir -p "$cluster"/{run,log}
    chmod 755 "$cluster"
    postgres_start_both
    redis_start_all
    cc -shared -fPIC -O1 -o "$cluster/clock-offset.so" "$scripts/clock-offset.c" ||
        fail "a C compiler is needed for clocks that are wrong"
}

# Everything ends, also what was halted.
faults_stop() {
    local name
    for name in $(cluster_names postgres); do postgres_signal_all "$name" CONT 2>/dev/null || true; done
    cluster_stop
    disk_remove
}

# ---- PostgreSQL ----

# The signal $2 to the server $1 and to all its processes, which do not follow the first one's stops.
postgres_signal_all() {
    local first children
    first=$(part_pid "$1")
    children=$(pgrep -P "$first" || true)
    # shellcheck disable=SC2086 # pids are words
    kill -s "$2" "$first" $children
    [ "$2" = CONT ] || return 0
    # runuser stops when what it runs does, and has to be told that it goes on.
    local parent
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$first/status")
    [ "$(cat "/proc/$parent/comm")" != runuser ] || kill -s CONT "$parent"
}

# Transactions may only read ($2 = on), or write again (off).
postgres_read_only() {
    local setting="ALTER SYSTEM SET default_transaction_read_only = on"
    [ "$2" = on ] || setting="ALTER SYSTEM RESET default_transaction_read_only"
    PGOPTIONS="-c default_transaction_read_only=off" postgres_ask "$1" --dbname postgres --command "$setting" \
        --command "SELECT pg_reload_conf()" >/dev/null
}

# The primary dies, and its standby takes over. Afterwards `postgres_follow OLD NEW`.
postgres_fail_over() {
    disk_remove
    postgres_promote
}

# ---- A small disk beneath the tables of the first PostgreSQL, which can be filled ----

DISK_MIB=512

# Called by postgres_start_both, before the server starts. Only root may mount; without it there is no such disk.
disk_make() {
    local base=$cluster/$1/base
    [ "$(id -u)" = 0 ] || return 0
    mv "$base" "$base.made"
    mkdir "$base"
    if mount -t tmpfs -o "size=${DISK_MIB}m,mode=700" tmpfs "$base" 2>/dev/null; then
        echo "$base" >"$cluster/run/disk"
    fi
    chown postgres "$base"
    cp -a "$base.made/." "$base/"
    rm -rf "$base.made"
}

disk_is_there() {
    [ -s "$cluster/run/disk" ]
}

disk_fill() {
    local base
    base=$(cat "$cluster/run/disk")
    dd if=/dev/zero of="$base/filler" bs=1M 2>/dev/null || true
    dd if=/dev/zero of="$base/filler-2" bs=4k 2>/dev/null || true
}

disk_free() {
    local base
    base=$(cat "$cluster/run/disk")
    rm -f "$base/filler" "$base/filler-2"
}

# The server on it has ended.
disk_remove() {
    disk_is_there || return 0
    umount "$(cat "$cluster/run/disk")"
    rm -f "$cluster/run/disk"
}
