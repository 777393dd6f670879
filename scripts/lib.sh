# shellcheck shell=bash
#
# What the scripts share. Sourced, never run.

# The checkout, or the directory `make install` put the scripts in.
root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)


step() {
    printf '==> %s\n' "$*"
}

warn() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    warn "$*"
    exit 1
}


# Prints the comment at the top of the running script.
usage() {
    sed -n '3,/^$/ s/^# \{0,1\}//p' "$0"
}


# Runs a command as root.
as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "needs root for: $*"
    fi
}


# Where apt, as configured on this machine, gets its Debian release from:
# lines of repository, suite and component.
debian_mirrors() {
    local release

    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")

    # shellcheck disable=SC2016
    apt-get indextargets \
        --format '$(ORIGIN) $(IDENTIFIER) $(REPO_URI) $(CODENAME) $(COMPONENT)' \
        | sed -n "s/^Debian Packages \\(.* $release.*\\)/\\1/p" | sort -u
}


# shellcheck disable=SC2034  # used by those who source this file
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg


# Prints the directory of the newest Postgres server's programs.
pg_bindir() {
    local bin

    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [ -x "$bin" ] && printf '%s\n' "${bin%/*}"
}


# Runs a command as the user who owns private database clusters: the caller,
# or the user postgres where the caller is root, whom Postgres refuses.
as_pg() {
    if [ "$EUID" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}


# Prints a directory for private data, which is made if need be: $1 below the
# checkout, or below /var/tmp if the database's user cannot enter the checkout.
data_dir() {
    local dir=$root/$1 base

    mkdir -p "$dir"

    if ! as_pg test -x "$dir"; then
        base=/var/tmp/agentvista-$(cksum <<< "$root" | cut -d ' ' -f 1)
        dir=$base/$1
        mkdir -p "$dir"
        if [ -L "$base" ] || [ ! -O "$base" ]; then
            die "$base is not ours"
        fi
    fi

    printf '%s\n' "$dir"
}


# Prints a new directory below $1, named by the process. What earlier ones left
# there goes.
process_dir() {
    local dir

    for dir in "$1"/[0-9]*; do
        if [ "${dir##*/}" = $$ ] || [ ! -e "/proc/${dir##*/}" ]; then
            rm -rf "$dir"
        fi
    done

    mkdir "$1/$$"
    printf '%s\n' "$1/$$"
}


# True if somebody listens on a TCP port of the loopback interface.
port_taken() {
    (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null
}


# Prints one that is free, below the range the kernel gives to clients.
free_port() {
    local port

    while :; do
        port=$((20000 + RANDOM % 12000))
        port_taken "$port" || break
    done

    printf '%s\n' "$port"
}


# Runs make and says what it compiles; others in this checkout wait.
build() {
    step "Building ($*)"
    mkdir -p "$root/.build"
    flock "$root/.build/lock" make --jobs=2 --directory="$root" "$@" \
        | sed -un -e 's|^[[:space:]]*[^ ]*\(src/[a-z0-9/]*/[a-z0-9_]*\.c\)$|    \1|p' \
                  -e '/^==>/p'
}


# psql on the database $AGENTVISTA_DATABASE, for scripts: plain output, any
# error ends it.
db() {
    psql --no-psqlrc --quiet --no-align --tuples-only \
        --set ON_ERROR_STOP=1 --dbname "$AGENTVISTA_DATABASE" "$@"
}
