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

apt_install() {
    # A freshly started machine may still be updating itself: wait for its lock.
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}
