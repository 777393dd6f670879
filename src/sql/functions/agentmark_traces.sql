-- Traces as AgentMark sums them up (agentmark.md 3.3, 3.4), from the spans of
-- the given traces and the days those live in.
--
-- A span's tokens and cost count unless one of its ancestors reports some.
-- hidden finds the descendants of spans that report; where only leaves do, as
-- in most traces, that is nothing.  Traces may be large and chains deep, so
-- joins must be hashed, and nothing wide is read.

create or replace function agentvista.agentmark_traces(account uuid,
    traces uuid[], days date[])
returns table (trace_id uuid, id text, name text, status integer,
    message text, start_ns bigint, end_ns bigint, tokens bigint, cost numeric,
    span_count bigint)
language plpgsql stable rows 100
set enable_nestloop = off set enable_mergejoin = off as $$
begin
    return query execute $sql$
    with recursive s as materialized (
        select s.trace_id, s.span_id, s.parent_span_id as parent_id,
               agentvista.agentmark_name(s.type, s.name, s.details) as name,
               s.details ->> 'trace_name' as trace_name,
               s.details ->> 'trace_text' as trace_text,
               agentvista.agentmark_status(s.otlp_status, s.status) as status,
               s.error_message as message,
               agentvista.agentmark_ns(s.started_at, s.started_nanos)
                   as start_ns,
               coalesce(agentvista.agentmark_ns(s.ended_at, s.ended_nanos),
                        agentvista.agentmark_ns(s.started_at, s.started_nanos))
                   as end_ns,
               agentvista.agentmark_tokens(s.input_tokens, s.output_tokens,
                                           s.total_tokens) as tokens,
               s.cost_usd as cost
        from agentvista.spans s
        where s.account_id = $1 and s.home_day = any($3)
              and s.trace_id = any($2)),
    hidden (trace_id, span_id, what) as (
        select c.trace_id, c.span_id, w.what
        from s p
             join s c on c.trace_id = p.trace_id and c.parent_id = p.span_id
             cross join lateral (
                 select 'tokens' where p.tokens is not null
                 union all
                 select 'cost' where p.cost is not null) w (what)
        union
        select c.trace_id, c.span_id, h.what
        from hidden h
             join s c on c.trace_id = h.trace_id and c.parent_id = h.span_id),
    top as (
        select s.*,
               s.parent_id is null or p.span_id is null as root,
               case when t.what is null then s.tokens end as top_tokens,
               case when c.what is null then s.cost end as top_cost
        from s
             left join s p
             on p.trace_id = s.trace_id and p.span_id = s.parent_id
             left join hidden t
             on t.trace_id = s.trace_id and t.span_id = s.span_id
                and t.what = 'tokens'
             left join hidden c
             on c.trace_id = s.trace_id and c.span_id = s.span_id
                and c.what = 'cost')
    select trace_id,
           agentvista.agentmark_trace_id(trace_id, min(trace_text)),
           coalesce(
               (array_agg(trace_name order by start_ns, span_id)
                    filter (where root and trace_name <> ''))[1],
               (array_agg(name order by start_ns, span_id)
                    filter (where root))[1],
               ''),
           coalesce(max(status) filter (where parent_id is null),
                    max(status)),
           (array_agg(message order by status desc, start_ns, span_id)
                filter (where root and message is not null))[1],
           min(start_ns), max(end_ns),
           coalesce(sum(top_tokens), 0)::bigint,
           coalesce(sum(top_cost), 0),
           count(*)
    from top
    group by trace_id
    $sql$
    using account, traces, days;
end;
$$;

-- The object "data" of a trace, and of a list's element.
create or replace function agentvista.agentmark_trace_data(id text, name text,
    status integer, message text, start_ns bigint, end_ns bigint,
    tokens bigint, cost numeric)
returns text language sql stable parallel safe as $$
    select concat(
        '{"id":', to_json(id),
        ',"name":', to_json(name),
        ',"status":"', status, '"',
        ',"latency":', agentvista.agentmark_ms(end_ns - start_ns),
        ',"cost":', trim_scale(cost),
        ',"tokens":', tokens,
        ',"start":', floor(start_ns / 1000000::numeric),
        ',"end":', floor(end_ns / 1000000::numeric),
        ',"status_message":' || to_json(message),
        '}')
$$;
