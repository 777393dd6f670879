-- GET /v1/metrics (agentmark.md 4).  A trace belongs to the bucket in which it
-- starts.  model and name select spans, and with them the traces they are of:
-- counts, tokens and cost are of the selected spans, latency and errors of
-- their traces.  granularity: 0 hour, 1 day, 2 week.

create or replace function agentvista.agentmark_metrics(account uuid,
    start_date timestamptz, end_date timestamptz, granularity smallint,
    model text, name text)
returns text language plpgsql stable as $$
declare
    last    timestamptz := coalesce(end_date, now());
    first   timestamptz := coalesce(start_date, last - interval '7 days');
    unit    text := (array['hour', 'day', 'week'])[granularity + 1];
    answer  text;
begin
    execute format($sql$
    select string_agg(concat(
               '{"timestamp":', to_json(agentvista.iso8601(bucket)),
               ',"traceCount":', count_traces,
               ',"spanCount":', count_spans,
               ',"totalTokens":', tokens,
               ',"totalCost":', trim_scale(cost),
               ',"avgLatencyMs":', trim_scale(round(latency / 1000000, 6)),
               ',"errorRate":', trim_scale(round(errors, 6)), '}'),
               ',' order by bucket)
    from (select date_trunc($6, t.started_at, 'UTC') as bucket,
                 count(*) as count_traces,
                 sum(s.spans) as count_spans,
                 coalesce(sum(s.tokens), 0) as tokens,
                 coalesce(sum(s.cost), 0) as cost,
                 avg(greatest(t.span_end_ns - t.span_start_ns, 0)) as latency,
                 avg((t.status in (2, 3))::integer) as errors
          from agentvista.traces t %s s
          where t.account_id = $1 and t.started_at between $2 and $3
                and t.span_count > 0 and s.spans > 0
          group by bucket) b
    $sql$,
    case when model is null and name is null then $sql$
        left join agentvista.agentmark_totals($1, array(
            select u.trace_id
            from agentvista.traces u
            where u.account_id = $1 and u.started_at between $2 and $3
                  and u.span_count > 0
                  and (u.span_tokens is null or u.span_cost_usd is null))) m
        on m.trace_id = t.trace_id
        cross join lateral (
            select t.span_count as spans,
                   coalesce(t.span_tokens, m.tokens) as tokens,
                   coalesce(t.span_cost_usd, m.cost) as cost)
    $sql$ else $sql$
        cross join lateral (
            select count(*) as spans,
                   sum(agentvista.agentmark_tokens(s.input_tokens,
                           s.output_tokens, s.total_tokens)) as tokens,
                   sum(s.cost_usd) as cost
            from agentvista.spans s
            where s.account_id = $1 and s.home_day = t.home_day
                  and s.trace_id = t.trace_id
                  and agentvista.agentmark_matches(s, null, null, $5, $4, null,
                                                   null))
    $sql$ end)
    into answer
    using account, first, last, agentvista.agentmark_pattern(model),
          agentvista.agentmark_pattern(name), unit;

    return '{"metrics":[' || coalesce(answer, '') || ']}';
end;
$$;
