# shellcheck shell=bash
#
# Measures of POST /traces/batch, of keys, of memory, and of reading one trace
# back. Sourced by scripts/bench, after lib.sh.

# Options of the fastest COPY of the rows of each: see find_best_copy.
# shellcheck disable=SC2034
copy_ingest100=() copy_ingest3=()

prepare_peer() {
    local version

    version=$(node --version 2> /dev/null || echo v0)
    version=${version#v}

    if [ "${version%%.*}" -lt 20 ] || ! command -v npm > /dev/null; then
        warn "Node.js 20 or newer and npm are needed to measure the peer"
        return 1
    fi

    mkdir -p "$out/peer"

    if ! cmp -s t/bench/peer/package-lock.json "$out/peer/package-lock.json"
    then
        step "Installing the peer's libraries"
        rm -rf "$out/peer/node_modules"
        cp t/bench/peer/package.json "$out/peer"
        (cd "$out/peer" && cp "$root/t/bench/peer/package-lock.json" . \
            && npm ci --omit=dev --no-audit --no-fund --silent) \
            || { rm -f "$out/peer/package-lock.json"; return 1; }
    fi

    cp t/bench/peer/*.js "$out/peer"
}

start_peer() {
    port=$(free_port)

    PORT=$port PGHOST=$dir/pg PGPORT=$(< "$dir/pg/port") PGUSER=agentvista \
        PGDATABASE=agentvista NODE_ENV=production \
        node "$out/peer/server.js" > "$dir/peer.log" 2>&1 &
    peer_pid=$!

    wait_for "http://127.0.0.1:$port/api/v1/traces/batch" "$dir/peer.log" 404
}

stop_peer() {
    [ -n "${peer_pid:-}" ] || return 0
    kill "$peer_pid" 2> /dev/null || :
    wait "$peer_pid" || :
    peer_pid=
}


# Spans per second of COPY, the module and the peer, in turn. COPY is of the
# rows that the module stores, spans and their traces; how fast it is with
# spans alone is told, too.
ingest() {
    local traces=$1 spans=$2 bar_copy=$3 bar_peer=$4
    local measure=ingest$(($1 * $2)) round rate
    local options=(--traces "$traces" --spans "$spans" --warmup "$warmup"
                   --duration "$seconds" --connections "$connections")
    local -n best=copy_$measure

    find_best_copy "$measure" rows --traces --spans "$spans"
    rm -f "$out/$measure."*

    for ((round = 1; round <= rounds; round++)); do

        fresh_database
        field spans_per_s "$(copy "$measure" rows "${best[@]}" --traces \
            --spans "$spans" --duration "$seconds")" >> "$out/$measure.copy"

        fresh_database
        field spans_per_s "$(copy "$measure" rows "${best[@]}" \
            --spans "$spans" --duration "$seconds")" >> "$out/$measure.alone"

        fresh_database
        start_nginx
        rate=$(field spans_per_s "$(load "$measure" module "${options[@]}")")
        stop_nginx
        echo "$rate" >> "$out/$measure.module"

        if [ -n "$peer" ]; then
            fresh_database
            start_peer
            rate=$(field spans_per_s "$(load "$measure" peer "${options[@]}")")
            stop_peer
            echo "$rate" >> "$out/$measure.peer"
        fi
    done

    local copied served
    copied=$(median < "$out/$measure.copy")
    served=$(median < "$out/$measure.module")

    row "$((traces * spans)) spans per request: module / COPY" \
        "$(calc "$served / $copied")" '>=' "$bar_copy" \
        "$(printf '%.0f / %.0f spans/s' "$served" "$copied")"
    note_alone "$served" "$(median < "$out/$measure.alone")"

    if [ -n "$peer" ]; then
        rate=$(median < "$out/$measure.peer")
        row "$((traces * spans)) spans per request: module / peer" \
            "$(calc "$served / $rate")" '>=' "$bar_peer" \
            "$(printf '%.0f / %.0f spans/s' "$served" "$rate")"
    fi
}

measure_ingest100() {
    ingest 10 10 0.70 1.5
}

measure_ingest3() {
    ingest 1 3 0.35 7
}

# Open loop at half of the closed loop's rate, for both sizes of a request.
measure_latency() {
    local shape traces spans n rate result round

    for shape in '10 10' '1 3'; do
        read -r traces spans <<< "$shape"
        n=$((traces * spans))

        if [ -s "$out/ingest$n.module" ] \
            && [[ " ${measures[*]} " == *" ingest$n "* ]]
        then
            rate=$(calc "$(median < "$out/ingest$n.module") / $n / 2")
        else
            fresh_database
            start_nginx
            rate=$(calc "$(field requests_per_s "$(load latency maximum \
                   --traces "$traces" --spans "$spans" --warmup "$warmup" \
                   --duration "$seconds")") / 2")
            stop_nginx
        fi

        for ((round = 1; round <= rounds; round++)); do
            fresh_database
            start_nginx
            result=$(load latency module --traces "$traces" --spans "$spans" \
                     --rate "$rate" --warmup "$warmup" --duration "$seconds")
            stop_nginx
            field p99_ms "$result"
        done > "$out/latency"

        row "$n spans per request: p99 at half the rate, ms" \
            "$(median < "$out/latency")" '<=' 15 \
            "$(printf 'at %.0f requests/s, p50 %.2f' "$rate" \
               "$(field p50_ms "$result")")"
    done
}

measure_single() {
    local round served committed

    rm -f "$out/single."*

    for ((round = 1; round <= rounds; round++)); do
        fresh_database
        field p50_ms "$(copy single commit --connections 1 \
            --duration "$seconds")" >> "$out/single.commit"

        start_nginx
        field p50_ms "$(load single module --connections 1 --traces 1 \
            --spans 3 --warmup 1 --duration "$seconds")" >> "$out/single.module"
        stop_nginx
    done

    served=$(median < "$out/single.module")
    committed=$(median < "$out/single.commit")

    row "one client, 3 spans: p50 / one commit" \
        "$(calc "$served / $committed")" '<=' 2.0 \
        "$(printf '%.3f / %.3f ms' "$served" "$committed")"
}

measure_decode() {
    local shape traces spans result

    make_decode

    for shape in '10 10' '1 3'; do
        read -r traces spans <<< "$shape"
        "$out/load" --traces "$traces" --spans "$spans" --dump 200 \
            > "$out/bodies"
        result=$("$out/decode" --duration "$seconds" "$out/bodies")
        keep decode "$((traces * spans)) spans" '' "$result"
        row "decoding $((traces * spans)) spans, MB/s of one core" \
            "$(field mb_per_s "$result")" '>=' 400 \
            "$(printf '%.0f spans/s' "$(field rows_per_s "$result")")"
    done
}

measure_access() {
    local round location open guarded

    rm -f "$out/access."*
    fresh_database
    start_nginx

    for ((round = 1; round <= rounds; round++)); do
        for location in open guarded; do
            echo "/$location" > "$out/paths"
            field requests_per_s "$(load access "$location" \
                --paths "$out/paths" --warmup 1 --duration "$seconds")" \
                >> "$out/access.$location"
        done
    done

    stop_nginx

    open=$(median < "$out/access.open")
    guarded=$(median < "$out/access.guarded")

    row "empty location with / without the key check" \
        "$(calc "$guarded / $open")" '>=' 0.90 \
        "$(printf '%.0f / %.0f requests/s' "$guarded" "$open")"
}

# The tables are emptied now and then: it is nginx's memory that is measured.
measure_memory() {
    local pid workers sample end loader early late

    fresh_database
    start_nginx

    load memory module --warmup 1 --duration "$memory_seconds" \
        > "$out/memory" &
    loader=$!
    end=$((SECONDS + memory_seconds))
    : > "$out/memory.rss"

    for ((sample = 0; SECONDS < end; sample++)); do
        sleep 1

        read -ra workers < "/proc/$nginx_pid/task/$nginx_pid/children" || :
        for pid in "${workers[@]}"; do
            awk -v at="$sample" '/^VmRSS/ { print at, $2 / 1024 }' \
                "/proc/$pid/status"
        done >> "$out/memory.rss"

        if [ $((sample % 20)) -eq 19 ]; then
            db --command 'truncate agentvista.spans'
            db --command 'truncate agentvista.traces'
        fi
    done

    wait "$loader"
    stop_nginx

    late=$(awk '$2 > max { max = $2 } END { print max }' "$out/memory.rss")
    keep memory rss '' "{\"max_mib\":$late}"
    row "a worker's memory under full load, MiB" "$late" '<=' 96 \
        "$(printf '%.0f spans/s' "$(field spans_per_s "$(< "$out/memory")")")"

    early=$(awk -v n="$sample" '$1 >= n / 5 && $1 < n * 2 / 5 && $2 > max {
        max = $2 } END { print max }' "$out/memory.rss")
    late=$(awk -v n="$sample" '$1 >= n * 4 / 5 && $2 > max { max = $2 }
        END { print max }' "$out/memory.rss")
    row "  at the end / after the first fifth" "$(calc "$late / $early")" \
        '<=' 1.05 "$(printf '%.1f / %.1f MiB in %d s' "$late" "$early" \
                     "$memory_seconds")"
}

measure_read() {
    local round result

    fresh_database
    step "Storing $stored spans"
    copy read fill --total "$stored" --days 7 --rows 5000 > /dev/null
    db --command 'vacuum analyze agentvista.traces, agentvista.spans' \
       --command checkpoint
    db --command "select '/api/v1/dashboard/traces/' || trace_id
                  from agentvista.traces order by random() limit 50000" \
        > "$out/paths"

    start_nginx

    for ((round = 1; round <= rounds; round++)); do
        result=$(load read module --paths "$out/paths" --warmup "$warmup" \
                 --duration "$seconds" --connections "$connections")
        field p99_ms "$result"
    done > "$out/read"

    stop_nginx

    row "GET of a trace of 10 spans: p99, ms" "$(median < "$out/read")" \
        '<=' 10 "$(printf 'of %d spans, %.0f requests/s, p50 %.2f' "$stored" \
                   "$(field requests_per_s "$result")" \
                   "$(field p50_ms "$result")")"
}
