# shellcheck shell=bash
#
# Measures of reading from a large data set: scripts/bench --reads. Sourced,
# after lib.sh. Set by scripts/bench besides: stored (how many spans), data
# (where the data set is kept).

dataset_days=30

case_names=()
declare -A case_bar case_text


# The data set.

# Tells what the data set was made by: another one is made if that has changed,
# or if the days it is about are long ago.
dataset_version() {
    cat "$root"/src/sql/migrations/*.sql "$root"/t/bench/dataset*.sql | cksum
}

dataset_is_good() {
    [ -n "$(find "$data/complete" -mtime -5 2> /dev/null)" ] \
        && [ "$(< "$data/complete")" = "$(dataset_version)" ]
}

# Fills a database with so many spans, and a tenth as many log records and
# points.
fill_dataset() {
    local spans=$1 large=$2 account day daily
    local -x AGENTVISTA_DATABASE=$database

    step "Storing $spans spans of $dataset_days days"
    scripts/migrate > /dev/null
    account=$(scripts/admin account create bench)
    daily=$((spans / 10 / dataset_days))
    db --set account="$account" --file t/bench/dataset_start.sql

    for ((day = 0; day < dataset_days; day++)); do
        date -u -d "$day days ago" +%F
    done | xargs -P "$(nproc)" -I '{}' \
        psql --no-psqlrc --quiet --dbname "$database" --set day='{}' \
            --set account="$account" --set traces="$daily" \
            --set large="$large" --set logs="$daily" \
            --set points=$((daily < 250 ? 250 : daily)) \
            --file t/bench/dataset.sql > /dev/null

    db --set account="$account" --file t/bench/dataset_end.sql
}

# Leaves the data set's Postgres running: cluster, database, small_database.
start_dataset() {
    local large=$((stored / 1000000))

    cluster=$data/pg

    if ! dataset_is_good; then
        [ ! -d "$cluster" ] || scripts/pg stop "$cluster"
        rm -rf "$data"
        mkdir -p "$data"
    fi

    scripts/pg start "$cluster"
    large_database=$(scripts/pg conninfo "$cluster")
    small_database="${large_database% dbname=*} dbname=agentvista_small"

    if [ ! -e "$data/complete" ]; then
        AGENTVISTA_DATABASE=$large_database db \
            --command 'create database agentvista_small'
        database=$small_database
        fill_dataset 100000 0
        database=$large_database
        fill_dataset "$stored" $((large > 0 ? large : 1))
        dataset_version > "$data/complete"
    fi

    for database in "$small_database" "$large_database"; do
        scripts/migrate "$database" > /dev/null
        AGENTVISTA_DATABASE=$database scripts/admin key list bench > /dev/null
    done
}

# A key of the account in a database; accounts have as many as runs have been.
new_key() {
    AGENTVISTA_DATABASE=$1 scripts/admin key create bench --scopes read,write
}

# Starts nginx for both databases: port, small_port and what load takes besides.
prepare_reads() {
    export AGENTVISTA_DATABASE

    start_dataset
    nginx_retention=$((dataset_days + 7))d

    database=$small_database
    small_key=$(new_key "$database")
    start_nginx small
    small_port=$port

    database=$large_database
    AGENTVISTA_DATABASE=$database
    key=$(new_key "$database")
    account=$(db --command "select id from agentvista.accounts
                            where name = 'bench'")
    app="X-Agentmark-App-Id: $account"
    start_nginx large

    # Both caches are warm then, and all connections made.
    db --command 'select count(*) from agentvista.spans' \
       --command 'select count(metadata) from agentvista.traces' > /dev/null
}


# Cases: paths to GET and a bar for their p99.

# case NAME BAR TEXT SQL, which gives the paths; :'account' is known there.
read_case() {
    case_names+=("$1")
    case_bar[$1]=$2
    case_text[$1]=$3
    db --set account="$account" > "$out/paths.$1" <<< "$4"
}

# True if a path is answered as it should; else adds the row that says so.
answered() {
    local name=$1 text=$2 path status

    path=$(head -n 1 "$out/paths.$name")
    status=$(curl -s -o /dev/null -w '%{http_code}' \
             -H "Authorization: Bearer $key" -H "$app" "http://127.0.0.1:$port$path")

    case $status in
        200) return 0 ;;
        404 | 405 | 501) no_row "$text" "missing ($status)" ;;
        *) failures=$((failures + 1)); no_row "$text" "FAIL: answers $status" ;;
    esac

    return 1
}

# Keeps the cases that are answered, and forgets what was measured of them.
check_cases() {
    local name good=()

    for name in "${case_names[@]}"; do
        rm -f "$out/$name."{p50,p99}*
        ! answered "$name" "${case_text[$name]}" || good+=("$name")
    done

    case_names=("${good[@]}")
}

# Measures a case once; $2 is added to the files that have the results.
read_once() {
    local result
    local options=(--header "$app" --paths "$out/paths.$1" --warmup 1
                   --duration "$seconds" --connections "$connections")

    result=$(load "$1${2:-}" module "${options[@]}")
    field p50_ms "$result" >> "$out/$1.p50${2:-}"
    field p99_ms "$result" >> "$out/$1.p99${2:-}"
    field requests_per_s "$result" > "$out/$1.rate${2:-}"
}

# The same, at half the rate of the last time: what a server that is not
# overrun is like.
read_at_half() {
    local result

    result=$(load "$1.half" module --header "$app" --paths "$out/paths.$1" \
             --rate "$(calc "$(< "$out/$1.rate") / 2")" --warmup 1 \
             --duration "$seconds" --connections "$connections")
    field p99_ms "$result" >> "$out/$1.p99.half"
}

# Adds a case's row.
case_row() {
    row "${case_text[$1]}: p99, ms" "$(median < "$out/$1.p99")" '<=' \
        "${case_bar[$1]}" \
        "$(printf 'p50 %.2f, %.0f requests/s; p99 at half of them %.2f' \
           "$(median < "$out/$1.p50")" "$(< "$out/$1.rate")" \
           "$(median < "$out/$1.p99.half")")"
}

measure_cases() {
    local round name

    check_cases

    for ((round = 1; round <= rounds; round++)); do
        for name in "${case_names[@]}"; do
            read_once "$name"
            read_at_half "$name"
        done
    done

    for name in "${case_names[@]}"; do
        case_row "$name"
    done

    case_names=()
}


# Measures.

# What is kept while writing: also against a hundredth of the data.
measure_agents() {
    local round name large_port=$port large_key=$key
    local agents="from generate_series(0, 49) n"
    local id="md5('bench-agent-' || n)::uuid"
    local other="md5('bench-agent-' || (n + 7) % 50)::uuid"

    read_case agents 5 "agents" "select '/api/v1/agents';"
    read_case agent 5 "agent detail" \
        "select '/api/v1/agents/' || $id $agents;"
    read_case stats 5 "stats of 90 days" \
        "select '/api/v1/agents/' || $id || '/stats?days=90' $agents;"
    read_case compare 5 "compare-agents" \
        "select '/api/v1/dashboard/traces/compare-agents?agent_a=' || $id
                || '&agent_b=' || $other $agents;"
    check_cases

    for ((round = 1; round <= rounds; round++)); do
        for name in "${case_names[@]}"; do
            read_once "$name"
            read_at_half "$name"
            port=$small_port key=$small_key
            read_once "$name" .small
            port=$large_port key=$large_key
        done
    done

    for name in "${case_names[@]}"; do
        case_row "$name"
        row "  p50 / of 100,000 spans" \
            "$(calc "$(median < "$out/$name.p50") \
                     / $(median < "$out/$name.p50.small")")" '<=' 1.3 \
            "$(printf 'p99 %.2f / %.2f' "$(median < "$out/$name.p99")" \
               "$(median < "$out/$name.p99.small")")"
    done

    case_names=()
}

# Ids of traces with so many spans.
traces_of() {
    printf "from (select trace_id from agentvista.traces
            where account_id = :'account' and span_count = %d
            order by random() limit 50000) t;" "$1"
}

measure_details() {
    local n mark="select '/v1/traces/' || replace(trace_id::text, '-', '')"

    for n in 10 1000; do
        read_case "trace$n" $((n == 10 ? 8 : 25)) "trace of $n spans" \
            "select '/api/v1/dashboard/traces/' || trace_id $(traces_of "$n")"
        read_case "mark$n" $((n == 10 ? 8 : 25)) "AgentMark trace of $n spans" \
            "$mark $(traces_of "$n")"
    done

    measure_cases
}

# filter NAME TEXT QUERY...: of the traces list, by some of its values; those in
# {n} are of 1 to 50.
filter() {
    read_case "list-$1" 15 "traces by $2" \
        "select '/api/v1/dashboard/traces?'
                || replace('$3', '{n}', n::text)
         from generate_series(1, 49) n;"
}

measure_lists() {
    local page=10000 list="select '/api/v1/dashboard/traces?'"
    local some="from (select * from agentvista.traces
                      where account_id = :'account'
                      order by random() limit 5000) t;"

    [ $((stored / 10 / 20)) -gt $((2 * page)) ] || page=$((stored / 10 / 40))

    read_case list-first 15 "traces, first page" \
        "select '/api/v1/dashboard/traces';"
    read_case list-far 15 "traces, page $page by cursor" \
        "$list || 'cursor=' || agentvista.cursor(started_at, trace_id)
         from (select * from agentvista.traces where account_id = :'account'
               order by started_at desc, trace_id desc
               offset $((page * 20)) limit 200) t;"

    read_case list-agent 15 "traces by agent_id" \
        "$list || 'agent_id=' || agent_id $some"
    read_case list-session 15 "traces by session_id" \
        "$list || 'session_id=' || session_id
         ${some/where/where session_id is not null and}"
    read_case list-user 15 "traces by user_id" \
        "$list || 'user_id=' || user_id
         ${some/where/where user_id is not null and}"
    read_case list-range 15 "traces by start and end, 1 h" \
        "$list || 'start=' || agentvista.iso8601(started_at) || '&end='
               || agentvista.iso8601(started_at + interval '1 hour') $some"

    filter name "agent" 'agent=bench-agent-{n}'
    filter status "status" 'status=failed'
    filter success "success" 'success=false'
    filter outcome "outcome" 'outcome=escalated'
    filter q "name" 'q=agent-{n}'
    filter model "model" 'model=gpt-4o'
    filter error "error text" 'error=in%20time'
    filter metadata "metadata, 1 in 1,000" \
        'metadata=%7B%22customer%22:%22customer-{n}%22%7D'
    filter cost "cost" 'min_cost=0.001&max_cost=0.002'
    filter duration "duration" 'min_duration_ms=5000&max_duration_ms=6000'
    filter tokens "tokens" 'min_tokens=9000&max_tokens=10000'

    # One trace in 10,000 has these.
    filter rare-outcome "rare outcome" 'outcome=chargeback'
    filter rare-q "rare name" 'q=sommelier'
    filter rare-model "rare model" 'model=o1-preview-2024-09-12'
    filter rare-error "rare error text" 'error=shard%2017'
    filter rare-metadata "rare metadata" \
        'metadata=%7B%22channel%22:%22fax%22%7D'

    measure_cases
}

measure_searches() {
    local list="select '/api/v1/dashboard/logs/search?'"

    read_case log-trace 8 "log records of a trace" \
        "$list || 'trace_id=' || trace_id
         from (select trace_id from agentvista.logs
               where account_id = :'account' and trace_id is not null
               order by random() limit 20000) l;"
    read_case log-range 15 "log records of 10 min" \
        "$list || 'start=' || agentvista.iso8601(at) || '&end='
               || agentvista.iso8601(at + interval '10 minutes')
         from (select date_trunc('second', now() - interval '1 day'
                                 * (1 + random() * 27)) as at
               from generate_series(1, 5000)) t;"
    read_case log-words 40 "log records by two words" \
        "$list || 'q=gateway%20customer-' || n
         from generate_series(1, 1000) n;"
    read_case log-common 40 "log records by two common words" \
        "$list || 'q=model%20finished';"
    read_case log-rare 40 "log records by two rare words" \
        "$list || 'q=parcel%20heidelberg';"

    read_case metric 10 "points of a series, a day" \
        "select '/api/v1/dashboard/metrics/query?name=bench.metric.' || m
                || '&labels=%7B%22bench%22:%22' || n || '%22%7D&start='
                || agentvista.iso8601(d) || '&end='
                || agentvista.iso8601(d + interval '1 day')
         from generate_series(0, 4) m, generate_series(0, 49) n,
              generate_series(date_trunc('day', now()) - interval '20 days',
                              now() - interval '2 days', '4 days') d;"

    measure_cases
}

# What the load generator has written goes; statistics of its agents too.
forget_ingested() {
    local table

    db --set account="$account" << 'END'
create temp table gone as
select id from agentvista.agents
where account_id = :'account' and name like 'support-agent-%';
select agentvista.fold_statistics() \g /dev/null
delete from agentvista.spans s using agentvista.traces t
where t.account_id = :'account' and t.agent_id in (select id from gone)
      and s.account_id = t.account_id and s.home_day = t.home_day
      and s.trace_id = t.trace_id;
delete from agentvista.traces
where account_id = :'account' and agent_id in (select id from gone);
select agentvista.fold_statistics() \g /dev/null
END

    for table in agent_days agent_outcomes; do
        db --command "delete from agentvista.$table where agent_id in
                      (select id from agentvista.agents
                       where name like 'support-agent-%')"
    done

    db --command "vacuum analyze"
}

# A case while batches come at a rate.
read_busy() {
    local writer

    "$out/load" --key "$key" --rate "$2" --warmup 0 \
        --duration "$((seconds + 2))" --connections "$connections" \
        "127.0.0.1:$port" > "$beside" &
    writer=$!
    sleep 0.5
    "$out/load" --key "$key" --paths "$out/paths.$1" --warmup 0.5 \
        --duration "$seconds" --connections "$connections" "127.0.0.1:$port"
    wait "$writer"
}

measure_mixed() {
    local round name result rate beside=

    read_case agents 5 "agents" "select '/api/v1/agents';"
    read_case list-first 15 "traces, first page" \
        "select '/api/v1/dashboard/traces';"
    read_case trace10 8 "trace of 10 spans" \
        "select '/api/v1/dashboard/traces/' || trace_id $(traces_of 10)"
    read_case log-trace 8 "log records of a trace" \
        "select '/api/v1/dashboard/logs/search?trace_id=' || trace_id
         from (select trace_id from agentvista.logs
               where account_id = :'account' and trace_id is not null
               order by random() limit 20000) l;"
    check_cases

    rate=$(calc "$(field requests_per_s "$(load mixed maximum --warmup 1 \
           --duration "$seconds" --connections "$connections")") / 2")

    for ((round = 1; round <= rounds; round++)); do
        for name in "${case_names[@]}"; do
            beside=
            read_once "$name"
            beside=$out/mixed.writer
            result=$(run mixed "$name" read_busy "$name" "$rate")
            field p99_ms "$result" >> "$out/$name.p99.busy"
            [[ $(< "$beside") =~ \"status\":\{\"200\":[0-9]*\}\}$ ]] \
                || warn "mixed, $name: $(< "$beside")"
        done
    done

    beside=
    forget_ingested

    for name in "${case_names[@]}"; do
        row "${case_text[$name]}: p99 with ingestion / quiet" \
            "$(calc "$(median < "$out/$name.p99.busy") \
                     / $(median < "$out/$name.p99")")" '<=' 3 \
            "$(printf '%.2f / %.2f ms, %.0f spans/s' \
               "$(median < "$out/$name.p99.busy")" \
               "$(median < "$out/$name.p99")" "$(calc "$rate * 100")")"
    done

    case_names=()
}

# What Postgres answers to a C program that has nothing else to do.
measure_prepared() {
    local round served bare
    # shellcheck disable=SC2016
    local sql='select * from agentvista.trace_detail($1::uuid, $2::uuid)'

    read_case trace10 8 "trace of 10 spans" \
        "select '/api/v1/dashboard/traces/' || trace_id $(traces_of 10)"
    check_cases
    [ ${#case_names[@]} -gt 0 ] || return 0
    case_names=()

    sed "s|.*/|$account\\t|" "$out/paths.trace10" > "$out/params"
    rm -f "$out/prepared."*

    for ((round = 1; round <= rounds; round++)); do
        field requests_per_s "$(copy prepared prepared --params "$out/params" \
            --sql "$sql" \
            --connections "$connections" --warmup 1 --duration "$seconds")" \
            >> "$out/prepared.bare"
        field requests_per_s "$(load prepared module \
            --paths "$out/paths.trace10" --warmup 1 --duration "$seconds" \
            --connections "$connections")" >> "$out/prepared.module"
    done

    served=$(median < "$out/prepared.module")
    bare=$(median < "$out/prepared.bare")

    row "trace detail: module / libpq client" "$(calc "$served / $bare")" \
        '>=' 0.6 "$(printf '%.0f / %.0f requests/s' "$served" "$bare")"
}

# Memory of the largest worker, MiB.
worker_rss() {
    local workers pid

    read -ra workers < "/proc/$nginx_pid/task/$nginx_pid/children" || :
    for pid in "${workers[@]}"; do
        awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$pid/status"
    done | sort -n | tail -n 1
}

# Prints JSON as the other tools do.
copy_spans_out() {
    local start=$EPOCHREALTIME cpu

    cpu=$( { TIMEFORMAT='%U %S'; time psql --no-psqlrc --quiet \
             --dbname "$database" --command "\\copy ($1) to '/dev/null'" \
             > /dev/null; } 2>&1 )
    printf '{"wall_s":%s,"cpu_s":%s}\n' \
        "$(calc "$EPOCHREALTIME - $start")" "$(calc "${cpu/ / + }")"
}

# Export of a tenth of the data set, page after page.
measure_export() {
    local first last path spans round result sampler early late
    local text="export as NDJSON"

    first=$(date -u -d '4 days ago' +%F)
    last=$(date -u -d '2 days ago' +%F)
    path="/v1/traces/export?format=jsonl&limit=2000"
    path+="&startDate=${first}T00:00:00Z&endDate=${last}T23:59:59.999Z"
    echo "$path" > "$out/paths.export"
    answered export "$text" || return 0

    rm -f "$out/export."*
    spans=$(db --command "select count(*) from agentvista.spans
            where account_id = '$account'
                  and home_day between '$first' and '$last'")

    for ((round = 1; round <= rounds; round++)); do
        calc "$spans / $(field wall_s "$(run export psql copy_spans_out \
            "select * from agentvista.spans where account_id = '$account'
             and home_day between '$first' and '$last'")")" \
            >> "$out/export.psql"

        while sleep 0.2; do worker_rss; done > "$out/export.rss" &
        sampler=$!
        result=$(load export module --header "$app" --follow "$path" \
                 --duration 3600)
        kill "$sampler"
        wait "$sampler" || :

        calc "($(field lines "$result") - $(field requests "$result")) \
              / $(field seconds "$result")" >> "$out/export.module"
    done

    row "$text: module / psql \\copy" \
        "$(calc "$(median < "$out/export.module") \
                 / $(median < "$out/export.psql")")" '>=' 0.3 \
        "$(printf '%.0f / %.0f spans/s' "$(median < "$out/export.module")" \
           "$(median < "$out/export.psql")")"

    note "  spans exported / stored" \
        "$(calc "($(field lines "$result") - $(field requests "$result")) \
                 / $spans")" "of $spans" '>= 0.99'

    read -r early late <<< "$(awk '{ n[NR] = $1 } END {
        for (i = 1; i <= NR; i++) {
            if (i <= (NR + 4) / 5) { if (n[i] > e) { e = n[i] } }
            else if (n[i] > l) { l = n[i] }
        }
        print e, l ? l : e }' "$out/export.rss")"
    row "  a worker's memory: later / in the first fifth" \
        "$(calc "$late / $early")" '<=' 1.05 \
        "$(printf '%.1f / %.1f MiB' "$late" "$early")"
}
