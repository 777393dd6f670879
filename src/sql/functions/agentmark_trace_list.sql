-- GET /v1/traces (agentmark.md 4): newest first.  What it shows of a trace,
-- and filters by, is told by the trace's spans: so traces are summed up a batch
-- at a time until the page is full.

create or replace function agentvista.agentmark_trace_list(account uuid,
    status smallint, name text, latency_gt bigint, latency_lt bigint,
    max_traces bigint, first_trace bigint)
returns text language plpgsql stable as $$
declare
    batch       bigint := max_traces;
    skip        bigint := 0;
    before      bigint := first_trace;  -- the page, and still to be found
    traces      uuid[];
    days        date[];
    last        timestamptz;
    last_id     uuid;
    matching    text[];
    page        text[] := '{}';
begin
    if status is null and name is null then
        skip := first_trace;
        before := 0;
    end if;

    while cardinality(page) < max_traces loop
        execute $sql$
        select array_agg(trace_id order by started_at desc, trace_id desc),
               array_agg(home_day order by started_at desc, trace_id desc),
               min(started_at)
        from (select t.trace_id, t.home_day, t.started_at
              from agentvista.traces t
              where t.account_id = $1 and t.span_count > 0
                    and ($2 is null
                         or (t.started_at, t.trace_id) < ($2, $3))
                    and ($4 is null or t.span_end_ns - t.span_start_ns
                                       > $4 * 1000000::numeric)
                    and ($5 is null or t.span_end_ns - t.span_start_ns
                                       < $5 * 1000000::numeric)
              order by t.started_at desc, t.trace_id desc
              limit $6 offset $7) t
        $sql$
        into traces, days, last
        using account, last, last_id, latency_gt, latency_lt, batch, skip;

        exit when traces is null;

        last_id := traces[cardinality(traces)];

        select array_agg(agentvista.agentmark_trace_data(t.id, t.name,
                   t.status, t.message, t.start_ns, t.end_ns, t.tokens,
                   t.cost) order by array_position(traces, t.trace_id))
               into matching
        from agentvista.agentmark_traces(account, traces, days) t
        where ($2 is null or t.status = $2)
              and ($3 is null
                   or t.name ilike agentvista.agentmark_pattern($3));

        if before > 0 then
            skip := least(before, coalesce(cardinality(matching), 0));
            before := before - skip;
            matching := matching[skip + 1 :];
        end if;

        page := page || matching;

        exit when cardinality(traces) < batch;

        batch := 1000;
        skip := 0;
    end loop;

    return '{"traces":[' || array_to_string(page[: max_traces], ',') || ']}';
end;
$$;
