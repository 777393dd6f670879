# shellcheck shell=bash
#
# What the measures of scripts/bench share: numbers, results, what is measured,
# and the tools. Sourced, never run.
#
# Set by scripts/bench: root, out (of results), dir (of the run), cluster (of
# Postgres), database, quick, rounds, seconds, connections.

# Numbers.

# Prints the number of a name in a line of JSON.
field() {
    sed -n "s/.*\"$1\":\\([-0-9.e]*\\).*/\\1/p" <<< "$2"
}

calc() {
    awk "BEGIN { printf \"%.4f\\n\", $* }"
}

# Of the numbers in standard input, one a line.
median() {
    sort -n | awk '{ n[NR] = $1 }
        END { print (n[int((NR + 1) / 2)] + n[int(NR / 2) + 1]) / 2 }'
}

# Prints the CPU seconds that processes and all their children have used, also
# those that have ended.
cpu_of() {
    local pid child

    for pid; do
        for child in "$pid" $(cat "/proc/$pid/task/"*/children 2> /dev/null); do
            cat "/proc/$child/stat" 2> /dev/null || :
        done
    done | sed 's/.*) //' | awk -v hz="$(getconf CLK_TCK)" '
        { own += $12 + $13 } NR == 1 { gone = $14 + $15 }
        END { printf "%.2f\n", (own + gone) / hz }'
}


# Results.

failures=0
report=()

# Adds a row: what, value, whether it is at least or at most the bar, note.
row() {
    local what=$1 value=$2 relation=$3 bar=$4 note=$5 verdict=FAIL

    if awk "BEGIN { exit !($value $relation $bar) }"; then
        verdict=pass
    else
        failures=$((failures + 1))
    fi

    report+=("$(printf '%-45s %9.3f  %2s %-6s %s  %s' \
               "$what" "$value" "$relation" "$bar" "$verdict" "$note")")
    printf '    %s\n' "${report[-1]}"
}

# Adds a row, with the relation and bar in $4 if it has them.
note() {
    local relation bar

    if [ -n "${4:-}" ]; then
        read -r relation bar <<< "$4"
        row "$1" "$2" "$relation" "$bar" "$3"
        return
    fi

    report+=("$(printf '%-45s %9.3f  %14s  %s' "$1" "$2" '' "$3")")
    printf '    %s\n' "${report[-1]}"
}

# Adds how fast the module is over COPY of spans without their traces, with the
# options that are best with them.
note_alone() {
    note "  over COPY of the spans alone" "$(calc "$1 / $2")" \
        "$(printf '%.0f / %.0f spans/s' "$1" "$2")"
}

# Adds a row without a number: what, why there is none.
no_row() {
    report+=("$(printf '%-45s %9s  %s' "$1" - "$2")")
    printf '    %s\n' "${report[-1]}"
}

# Keeps the raw numbers of a run.
keep() {
    printf '{"measure":"%s","subject":"%s","cpu":{%s},"result":%s}\n' \
        "$1" "$2" "$3" "$4" >> "$out/results.jsonl"
}


# Subjects.

nginx_workers=2
nginx_retention=30d
# Of a worker: less than the default, since Postgres shares the cores, and what
# runs at a time only makes each query longer.
readers=2
nginx_pids=()

fresh_database() {
    local sql

    for sql in 'drop database if exists agentvista with (force)' \
               'create database agentvista template bench_template' \
               'checkpoint'
    do
        PGOPTIONS='-c client_min_messages=warning' \
            AGENTVISTA_DATABASE="$admin_database" db --command "$sql"
    done
}

prepare_database() {
    admin_database="${database% dbname=*} dbname=postgres"

    scripts/migrate "$database"
    db --command 'select agentvista.maintain_partitions(30, 3)' > /dev/null
    account=$(scripts/admin account create bench)
    key=$(scripts/admin key create bench --scopes read,write)

    AGENTVISTA_DATABASE="$admin_database" db --command \
        'alter database agentvista rename to bench_template'
    fresh_database
}

# Starts an nginx with $nginx_workers, for the database $database: nginx_pid and
# port.
start_nginx() {
    local where=$dir/nginx-${1:-1} user='' prices=''

    port=$(free_port)
    [ "$EUID" -ne 0 ] || user='user www-data;'
    ! grep -q agentvista_prices "$dir/module.so" \
        || prices="agentvista_prices $root/conf/prices.json;"
    mkdir -p "$where"

    cat > "$where/nginx.conf" << END
$user
load_module $dir/module.so;
worker_processes $nginx_workers;
worker_rlimit_nofile 4096;
pid $where/pid;
error_log $where/error.log warn;

events {
    worker_connections 1024;
}

http {
    access_log off;
    keepalive_requests 100000000;
    client_body_buffer_size 128k;
    client_body_temp_path $where/body;
    proxy_temp_path $where/proxy;
    fastcgi_temp_path $where/fastcgi;
    uwsgi_temp_path $where/uwsgi;
    scgi_temp_path $where/scgi;

    agentvista_database "$database";
    agentvista_zone 16m;
    agentvista_readers $readers;
    agentvista_retention $nginx_retention;
    $prices

    server {
        listen 127.0.0.1:$port reuseport;

        location /api/v1/ {
            agentvista;
        }

        location /v1/ {
            agentvista;
            agentvista_body_limit 17m;
        }

        location = /readyz {
            agentvista_status readyz;
        }

        location = /open {
            empty_gif;
        }

        location = /guarded {
            agentvista_access write;
            empty_gif;
        }
    }
}
END

    /usr/sbin/nginx -p "$where" -c "$where/nginx.conf" \
        -e "$where/error.log"
    nginx_pid=$(< "$where/pid")
    nginx_pids+=("$nginx_pid")

    wait_for "http://127.0.0.1:$port/readyz" "$where/error.log"
}

stop_nginx() {
    local pid

    for pid in "${nginx_pids[@]}"; do
        kill -QUIT "$pid" 2> /dev/null || :
        wait_end "$pid"
    done

    nginx_pids=()
    nginx_pid=
}

# Waits until a URL answers with a status.
wait_for() {
    local url=$1 log=$2 status=${3:-200} try

    for ((try = 0; try < 100; try++)); do
        [ "$(curl -s -o /dev/null -w '%{http_code}' "$url")" != "$status" ] \
            || return 0
        sleep 0.1
    done

    tail -n 20 "$log" >&2
    die "no answer $status from $url"
}

wait_end() {
    while kill -0 "$1" 2> /dev/null; do
        sleep 0.05
    done
}


# Tools.

# Prints the CPU seconds that the whole machine has used.
cpu_of_machine() {
    awk -v hz="$(getconf CLK_TCK)" \
        '$1 == "cpu" { print ($2 + $3 + $4 + $7 + $8) / hz }' /proc/stat
}

# Prints what a run is about: its rate, else its median latency.
rate_of() {
    local name value

    for name in spans_per_s rows_per_s requests_per_s p50_ms; do
        value=$(field "$name" "$1")
        [ -z "$value" ] || { printf '%10.1f %s' "$value" "$name"; break; }
    done
}

# Runs a tool and prints the line of JSON that it prints; keeps it with the
# CPU time that everybody used meanwhile. What a second tool of ours, which runs
# beside it, used is in the file $beside, if that is set.
run() {
    local measure=$1 subject=$2 server=${nginx_pid:-${peer_pid:-}}
    local pg pg_cpu server_cpu=0 machine others result cores wall start
    shift 2

    cores=$(nproc)
    pg=$(head -n 1 "$cluster/data/postmaster.pid")
    pg_cpu=$(cpu_of "$pg")
    [ -z "$server" ] || server_cpu=$(cpu_of "$server")
    machine=$(cpu_of_machine)
    start=$EPOCHREALTIME

    result=$("$@")

    wall=$(calc "$EPOCHREALTIME - $start")
    machine=$(calc "$(cpu_of_machine) - $machine")
    pg_cpu=$(calc "$(cpu_of "$pg") - $pg_cpu")
    [ -z "$server" ] || server_cpu=$(calc "$(cpu_of "$server") - $server_cpu")
    others=$(calc "$machine - $pg_cpu - $server_cpu - $(field cpu_s "$result")")
    [ -z "${beside:-}" ] \
        || others=$(calc "$others - $(field cpu_s "$(< "$beside")")")

    keep "$measure" "$subject" \
        "\"postgres\":$pg_cpu,\"server\":$server_cpu,\"others\":$others" \
        "$result"

    {
        printf '    %-10s %-14s %s' "$measure" "$subject" "$(rate_of "$result")"
        printf '; CPU s in %.1f s: Postgres %.2f' "$wall" "$pg_cpu"
        printf ', server %.2f, client %.2f, others %.2f\n' "$server_cpu" \
            "$(field cpu_s "$result")" "$others"
    } >&2

    if awk "BEGIN { exit !($others > 0.15 * $cores * $wall) }"; then
        warn "$measure, $subject: other processes used $others s of CPU"
    fi

    printf '%s\n' "$result"
}

# The load generator against what listens on $port.
load() {
    local result

    result=$(run "$1" "$2" "$out/load" --key "$key" "${@:3}" "127.0.0.1:$port")

    if [ "$(field errors "$result")" != 0 ] \
        || ! [[ $result =~ \"status\":\{\"20[04]\":[0-9]*\}\}$ ]] \
        || [[ $(field rejected_traces "$result") =~ [1-9] ]]
    then
        warn "$1, $2: not all was answered well: $result"
    fi

    printf '%s\n' "$result"
}

# The libpq client.
copy() {
    run "$1" "libpq $2" "$out/copy" "$2" --conninfo "$database" \
        --account "$account" "${@:3}"
}

make_decode() {
    local sources=${NGX_SRC:-}

    if [ ! -f "$sources/src/core/nginx.c" ]; then
        sources=$root/.build/nginx-source
        flock .build/lock make -s .build/nginx-source
    fi

    make -s -C t/bench decode BUILD="$out" NGX_SRC="$sources" \
        NGX_OBJS="$root/.build/dynamic/objs"
}

# The fastest COPY of a kind of rows: into the array copy_KIND. What follows the
# kind are a mode of copy and its options.
find_best_copy() {
    local -n options=copy_$1
    local conns rows result rate best=0

    [ -z "${options[*]:-}" ] || return 0

    for conns in 1 2 4 8; do
        for rows in 1000 5000; do
            fresh_database
            result=$(copy "tune-$1" "${@:2}" --connections "$conns" \
                     --rows "$rows" --duration $((quick ? 1 : 3)))
            rate=$(field spans_per_s "$result")$(field rows_per_s "$result")

            if awk "BEGIN { exit !($rate > $best) }"; then
                best=$rate
                options=(--connections "$conns" --rows "$rows")
            fi
        done
    done

    printf '    best COPY of %s: %s\n' "$1" "${options[*]}"
}
