# shellcheck shell=bash
#
# Measures of OTLP. Sourced by scripts/bench, after lib.sh.

otlp_connections=16
otlp_traces=(--otlp protobuf --traces 50 --spans 10)

# Options of the fastest COPY into each table: see find_best_copy.
# shellcheck disable=SC2034
copy_spans=() copy_logs=() copy_metric_points=()


# Rows of tables as the module writes them: into the files $out/TABLE.rows. What
# follows the tables are options of load.
sample() {
    local tables=$1 table file
    shift

    fresh_database
    start_nginx
    load "sample" module "$@" --connections 1 --rate 1 --duration 0.5 \
        > /dev/null
    stop_nginx

    for table in $tables; do
        file=$out/$table.rows
        db --command "\\copy (select * from agentvista.$table) to '$file' binary"
    done
}

# Dies unless at least so many rows are stored as were acknowledged.
check_stored() {
    local stored

    stored=$(db --command "select count(*) from agentvista.$1")
    [ "$stored" -ge "$2" ] || die "$2 $1 acknowledged, but only $stored stored"
}

# Rows per second of COPY and the module, in turn, the same rows: of a table,
# or of spans with their traces.
otlp() {
    local measure=$1 table=$2 bar=$3 round result rate copied served
    local options=("${@:4}") alone=(--sample "$2=$out/$2.rows") rows traces=
    local -n best=copy_$table

    [ "$table" != spans ] || traces=traces
    rows=(${traces:+--sample "traces=$out/traces.rows"} "${alone[@]}")

    rm -f "$out/$measure."*
    sample "$traces $table" "${options[@]}"
    find_best_copy "$table" replay "${rows[@]}"

    for ((round = 1; round <= rounds; round++)); do
        fresh_database
        field rows_per_s "$(copy "$measure" replay "${rows[@]}" \
            "${best[@]}" --duration "$seconds")" >> "$out/$measure.copy"

        if [ -n "$traces" ]; then
            fresh_database
            field rows_per_s "$(copy "$measure" replay "${alone[@]}" \
                "${best[@]}" --duration "$seconds")" >> "$out/$measure.alone"
        fi

        fresh_database
        start_nginx
        result=$(load "$measure" module "${options[@]}" --warmup "$warmup" \
                 --duration "$seconds" --connections "$otlp_connections")
        stop_nginx

        check_stored "$table" \
            "$(field spans "$result")$(field rows "$result")"
        rate=$(field spans_per_s "$result")$(field rows_per_s "$result")
        echo "$rate" >> "$out/$measure.module"
    done

    copied=$(median < "$out/$measure.copy")
    served=$(median < "$out/$measure.module")

    row "$measure, 500 a request: module / COPY" \
        "$(calc "$served / $copied")" '>=' "$bar" \
        "$(printf '%.0f / %.0f a second, p50 %.1f ms' "$served" "$copied" \
           "$(field p50_ms "$result")")"

    [ -z "$traces" ] || note_alone "$served" "$(median < "$out/$measure.alone")"
}

measure_otlp-protobuf() {
    otlp otlp-protobuf spans 0.65 "${otlp_traces[@]}"
}

measure_otlp-json() {
    otlp otlp-json spans 0.55 --otlp json --traces 50 --spans 10
}

measure_metrics() {
    otlp metrics metric_points 0.60 --otlp protobuf --signal metrics \
        --traces 20 --spans 25
}

measure_logs() {
    otlp logs logs 0.60 --otlp protobuf --signal logs --traces 50 --spans 10
}

# Only the first has a bar; the others are to know what it is made of.
measure_otlp-decode() {
    local signal records rows

    make_decode

    for signal in traces metrics logs; do
        "$out/load" --otlp protobuf --signal "$signal" --traces 50 --spans 10 \
            --dump 50 > "$out/bodies"
        rows=$("$out/decode" --duration "$seconds" --otlp protobuf \
               --signal "$signal" --prices conf/prices.json "$out/bodies")
        records=$("$out/decode" --duration "$seconds" --otlp protobuf \
                  --signal "$signal" --records "$out/bodies")
        keep otlp-decode "$signal" '' "$rows"
        keep otlp-decode "$signal to records" '' "$records"

        note "decoding protobuf $signal, MB/s of one core" \
            "$(field mb_per_s "$rows")" \
            "$(printf '%.0f rows/s; without rows %.0f MB/s' \
               "$(field rows_per_s "$rows")" "$(field mb_per_s "$records")")" \
            "$([ "$signal" != traces ] || echo '>= 400')"
    done
}

# Latencies of a location that does nothing, one after the other.
probe_quiet() {
    "$out/load" --paths "$out/paths" --connections 1 --warmup 1 \
        --duration "$seconds" "127.0.0.1:$port"
}

# The same while large bodies come, one after the other.
probe_busy() {
    local sender

    "$out/load" --key "$key" --otlp "$1" --bytes $((16 << 20)) --spans 10 \
        --connections 1 --duration "$((seconds + 2))" "127.0.0.1:$port" \
        > "$beside" &
    sender=$!
    probe_quiet
    wait "$sender"
}

# The longest stretch in which a worker answers nothing else.
measure_block() {
    local encoding round quiet busy beside

    echo /open > "$out/paths"

    for encoding in protobuf json; do
        rm -f "$out/block."*
        nginx_workers=1
        fresh_database
        start_nginx

        for ((round = 1; round <= rounds; round++)); do
            beside=
            field max_ms "$(run block quiet probe_quiet)" >> "$out/block.quiet"
            beside=$out/block.sender
            field max_ms "$(run block "$encoding" probe_busy "$encoding")" \
                >> "$out/block.busy"
            [[ $(< "$beside") =~ \"status\":\{\"200\":[0-9]*\}\}$ ]] \
                || warn "16 MiB of $encoding: $(< "$beside")"
        done

        stop_nginx
        nginx_workers=2

        quiet=$(median < "$out/block.quiet")
        busy=$(median < "$out/block.busy")

        row "16 MiB of $encoding: no answer for, ms" \
            "$(calc "$busy - $quiet")" '<=' 25 \
            "$(printf 'longest %.1f, quiet %.1f; %.1f bodies/s' "$busy" \
               "$quiet" "$(field requests_per_s "$(< "$beside")")")"
    done
}
