# The load on the servers of servers.bash, and the figures it gives. Sourced by the scripts beside it.

# shellcheck source=bench/servers.bash
source "$(dirname "${BASH_SOURCE[0]}")/servers.bash"

# What the last `visit` or `measure` found: requests, seconds, errors; p50, p90, p99, p999 in microseconds; after `measure`
# also total, answered and a member for each kind of thread: microseconds of the server's processor time per request.
declare -A found

# Threads that answer nobody: they bring clicks into the database and keep the journal.
NOT_ANSWERING='^(click|sqlite)'

# Fails unless programs and machine can do it.
require() {
    local tool missing=()
    for tool in curl taskset pgrep python3 "$@"; do type -P "$tool" >/dev/null || missing+=("$tool"); done
    [ ${#missing[@]} -eq 0 ] || fail "Missing: ${missing[*]}. Install what benchmarks need with scripts/install-bench-tools"
    [ -x "$terse" ] || fail "No $terse: run \`make bench\`, or cargo build --release first."
    [ "$(nproc)" -ge 2 ] || fail "One core for the server and one for the load are needed."
}

# What a figure is worth nothing without. $1: what is measured
headline() {
    echo "## ${0##*/}: $1"
    echo
    echo "$(date -u '+%Y-%m-%d %H:%M') UTC; $(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1);" \
        "Linux $(uname -r); $("$terse" --version);" \
        "$(nginx -v 2>&1 | grep -o 'nginx/.*'); $(wrk --version 2>&1 | awk 'NR == 1 { print $1, $2 }');" \
        "data on $(df --output=fstype "$scratch" | tail -1); load before: $(cut -d' ' -f1 /proc/loadavg)"
    echo
}

# Prints its arguments as a row of a table.
row() {
    printf '|'
    printf ' %s |' "$@"
    printf '\n'
}

# The same, and what separates a table's head from its body.
head_row() {
    row "$@"
    printf '|%s\n' "$(printf -- '---|%.0s' "$@")"
}

# Asks the server $1 for $2 seconds over $3 connections as the script $4 says, at the path $5.
visit() {
    local pair
    found=()
    (
        cd "$bench"
        CODES=$scratch/codes taskset -c $LOAD_CORE wrk --threads 1 --connections "$3" --duration "${2}s" --timeout 10s \
            --script "$4" "http://${address[$1]}${5:-/}"
    ) >"$scratch/wrk" 2>&1 || fail "wrk failed:" "$(cat "$scratch/wrk")"
    while read -r pair; do found[${pair%%=*}]=${pair#*=}; done < <(sed -n 's/^figures //p' "$scratch/wrk" | tr ' ' '\n')
    [ "${found[errors]:-1}" -eq 0 ] || fail "$1 answered with errors:" "$(cat "$scratch/wrk")"
}

# As `visit`, with random codes, until the last click is in the database; and what that cost the server.
measure() {
    local name nanoseconds
    processor_time "$1" >"$scratch/before"
    visit "$1" "$2" "$3" browser.lua
    settle "$1"
    processor_time "$1" >"$scratch/after"
    found[answered]=0
    while read -r name nanoseconds; do
        found[$name]=$(divide "$nanoseconds" $((found[requests] * 1000)) 3)
        [[ $name =~ $NOT_ANSWERING || $name = total ]] ||
            found[answered]=$(awk "BEGIN { print ${found[answered]} + ${found[$name]} }")
    done < <(processor_time_between "$scratch/before" "$scratch/after")
}

# Brings all links into terse's memory, without a click, and then clicks enough that the journal and the shipper have had
# in hands what they use, all of them shipped.
warm() {
    "$bench/fill" "${address[terse]}" "$scratch/codes"
    visit terse 1 64 browser.lua
    settle terse
}

# $1 / $2 with $3 decimals
divide() {
    awk -v a="$1" -v b="$2" -v decimals="$3" 'BEGIN { printf "%.*f", decimals, a / b }'
}

# Microseconds in a unit for people.
duration() {
    awk -v us="$1" 'BEGIN { if (us < 1000) printf "%d µs", us; else if (us < 1e6) printf "%.1f ms", us / 1e3; else printf "%.1f s", us / 1e6 }'
}

# The median of the numbers that come in.
median() {
    sort -g | awk '{ row[NR] = $1 } END { printf "%.3f", (row[int((NR + 1) / 2)] + row[int(NR / 2) + 1]) / 2 }'
}

# The same for ratios, with the smallest and the largest.
spread() {
    sort -g | awk '{ row[NR] = $1 }
        END { printf "%.2f (%.2f to %.2f)", (row[int((NR + 1) / 2)] + row[int(NR / 2) + 1]) / 2, row[1], row[NR] }'
}
