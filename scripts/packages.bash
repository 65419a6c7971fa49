# What the scripts that install something have in common; sourced by them. System packages come from apt-get
# (as root, else through `sudo -n`): never asks a question.

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

has() {
    type -P "$1" >/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_apt() {
    has apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

# As apt_install, but what is a service is neither started nor enabled: only its programs are wanted. Whoever has a policy of his
# own keeps it.
apt_install_unstarted() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then
        apt_install "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    apt_install "$@" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

apt_install() {
    # A freshly started machine may still be updating itself: wait for its lock.
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

# Debian starts a server with its package. Nobody asked for one: only the program is wanted.
stop_installed() {
    ! [ -d /run/systemd/system ] || as_root systemctl disable --now --quiet "$@"
}

# The folder of PostgreSQL's server programs, which Debian keeps off PATH; the newest version's, or nothing.
postgres_bin() {
    if has postgres && has initdb; then
        dirname "$(readlink -f "$(command -v postgres)")"
        return
    fi
    local folders
    folders=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
    [ -z "$folders" ] || echo "$folders"
}

# PostgreSQL does not run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser --user postgres -- "$@"
    else
        "$@"
    fi
}

# A port of this machine that nobody listens on; `ss` is not everywhere.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}
