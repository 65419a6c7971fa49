# Redis in a cluster: redis-1 and redis-2, one of them the primary, and three Sentinels that move it. Sourced by cluster.bash, whose
# variables and functions it uses.

# Where the replicas find it.
redis_url() {
    local number hosts=()
    for number in 1 2 3; do hosts+=("127.0.0.1:$((CLUSTER_SENTINEL_PORT + number - 1))"); done
    echo "redis+sentinel://$(IFS=,; echo "${hosts[*]}")/terse"
}

redis_setting() {
    [ "${CLUSTER_REDIS:-1}" = 0 ] || echo "REDIS_URL=$(redis_url)"
}

redis_port() {
    echo $((CLUSTER_REDIS_PORT + ${1#redis-} - 1))
}

# Asks the server $1; the further arguments are the command.
redis_ask() {
    local name=$1
    shift
    timeout 2 redis-cli -h 127.0.0.1 -p "$(part_port "$name")" "$@"
}

# $1: its name, $2: that of the server that it follows, if any
redis_start() {
    local folder=$cluster/$1
    mkdir -p "$folder"
    # Sentinel writes into the file whom to follow: what it has written last is kept.
    [ -f "$folder/redis.conf" ] || cat >"$folder/redis.conf" <<-CONFIGURATION
	bind 127.0.0.1
	port $(redis_port "$1")
	dir $folder
	save ""
	appendonly no
	maxmemory 64mb
	maxmemory-policy allkeys-lru
	repl-diskless-sync-delay 0
	${2:+replicaof 127.0.0.1 $(redis_port "$2")}
	CONFIGURATION
    part_start "$1" "$(redis_port "$1")" redis-server "$folder/redis.conf"
    part_await "$1" redis_ask "$1" ping
}

sentinel_start() {
    local name=sentinel-$1 port=$((CLUSTER_SENTINEL_PORT + $1 - 1)) folder=$cluster/sentinel-$1
    mkdir -p "$folder"
    [ -f "$folder/sentinel.conf" ] || cat >"$folder/sentinel.conf" <<-CONFIGURATION
	bind 127.0.0.1
	port $port
	dir $folder
	sentinel monitor terse 127.0.0.1 $(redis_port redis-1) 2
	sentinel down-after-milliseconds terse 1000
	sentinel failover-timeout terse 5000
	CONFIGURATION
    part_start "$name" "$port" redis-server "$folder/sentinel.conf" --sentinel
    part_await "$name" redis_ask "$name" ping
}

redis_start_all() {
    redis_start redis-1
    redis_start redis-2 redis-1
    local number
    for number in 1 2 3; do sentinel_start "$number"; done
}

# The name of the server that the first Sentinel that answers calls the primary.
redis_primary() {
    local sentinel port name
    for sentinel in sentinel-1 sentinel-2 sentinel-3; do
        port=$(redis_ask "$sentinel" sentinel get-master-addr-by-name terse 2>/dev/null | sed -n 2p)
        for name in redis-1 redis-2; do
            [ "$(redis_port "$name")" != "$port" ] || { echo "$name"; return; }
        done
    done
    return 1
}

# The pid of Redis' primary.
redis_pid() {
    part_pid "$(redis_primary)"
}
