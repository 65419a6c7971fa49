# PostgreSQL in a cluster: postgres-1 and postgres-2, one of them the primary, the other its synchronous standby. Sourced by
# cluster.bash, whose variables and functions it uses.

postgres_port() {
    echo $((CLUSTER_POSTGRES_PORT + ${1#postgres-} - 1))
}

# Both hosts: whoever connects takes the one that is written.
postgres_url() {
    echo "postgres://postgres@127.0.0.1:$(postgres_port postgres-1),127.0.0.1:$(postgres_port postgres-2)/terse"
}

# Asks the server $1; the further arguments are psql's.
postgres_ask() {
    local name=$1
    shift
    PGCONNECT_TIMEOUT=2 "$postgres_programs/psql" --host 127.0.0.1 --port "$(postgres_port "$name")" --username postgres \
        --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"
}

# The name of the server that is written.
postgres_primary() {
    local name
    for name in postgres-1 postgres-2; do
        [ "$(postgres_ask "$name" --dbname postgres --command 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ] || continue
        echo "$name"
        return
    done
    return 1
}

postgres_primary_pid() {
    part_pid "$(postgres_primary)"
}

postgres_standby() {
    postgres_other "$(postgres_primary)"
}

postgres_other() {
    [ "$1" = postgres-1 ] && echo postgres-2 || echo postgres-1
}

# Makes both, or starts what an earlier cluster has left: then postgres-1 or postgres-2 may be the primary.
postgres_start_both() {
    if [ -f "$cluster/postgres-1/PG_VERSION" ] && [ -f "$cluster/postgres-2/PG_VERSION" ]; then
        postgres_start postgres-1
        postgres_start postgres-2
        # Commits wait for the standby, which may have been there before its primary was.
        part_await "$(postgres_standby)" postgres_is_synchronous "$(postgres_primary)"
        return
    fi
    rm -rf "$cluster"/postgres-*
    postgres_make postgres-1
    # faults.bash puts a disk beneath it that can be filled.
    [ "$(type -t disk_make)" != function ] || disk_make postgres-1
    postgres_start postgres-1
    postgres_ask postgres-1 --dbname postgres --command "CREATE DATABASE terse ENCODING 'UTF8' TEMPLATE template0"
    postgres_follow postgres-2 postgres-1
}

postgres_folder() {
    mkdir -m 700 "$cluster/$1"
    touch "$cluster/log/$1.log"
    [ "$(id -u)" != 0 ] || chown postgres "$cluster/$1" "$cluster/log/$1.log"
}

postgres_make() {
    postgres_folder "$1"
    as_postgres "$postgres_programs/initdb" --pgdata="$cluster/$1" --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C --no-sync >>"$cluster/log/$1.log" 2>&1 || fail "initdb failed:" "$(tail "$cluster/log/$1.log")"
    cat >>"$cluster/$1/postgresql.conf" <<-CONFIGURATION
	listen_addresses = '127.0.0.1'
	unix_socket_directories = ''
	max_connections = 200
	shared_buffers = 128MB
	wal_keep_size = 256MB
	wal_receiver_timeout = 5s
	wal_sender_timeout = 5s
	wal_receiver_status_interval = 1s
	wal_retrieve_retry_interval = 500ms
	CONFIGURATION
}

postgres_start() {
    # The other one's address is given anew each time: the ports may be others than last time. A primary ignores it.
    part_start "$1" "$(postgres_port "$1")" as_postgres "$postgres_programs/postgres" -D "$cluster/$1" -p "$(postgres_port "$1")" \
        -c "cluster_name=${1//-/_}" -c "primary_conninfo=host=127.0.0.1 port=$(postgres_port "$(postgres_other "$1")") user=postgres"
    part_await "$1" test -s "$cluster/$1/postmaster.pid"
    part_await "$1" postgres_ask "$1" --dbname postgres --command 'SELECT 1'
    # runuser stands between: the server's own pid is what is killed and halted.
    head -n 1 "$cluster/$1/postmaster.pid" >"$cluster/run/$1.pid"
}

# Ends the server $1 in the mode $2: smart, fast, immediate
postgres_stop() {
    part_signal "$1" CONT 2>/dev/null || true
    as_postgres "$postgres_programs/pg_ctl" --pgdata="$cluster/$1" --mode="${2:-fast}" --wait stop >/dev/null 2>&1 || true
}

# Makes $1 anew as the standby of $2, whose commits wait for it from then on.
postgres_follow() {
    part_is_running "$1" && postgres_stop "$1" immediate
    rm -rf "${cluster:?}/$1"
    postgres_folder "$1"
    postgres_wait_for_standby "$2" ''
    as_postgres "$postgres_programs/pg_basebackup" --host 127.0.0.1 --port "$(postgres_port "$2")" --username postgres \
        --pgdata "$cluster/$1" --write-recovery-conf --wal-method stream --checkpoint fast --no-sync \
        >>"$cluster/log/$1.log" 2>&1 || fail "pg_basebackup failed:" "$(tail "$cluster/log/$1.log")"
    postgres_start "$1"
    part_await "$1" postgres_is_streaming "$2"
    postgres_wait_for_standby "$2" "FIRST 1 (${1//-/_})"
    part_await "$1" postgres_is_synchronous "$2"
}

# Commits of $1 wait for the standbys $2; '' for none. With a standby that is away, they wait for ever unless this is called.
postgres_wait_for_standby() {
    postgres_ask "$1" --dbname postgres --command "ALTER SYSTEM SET synchronous_standby_names = '$2'" --command 'SELECT pg_reload_conf()' >/dev/null
}

postgres_is_streaming() {
    [ "$(postgres_ask "$1" --dbname postgres --command "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")" -ge 1 ]
}

postgres_is_synchronous() {
    [ "$(postgres_ask "$1" --dbname postgres --command "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")" -ge 1 ]
}

# Makes the standby the primary. Whoever was primary has to be dead: two of them would both be written.
# Afterwards `postgres_follow OLD NEW` makes the old one its standby.
postgres_promote() {
    local old=postgres-1 new
    part_is_running postgres-2 || old=postgres-2
    new=$(postgres_other "$old")
    ! part_is_running "$old" || fail "both servers run: kill the primary before its standby is promoted"
    as_postgres "$postgres_programs/pg_ctl" --pgdata="$cluster/$new" --wait promote >>"$cluster/log/$new.log" 2>&1
    # It may have been a primary before, with settings of that time. Nobody follows it yet.
    postgres_wait_for_standby "$new" ''
}
